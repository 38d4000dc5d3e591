import YAML

/// Removes what a later entry of the same list defines anew; the later entry takes the earlier one's position.
enum ListUniqueness {
    static func enforce(on tree: inout YAMLNode, at path: ModelPath = ModelPath()) throws(ComposeError) {
        if let elements = tree.sequence {
            guard let rule = rules[path] else { return }
            var kept: [YAMLNode] = []
            var positions: [String: Int] = [:]
            for (index, element) in elements.enumerated() {
                let key = try rule.key(of: element, at: path.item(index))
                if let position = positions[key] {
                    kept[position] = element
                } else {
                    positions[key] = kept.count
                    kept.append(element)
                }
            }
            if kept.count < elements.count { tree.value = .sequence(kept) }
        } else {
            try tree.updateEach { (step, child) throws(ComposeError) in
                try enforce(on: &child, at: ModelPath(path.steps + [step]))
            }
        }
    }

    /// What identifies an entry of a list.
    private enum Rule: Sendable {
        case name, exposed, volumeTarget, deviceTarget, port, path
        case mount(directory: String)

        func key(of node: YAMLNode, at path: ModelPath) throws(ComposeError) -> String {
            switch self {
            case .exposed:
                if case .float = node.value {
                    throw path.error(.schema, at: node.location, "expected a port, got \(node.kindDescription)")
                }
                return node.goText
            case .name:
                let text = node.goText
                return text.firstIndex(of: "=").map { String(text[..<$0]) } ?? text
            case .path: return node["path"]?.goText ?? node.goText
            case .volumeTarget:
                if node.mapping != nil {
                    guard let target = node["target"]?.string else {
                        throw path.error(.schema, at: node.location, "a volume needs a target")
                    }
                    return target
                }
                guard let spec = node.string else { return node.goText }
                return try VolumeSpecification(parsing: spec, at: path, location: node.location).target ?? ""
            case .deviceTarget:
                if node.mapping != nil {
                    guard let target = node["target"]?.string else {
                        throw path.error(.schema, at: node.location, "a device needs a target")
                    }
                    return target
                }
                let parts = node.goText.split(separator: ":", omittingEmptySubsequences: false)
                return String(parts.count > 1 ? parts[1] : parts[0])
            case .mount(let directory):
                if node.mapping == nil { return "\(directory)/\(node.goText)" }
                return node["target"]?.goText ?? "\(directory)/\(node["source"]?.goText ?? "")"
            case .port:
                if node.mapping == nil { return node.goText }
                guard let target = node["target"] else {
                    throw path.error(.schema, at: node.location, "a port needs a target")
                }
                let host = node["host_ip"]?.goText ?? "0.0.0.0"
                // Like docker compose, takes 80 and "80" for different.
                let published = node["published"].map { ($0.int == nil ? "text " : "number ") + $0.goText } ?? ""
                return "\(host) \(published) \(target.goText) \(node["protocol"]?.goText ?? "tcp")"
            }
        }
    }

    private static let rules = PathRules<Rule>(
        [
            "annotations", "build.args", "build.additional_contexts", "build.platform", "build.tags", "build.labels",
            "cap_add", "cap_drop", "deploy.labels", "dns", "dns_opt", "dns_search", "environment", "labels", "links",
            "networks.*.aliases", "networks.*.link_local_ips", "profiles", "sysctls", "tmpfs",
        ].map { ("services.*.\($0)", .name) }
            + [
                ("networks.*.labels", .name), ("networks.*.ipam.options", .name),
                ("services.*.expose", .exposed), ("services.*.env_file", .path),
                ("services.*.volumes", .volumeTarget), ("services.*.devices", .deviceTarget),
                ("services.*.configs", .mount(directory: "")),
                ("services.*.secrets", .mount(directory: "/run/secrets")),
                ("services.*.ports", .port),
            ])
}
