internal import Crypto
import FoundationEssentials

/// A server's public key as a line of `known_hosts` has it.
package struct HostKey: Sendable, Equatable, CustomStringConvertible {
    /// The line, without a marker.
    package var line: String
    /// `ssh-ed25519`
    package var algorithm: String
    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    package var fingerprint: String

    /// Reads `[@marker] hosts algorithm base64 [comment]`; nil for anything else.
    package init?(knownHostsLine text: some StringProtocol) {
        var fields = String(text).split(whereSeparator: { $0 == " " || $0 == "\t" }).map { String($0) }
        if fields.first?.hasPrefix("@") == true { fields.removeFirst() }
        guard fields.count >= 3, !fields[0].hasPrefix("#"), let data = Data(base64Encoded: fields[2]) else {
            return nil
        }
        line = fields.prefix(3).joined(separator: " ")
        algorithm = fields[1]
        let digest = Data(SHA256.hash(data: data)).base64EncodedString()
        fingerprint = "SHA256:" + digest.prefix { $0 != "=" }
    }

    /// `ED25519 key SHA256:…`
    package var description: String { "\(name.uppercased()) key \(fingerprint)" }

    /// The file that sshd keeps the key in by default.
    package var serverFile: String { "/etc/ssh/ssh_host_\(name)_key.pub" }

    private var name: String {
        switch algorithm {
        case "ssh-rsa", "rsa-sha2-256", "rsa-sha2-512": "rsa"
        case _ where algorithm.contains("ecdsa"): "ecdsa"
        case _ where algorithm.contains("ed25519"): "ed25519"
        default: algorithm
        }
    }
}

/// What a server shows that ssh does not let us connect to, for an error message.
package struct HostKeyFinding: Sendable, Equatable {
    /// As it was asked for: a name, an alias of ssh_config or an address.
    package var host: String
    package var port: Int?
    /// The only file of known keys; nil is ssh's own.
    package var knownHosts: String?
    /// What the server shows; nil when that cannot be found out.
    package var shown: HostKey?
    /// The key that we know, and `file:line`.
    package var known: HostKey?
    package var knownPlace: String?

    package init(host: String, port: Int?, knownHosts: String?) {
        self.host = host
        self.port = port
        self.knownHosts = knownHosts
    }

    /// What went wrong, and what to do: compare first, then write.
    package var unknown: (message: String, advice: String) {
        (
            "the host key of \(host) is not known: it showed \(shown?.description ?? "a key")",
            "\(comparison)\n\(addition)"
        )
    }

    package var changed: (message: String, advice: String) {
        let place = knownPlace ?? file
        return (
            "the host key of \(host) has changed: it showed \(shown?.description ?? "another key"), and \(place) has "
                + (known?.description ?? "a different one"),
            """
            Somebody may be intercepting the connection; watcher never accepts a changed key. If the server has a new key: \
            \(comparison)
            Remove the old one with `ssh-keygen -R '\(name)' -f \(file)`. \(addition)
            """
        )
    }

    private var file: String { knownHosts ?? "~/.ssh/known_hosts" }
    private var name: String { port.map { "[\(host)]:\($0)" } ?? host }

    private var comparison: String {
        let file = shown?.serverFile ?? "/etc/ssh/ssh_host_ed25519_key.pub"
        return "The network that showed the key is not trusted yet: compare the fingerprint with what "
            + "`ssh-keygen -lf \(file)` prints on \(host) itself, or with the one that its operator publishes."
    }

    private var addition: String {
        guard let shown else {
            return
                "When they are equal, add the line of `ssh-keyscan \(port.map { "-p \($0) " } ?? "")\(host)` to \(file)."
        }
        return "Only when they are equal, add this line to \(file):\n\(shown.line)"
    }
}
