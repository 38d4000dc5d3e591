package import Compose

/// A port of the engine's host, at one address or at all of them.
package struct HostPort: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    /// Without brackets; empty for every address, of IPv4 and IPv6 alike.
    package var ip: String
    package var port: Int
    /// `tcp`, `udp` or `sctp`.
    package var proto: String

    package init(ip: String = "", port: Int, proto: String = "tcp") {
        self.ip = ip
        self.port = port
        self.proto = proto
    }

    /// `8080`, `127.0.0.1:8080`, `[::1]:53/udp`
    package var description: String {
        let host = ip.isEmpty ? "" : ip.contains(":") ? "[\(ip)]:" : "\(ip):"
        return "\(host)\(port)\(proto == "tcp" ? "" : "/\(proto)")"
    }

    /// Whether only one of both can be bound: the same port, at the same address or with one of them at all addresses.
    package func overlaps(_ other: HostPort) -> Bool {
        guard port == other.port, proto == other.proto else { return false }
        if ip == other.ip { return true }
        func spans(_ one: HostPort, _ another: HostPort) -> Bool {
            switch one.ip {
            case "": true
            case "0.0.0.0": !another.ip.contains(":")
            case "::": another.ip.contains(":")
            default: false
            }
        }
        return spans(self, other) || spans(other, self)
    }

    package static func < (one: HostPort, other: HostPort) -> Bool {
        (one.port, one.proto, one.ip) < (other.port, other.proto, other.ip)
    }
}

/// What holds a port or an address of the engine's host.
package enum PortHolder: Hashable, Sendable, Codable, CustomStringConvertible {
    /// A container of any Compose project, or of none.
    case container(ContainerID, name: String, project: String?)
    /// A process on the engine's host.
    case process(Int, name: String)

    /// `container "proxy" of project "edge"`, `process nginx (pid 812)`
    package var description: String {
        switch self {
        case .container(_, let name, let project?): "container \"\(name)\" of project \"\(project)\""
        case .container(_, let name, nil): "container \"\(name)\""
        case .process(let id, let name): "process \(name) (pid \(id))"
        }
    }
}

extension Service {
    /// The host ports that it names one by one: not those of a range, nor those that the engine chooses.
    package var hostPorts: [HostPort] {
        // Without a network of its own a container publishes nothing.
        if let networkMode, ["host", "none"].contains(networkMode) || networkMode.contains(":") { return [] }
        return ports.compactMap { port in
            let bounds = (port.published ?? "").split(separator: "-").compactMap { Int($0) }
            guard let first = bounds.first, bounds.allSatisfy({ $0 == first }), first > 0 else { return nil }
            return HostPort(ip: port.hostIP ?? "", port: first, proto: port.proto ?? "tcp")
        }
    }
}

extension Project {
    /// The host ports that its services name one by one, sorted: what to ask the engine for (`ObservationQuery.hostPorts`).
    package var hostPorts: [HostPort] {
        Set(services.values.filter { $0.replicas > 0 }.flatMap(\.hostPorts)).sorted()
    }
}
