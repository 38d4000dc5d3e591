import FoundationEssentials
import Glibc

/// A real sshd on a free port of 127.0.0.1 with keys of its own; it ends with its sandbox.
struct SSHServer {
    let port: Int
    /// Private keys that are let in.
    let ed25519: String
    let rsa: String
    /// A private key that is not.
    let stranger: String
    let knownHosts: String
    /// The server's own private key.
    let hostKey: String

    init(_ sandbox: Sandbox, name: String = "sshd", path: String? = nil) throws {
        let directory = "\(sandbox.path)/\(name)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        // Debian's sshd wants this directory whoever starts it.
        mkdir("/run/sshd", 0o755)
        func key(_ name: String, _ type: String) throws -> String {
            try sandbox.run("ssh-keygen", "-q", "-t", type, "-b", "2048", "-N", "", "-f", "\(directory)/\(name)")
            return "\(directory)/\(name)"
        }
        let host = try key("host", "ed25519")
        hostKey = host
        ed25519 = try key("ed25519", "ed25519")
        rsa = try key("rsa", "rsa")
        stranger = try key("stranger", "ed25519")
        let keys = try sandbox.run("cat", ed25519 + ".pub", rsa + ".pub")
        try sandbox.write(keys + "\n", to: "\(directory)/authorized_keys", mode: 0o600)
        port = try SilentServer().port
        let configuration = try sandbox.write(
            """
            Port \(port)
            ListenAddress 127.0.0.1
            HostKey \(host)
            PidFile none
            AuthorizedKeysFile \(directory)/authorized_keys
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            PermitRootLogin yes
            \(path.map { "SetEnv PATH=\($0):/usr/local/bin:/usr/bin:/bin" } ?? "")

            """, to: "\(directory)/config")
        _ = try sandbox.start(["/usr/sbin/sshd", "-D", "-e", "-f", configuration]) { $0.contains("Server listening") }
        let publicKey = try sandbox.run("cut", "-d ", "-f1,2", host + ".pub")
        knownHosts = try sandbox.write("[127.0.0.1]:\(port) \(publicKey)\n", to: "\(directory)/known_hosts")
    }

    func url(_ origin: Origin) -> String { "ssh://127.0.0.1:\(port)\(origin.path)" }
}
