import Deploy
import Reconcile

/// Where an engine listens, and how to speak with it.
package struct EngineEndpoint: Sendable, Equatable, CustomStringConvertible {
    /// Files in PEM format for an engine that listens with TLS.
    package struct TLSMaterial: Sendable, Equatable {
        /// The authority that signed the engine's certificate; nil trusts the system's.
        package var authority: String?
        /// watcher's own certificate and its key.
        package var certificate: String?
        package var key: String?

        package init(authority: String? = nil, certificate: String? = nil, key: String? = nil) {
            self.authority = authority
            self.certificate = certificate
            self.key = key
        }
    }

    /// What ssh needs beyond its own configuration.
    package struct SSHAccess: Sendable, Equatable {
        /// The private key; nil leaves it to ssh.
        package var key: String?
        /// The file of known host keys; nil leaves it to ssh.
        package var knownHosts: String?

        package init(key: String? = nil, knownHosts: String? = nil) {
            self.key = key
            self.knownHosts = knownHosts
        }
    }

    enum Address: Sendable, Equatable {
        case unix(path: String)
        case tcp(host: String, port: Int)
        case ssh(SSHDestination)
    }

    var address: Address
    var tls: TLSMaterial?
    var ssh: SSHAccess
    /// As it was written.
    package var description: String

    /// Whether everything that is sent is encrypted by TLS.
    package var usesTLS: Bool { tls != nil }

    /// Docker's own default.
    package static let `default` = "unix:///var/run/docker.sock"

    /// Reads `unix:///path`, `tcp://host[:port]` (2375, with TLS 2376, when no port is given) or
    /// `ssh://[user@]host[:port][/path/of/docker.sock]`.
    ///
    /// Throws `EngineError` with reason `invalid-configuration` for everything else.
    package init(_ text: String, tls: TLSMaterial? = nil, ssh: SSHAccess = SSHAccess()) throws {
        func invalid(_ why: String) -> EngineError {
            EngineError(
                .invalidConfiguration, operation: "use the engine at \(text.withoutUserinfo)", detail: why,
                advice: "Write unix:///path/to/docker.sock, tcp://host:port or ssh://user@host.")
        }
        guard let mark = text.firstRange(of: "://") else { throw invalid("it has no scheme") }
        let rest = String(text[mark.upperBound...])
        switch text[..<mark.lowerBound] {
        case "unix":
            guard rest.hasPrefix("/") else { throw invalid("the socket's path must be absolute") }
            // sun_path holds 108 bytes with the closing zero.
            guard rest.utf8.count < 108 else { throw invalid("the socket's path is longer than 107 bytes") }
            guard tls == nil else { throw invalid("a unix socket has no TLS") }
            address = .unix(path: rest)
        case "tcp":
            guard let address = Self.tcp(rest, defaultPort: tls == nil ? 2375 : 2376) else {
                throw invalid("it is not host:port")
            }
            self.address = address
        case "ssh":
            guard let destination = SSHDestination(rest) else { throw invalid("it is not user@host:port") }
            guard tls == nil else { throw invalid("ssh has no TLS") }
            address = .ssh(destination)
        default: throw invalid("its scheme is unknown")
        }
        if let tls, (tls.certificate == nil) != (tls.key == nil) {
            throw invalid("TLS needs both cert and key, or neither")
        }
        self.tls = tls
        self.ssh = ssh
        description = text
    }

    private static func tcp(_ text: String, defaultPort: Int) -> Address? {
        let rest = text.hasSuffix("/") ? text.dropLast() : text[...]
        guard !rest.isEmpty, !rest.contains(where: { "/@?# ".contains($0) }) else { return nil }
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { return nil }
            let host = String(rest[...end])
            let tail = rest[rest.index(after: end)...]
            if tail.isEmpty { return .tcp(host: host, port: defaultPort) }
            return tail.hasPrefix(":") ? port(tail.dropFirst()).map { .tcp(host: host, port: $0) } : nil
        }
        let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
        guard !parts[0].isEmpty else { return nil }
        switch parts.count {
        case 1: return .tcp(host: String(parts[0]), port: defaultPort)
        case 2: return port(parts[1]).map { .tcp(host: String(parts[0]), port: $0) }
        default: return nil
        }
    }

    private static func port(_ text: Substring) -> Int? {
        guard let port = Int(text), (1...65535).contains(port) else { return nil }
        return port
    }

    /// What comes before the path in a request's URL; for ssh, `tunnel` is the socket that leads there.
    func urlPrefix(tunnel: String? = nil) -> String {
        switch address {
        case .unix(let path): "http+unix://\(path.percentEncoded())"
        case .tcp(let host, let port): "\(tls == nil ? "http" : "https")://\(host):\(port)"
        case .ssh: "http+unix://\((tunnel ?? "").percentEncoded())"
        }
    }

    /// Whether requests go to a socket, which has no host that could be named.
    var isSocket: Bool {
        if case .tcp = address { return false }
        return true
    }
}

extension StringProtocol {
    /// Everything but RFC 3986's unreserved characters, and those in `keeping`, percent-encoded.
    func percentEncoded(keeping: String = "") -> String {
        let kept = Set("-._~\(keeping)".utf8)
        var result: [UInt8] = []
        for byte in utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: result.append(byte)
            case _ where kept.contains(byte): result.append(byte)
            default:
                let digits = Array("0123456789ABCDEF".utf8)
                result += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
