import YAML

/// A port in short syntax, `[[host IP:]published:]target[/protocol]`, where both ports may be ranges.
struct PortSpecification {
    private struct Range {
        var first: Int
        var last: Int
        var count: Int { last - first + 1 }

        init?(_ text: some StringProtocol) {
            let bounds = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
            let numbers = bounds.compactMap { Self.port($0) }
            guard numbers.count == bounds.count, let first = numbers.first, let last = numbers.last, first <= last
            else { return nil }
            (self.first, self.last) = (first, last)
        }

        private static func port(_ text: some StringProtocol) -> Int? {
            guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text),
                number <= 65_535
            else { return nil }
            return number
        }
    }

    private var hostIP: String?
    private var published: Range?
    private var target: Range
    private var transport: String

    init(parsing text: String, at path: ModelPath, location: SourceLocation) throws(ComposeError) {
        func failure(_ message: String) -> ComposeError {
            path.error(.schema, at: location, "invalid port \"\(text)\": \(message)")
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let containerParts = (parts.last ?? "").split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let container = containerParts.first, !container.isEmpty else { throw failure("no container port") }
        transport = containerParts.count > 1 && !containerParts[1].isEmpty ? containerParts[1].lowercased() : "tcp"
        guard ["tcp", "udp", "sctp"].contains(transport) else {
            throw failure("unknown protocol \"\(transport)\"; known are tcp, udp, sctp")
        }
        guard let target = Range(container) else {
            throw failure("\"\(container)\" is not a port from 0 to 65535 or a range of ports")
        }
        if target.first == 0 { throw failure("the container port must not be 0") }
        self.target = target
        guard parts.count > 1 else { return }
        let host = parts[parts.count - 2]
        if !host.isEmpty {
            guard let range = Range(host) else {
                throw failure("\"\(host)\" is not a port from 0 to 65535 or a range of ports")
            }
            published = range
            if range.count != target.count && target.count != 1 {
                throw failure("the ranges of host and container ports differ in length")
            }
        }
        var address = parts.dropLast(2).joined(separator: ":")
        if address.hasPrefix("[") && address.hasSuffix("]") { address = String(address.dropFirst().dropLast()) }
        if !address.isEmpty {
            guard IPAddress.isValid(address) else { throw failure("\"\(address)\" is not an IP address") }
            hostIP = address
        }
    }

    /// How many ports the long syntax has.
    var count: Int { target.count }

    /// The long syntax, one mapping a container port, ordered as text as docker compose orders them.
    func nodes(at location: SourceLocation) -> [YAMLNode] {
        func text(_ text: String) -> YAMLNode { .string(text, at: location) }
        let texts = (0..<target.count).map { (offset: $0, text: "\(target.first + $0)/") }
        let ordered = texts.sorted { $0.text.utf8.lexicographicallyPrecedes($1.text.utf8) }
        return ordered.map { offset, _ in
            var entries: [(String, YAMLNode)] = [("mode", text("ingress"))]
            if let hostIP { entries.append(("host_ip", text(hostIP))) }
            entries.append(("target", .int(target.first + offset, at: location)))
            if let published {
                let isChoice = target.count == 1 && published.count > 1
                let port = isChoice ? "\(published.first)-\(published.last)" : "\(published.first + offset)"
                entries.append(("published", text(port)))
            }
            entries.append(("protocol", text(transport)))
            return .mapping(entries, at: location)
        }
    }
}
