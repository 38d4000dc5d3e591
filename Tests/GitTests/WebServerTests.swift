import Deploy
import FoundationEssentials
import Glibc
import Reconcile
import Testing

@testable import Git

/// https to `git http-backend` behind Apache, as it is set up in the field: TLS by an authority of one's own, basic
/// authentication, a proxy.
@Suite struct WebServerTests {
    let sandbox: Sandbox
    let origin: Origin
    let server: WebServer
    let tip: CommitID

    init() throws {
        sandbox = try Sandbox()
        origin = try Origin(sandbox)
        tip = try origin.commit(["a": "1"])
        server = try WebServer(sandbox)
    }

    /// The built program's child process with variables of its own.
    private func network(_ variables: String...) throws -> GitNetwork {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let program = ProcessInfo.processInfo.environment["WATCHER_BINARY"] ?? "/\(root)/.build/debug/watcher"
        let name = "child-\(UInt64.random(in: 0 ... .max))"
        let script = try sandbox.write(
            "#!/bin/sh\nunset GIT_SSL_CAINFO SSL_CERT_FILE http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY\n"
                + "exec env \(variables.joined(separator: " ")) \(program) \"$@\"\n", to: name, mode: 0o755)
        return GitNetwork(executable: script)
    }

    private func access(_ password: String = "s3cret") throws -> GitAccess {
        GitAccess(username: "ada", password: .file(try sandbox.write(password, to: "token-\(password)", mode: 0o600)))
    }

    private var trusting: String { "GIT_SSL_CAINFO=\(server.authority)" }

    @Test func `a branch is fetched with an own authority and a password, and nothing when it has not moved`()
        async throws
    {
        let network = try network(trusting)
        let repository = try origin.repository(server.url(origin), access: access(), network: network)
        #expect(try await repository.fetch().wasDownloaded)
        let before = server.requests.count
        #expect(try await !repository.fetch().wasDownloaded)
        #expect(!server.requests[before...].contains { $0.contains("git-upload-pack") })
        let next = try origin.commit(["a": String(repeating: "2", count: 100_000)])
        #expect(try await repository.fetchTip().id == next)
        try sandbox.run("git", "-C", origin.cache(server.url(origin)), "fsck", "--strict")
    }

    @Test func `without its authority, and under another name, the server is not trusted, and gets no password`()
        async throws
    {
        for (url, variables) in [
            (server.url(origin), "A=1"),
            (server.url(origin).replacing("localhost", with: "127.0.0.1"), trusting),
        ] {
            let error = try await gitError {
                try await origin.repository(url, access: access(), network: network(variables)).fetchTip()
            }
            #expect(error.reason == .hostKeyUnknown, "\(error)")
            #expect(error.message.contains("certificate"))
        }
        #expect(!server.requests.contains { $0.hasPrefix("ada ") })
    }

    @Test func `a configured authority suffices, unless others can change it`() async throws {
        var access = try access()
        access.certificateAuthority = server.authority
        let network = try network("A=1")
        #expect(try await origin.repository(server.url(origin), access: access, network: network).fetchTip().id == tip)
        access.certificateAuthority = try sandbox.write("", to: "others.pem", mode: 0o666)
        await #expect {
            try await origin.repository(server.url(origin), access: access, network: network).fetchTip()
        } throws: {
            ($0 as? any ReasonedError)?.reason == .permissions
        }
    }

    @Test func `a wrong password and none are told apart, and neither is shown`() async throws {
        let network = try network(trusting)
        let wrong = try await gitError {
            try await origin.repository(server.url(origin), access: access("wr0ng"), network: network).fetchTip()
        }
        #expect(wrong.reason == .authenticationFailed)
        #expect(!wrong.description.contains("wr0ng"))
        let none = try await gitError { try await origin.repository(server.url(origin), network: network).fetchTip() }
        #expect(none.reason == .authenticationFailed)
        #expect(none.message.contains("none are configured"))
    }

    @Test func `an HTTP proxy passes the connection on, and sees neither path nor password`() async throws {
        let proxy = try WebServer(proxy: sandbox)
        let network = try network(trusting, "https_proxy=http://127.0.0.1:\(proxy.port)", "no_proxy=")
        let repository = try origin.repository(server.url(origin), access: access(), network: network)
        #expect(try await repository.fetchTip().id == tip)
        #expect(!proxy.requests.isEmpty)
        #expect(proxy.requests.allSatisfy { $0.hasPrefix("CONNECT ") && $0.contains("localhost:\(server.port)") })
        #expect(!proxy.requests.contains { $0.contains("infra") || $0.contains("s3cret") })
    }

    @Test func `a proxy that is not there is trouble that passes`() async throws {
        let port = try SilentServer().port
        let network = try network(trusting, "https_proxy=http://127.0.0.1:\(port)", "no_proxy=")
        let error = try await gitError {
            try await origin.repository(server.url(origin), access: access(), network: network).fetchTip()
        }
        #expect(error.reason == .remoteUnreachable, "\(error)")
    }
}
