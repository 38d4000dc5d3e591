import Reconcile
import Testing

@testable import Git

@Suite struct SSHCommandTests {
    private func command(
        _ url: String, key: String? = nil, knownHosts: String? = nil, environment: [String: String] = [:]
    ) throws -> SSHCommand {
        try SSHCommand(to: try GitRemoteURL(url), sshKey: key, knownHosts: knownHosts, environment: environment)
    }

    @Test func `ssh never asks and never trusts by itself`() throws {
        let arguments = try command("git@host:acme/x.git").arguments
        #expect(arguments.contains("BatchMode=yes"))
        #expect(arguments.contains("StrictHostKeyChecking=yes"))
        #expect(arguments.suffix(2) == ["git@host", "git-upload-pack 'acme/x.git'"])
    }

    @Test func `a configured key is the only one, and so is a configured known_hosts`() throws {
        let arguments = try command("ssh://host:2222/x", key: "/keys/id", knownHosts: "/etc/my known%hosts").arguments
        #expect(arguments.joined(separator: " ").contains("-i /keys/id -o IdentitiesOnly=yes"))
        #expect(arguments.contains("UserKnownHostsFile=\"/etc/my known%%hosts\""))
        #expect(arguments.contains("GlobalKnownHostsFile=/dev/null"))
        #expect(arguments.joined(separator: " ").contains("-p 2222 host"))
        let own = try command("host:x").arguments
        #expect(!own.contains { $0.contains("KnownHostsFile") })
    }

    @Test func `nothing that ssh_config says weakens the verification`() throws {
        for arguments in [try command("host:x").arguments, try command("host:x", knownHosts: "/k").arguments] {
            for option in [
                "StrictHostKeyChecking=yes", "NoHostAuthenticationForLocalhost=no", "VerifyHostKeyDNS=no",
                "UpdateHostKeys=no", "ControlPath=none",
            ] {
                #expect(arguments.contains(option), "\(option)")
            }
        }
    }

    @Test func `GIT_SSH_COMMAND and GIT_SSH are honoured as git does, and asked first how they would connect`() throws {
        let shell = try command("host:x", environment: ["GIT_SSH_COMMAND": "ssh -v", "GIT_SSH": "/bin/other"])
        #expect(shell.program == "/bin/sh")
        #expect(shell.arguments.prefix(4) == ["sh", "-c", "ssh -v \"$@\"", "ssh -v"])
        #expect(shell.inspection?.prefix(5) == ["sh", "-c", "ssh -v \"$@\"", "ssh -v", "-G"])
        #expect(shell.inspection?.last == "host")
        #expect(try command("host:x", environment: ["GIT_SSH": "/bin/other"]).program == "/bin/other")
        #expect(try command("host:x").inspection == nil)
    }

    @Test func `a program that takes no options is refused, for it cannot be told to verify host keys`() {
        let error = #expect(throws: GitError.self) {
            try command("host:x", environment: ["GIT_SSH": "plain", "GIT_SSH_VARIANT": "simple"])
        }
        #expect(error?.reason == .invalidConfiguration)
    }

    @Test(arguments: [
        ("/srv/x", "'/srv/x'"), ("it's", "'it'\\''s'"), ("a!b", "'a'\\!'b'"), ("$(id) `id`", "'$(id) `id`'"),
    ])
    func `the path is one word for the remote shell`(path: String, quoted: String) {
        #expect(SSHCommand.shellQuoted(path) == quoted)
    }

    @Test func `our structures begin with those of libgit2`() { #expect(SSHSubtransport.layoutIsCompatible) }
}
