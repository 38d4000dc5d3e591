import Deploy
import Reconcile
import Testing

@testable import Git

@Suite struct GitRemoteURLTests {
    @Test(
        arguments: [
            ("git@git.example.com:acme/infra.git", "ssh", "git.example.com", nil, "git", "acme/infra.git"),
            ("host:/srv/x.git", "ssh", "host", nil, nil, "/srv/x.git"),
            ("[git@host:2222]:x", "ssh", "git@host", 2222, nil, "x"),
            ("git@[::1]:x", "ssh", "::1", nil, "git", "x"),
            ("git@[host:2222]:x", "ssh", "host", 2222, "git", "x"),
            ("ssh://git@host:22/~/x", "ssh", "host", 22, "git", "~/x"),
            ("ssh://host/a%20b", "ssh", "host", nil, nil, "/a b"),
            ("ssh://[::1]:22/x", "ssh", "::1", 22, nil, "/x"),
            ("https://ada:pa%40ss@host/x.git", "https", "host", nil, "ada", "/x.git"),
            ("http://localhost:8080/x.git", "http", "localhost", 8080, nil, "/x.git"),
            ("file:///srv/x.git", "file", "", nil, nil, "/srv/x.git"),
            ("/srv/x.git", "file", "", nil, nil, "/srv/x.git"),
        ] as [(String, String, String, Int?, String?, String)])
    func `an address is read as git reads it`(
        text: String, transport: String, host: String, port: Int?, user: String?, path: String
    ) throws {
        if text.hasPrefix("[git@") {
            #expect(throws: GitError.self) { try GitRemoteURL(text) }
            return
        }
        let url = try GitRemoteURL(text)
        #expect(url.transport.rawValue == transport)
        #expect(url.host == host)
        #expect(url.port == port)
        #expect(url.user == user)
        #expect(url.path == path)
    }

    @Test(arguments: [
        "-oProxyCommand=touch:x", "ssh://-oProxyCommand=touch/x", "ssh://-l@host/x", "git@-host:x", "git@host:-x",
        "ssh://git@host/", "https:///x", "ftp://host/x", "git://host/x", "file://other/x", "relative/path", "", "x",
        "ssh://host:port/x", "ssh://host/a%0ab", "ssh://ho%20st/x", "host:", "ssh://host:0/x", "ssh://host:99999/x",
        "ssh://host/%zz", "ssh://%2doProxyCommand=x/y",
    ])
    func `an address that is none, or that a program could take for an option, is refused`(text: String) throws {
        let error = #expect(throws: GitError.self) { try GitRemoteURL(text) }
        #expect(error?.reason == .invalidConfiguration)
    }

    @Test(arguments: [
        ("https://ada:secret@host/x.git", "https://host/x.git"), ("https://token@host:8443/x", "https://host:8443/x"),
        ("git@host:acme/x.git", "host:acme/x.git"), ("ssh://git@host:22/x", "ssh://host:22/x"),
        ("ssh://git@host/~ada/x", "ssh://host/~ada/x"), ("git@[::1]:x", "[[::1]]:x"), ("/srv/x", "file:///srv/x"),
        ("https://ada:se?cret@host/x", "https://host/x"), ("https://ada:se#cret@host/x", "https://host/x"),
    ])
    func `the description has no userinfo`(text: String, expected: String) throws {
        #expect(try GitRemoteURL(text).description == expected)
    }

    @Test func `a refusal does not repeat the password`() {
        for text in [
            "https://ada:secret@host:x/y", "ftp://ada:secret@host/x", "ada:secret@host:path", "ada:secret@host/path",
            "https://ada:sec/ret-secret@host/x",
            "https://ada:se'secret@host:x/y", "https:/ada:secret@host/x", "https://ada%3Asecret@host:x/y",
            "https://host/x.git?private_token=secret", "https://ada:%zzsecret@host/x", "ssh://ada:secret@host:0/x",
        ] {
            let error = #expect(throws: GitError.self, "\(text)") { try GitRemoteURL(text) }
            #expect(error?.description.contains("secret") == false, "\(text)")
        }
    }

    @Test func `different repositories have different caches, the same one has the same`() throws {
        let texts = ["git@host:a/b", "git@host:a-b", "ada@host:a/b", "https://host/a/b", "ssh://git@host/a/b"]
        let names = try texts.map { try GitRemoteURL($0).cacheName }
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { $0.allSatisfy { $0.isLetter || $0.isNumber || "-.".contains($0) } })
        #expect(
            try GitRemoteURL("https://ada:one@host/x").cacheName == GitRemoteURL("https://ada:two@host/x").cacheName)
        #expect(try GitRemoteURL("git@host:a/b").cacheName == "host-a-b-" + names[0].suffix(16))
    }

    @Test(arguments: [
        ("https://a:b/c@host/x is gone", "https://host/x is gone"), ("'https://a:b'c@host/x'", "'https://host/x'"),
        ("'https://host/x?private_token=s'", "'https://host/x?…'"),
        ("see https://host:8443/@scope/x.", "see https://host:8443/@scope/x."),
        ("https://a@h/x?t=s, http://b:c@i/y", "https://h/x?…, http://i/y"),
        ("https://[::1]:80/x@y", "https://[::1]:80/x@y"),
    ])
    func `whatever says a URL says it without userinfo and query`(text: String, expected: String) {
        #expect(text.withoutUserinfo == expected)
    }

    @Test(arguments: [
        ("http://host/x", true), ("http://127.0.0.1:80/x", false), ("http://localhost/x", false),
        ("http://[::1]/x", false),
        ("http://127.0.0.1.example.com/x", true), ("http://127.evil.example.x/x", true), ("https://host/x", false),
        ("ssh://host/x", false),
    ])
    func `http to another machine needs consent`(text: String, isPlain: Bool) throws {
        let url = try GitRemoteURL(text)
        #expect(url.isPlainText == isPlain)
        var access = GitAccess()
        if isPlain {
            let error = #expect(throws: GitError.self) { try url.checkPrivacy(access) }
            #expect(error?.reason == .invalidConfiguration && error?.advice.contains("insecure_http") == true)
            access.allowsInsecureHTTP = true
        }
        #expect(throws: Never.self) { try url.checkPrivacy(access) }
    }

    @Test func `userinfo and control characters never reach an error`() {
        let error = GitError(
            .unexpected, "at https://a:b@c@host/x and ssh://u@h:1/\u{1b}[31m\r\nnext 'http://t@h'", advice: "http://p@h"
        )
        #expect(error.message == "at https://host/x and ssh://h:1/[31m\nnext 'http://h'")
        #expect(error.advice == "http://h")
    }
}
