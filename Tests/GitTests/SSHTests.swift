import Compose
import Deploy
import FoundationEssentials
import Glibc
import Reconcile
import Testing

@testable import Git

@Suite struct SSHTests {
    let sandbox: Sandbox
    let origin: Origin
    let server: SSHServer
    let tip: CommitID

    init() throws {
        sandbox = try Sandbox()
        origin = try Origin(sandbox)
        server = try SSHServer(sandbox)
        tip = try origin.commit(["a": "1"])
    }

    /// `SHA256:…` of a key, as ssh-keygen tells it.
    private func fingerprint(_ key: String) throws -> String {
        try String(sandbox.run("ssh-keygen", "-lf", key + ".pub").split(separator: " ")[1])
    }

    private func repository(
        key: String? = nil, knownHosts: String? = nil, url: String? = nil
    ) throws -> GitRepository {
        try origin.repository(
            url ?? server.url(origin),
            access: GitAccess(sshKey: .file(key ?? server.ed25519), knownHosts: knownHosts ?? server.knownHosts))
    }

    @Test func `a branch is fetched with an ed25519 and with an RSA key, and nothing when it has not moved`()
        async throws
    {
        #expect(try await repository().fetchTip().id == tip)
        #expect(
            try await repository(key: server.rsa).fetch()
                == FetchedTip(
                    commit: repository().fetchTip(), reference: "refs/heads/main", wasDownloaded: false))
        let second = try origin.commit(["a": "2"])
        let next = try await repository(key: server.rsa).fetch()
        #expect(next.commit.id == second)
        #expect(next.wasDownloaded)
        try sandbox.run("git", "-C", origin.cache(server.url(origin)), "fsck", "--strict")
        #expect(processes(holding: "-p \(server.port)").isEmpty)
    }

    @Test func `only the configured branch is downloaded`() async throws {
        _ = try await repository().fetchTip()
        try origin.git("checkout", "-q", "-b", "other")
        let other = try origin.commit(["b": "1"], branch: "other")
        try origin.git("checkout", "-q", "main")
        let tip = try origin.commit(["a": "2"])
        #expect(try await repository().fetchTip().id == tip)
        #expect(try await repository().commit(named: other.hex) == nil)
    }

    @Test func `a large history comes whole`() async throws {
        for number in 0..<5 {
            let noise = (0..<60_000).map { _ in String(UInt64.random(in: 0 ... .max), radix: 36) }
            try origin.commit(["noise\(number)": noise.joined(separator: "\n")])
        }
        let repository = try repository()
        let tip = try await repository.fetchTip()
        #expect(try await repository.compareCheckout(with: tip.id).changedPaths.count == 6)
    }

    @Test func `a cache that lacks what its references promise is filled again over ssh`() async throws {
        _ = try await repository().fetchTip()
        let cache = try origin.cache(server.url(origin))
        for name in try contents(of: cache).keys where name.hasSuffix(".pack") {
            chmod("\(cache)/\(name)", 0o600)
            try sandbox.write("PACK garbage", to: "\(cache)/\(name)")
        }
        #expect(try await repository().fetchTip().id == tip)
        let second = try origin.commit(["a": "2"])
        for name in try contents(of: cache).keys where name.hasSuffix(".pack") {
            chmod("\(cache)/\(name)", 0o600)
            try sandbox.write("PACK garbage", to: "\(cache)/\(name)")
        }
        #expect(try await repository().fetchTip().id == second)
        #expect(try await repository().compareCheckout(with: second).changedPaths == ["a"])
    }

    @Test func `a key that is not let in is an authentication failure in ssh's own words`() async throws {
        let error = try await gitError { try await repository(key: server.stranger).fetchTip() }
        #expect(error.reason == .authenticationFailed)
        #expect(error.message.contains("Permission denied (publickey)"))
        #expect(error.advice.contains(server.stranger))
    }

    @Test func `a host key that is not known is refused, and it is said how to make it known`() async throws {
        let empty = try sandbox.write("", to: "known_hosts")
        let error = try await gitError { try await repository(knownHosts: empty).fetchTip() }
        #expect(error.reason == .hostKeyUnknown)
        let key = try fingerprint(server.hostKey)
        #expect(error.message == "the host key of 127.0.0.1 is not known: it showed ED25519 key \(key)")
        let lines = error.advice.split(separator: "\n").map(String.init)
        #expect(lines.first?.contains("`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`") == true)
        #expect(lines.last == (try sandbox.run("cat", server.knownHosts)))
        #expect(lines.dropLast().last == "Only when they are equal, add this line to \(empty):")
        #expect(try sandbox.run("cat", empty).isEmpty, "nothing is accepted by itself")
    }

    @Test func `a host key that changed is refused`() async throws {
        let key = try sandbox.run("cut", "-d ", "-f1,2", server.stranger + ".pub")
        let other = try sandbox.write("[127.0.0.1]:\(server.port) \(key)\n", to: "known_hosts")
        let error = try await gitError { try await repository(knownHosts: other).fetchTip() }
        #expect(error.reason == .hostKeyChanged)
        #expect(error.message.contains(try "it showed ED25519 key \(fingerprint(server.hostKey))"))
        #expect(error.message.contains(try "\(other):1 has ED25519 key \(fingerprint(server.stranger))"))
        #expect(error.advice.contains("never accepts a changed key"))
        #expect(error.advice.contains("ssh-keygen -R '[127.0.0.1]:\(server.port)'"))
    }

    @Test func `a repository that is not there is told apart from a server that is not`() async throws {
        let missing = try await gitError {
            try await repository(url: "ssh://127.0.0.1:\(server.port)/nowhere.git").fetchTip()
        }
        #expect(missing.reason == .invalidConfiguration)
        #expect(missing.message.contains("'/nowhere.git' does not appear to be a git repository"))
        let closed = try SilentServer().port
        let unreachable = try await gitError { try await repository(url: "ssh://127.0.0.1:\(closed)/x").fetchTip() }
        #expect(unreachable.reason == .remoteUnreachable)
        #expect(unreachable.message.contains("Connection refused"))
        let unknown = try await gitError { try await repository(url: "git@no-such-host.invalid:x").fetchTip() }
        #expect(unknown.reason == .remoteUnreachable)
        #expect(unknown.message.contains("no-such-host.invalid"))
    }

    @Test func `a missing branch is told over ssh too`() async throws {
        let repository = try origin.repository(
            server.url(origin), .branch("mian"),
            access: GitAccess(sshKey: .file(server.ed25519), knownHosts: server.knownHosts))
        let error = try await gitError { try await repository.fetchTip() }
        #expect(error.reason == .branchMissing)
        #expect(error.advice == "Branches there: main.")
    }

    @Test func `a private key that others can read is refused before anything is sent`() async throws {
        chmod(server.ed25519, 0o640)
        let error = try await gitError { try await repository().fetchTip() }
        #expect(error.reason == .permissions)
        #expect(error.advice == "Run `chmod 600 \(server.ed25519)`.")
    }

    @Test func `GIT_SSH_COMMAND is run, and its ssh ends when the step does`() throws {
        let log = "\(sandbox.path)/command.log"
        let wrapper = try sandbox.write(
            "#!/bin/sh\necho \"$@\" >> \(log)\nexec ssh \"$@\"\n", to: "my ssh", mode: 0o755)
        var operation = try FetchOperation(
            GitNetworkRequest(
                url: server.url(origin), revisions: [.branch("main")], cache: "\(sandbox.path)/cache", seconds: 30))
        operation.environment["GIT_SSH_COMMAND"] =
            "'\(wrapper)' -i \(server.rsa) -o UserKnownHostsFile=\(server.knownHosts)"
        #expect(try operation.run().tip(of: .branch("main")).commit.id == tip)
        let line = String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self)
        #expect(line.contains("-i \(server.rsa)"))
        #expect(line.contains("StrictHostKeyChecking=yes"))
        #expect(processes(holding: wrapper).isEmpty)
    }

    @Test(arguments: [
        "ssh -o StrictHostKeyChecking=no", "ssh -o StrictHostKeyChecking=accept-new", "ssh -F CONFIG",
        "ssh -o UserKnownHostsFile=/dev/null", "true", "false",
    ])
    func `GIT_SSH_COMMAND cannot switch the verification of host keys off`(command: String) throws {
        let configuration = try sandbox.write("StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\n", to: "config")
        let empty = try sandbox.write("", to: "known_hosts")
        var operation = try FetchOperation(
            GitNetworkRequest(
                url: server.url(origin), revisions: [.branch("main")], cache: "\(sandbox.path)/cache",
                sshKey: server.ed25519, knownHosts: empty, seconds: 30))
        operation.environment["GIT_SSH_COMMAND"] = command.replacing("CONFIG", with: configuration)
        let error = #expect(throws: GitError.self) { try operation.run() }
        // What ssh_config says is overruled by our options: the key is simply not known.
        let isOverruled = command.contains("-F")
        #expect(error?.reason == (isOverruled ? .hostKeyUnknown : .invalidConfiguration), "\(error?.message ?? "")")
        #expect(isOverruled || error?.message.contains("GIT_SSH_COMMAND") == true)
    }

    @Test func `a configured known_hosts is the only one`() throws {
        let configuration = try sandbox.write("GlobalKnownHostsFile \(server.knownHosts)\n", to: "config")
        let empty = try sandbox.write("", to: "known_hosts")
        var operation = try FetchOperation(
            GitNetworkRequest(
                url: server.url(origin), revisions: [.branch("main")], cache: "\(sandbox.path)/cache",
                sshKey: server.ed25519, knownHosts: empty, seconds: 30))
        operation.environment["GIT_SSH_COMMAND"] = "ssh -F \(configuration)"
        #expect(throws: GitError.self) { try operation.run() }
        operation = try FetchOperation(
            GitNetworkRequest(
                url: server.url(origin), revisions: [.branch("main")], cache: "\(sandbox.path)/cache",
                sshKey: server.ed25519, seconds: 30))
        operation.environment["GIT_SSH_COMMAND"] = "ssh -F \(configuration)"
        #expect(try operation.run().tip(of: .branch("main")).commit.id == tip, "ssh's own files count otherwise")
    }

    @Test func `an ssh that cannot be run is said so`() throws {
        var operation = try FetchOperation(
            GitNetworkRequest(
                url: server.url(origin), revisions: [.branch("main")], cache: "\(sandbox.path)/cache", seconds: 30))
        operation.environment["GIT_SSH"] = "/nonexistent/ssh"
        let error = #expect(throws: GitError.self) { try operation.run() }
        #expect(error?.reason == .invalidConfiguration)
        #expect(error?.message.contains("/nonexistent/ssh") == true)
    }
}
