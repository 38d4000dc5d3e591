import FoundationEssentials
import Glibc
import Reconcile
import Testing

@testable import Git

@Suite struct HTTPTests {
    let sandbox: Sandbox
    let origin: Origin
    let tip: CommitID

    init() throws {
        sandbox = try Sandbox()
        origin = try Origin(sandbox)
        tip = try origin.commit(["a": "1"])
    }

    private func repository(
        _ server: HTTPServer, userinfo: String = "", path: String = "/infra.git", access: GitAccess = GitAccess()
    ) throws -> GitRepository {
        try origin.repository("http://\(userinfo)127.0.0.1:\(server.port)\(path)", access: access)
    }

    private func requests(_ server: HTTPServer) -> [String] {
        String(decoding: FileManager.default.contents(atPath: server.log) ?? Data(), as: UTF8.self)
            .split(separator: "\n").map(String.init)
    }

    @Test func `a branch is fetched, and one request is enough when it has not moved`() async throws {
        let server = try HTTPServer(sandbox)
        #expect(try await repository(server).fetchTip().id == tip)
        let first = requests(server).count
        #expect(first >= 2)
        #expect(try await !repository(server).fetch().wasDownloaded)
        #expect(requests(server).count == first + 1)
        let second = try origin.commit(["a": "2"])
        #expect(try await repository(server).fetchTip().id == second)
    }

    @Test func `user name and password come from the configuration or from the address`() async throws {
        let server = try HTTPServer(sandbox, .basic)
        let file = try sandbox.write("s3cret\n", to: "token", mode: 0o600)
        let access = GitAccess(username: "ada", password: .file(file))
        #expect(try await repository(server, access: access).fetchTip().id == tip)
        #expect(try await repository(server, userinfo: "ada:s3cret@").fetchTip().id == tip)
        #expect(
            try await repository(server, userinfo: "ada@", access: GitAccess(password: .file(file))).fetchTip().id
                == tip)
    }

    @Test func `a wrong password and a missing one are told apart, and none is shown`() async throws {
        let server = try HTTPServer(sandbox, .basic)
        let wrong = try await gitError { try await repository(server, userinfo: "ada:wr0ng@").fetchTip() }
        #expect(wrong.reason == .authenticationFailed)
        #expect(wrong.message.contains("refuses the user name and password"))
        #expect(!wrong.description.contains("wr0ng"))
        let none = try await gitError { try await repository(server).fetchTip() }
        #expect(none.reason == .authenticationFailed)
        #expect(none.message.contains("none are configured"))
    }

    @Test func `a password file that others can read, or that holds no password, is refused`() async throws {
        let server = try HTTPServer(sandbox, .basic)
        let open = try sandbox.write("s3cret", to: "open", mode: 0o604)
        let readable = try await gitError {
            try await repository(server, access: GitAccess(password: .file(open))).fetchTip()
        }
        #expect(readable.reason == .permissions)
        let empty = try sandbox.write("\n", to: "empty", mode: 0o600)
        for path in [empty, "\(sandbox.path)/missing", sandbox.path] {
            let error = try await gitError {
                try await repository(server, access: GitAccess(password: .file(path))).fetchTip()
            }
            #expect(error.reason == .invalidConfiguration, "\(error)")
        }
        #expect(requests(server).isEmpty)
    }

    @Test func `a repository that is not there is an error of the configuration`() async throws {
        let server = try HTTPServer(sandbox)
        let error = try await gitError { try await repository(server, path: "/nowhere.git").fetchTip() }
        #expect(error.reason == .invalidConfiguration, "\(error)")
        #expect(error.message.contains("http://127.0.0.1:\(server.port)/nowhere.git"))
    }

    @Test func `credentials do not follow a redirect to another host`() async throws {
        let server = try HTTPServer(sandbox)
        let redirecting = try HTTPServer(sandbox, .redirect, redirectTo: "http://localhost:\(server.port)")
        #expect(try await repository(redirecting).fetchTip().id == tip)
        let before = requests(server).count
        let error = try await gitError { try await repository(redirecting, userinfo: "ada:s3cret@").fetchTip() }
        #expect(error.reason == .invalidConfiguration, "\(error)")
        #expect(requests(server).count == before)
    }

    @Test func `credentials do not follow a redirect to another port`() async throws {
        let server = try HTTPServer(sandbox)
        let redirecting = try HTTPServer(sandbox, .redirect, redirectTo: "http://127.0.0.1:\(server.port)")
        let before = requests(server).count
        let error = try await gitError { try await repository(redirecting, userinfo: "ada:s3cret@").fetchTip() }
        #expect(error.reason == .invalidConfiguration, "\(error)")
        #expect(error.message.contains("sends us elsewhere: to http://127.0.0.1:\(server.port)"), "\(error)")
        #expect(requests(server).count == before)
    }

    @Test func `credentials and everything else stay encrypted, whatever a redirect asks for`() async throws {
        let server = try HTTPServer(sandbox)
        let redirecting = try HTTPServer(sandbox, .redirectTLS, redirectTo: "http://127.0.0.1:\(server.port)")
        for userinfo in ["", "ada:s3cret@"] {
            var operation = try FetchOperation(
                GitNetworkRequest(
                    url: "https://\(userinfo)localhost:\(redirecting.port)/infra.git", revisions: [.branch("main")],
                    cache: "\(sandbox.path)/cache", seconds: 30))
            operation.environment["GIT_SSL_CAINFO"] = redirecting.certificate
            let error = #expect(throws: GitError.self) { try operation.run() }
            #expect(error?.reason == .invalidConfiguration, "\(error?.message ?? "")")
        }
        #expect(requests(server).isEmpty)
    }

    @Test func `http to another machine is refused before anything is sent`() async throws {
        let error = try await gitError { try await origin.repository("http://git.example.invalid/x").fetchTip() }
        #expect(error.reason == .invalidConfiguration && error.message.contains("is not encrypted"))
    }

    @Test func `a certificate must be trusted and for the host, also where http redirects to`() async throws {
        let server = try HTTPServer(sandbox, .tls)
        func operation(_ host: String, trusting file: String?, from url: String? = nil) throws -> FetchOperation {
            var operation = try FetchOperation(
                GitNetworkRequest(
                    url: url ?? "https://\(host):\(server.port)/infra.git", revisions: [.branch("main")],
                    cache: "\(sandbox.path)/cache-\(host)", seconds: 30))
            operation.environment["GIT_SSL_CAINFO"] = file
            return operation
        }
        let untrusted = #expect(throws: GitError.self) { try operation("localhost", trusting: nil).run() }
        #expect(untrusted?.reason == .hostKeyUnknown)
        #expect(untrusted?.message.contains("certificate of localhost") == true)
        #expect(
            try operation("localhost", trusting: server.certificate).run().tip(of: .branch("main")).commit.id == tip)
        let other = #expect(throws: GitError.self) { try operation("127.0.0.1", trusting: server.certificate).run() }
        #expect(other?.reason == .hostKeyUnknown)
        for (host, isTrusted) in [("localhost", true), ("127.0.0.1", false)] {
            let redirecting = try HTTPServer(sandbox, .redirect, redirectTo: "https://\(host):\(server.port)")
            let redirected = try operation(
                host, trusting: server.certificate, from: "http://127.0.0.1:\(redirecting.port)/infra.git")
            if isTrusted {
                #expect(try redirected.run().tip(of: .branch("main")).commit.id == tip)
            } else {
                #expect(throws: GitError.self) { try redirected.run() }
            }
        }
    }
}
