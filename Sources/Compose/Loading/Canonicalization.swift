import YAML

/// Turns every short syntax into its long form.
enum Canonicalization {
    /// - Parameter keepsUnreadable: Ports, volumes and devices that cannot be read stay as they are, for the tree is
    ///   not interpolated.
    static func canonicalize(
        _ tree: inout YAMLNode, at path: ModelPath = ModelPath(), keepsUnreadable: Bool = false
    ) throws(ComposeError) {
        if let rule = rules[path] {
            do throws(ComposeError) {
                if try rule.apply(to: &tree, at: path) { return }
            } catch {
                guard keepsUnreadable, rule.readsText else { throw error }
                return
            }
        }
        try tree.updateEach { (step, child) throws(ComposeError) in
            try canonicalize(&child, at: ModelPath(path.steps + [step]), keepsUnreadable: keepsUnreadable)
        }
    }

    private enum Rule: Sendable {
        case build, ssh, keyValues, dependencies, environmentFiles, list, names, wrapped(in: String), gpus, ports
        case volume, device, external, addresses

        /// Whether the rule takes a text apart; it then changes nothing before it has read everything.
        var readsText: Bool {
            switch self {
            case .ports, .volume, .device: true
            default: false
            }
        }

        /// Applies the rule; true if nothing below the node needs a look.
        func apply(to node: inout YAMLNode, at path: ModelPath) throws(ComposeError) -> Bool {
            switch self {
            case .list: if node.string != nil { node = .sequence([node], at: node.location) }
            case .wrapped(let key): if node.string != nil { node = .mapping([(key, node)], at: node.location) }
            case .build:
                if node.string != nil { node = .mapping([("context", node)], at: node.location) }
                return false
            case .names: Canonicalization.toMapping(&node) { ($0.goText, .null(at: $0.location)) }
            case .ssh, .keyValues:
                if case .ssh = self,
                    let bare = node.sequence?.first(where: { !$0.goText.contains("=") && $0.goText != "default" })
                {
                    throw path.error(.schema, at: bare.location, "expected default or id=path, got \"\(bare.goText)\"")
                }
                if case .keyValues = self, let bare = node.sequence?.first(where: { !$0.goText.contains("=") }) {
                    throw path.error(.schema, at: bare.location, "expected key=value, got \"\(bare.goText)\"")
                }
                Canonicalization.toMapping(&node) { item in
                    let parts = item.goText.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                    let value: YAMLNode =
                        parts.count > 1 ? .string(String(parts[1]), at: item.location) : .null(at: item.location)
                    return (String(parts[0]), value)
                }
            case .dependencies: Canonicalization.dependencies(&node)
            case .environmentFiles: Canonicalization.environmentFiles(&node)
            case .gpus:
                if node.string != nil {
                    node = .sequence([.mapping([("count", node)], at: node.location)], at: node.location)
                }
            case .addresses:
                if node.string != nil { node = .sequence([node], at: node.location) }
                if let items = node.sequence { node.value = .sequence(items.filter { !$0.isNull && $0.string != "" }) }
            case .ports: try Canonicalization.ports(&node, at: path)
            case .volume:
                guard let text = node.string else { return true }
                node = try VolumeSpecification(parsing: text, at: path, location: node.location)
                    .node(at: node.location)
            case .device: try Canonicalization.device(&node, at: path)
            case .external:
                try Canonicalization.external(&node, at: path)
                return false
            }
            return true
        }
    }

    private static let rules = PathRules<Rule>(
        ([
            ("build", .build), ("build.ssh", .ssh), ("build.secrets.*", .wrapped(in: "source")),
            ("build.additional_contexts", .keyValues), ("depends_on", .dependencies), ("env_file", .environmentFiles),
            ("label_file", .list), ("extends", .wrapped(in: "service")), ("gpus", .gpus), ("networks", .names),
            ("models", .names), ("volumes.*", .volume), ("dns", .addresses), ("devices.*", .device),
            ("secrets.*", .wrapped(in: "source")), ("configs.*", .wrapped(in: "source")), ("ports", .ports),
            ("develop.watch.*.ignore", .list), ("develop.watch.*.include", .list),
        ] as [(String, Rule)]).map { ("services.*.\($0.0)", $0.1) }
            + ["volumes.*", "networks.*", "secrets.*", "configs.*"].map { ($0, .external) }
            + [("include.*", .wrapped(in: "path"))])

    private static func toMapping(_ node: inout YAMLNode, _ entry: (YAMLNode) -> (String, YAMLNode)) {
        guard let items = node.sequence else { return }
        node.value = .mapping(YAMLMapping(lastWins: items.map(entry)))
    }

    private static func dependencies(_ node: inout YAMLNode) {
        toMapping(&node) { ($0.goText, .mapping([], at: $0.location)) }
        node.updateEach { _, dependency in
            let location = dependency.location
            dependency.setDefault("condition", .string("service_started", at: location))
            dependency.setDefault("required", .bool(true, at: location))
        }
    }

    private static func environmentFiles(_ node: inout YAMLNode) {
        if node.string != nil { node = .sequence([node], at: node.location) }
        node.updateEach { _, file in
            if file.string != nil { file = .mapping([("path", file)], at: file.location) }
            let location = file.location
            file.setDefault("required", .bool(true, at: location))
        }
    }

    private static func ports(_ node: inout YAMLNode, at path: ModelPath) throws(ComposeError) {
        guard let items = node.sequence else { return }
        var ports: [YAMLNode] = []
        for (index, item) in items.enumerated() {
            switch item.value {
            case .mapping: ports.append(item)
            case .int, .string:
                let port = try PortSpecification(
                    parsing: item.goText, at: path.item(index), location: item.location)
                ports += port.nodes(at: item.location)
            default:
                throw path.item(index).error(
                    .schema, at: item.location, "expected a port, got \(item.kindDescription)")
            }
        }
        node.value = .sequence(ports)
    }

    private static func device(_ node: inout YAMLNode, at path: ModelPath) throws(ComposeError) {
        guard let text = node.string else { return }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        if parts.count > 3 {
            throw path.error(.schema, at: node.location, "device \"\(text)\" has too many colons; use the long syntax")
        }
        let target = parts.count > 1 && !parts[1].isEmpty ? parts[1] : parts[0]
        let location = node.location
        node = .mapping(
            [
                ("source", .string(parts[0], at: location)), ("target", .string(target, at: location)),
                ("permissions", .string(parts.count > 2 ? parts[2] : "rwm", at: location)),
            ], at: location)
    }

    /// `external: {name: x}`, the deprecated form of `external: true` with `name: x`.
    private static func external(_ node: inout YAMLNode, at path: ModelPath) throws(ComposeError) {
        guard let external = node["external"], external.mapping != nil else { return }
        node.update("external") { $0 = .bool(true, at: external.location) }
        guard let name = external["name"] else { return }
        if let own = node["name"], !own.hasSameContent(as: name) {
            throw path.error(
                .semantics, at: name.location, "name and external.name conflict; only use name")
        }
        node.setDefault("name", name)
    }
}
