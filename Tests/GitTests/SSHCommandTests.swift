import Testing

@testable import Git

@Suite struct SSHCommandTests {
    private func command(
        _ url: String, key: String? = nil, knownHosts: String? = nil, environment: [String: String] = [:]
    ) throws -> SSHCommand {
        SSHCommand(to: try GitRemoteURL(url), sshKey: key, knownHosts: knownHosts, environment: environment)
    }

    @Test func `ssh never asks and never trusts by itself`() throws {
        let arguments = try command("git@host:acme/x.git").arguments
        #expect(arguments.contains("BatchMode=yes"))
        #expect(arguments.contains("StrictHostKeyChecking=yes"))
        #expect(arguments.suffix(2) == ["git@host", "git-upload-pack 'acme/x.git'"])
    }

    @Test func `a configured key is the only one, a configured known_hosts the only one of the user`() throws {
        let arguments = try command("ssh://host:2222/x", key: "/keys/id", knownHosts: "/etc/my known%hosts").arguments
        #expect(arguments.joined(separator: " ").contains("-i /keys/id -o IdentitiesOnly=yes"))
        #expect(arguments.contains("UserKnownHostsFile=\"/etc/my known%%hosts\""))
        #expect(arguments.joined(separator: " ").contains("-p 2222 host"))
    }

    @Test func `GIT_SSH_COMMAND and GIT_SSH are honoured as git does`() throws {
        let shell = try command("host:x", environment: ["GIT_SSH_COMMAND": "ssh -v", "GIT_SSH": "/bin/other"])
        #expect(shell.program == "/bin/sh")
        #expect(shell.arguments.prefix(4) == ["sh", "-c", "ssh -v \"$@\"", "ssh -v"])
        #expect(try command("host:x", environment: ["GIT_SSH": "/bin/other"]).program == "/bin/other")
        let simple = try command(
            "host:x", key: "/k", environment: ["GIT_SSH": "plain", "GIT_SSH_VARIANT": "simple"])
        #expect(simple.arguments == ["plain", "host", "git-upload-pack 'x'"])
    }

    @Test(arguments: [
        ("/srv/x", "'/srv/x'"), ("it's", "'it'\\''s'"), ("a!b", "'a'\\!'b'"), ("$(id) `id`", "'$(id) `id`'"),
    ])
    func `the path is one word for the remote shell`(path: String, quoted: String) {
        #expect(SSHCommand.shellQuoted(path) == quoted)
    }

    @Test func `our structures begin with those of libgit2`() { #expect(SSHSubtransport.layoutIsCompatible) }
}
