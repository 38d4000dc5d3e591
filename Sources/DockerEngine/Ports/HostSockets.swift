import FoundationEssentials
import Glibc
import Reconcile

/// What processes listen on, in the network of an engine on this machine, as far as /proc tells.
///
/// Where something cannot be read, nothing is said: a port that is wrongly called taken would keep a project from being
/// deployed.
struct HostSockets {
    /// A process that listens.
    struct Owner: Equatable {
        var process: Int
        var name: String
        /// The id of the container it runs in, if it does.
        var container: String?
    }

    /// What the engine itself listens with for its containers.
    static let enginesOwn: Set = [
        "dockerd", "docker-proxy", "podman", "conmon", "netavark", "rootlessport", "rootlesskit", "slirp4netns",
        "pasta", "pasta.avx2",
    ]

    /// Whose network it is.
    private let engine: Int

    /// - Parameter socket: the engine's; nil is returned when no engine of this machine listens there itself.
    init?(ofEngineAt socket: String) {
        guard let peer = Self.listener(of: socket) else { return nil }
        switch Self.name(of: peer) {
        case "dockerd", "podman": engine = peer
        case "systemd", "init":
            // It opened the socket and hands connections on: to an engine in its own network, or to who knows whom.
            let network = Self.link("/proc/\(peer)/ns/net")
            let found = Self.processes().first { process in
                ["dockerd", "podman"].contains(Self.name(of: process))
                    && network != nil && Self.link("/proc/\(process)/ns/net") == network
            }
            guard let found else { return nil }
            engine = found
        default: return nil
        }
    }

    /// Which processes, none of the engine's own, listen on these ports.
    func owners(of ports: [HostPort]) -> [HostPort: Owner] {
        var listening: [(socket: Socket, wanted: HostPort)] = []
        for table in ["tcp", "tcp6", "udp", "udp6"] {
            guard let text = Self.text(of: "/proc/\(engine)/net/\(table)") else { continue }
            for socket in Socket.listening(text, table) {
                for port in ports where port.normalised.overlaps(socket.port) { listening.append((socket, port)) }
            }
        }
        guard !listening.isEmpty else { return [:] }
        let owners = Self.owners(of: Set(listening.map(\.socket.inode)))
        var result: [HostPort: Owner] = [:]
        for (socket, port) in listening where result[port] == nil { result[port] = owners[socket.inode] }
        return result
    }

    /// The first process that has each socket open; what forked from it has, too.
    private static func owners(of inodes: Set<Int>) -> [Int: Owner] {
        let links = Dictionary(uniqueKeysWithValues: inodes.map { ("socket:[\($0)]", $0) })
        var result: [Int: Owner] = [:]
        var seen: Set<Int> = []
        for process in processes() {
            let directory = "/proc/\(process)/fd"
            for file in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
                guard let inode = link("\(directory)/\(file)").flatMap({ links[$0] }), seen.insert(inode).inserted
                else { continue }
                guard let name = name(of: process), !enginesOwn.contains(name) else { continue }
                result[inode] = Owner(process: process, name: name, container: container(of: process))
            }
            if seen.count == inodes.count { break }
        }
        return result
    }

    /// Who listens on the socket, as the kernel tells whoever connects; nil when it is not of this machine's processes.
    private static func listener(of path: String) -> Int? {
        let flags = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let socket = Glibc.socket(AF_UNIX, flags, 0)
        guard socket >= 0 else { return nil }
        defer { close(socket) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let connected = withUnsafeBytes(of: &address) { bytes in
            connect(socket, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
        guard connected == 0 else { return nil }
        // `struct ucred` and SO_PEERCRED, which Glibc shows to GNU programs only.
        var credentials: (process: Int32, user: UInt32, group: UInt32) = (0, 0, 0)
        var size = socklen_t(MemoryLayout.size(ofValue: credentials))
        let peerCredentials: Int32 = 17
        guard getsockopt(socket, SOL_SOCKET, peerCredentials, &credentials, &size) == 0, credentials.process > 0
        else { return nil }
        return Int(credentials.process)
    }

    // MARK: /proc

    private static func processes() -> [Int] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { Int($0) }.sorted()
    }

    private static func name(of process: Int) -> String? {
        guard let text = text(of: "/proc/\(process)/comm") else { return nil }
        let name = text.strippingControlCharacters().filter { !$0.isNewline }
        return name.isEmpty ? nil : name
    }

    /// By its control group, which every engine names for the container.
    private static func container(of process: Int) -> String? {
        text(of: "/proc/\(process)/cgroup")?.firstMatch(of: /[0-9a-f]{64}/).map { String($0.0) }
    }

    private static func text(of path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func link(_ path: String) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: path)
    }
}

extension HostSockets {
    /// A line of /proc/net/tcp and its like.
    struct Socket: Equatable {
        var port: HostPort
        var inode: Int

        /// Those of a table that keep others from binding: TCP sockets that listen, UDP sockets without a peer.
        static func listening(_ table: String, _ name: String) -> [Socket] {
            let proto = name.hasPrefix("udp") ? "udp" : "tcp"
            return table.split(separator: "\n").dropFirst().compactMap { line in
                let fields = line.split(separator: " ", omittingEmptySubsequences: true)
                guard fields.count > 9, fields[3] == (proto == "udp" ? "07" : "0A"), let inode = Int(fields[9]),
                    let colon = fields[1].firstIndex(of: ":"),
                    let port = Int(fields[1][fields[1].index(after: colon)...], radix: 16),
                    let ip = address(fields[1][..<colon])
                else { return nil }
                return Socket(port: HostPort(ip: ip, port: port, proto: proto), inode: inode)
            }
        }

        /// The kernel writes addresses as words of its own byte order. `::` may accept IPv4, too, and then does hold it.
        private static func address(_ hex: Substring) -> String? {
            let digits = Array(hex.utf8)
            guard digits.count == 8 || digits.count == 32 else { return nil }
            var bytes: [UInt8] = []
            for word in stride(from: 0, to: digits.count, by: 8) {
                guard let value = UInt32(String(decoding: digits[word..<word + 8], as: UTF8.self), radix: 16)
                else { return nil }
                withUnsafeBytes(of: value) { bytes += $0 }
            }
            let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
            if bytes.starts(with: mapped) { bytes.removeFirst(mapped.count) }
            let text = IPAddressText.text(bytes)
            return text == "::" ? "" : text
        }
    }
}

extension HostPort {
    /// With its address as the kernel writes it, so that they can be compared.
    var normalised: HostPort {
        guard let bytes = IPAddressText.bytes(ip), let text = IPAddressText.text(bytes) else { return self }
        return HostPort(ip: text, port: port, proto: proto)
    }
}

/// Addresses and the one way the C library writes them.
enum IPAddressText {
    static func bytes(_ text: String) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &buffer) == 1 { return Array(buffer.prefix(4)) }
        return inet_pton(AF_INET6, text, &buffer) == 1 ? buffer : nil
    }

    static func text(_ bytes: [UInt8]) -> String? {
        var buffer = [CChar](repeating: 0, count: 64)
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        guard inet_ntop(family, bytes, &buffer, socklen_t(buffer.count)) != nil else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
