import FoundationEssentials
import Glibc
import Reconcile
import Testing

@testable import Git

/// What OpenSSH brings, with a real sshd: every type of key, agents, certificates of hosts and users, revoked keys, hashed
/// names, hosts on the way.
@Suite struct SSHTransportTests {
    let sandbox: Sandbox
    let origin: Origin
    let tip: CommitID
    let host: String
    let user: String
    let login: String

    init() throws {
        sandbox = try Sandbox()
        origin = try Origin(sandbox)
        tip = try origin.commit(["a": "1"])
        host = try sandbox.sshKey("host", "-t", "ed25519")
        user = try sandbox.sshKey("user", "-t", "ed25519")
        login = try sandbox.run("id", "-un")
    }

    private func daemon(_ settings: String = "") throws -> SSHDaemon {
        try SSHDaemon(sandbox, hostKey: host, authorized: [sandbox.publicKey(user)], settings)
    }

    private func fetch(
        _ daemon: SSHDaemon, key: String? = nil, knownHosts: String, _ variables: [String: String] = [:],
        url: String? = nil
    ) throws -> CommitID {
        var request = GitNetworkRequest(
            url: url ?? daemon.url(origin), revisions: [.branch("main")],
            cache: "\(sandbox.path)/cache-\(UInt64.random(in: 0 ... .max))", seconds: 60)
        request.sshKey = key
        request.knownHosts = knownHosts.isEmpty ? nil : knownHosts
        var operation = try FetchOperation(request)
        operation.environment.merge(["SSH_AUTH_SOCK": ""]) { $1 }
        operation.environment.merge(variables) { $1 }
        return try operation.run().tip(of: .branch("main")).commit.id
    }

    private func failure(_ body: () throws -> CommitID) -> GitError? {
        do { _ = try body() } catch { return error as? GitError }
        return nil
    }

    // MARK: - Types of keys

    @Test(arguments: [
        ["-t", "rsa", "-b", "3072"], ["-t", "ecdsa", "-b", "256"], ["-t", "ecdsa", "-b", "521"], ["-t", "ed25519"],
    ])
    func `every type of host key is verified`(type: [String]) throws {
        let key = "\(sandbox.path)/hostkey"
        try sandbox.run(["ssh-keygen", "-q", "-N", "", "-f", key] + type)
        let other = try sandbox.sshKey("other", "-t", "ed25519")
        let daemon = try SSHDaemon(sandbox, hostKey: key, authorized: [sandbox.publicKey(user)])
        let known = try sandbox.knownHosts("\(daemon.name) \(sandbox.publicKey(key))")
        #expect(try fetch(daemon, key: user, knownHosts: known) == tip)
        let wrong = try sandbox.knownHosts("\(daemon.name) \(sandbox.publicKey(other))")
        let error = failure { try fetch(daemon, key: user, knownHosts: wrong) }
        #expect(error?.reason == .hostKeyChanged || error?.reason == .hostKeyUnknown, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        ["-t", "rsa", "-b", "3072"], ["-t", "rsa", "-b", "2048", "-m", "PEM"], ["-t", "ecdsa", "-b", "256"],
        ["-t", "ecdsa", "-b", "384"], ["-t", "ed25519"],
    ])
    func `every type of user key is let in, RSA with SHA-2`(type: [String]) throws {
        let key = "\(sandbox.path)/key"
        try sandbox.run(["ssh-keygen", "-q", "-N", "", "-f", key] + type)
        let daemon = try SSHDaemon(
            sandbox, hostKey: host, authorized: [sandbox.publicKey(key)],
            "PubkeyAcceptedAlgorithms rsa-sha2-512,rsa-sha2-256,ecdsa-sha2-*,ssh-ed25519")
        let known = try sandbox.knownHosts("\(daemon.name) \(sandbox.publicKey(host))")
        #expect(try fetch(daemon, key: key, knownHosts: known) == tip)
        #expect(failure { try fetch(daemon, key: user, knownHosts: known) }?.reason == .authenticationFailed)
    }

    @Test func `a key that only an agent holds is used`() throws {
        let daemon = try daemon()
        let known = try sandbox.knownHosts("\(daemon.name) \(sandbox.publicKey(host))")
        let socket = "\(sandbox.path)/agent"
        _ = try sandbox.start(["ssh-agent", "-D", "-a", socket]) { $0.hasPrefix("SSH_AUTH_SOCK=") }
        #expect(
            failure { try fetch(daemon, knownHosts: known, ["SSH_AUTH_SOCK": socket]) }?.reason == .authenticationFailed
        )
        try sandbox.run("env", "SSH_AUTH_SOCK=\(socket)", "ssh-add", "-q", user)
        try FileManager.default.removeItem(atPath: user)
        #expect(try fetch(daemon, knownHosts: known, ["SSH_AUTH_SOCK": socket]) == tip)
    }

    // MARK: - known_hosts

    @Test func `hashed names are found, and a hashed name with another key is refused`() throws {
        let daemon = try daemon()
        let known = try sandbox.knownHosts("\(daemon.name) \(sandbox.publicKey(host))")
        try sandbox.run("ssh-keygen", "-q", "-H", "-f", known)
        #expect(try sandbox.run("cat", known).hasPrefix("|1|"))
        #expect(try fetch(daemon, key: user, knownHosts: known) == tip)
        let wrong = try sandbox.knownHosts("\(daemon.name) \(sandbox.publicKey(user))")
        try sandbox.run("ssh-keygen", "-q", "-H", "-f", wrong)
        #expect(failure { try fetch(daemon, key: user, knownHosts: wrong) }?.reason == .hostKeyChanged)
    }

    @Test func `a revoked host key is refused, also where it is known`() throws {
        let daemon = try daemon()
        let key = try sandbox.publicKey(host)
        let known = try sandbox.knownHosts("\(daemon.name) \(key)", "@revoked * \(key)")
        let error = failure { try fetch(daemon, key: user, knownHosts: known) }
        #expect(error?.reason == .hostKeyChanged)
        #expect(error?.message.contains("revoked") == true, "\(error?.message ?? "")")
    }

    // MARK: - Certificates

    private func certified(_ options: String...) throws -> (SSHDaemon, known: String, authority: String) {
        let authority = try sandbox.sshKey("authority", "-t", "ed25519")
        try sandbox.run(
            ["ssh-keygen", "-q", "-s", authority, "-I", "test", "-h"] + options + [host + ".pub"])
        let daemon = try daemon("HostCertificate \(host)-cert.pub")
        let known = try sandbox.knownHosts("@cert-authority \(daemon.name) \(sandbox.publicKey(authority))")
        return (daemon, known, authority)
    }

    @Test func `a host is known by the authority that signed its key`() throws {
        let (daemon, known, authority) = try certified("-n", "127.0.0.1", "-V", "+1d")
        #expect(try fetch(daemon, key: user, knownHosts: known) == tip)
        let other = try sandbox.knownHosts("@cert-authority \(daemon.name) \(sandbox.publicKey(user))")
        #expect(failure { try fetch(daemon, key: user, knownHosts: other) }?.reason == .hostKeyUnknown)
        let revoked = try sandbox.knownHosts(
            "@cert-authority \(daemon.name) \(sandbox.publicKey(authority))",
            "@revoked * \(sandbox.publicKey(authority))")
        let error = failure { try fetch(daemon, key: user, knownHosts: revoked) }
        #expect(error?.reason == .hostKeyChanged || error?.reason == .hostKeyUnknown, "\(error?.message ?? "")")
    }

    @Test func `a host certificate for another name is refused`() throws {
        let (daemon, known, _) = try certified("-n", "git.example.com", "-V", "+1d")
        #expect(failure { try fetch(daemon, key: user, knownHosts: known) }?.reason == .hostKeyUnknown)
    }

    @Test func `a host certificate that has expired is refused`() throws {
        let (daemon, known, _) = try certified("-n", "127.0.0.1", "-V", "20200101:20200102")
        #expect(failure { try fetch(daemon, key: user, knownHosts: known) }?.reason == .hostKeyUnknown)
    }

    @Test func `a user is let in by a certificate, and not by one that has expired`() throws {
        let authority = try sandbox.sshKey("authority", "-t", "ecdsa")
        let daemon = try SSHDaemon(sandbox, hostKey: host, "TrustedUserCAKeys \(authority).pub")
        let known = try sandbox.knownHosts("\(daemon.name) \(sandbox.publicKey(host))")
        #expect(failure { try fetch(daemon, key: user, knownHosts: known) }?.reason == .authenticationFailed)
        try sandbox.signSSHKey(user, by: authority, "-n", login, "-V", "20200101:20200102")
        #expect(failure { try fetch(daemon, key: user, knownHosts: known) }?.reason == .authenticationFailed)
        try sandbox.signSSHKey(user, by: authority, "-n", login, "-V", "+1d")
        #expect(try fetch(daemon, key: user, knownHosts: known) == tip)
    }

    // MARK: - ssh_config

    @Test func `a host behind another is reached by ProxyJump, and both are verified`() throws {
        let other = try sandbox.sshKey("jump", "-t", "ed25519")
        let jump = try SSHDaemon(sandbox, hostKey: other, authorized: [sandbox.publicKey(user)])
        let target = try daemon()
        func reach(_ known: String) throws -> CommitID {
            let configuration = try sandbox.write(
                """
                Host jump
                  HostName 127.0.0.1
                  Port \(jump.port)
                Host target
                  HostName 127.0.0.1
                  Port \(target.port)
                  ProxyJump jump
                Host *
                  IdentityFile \(user)
                  UserKnownHostsFile \(known)
                  GlobalKnownHostsFile /dev/null

                """, to: "ssh_config", mode: 0o600)
            return try fetch(
                target, knownHosts: "", ["GIT_SSH_COMMAND": "ssh -F \(configuration)"],
                url: "ssh://target\(origin.path)")
        }
        let targetLine = "\(target.name) \(try sandbox.publicKey(host))"
        let jumpLine = "\(jump.name) \(try sandbox.publicKey(other))"
        #expect(try reach(try sandbox.knownHosts(targetLine, jumpLine)) == tip)
        for known in [try sandbox.knownHosts(targetLine), try sandbox.knownHosts(jumpLine)] {
            let error = failure { try reach(known) }
            #expect(error?.reason == .hostKeyUnknown, "\(error?.message ?? "")")
        }
    }
}
