import Reconcile
import Testing

@testable import Git

@Suite struct GitModulesTests {
    private func modules(_ text: String) throws -> [GitModules.Module] {
        try GitModules(Array(text.utf8), place: ".gitmodules").modules
    }

    @Test func `the syntax of Git's configuration is read as git reads it`() throws {
        let text = """
            \u{feff}; a comment
            [submodule "a \\"quoted\\" name"] path = lib/a # where
            \turl = "https://example.com/a b.git" ; what
            [SubModule "b"]
            path = lib/\\
            b
            URL = ../b.git\r
            branch = main
            [other]
            key
            """
        #expect(
            try modules(text) == [
                .init(
                    name: "a \"quoted\" name", path: TreePath("lib/a"), url: "https://example.com/a b.git",
                    isLeftAlone: false),
                .init(name: "b", path: TreePath("lib/b"), url: "../b.git", isLeftAlone: false),
            ])
        #expect(try modules("[submodule \"x\"]\npath = x\nurl = y\nupdate = none\n")[0].isLeftAlone)
        #expect(try modules("") == [])
        #expect(try modules("[submodule \"x\"]\nurl = y\n") == [])
    }

    @Test(arguments: [
        "path = x", "[submodule \"x\"", "[submodule \"x]\npath = x", "[submodule \"x\"]\npath = \"x", "[]\n",
        "[submodule \"x\"]\n1path = x", "[submodule \"x\"]\npath = \\q", "[submodule \"x\"]\npath x",
    ])
    func `what is not in that syntax is refused with its line`(text: String) throws {
        let error = #expect(throws: GitError.self) { try modules(text) }
        #expect(error?.reason == .invalidProject)
        #expect(error?.message.contains(": line ") == true)
    }

    @Test(arguments: [
        ("..", "x", "u"), ("a/../../hooks", "x", "u"), ("a\\\\..\\\\b", "x", "u"), ("", "x", "u"),
        ("x", "../x", "u"), ("x", "/etc", "u"), ("x", "a//b", "u"), ("x", "a/./b", "u"), ("x", "a/.git/hooks", "u"),
        ("x", ".GIT", "u"), ("x", "-x", "u"), ("x", "\"a\\nb\"", "u"), ("x", "\"\"", "u"), ("x", "a/", "u"),
        ("x", "x", "-u./payload"), ("x", "x", "--upload-pack=touch /tmp/x"), ("x", "x", "\"a\\nb\""),
        ("x", "x", "\"\""),
    ])
    func `hostile names, paths and addresses are refused by the submodule's name`(
        name: String, path: String, url: String
    ) throws {
        let error = #expect(throws: GitError.self) {
            try modules("[submodule \"\(name)\"]\npath = \(path)\nurl = \(url)\n")
        }
        #expect(error?.reason == .invalidProject, "\(name) \(path) \(url)")
        #expect(error?.message.hasPrefix(".gitmodules: the submodule \"") == true, "\(String(describing: error))")
    }

    @Test func `a key or path that is given twice and a command are refused`() throws {
        for text in [
            "[submodule \"x\"]\npath = x\npath = y\nurl = u\n",
            "[submodule \"x\"]\nurl = a\n[submodule \"x\"]\nurl = b\n",
            "[submodule \"x\"]\npath = p\nurl = u\n[submodule \"y\"]\npath = p\nurl = u\n",
            "[submodule \"x\"]\npath = p\nurl = u\nupdate = !touch /tmp/x\n", "[submodule \"x\"]\npath = p\n",
        ] {
            #expect(throws: GitError.self, "\(text)") { try modules(text) }
        }
    }

    @Test(arguments: [
        ("https://example.com/acme/shop.git", "../lib.git", "https://example.com/acme/lib.git"),
        ("https://example.com/acme/shop.git/", "../../other/lib", "https://example.com/other/lib"),
        ("https://example.com:8443/a/b", "./x", "https://example.com:8443/a/b/x"),
        ("git@example.com:acme/shop.git", "../lib.git", "example.com:acme/lib.git"),
        ("git@example.com:shop.git", "../lib.git", "example.com:lib.git"),
        ("git@example.com:/srv/shop.git", "../lib.git", "ssh://example.com/srv/lib.git"),
        ("ssh://git@example.com:2222/srv/shop.git", "../../opt/lib.git", "ssh://example.com:2222/opt/lib.git"),
        ("git@[::1]:acme/shop.git", "../lib.git", "[[::1]]:acme/lib.git"),
        ("file:///srv/git/shop.git", "../lib.git", "file:///srv/git/lib.git"),
        ("/srv/git/shop.git", "../lib.git", "file:///srv/git/lib.git"),
        ("https://example.com/acme/shop.git", "git@other.example.com:x/y.git", "other.example.com:x/y.git"),
    ])
    func `a relative address is resolved against the repository's as git does`(
        parent: String, url: String, expected: String
    ) throws {
        let parent = try GitRemoteURL(parent)
        let module = try GitRemoteURL(module: url, of: parent, project: parent, place: ".gitmodules", name: "x")
        #expect(module.description == expected)
        #expect(parent.user == nil || !url.hasPrefix(".") || module.user == parent.user)
    }

    @Test(arguments: [
        ("https://example.com/shop.git", "../../lib.git"), ("https://example.com/shop.git", ".."),
        ("https://example.com/shop.git", "/srv/git/secret.git"), ("https://example.com/shop.git", "file:///srv/x.git"),
        ("https://example.com/shop.git", "http://example.com/x.git"), ("https://example.com/shop.git", "ext::sh -c id"),
        ("https://example.com/shop.git", "ssh://-oProxyCommand=id/x"), ("https://example.com/shop.git", "git@a;id:x"),
        ("https://example.com/shop.git", "ssh://$(id)/x"), ("https://example.com/shop.git", "git://example.com/x"),
        ("https://example.com/shop.git", "ssh://%2doProxyCommand=id/x"), ("https://example.com/shop.git", "lib.git"),
        ("https://example.com/shop.git", "ssh://a%20b/x"), ("https://example.com/shop.git", "ssh://u`id`@host/x"),
        ("file:///srv/shop.git", "file:///srv/../etc/x.git"), ("http://example.com/shop.git", "http://other/x.git"),
    ])
    func `an address that leads to this host, to no host or to a command is refused`(
        parent: String, url: String
    ) throws {
        let parent = try GitRemoteURL(parent)
        let error = #expect(throws: GitError.self) {
            try GitRemoteURL(module: url, of: parent, project: parent, place: ".gitmodules", name: "x")
        }
        #expect(error?.reason == .invalidProject, "\(url)")
    }

    @Test func `the project's credentials go to its own server, and others where the configuration says`() throws {
        let project = ModuleRemote(
            ofProject: try GitRemoteURL("https://git.example.com/acme/shop.git"),
            GitAccess(knownHosts: "/known", username: "ada", password: .file("/token")))
        let other = GitAccess(username: "eve", password: .file("/other"))
        let settings = ModuleSettings(rules: [
            try .init("https://other.example.com/lib", access: other),
            try .init("https://git.example.com/private/", access: GitAccess()),
            try .init("git@whole.example.com:", access: other), try .init("https://whole.example.com", access: other),
        ])
        func access(_ url: String) throws -> (String?, Bool) {
            let remote = ModuleRemote(try GitRemoteURL(url), project: project, settings: settings)
            #expect(remote.access.knownHosts == "/known")
            return (remote.access.username, remote.isAnonymous)
        }
        #expect(try access("https://GIT.example.com:443/x.git") == ("ada", false))
        #expect(try access("https://git.example.com/private/x.git") == (nil, false))
        #expect(try access("https://other.example.com/lib/x.git") == ("eve", false))
        #expect(try access("https://other.example.com/lib.git") == ("eve", false))
        #expect(try access("ssh://git@whole.example.com/a/b.git") == ("eve", false))
        #expect(try access("https://whole.example.com/%61.git") == ("eve", false))
        for url in [
            "https://git.example.com:8443/x.git", "http://git.example.com/x.git", "ssh://git.example.com/x.git",
            "https://example.com/x.git", "https://git.example.com.evil.example/x.git",
            "https://other.example.com/library.git", "https://other.example.com/lib/../x.git",
        ] {
            #expect(try access(url) == (nil, true), "\(url)")
        }
    }

    @Test func `a cache belongs to one repository as seen with one set of credentials`() throws {
        let url = try GitRemoteURL("https://git.example.com/acme/lib.git")
        let names = [GitAccess(), GitAccess(username: "ada"), GitAccess(password: .file("/a"))].map {
            ModuleRemote(ofProject: url, $0).cache(in: "/state").path
        }
        #expect(Set(names).count == 3)
        #expect(names.allSatisfy { $0.hasPrefix("/state/git/modules/git.example.com-acme-lib.git-") })
    }
}
