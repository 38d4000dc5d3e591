import Compose
import Deploy
import FoundationEssentials
import Glibc
import Reconcile
import Synchronization
import Testing

@testable import Git

extension Origin {
    /// Commits a submodule: its declaration, unless that is nil, and the link to its commit.
    @discardableResult
    func commit(
        module path: String, _ url: String?, at commit: CommitID, files: [String: String?] = [:]
    ) throws -> CommitID {
        var files = files
        if let url {
            let known = FileManager.default.contents(atPath: "\(tree)/.gitmodules").map {
                String(decoding: $0, as: UTF8.self)
            }
            files[".gitmodules"] = (known ?? "") + "[submodule \"\(path)\"]\n\tpath = \(path)\n\turl = \(url)\n"
        }
        for (name, text) in files { if let text { try sandbox.write(text, to: "\(tree)/\(name)") } }
        try git("add", "--all")
        try git("update-index", "--add", "--cacheinfo", "160000,\(commit.hex),\(path)")
        try git("commit", "-q", "-m", "Add a submodule")
        try git("push", "-q", "--force", "origin", "HEAD:refs/heads/main")
        return CommitID(hex: try git("rev-parse", "HEAD"))
    }
}

extension GitRepository {
    /// Fetches, provides, stages and switches; returns the commit and what was said.
    @discardableResult
    func checkOut() async throws -> (commit: CommitID, lines: [String]) {
        let commit = try await fetchTip().id
        let lines = Mutex<[String]>([])
        try await provide(commit) { line in lines.withLock { $0.append(line) } }
        try await stageCheckout(of: commit).switchOver()
        return (commit, lines.withLock { $0 })
    }
}

@Suite struct SubmoduleTests {
    let sandbox: Sandbox
    let origin: Origin
    let library: Origin
    let first: CommitID

    init() throws {
        sandbox = try Sandbox()
        origin = try Origin(sandbox)
        library = try Origin(sandbox, name: "lib")
        first = try library.commit(["app.conf": "1", "deep/x": "1"])
    }

    private func files(_ repository: GitRepository) throws -> [String: String] {
        try contents(of: repository.checkoutPath).filter { $0.key != ".gitmodules" }
    }

    @Test func `a submodule's files are checked out, read, compared and hashed like the commit's own`() async throws {
        try origin.commit(module: "vendor/lib", "../lib.git", at: first, files: ["a": "1"])
        let repository = try origin.repository()
        let (commit, lines) = try await repository.checkOut()
        #expect(lines == ["fetching the submodule vendor/lib from \(library.fileURL)"])
        #expect(try files(repository) == ["a": "1", "vendor/lib/app.conf": "1", "vendor/lib/deep/x": "1"])
        let access = try await repository.files(of: commit)
        let root = repository.checkoutPath
        #expect(try access.read("\(root)/vendor/lib/app.conf") == Array("1".utf8))
        #expect(try access.kind("\(root)/vendor/lib") == .directory)
        #expect(try access.list("\(root)/vendor").map(\.kind) == [.directory])
        #expect(try await repository.compareCheckout(with: commit) == CheckoutDifference())
        #expect(try await repository.omissions(of: commit) == [])

        let second = try library.commit(["app.conf": "2"])
        let next = try origin.commit(module: "vendor/lib", nil, at: second)
        let before = try access.contentID("\(root)/vendor/lib/app.conf")
        let (_, more) = try await repository.checkOut()
        #expect(more.count == 1)
        #expect(try files(repository)["vendor/lib/app.conf"] == "2")
        #expect(try await repository.files(of: next).contentID("\(root)/vendor/lib/app.conf") != before)
        #expect(
            try await repository.files(of: next).contentID("\(root)/vendor/lib/deep")
                == access.contentID("\(root)/vendor/lib/deep"))
        #expect(
            try await repository.newestChanges(of: ["vendor/lib/app.conf"], after: commit, upTo: next)
                == ["vendor/lib/app.conf": next])
    }

    @Test func `what is cached needs no remote, and an untracked file in a submodule is never overwritten`()
        async throws
    {
        try origin.commit(module: "lib", library.path, at: first)
        try await origin.repository().checkOut()
        try FileManager.default.moveItem(atPath: library.path, toPath: library.path + ".gone")
        let repository = try origin.repository()
        let (commit, lines) = try await repository.checkOut()
        #expect(lines == [])
        try sandbox.write("mine", to: "\(repository.checkoutPath)/lib/mine")
        try FileManager.default.moveItem(atPath: library.path + ".gone", toPath: library.path)
        let second = try library.commit(["mine": "theirs"])
        try origin.commit(module: "lib", nil, at: second)
        let error = try await gitError { try await repository.checkOut() }
        #expect(error.message.contains("lib/mine is in the way"))
        #expect(try await repository.compareCheckout(with: commit) == CheckoutDifference())
    }

    @Test func `a lost cache of a submodule is filled again, also for a commit of long ago`() async throws {
        let old = try origin.commit(module: "lib", library.path, at: first)
        try await origin.repository().checkOut()
        let second = try library.commit(["app.conf": "2"])
        try origin.commit(module: "lib", nil, at: second)
        try await origin.repository().checkOut()
        try FileManager.default.removeItem(atPath: "\(sandbox.path)/state/git/modules")
        let repository = try origin.repository()
        try await repository.stageCheckout(of: old).switchOver()
        #expect(try files(repository)["lib/app.conf"] == "1")
    }

    @Test func `a damaged cache of a submodule is filled again`() async throws {
        let commit = try origin.commit(module: "lib", library.path, at: first)
        try await origin.repository().checkOut()
        let caches = "\(sandbox.path)/state/git/modules"
        for name in try contents(of: caches).keys where name.hasSuffix(".pack") || name.hasSuffix(".idx") {
            chmod("\(caches)/\(name)", 0o600)
            try sandbox.write("garbage", to: "\(caches)/\(name)")
        }
        let repository = try origin.repository()
        try FileManager.default.removeItem(atPath: repository.checkoutPath)
        try await repository.stageCheckout(of: commit).switchOver()
        #expect(try files(repository)["lib/app.conf"] == "1")
    }

    @Test func `submodules of submodules are fetched, relative to the one that names them`() async throws {
        let inner = try Origin(sandbox, name: "inner")
        let deepest = try inner.commit(["x": "deep"])
        let middle = try library.commit(module: "inner", "../inner.git", at: deepest)
        try origin.commit(module: "vendor/lib", "../lib.git", at: middle)
        let repository = try origin.repository()
        #expect(try await repository.checkOut().lines.count == 2)
        #expect(try files(repository)["vendor/lib/inner/x"] == "deep")
    }

    @Test func `nesting and number are bounded`() async throws {
        var commit = first
        var path = library.path
        for level in 1...6 {
            let next = try Origin(sandbox, name: "level\(level)")
            commit = try next.commit(module: "m", path, at: commit)
            path = next.path
        }
        try origin.commit(module: "m", path, at: commit)
        let deep = try await gitError { try await origin.repository().checkOut() }
        #expect(deep.reason == .invalidProject)
        #expect(deep.message.contains("nested deeper than 5 times"))

        let wide = try Origin(sandbox, name: "wide")
        for number in 1...101 {
            try wide.git("update-index", "--add", "--cacheinfo", "160000,\(first.hex),m/\(number)")
        }
        let text = (1...101).map { "[submodule \"\($0)\"]\npath = m/\($0)\nurl = ../lib.git\n" }.joined()
        try sandbox.write(text, to: "\(wide.tree)/.gitmodules")
        try wide.git("add", ".gitmodules")
        try wide.git("commit", "-q", "-m", "Many")
        try wide.git("push", "-q", "origin", "HEAD:main")
        let many = try await gitError { try await wide.repository(project: "wide").checkOut() }
        #expect(many.reason == .invalidProject)
        #expect(many.message.contains("more than 100 submodules"))
    }

    @Test func `a commit that no branch leads to is fetched by its id where the server gives it`() async throws {
        try library.git("checkout", "-q", "--orphan", "lost")
        let lost = try library.commit(["app.conf": "lost"], branch: "lost")
        try sandbox.run("git", "-C", library.path, "update-ref", "-d", "refs/heads/lost")
        try origin.commit(module: "lib", library.path, at: lost)
        let server = try HTTPServer(sandbox)
        let repository = try origin.repository("http://127.0.0.1:\(server.port)/infra.git")
        try origin.commit([".gitmodules": "[submodule \"lib\"]\npath = lib\nurl = ../lib.git\n"])
        try origin.git("update-index", "--add", "--cacheinfo", "160000,\(lost.hex),lib")
        try origin.git("commit", "-q", "--allow-empty", "-m", "Again")
        try origin.git("push", "-q", "origin", "HEAD:main")
        let error = try await gitError { try await repository.checkOut() }
        #expect(error.reason == .remoteUnreachable, "\(error)")
        #expect(error.message.contains("the submodule lib (commit \(lost.short))"))
        #expect(error.message.contains("does not have the commit \(lost.hex)"))
        try sandbox.run("git", "-C", library.path, "config", "uploadpack.allowAnySHA1InWant", "true")
        try await repository.checkOut()
        #expect(try files(repository)["lib/app.conf"] == "lost")
    }

    @Test func `a commit that is pushed later heals what was missing, without another commit`() async throws {
        let unpushed = CommitID(hex: try library.git("commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "Later"))
        try origin.commit(module: "lib", library.path, at: unpushed)
        let repository = try origin.repository()
        #expect(try await gitError { try await repository.checkOut() }.reason == .remoteUnreachable)
        try library.git("push", "-q", "origin", "\(unpushed.hex):refs/heads/later")
        try await repository.checkOut()
        #expect(try files(repository)["lib/app.conf"] == "1")
    }

    @Test func `what is no submodule, a link on the way and a link for gitmodules are refused by name`() async throws {
        func refusal(_ name: String, _ prepare: (Origin) throws -> Void) async throws -> GitError {
            let origin = try Origin(sandbox, name: name)
            try prepare(origin)
            return try await gitError { try await origin.repository(project: name).checkOut() }
        }
        let file = try await refusal("file") {
            try $0.commit(["x": "1", ".gitmodules": "[submodule \"x\"]\npath = x\nurl = ../lib.git\n"])
        }
        let link = try await refusal("link") {
            try $0.git("commit", "-q", "--allow-empty", "-m", "Start")
            symlink("real", "\($0.tree)/link")
            try $0.commit([".gitmodules": "[submodule \"x\"]\npath = link/x\nurl = ../lib.git\n", "real/x": "1"])
        }
        let gitmodules = try await refusal("gitmodules") {
            // git itself does not make such a commit from files.
            let target = try sandbox.run(["sh", "-c", "printf elsewhere | git hash-object -w --stdin"], in: $0.tree)
            let list = try sandbox.write("120000 blob \(target)\t.gitmodules\n", to: "list")
            let tree = try sandbox.run(["sh", "-c", "git mktree < \(list)"], in: $0.tree)
            let commit = try $0.git("commit-tree", tree, "-m", "A link")
            try $0.git("push", "-q", "origin", "\(commit):refs/heads/main")
        }
        let hostile = try await refusal("hostile") {
            try $0.commit(module: "x", "ext::sh -c 'touch \(sandbox.path)/pwned'", at: first)
        }
        for error in [file, link, gitmodules, hostile] {
            #expect(error.reason == .invalidProject, "\(error)")
            #expect(error.message.contains(".gitmodules"), "\(error)")
        }
        #expect(!FileManager.default.fileExists(atPath: "\(sandbox.path)/pwned"))
    }

    @Test func `a declaration whose submodule was removed is ignored`() async throws {
        try origin.commit(["a": "1", ".gitmodules": "[submodule \"x\"]\npath = gone/x\nurl = ../lib.git\n"])
        let repository = try origin.repository()
        #expect(try await repository.checkOut().lines == [])
        #expect(try await repository.omissions(of: repository.fetchTip().id) == [])
    }

    @Test func `submodules that are not wanted, not declared or left alone stay away, and that is said`() async throws {
        let commit = try origin.commit(module: "lib", library.path, at: first, files: ["a": "1"])
        let unwanted = GitRepository(
            url: try GitRemoteURL(origin.fileURL), revision: .branch("main"), stateDirectory: "\(sandbox.path)/state",
            projectDirectory: "\(sandbox.path)/state/projects/shop", modules: ModuleSettings(fetchesSubmodules: false),
            network: GitNetwork(executable: nil))
        try await unwanted.checkOut()
        #expect(try files(unwanted) == ["a": "1"])
        #expect(
            try await unwanted.omissions(of: commit)
                == ["the checkout lacks the submodules lib, because git.submodules is false"])
        try origin.commit([".gitmodules": "[submodule \"lib\"]\npath = lib\nurl = ../lib.git\nupdate = none\n"])
        let next = try origin.commit(module: "other", nil, at: first)
        try origin.git("update-index", "--add", "--cacheinfo", "160000,\(first.hex),lib")
        let repository = try origin.repository()
        try await repository.checkOut()
        #expect(try await repository.omissions(of: next)[0].contains("other"))
    }

    @Test func `a repository of this host that belongs to somebody else is not read for a commit`() async throws {
        try #require(getuid() == 0)
        try origin.commit(module: "lib", library.path, at: first)
        chown(origin.path, 12345, 12345)
        let parent = try GitRemoteURL(origin.fileURL)
        let error = #expect(throws: GitError.self) {
            try GitRemoteURL(module: "../lib.git", of: parent, project: parent, place: ".gitmodules", name: "lib")
        }
        #expect(error?.reason == .permissions)
    }
}

@Suite struct SubmoduleAccessTests {
    let sandbox: Sandbox
    let origin: Origin
    let library: Origin
    let first: CommitID

    init() throws {
        sandbox = try Sandbox()
        origin = try Origin(sandbox)
        library = try Origin(sandbox, name: "lib")
        first = try library.commit(["app.conf": "1"])
    }

    private func repository(_ url: String, _ access: GitAccess, rules: [ModuleSettings.Rule] = []) throws
        -> GitRepository
    {
        GitRepository(
            url: try GitRemoteURL(url), revision: .branch("main"), access: access,
            stateDirectory: "\(sandbox.path)/state", projectDirectory: "\(sandbox.path)/state/projects/shop",
            modules: ModuleSettings(rules: rules), network: GitNetwork(executable: nil))
    }

    private func log(_ server: HTTPServer) -> String {
        String(decoding: FileManager.default.contents(atPath: server.log) ?? Data(), as: UTF8.self)
    }

    @Test func `the project's password is used on its own server and sent to no other`() async throws {
        let server = try HTTPServer(sandbox, .basic)
        let token = try sandbox.write("s3cret\n", to: "token", mode: 0o600)
        let access = GitAccess(username: "ada", password: .file(token))
        try origin.commit(module: "lib", "../lib.git", at: first)
        let url = "http://127.0.0.1:\(server.port)/infra.git"
        try await repository(url, access).checkOut()
        #expect(FileManager.default.fileExists(atPath: "\(sandbox.path)/state/projects/shop/tree/lib/app.conf"))

        // The same machine by another name is another server.
        let other = try Sandbox()
        let catcher = try HTTPServer(other, .catching)
        let port = catcher.port
        try origin.commit([
            ".gitmodules": "[submodule \"lib\"]\npath = lib\nurl = https://127.0.0.1:\(port)/lib.git\n"
        ])
        let second = try library.commit(["app.conf": "2"])
        try origin.commit(module: "lib", nil, at: second)
        let error = try await gitError { try await repository(url, access).checkOut() }
        #expect([.remoteUnreachable, .hostKeyUnknown, .authenticationFailed].contains(error.reason), "\(error)")
        #expect(!log(catcher).contains("Authorization"))
    }

    @Test func `ssh offers the project's key to its own server, and no key at all to another`() async throws {
        let server = try SSHServer(sandbox)
        let other = try SSHServer(sandbox, name: "other")
        try sandbox.run(
            "sh", "-c",
            "cat \(server.ed25519).pub >> \(sandbox.path)/other/authorized_keys; cat \(other.knownHosts) >> \(server.knownHosts)"
        )
        let access = GitAccess(sshKey: .file(server.ed25519), knownHosts: server.knownHosts)
        try origin.commit(module: "lib", "../lib.git", at: first)
        try await repository(server.url(origin), access).checkOut()

        let second = try library.commit(["app.conf": "2"])
        try origin.git("rm", "-q", "--cached", "lib")
        try origin.commit([".gitmodules": "[submodule \"lib\"]\npath = lib\nurl = \(other.url(library))\n"])
        try origin.commit(module: "lib", nil, at: second)
        let error = try await gitError { try await repository(server.url(origin), access).checkOut() }
        #expect(error.reason == .authenticationFailed, "\(error)")
        #expect(error.advice.contains("git.submodules"))
        let rule = try ModuleSettings.Rule(
            "ssh://127.0.0.1:\(other.port)\(sandbox.path)/",
            access: GitAccess(sshKey: .file(server.ed25519)))
        try await repository(server.url(origin), access, rules: [rule]).checkOut()
    }

    @Test func `an unknown host key of a submodule's server is refused`() async throws {
        let server = try SSHServer(sandbox)
        let other = try SSHServer(sandbox, name: "other")
        try origin.commit(module: "lib", other.url(library), at: first)
        let access = GitAccess(sshKey: .file(server.ed25519), knownHosts: server.knownHosts)
        let error = try await gitError { try await repository(server.url(origin), access).checkOut() }
        #expect(error.reason == .hostKeyUnknown, "\(error)")
        #expect(error.message.contains("the submodule lib"))
    }

    @Test func `a project that may not read a repository does not get it from the cache of one that may`() async throws
    {
        let server = try HTTPServer(sandbox, .basic)
        let token = try sandbox.write("s3cret\n", to: "token", mode: 0o600)
        let url = "http://127.0.0.1:\(server.port)/"
        try origin.commit(module: "lib", "../lib.git", at: first)
        try await repository(url + "infra.git", GitAccess(username: "ada", password: .file(token))).checkOut()
        // The address of the project itself holds a password, that of the submodule does not.
        let other = try Origin(sandbox, name: "other")
        try other.commit(module: "lib", "\(url)lib.git", at: first)
        let poor = "http://ada:s3cret@127.0.0.1:\(server.port)/other.git"
        let error = try await gitError { try await repository(poor, GitAccess()).checkOut() }
        #expect(error.reason == .authenticationFailed, "\(error)")
    }
}
