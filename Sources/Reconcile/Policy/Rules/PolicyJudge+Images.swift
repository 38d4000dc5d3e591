import Compose

// Where images come from, how old they are, and what is published.

extension PolicyJudge {
    mutating func judgeImages(of service: Service) {
        guard policy.judgesImages, service.provider == nil else { return }
        let path = "services.\(service.name)"
        if isBuilt(service) {
            let place = service.build == nil ? "image" : "build"
            if !policy.allowsBuilds {
                deny("\(path).\(place)", "is built, and what it is built from is not judged", "builds")
            }
            // A policy that asks for it first pulls what could be built.
            if service.image != nil, service.effectivePullPolicy.map({ $0 != .build && $0 != .never }) ?? false,
                service.pullPolicy != nil
            {
                judgeReference(service.imageName(in: project), of: service, "\(path).image")
            }
        } else {
            judgeReference(service.imageName(in: project), of: service, "\(path).image")
        }
        for (index, mount) in service.volumes.enumerated() where mount.kind == .image {
            if let source = mount.source { judgeReference(source, of: nil, "\(path).volumes[\(index)]") }
        }
    }

    /// The service's image is built, for it or for another service of the project.
    private func isBuilt(_ service: Service) -> Bool {
        let image = service.imageName(in: project)
        return service.build != nil
            || project.services.values.contains { $0.build != nil && $0.imageName(in: project) == image }
    }

    private mutating func judgeReference(_ text: String, of service: Service?, _ place: String) {
        // The engine looks for an id before it looks for a name; it says the content as a digest does.
        let digits = text.hasPrefix("sha256:") ? text.dropFirst("sha256:".count) : text[...]
        let isID = digits.count == 64 && digits.allSatisfy(\.isHexDigit)
        let reference = isID ? nil : ImageReference(text)
        if let allowed = policy.registries, !allowed.contains(where: { reference?.isBelow(registry: $0) ?? false }) {
            deny(place, "\(text) is an image of \(reference?.registry ?? "no registry")", "registries")
        }
        if policy.pinned, let reference, reference.digest == nil {
            deny(place, "\(text) is not named by digest", "pinned")
        }
        judgeAge(of: text, service, place)
    }

    private mutating func judgeAge(of reference: String, _ service: Service?, _ place: String) {
        guard let least = policy.minimumImageAge, let images = facts.images else { return }
        let pinned = service.flatMap { facts.pinnedImages[$0.name] }
        guard let image = pinned.flatMap({ images[$0] }) ?? images[reference] else { return }
        guard let created = image.createdAt else {
            return deny(place, "\(reference) does not say when it was made", "minimum_image_age")
        }
        let age = Duration.milliseconds(facts.now - created)
        guard age < least else { return }
        deny(place, "\(reference) was made \(age.inWords) ago, and \(least.inWords) is the least", "minimum_image_age")
    }
}

extension ImageReference {
    /// `registry.example.com`, or `registry.example.com/team` for what is below that path. Docker Hub has several names.
    fileprivate func isBelow(registry rule: String) -> Bool {
        let parts = rule.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: true).map(String.init)
        guard let host = parts.first?.lowercased() else { return false }
        let isHub = ["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"].contains(host)
        let own = registry.lowercased()
        let isOnHub = own == "docker.io" || own == "registry-1.docker.io" || own == "registry.hub.docker.com"
        guard isHub ? isOnHub : own == host else { return false }
        guard parts.count == 2 else { return true }
        let directory = parts[1].hasSuffix("/") ? String(parts[1].dropLast()) : parts[1]
        return repository == directory || repository.hasPrefix(directory + "/")
    }
}

extension Duration {
    /// `3d`, `5h`, `12m`, `40s`: in its largest unit, rounded down.
    fileprivate var inWords: String {
        let seconds = max(0, components.seconds)
        return switch seconds {
        case ..<60: "\(seconds)s"
        case ..<3600: "\(seconds / 60)m"
        case ..<172_800: "\(seconds / 3600)h"
        default: "\(seconds / 86_400)d"
        }
    }
}

// MARK: - Ports

/// Which host addresses and ports may be published: `127.0.0.1:*`, `*:443`, `[::1]:8000-8100`, `8080/udp`.
package struct PortRule: Sendable, Equatable {
    /// Lower-case, without brackets; nil is every address.
    package var ip: String?
    /// nil is every port, the ones that the engine chooses included.
    package var ports: ClosedRange<Int>?
    /// nil is every protocol.
    package var proto: String?

    /// nil when the text is no rule.
    package init?(_ text: String) {
        var rest = text[...]
        if let slash = rest.lastIndex(of: "/") {
            proto = rest[rest.index(after: slash)...].lowercased()
            guard ["tcp", "udp", "sctp"].contains(proto) else { return nil }
            rest = rest[..<slash]
        }
        var port = rest
        if let colon = rest.lastIndex(of: ":") {
            port = rest[rest.index(after: colon)...]
            guard let address = Self.address(rest[..<colon]) else { return nil }
            ip = address == "*" ? nil : address
        }
        if port == "*" { return }
        let bounds = port.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) ?? -1 }
        guard (1...2).contains(bounds.count), let first = bounds.first, let last = bounds.last,
            bounds.allSatisfy({ (1...65535).contains($0) }), first <= last
        else { return nil }
        ports = first...last
    }

    private static func address(_ text: Substring) -> String? {
        var text = text
        if text.hasPrefix("[") || text.hasSuffix("]") {
            guard text.hasPrefix("["), text.hasSuffix("]") else { return nil }
            text = text.dropFirst().dropLast()
            guard text.contains(":") else { return nil }
        }
        if text == "*" { return "*" }
        let isIPv4 =
            text.split(separator: ".", omittingEmptySubsequences: false).count == 4
            && text.split(separator: ".").allSatisfy { UInt8($0) != nil }
        let isIPv6 = text.contains(":") && text.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
        return isIPv4 || isIPv6 ? text.lowercased() : nil
    }

    /// - Parameter published: nil for a port that the engine chooses.
    fileprivate func allows(ip address: String, _ published: Int?, _ proto: String) -> Bool {
        if let own = self.proto, own != proto { return false }
        if let ip, ip != address { return false }
        guard let ports else { return true }
        return published.map(ports.contains) ?? false
    }
}

extension PolicyJudge {
    mutating func judgePorts(of service: Service) {
        guard let rules = policy.ports else { return }
        let path = "services.\(service.name)"
        for (key, mode) in [("network_mode", service.networkMode), ("net", service.net)] {
            guard let mode, Self.foreignNamespace(mode) != nil else { continue }
            deny("\(path).\(key)", "opens ports in a network that is not the project's", "ports")
        }
        for (index, port) in service.ports.enumerated() {
            guard let denied = Self.denied(port, rules) else { continue }
            deny("\(path).ports[\(index)]", "publishes \(denied)", "ports")
        }
    }

    /// The first port that no rule allows, for a message.
    private static func denied(_ port: Port, _ rules: [PortRule]) -> String? {
        var ip = (port.hostIP ?? "").lowercased()
        if ip.hasPrefix("["), ip.hasSuffix("]") { ip = String(ip.dropFirst().dropLast()) }
        let proto = port.proto?.lowercased() ?? "tcp"
        let bounds = (port.published ?? "").split(separator: "-").map { Int($0) ?? -1 }
        let published: [Int?] =
            if let first = bounds.first, let last = bounds.last, first > 0, first <= last, last <= 65535 {
                Array(first...last)
            } else {
                // Not written, or 0: the engine chooses.
                [nil]
            }
        guard let first = published.first(where: { port in !rules.contains { $0.allows(ip: ip, port, proto) } }) else {
            return nil
        }
        let number = first.map { "port \($0)" } ?? "a port that the engine chooses"
        return "\(number)\(proto == "tcp" ? "" : "/\(proto)") at \(ip.isEmpty ? "every address" : ip)"
    }
}
