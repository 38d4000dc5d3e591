import FoundationEssentials
import Glibc

/// A real sshd on a free port of 127.0.0.1 whose keys and settings a test chooses; it ends with its sandbox.
struct SSHDaemon {
    let port: Int
    /// The name under which known_hosts lists it.
    var name: String { "[127.0.0.1]:\(port)" }

    /// - Parameter authorized: The public keys that are let in, as lines of `authorized_keys`.
    init(_ sandbox: Sandbox, hostKey: String, authorized: [String] = [], _ settings: String...) throws {
        mkdir("/run/sshd", 0o755)
        port = try SilentServer().port
        let directory = "\(sandbox.path)/daemon-\(port)"
        try sandbox.write(authorized.joined(separator: "\n") + "\n", to: "\(directory)/authorized_keys", mode: 0o600)
        let configuration = try sandbox.write(
            """
            Port \(port)
            ListenAddress 127.0.0.1
            HostKey \(hostKey)
            PidFile none
            AuthorizedKeysFile \(directory)/authorized_keys
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            PermitRootLogin yes
            \(settings.joined(separator: "\n"))

            """, to: "\(directory)/config")
        _ = try sandbox.start(["/usr/sbin/sshd", "-D", "-e", "-f", configuration]) { $0.contains("Server listening") }
    }

    func url(_ origin: Origin) -> String { "ssh://127.0.0.1:\(port)\(origin.path)" }
}

extension Sandbox {
    /// Makes a key pair without a passphrase; returns the private key's path.
    func sshKey(_ name: String, _ options: String...) throws -> String {
        try run(["ssh-keygen", "-q", "-N", "", "-f", "\(path)/\(name)"] + options)
        return "\(path)/\(name)"
    }

    /// Type and digits of a public key.
    func publicKey(_ key: String) throws -> String { try run("cut", "-d ", "-f1,2", key + ".pub") }

    /// A known_hosts file with these lines.
    func knownHosts(_ lines: String...) throws -> String {
        try write(lines.joined(separator: "\n") + "\n", to: "known_hosts-\(UInt64.random(in: 0 ... .max))", mode: 0o600)
    }

    /// Signs a public key with an authority's: for a host when the options say `-h`. The certificate lies beside the key.
    func signSSHKey(_ key: String, by authority: String, _ options: String...) throws {
        try run(["ssh-keygen", "-q", "-s", authority, "-I", "test"] + options + [key + ".pub"])
    }
}
