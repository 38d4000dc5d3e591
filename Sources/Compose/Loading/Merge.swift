import YAML

/// Lays one tree over another: mappings key by key, lists one behind the other, scalars replaced; and the attributes
/// for which Compose has rules of their own.
enum Merge {
    /// `base` with `over` laid on it. Both are nodes at `path`.
    static func merged(
        _ base: YAMLNode, with over: YAMLNode, at path: ModelPath = ModelPath()
    ) throws(ComposeError) -> YAMLNode {
        if let rule = rules[path] { return try rule.apply(base, over, path) }
        if over.isNull { return base }
        switch (base.value, over.value) {
        case (.mapping, .mapping): return try mergedMappings(base, over, at: path)
        case (.sequence(let left), .sequence(let right)): return over.with(.sequence(left + right))
        case (.mapping, _), (.sequence, _):
            throw path.error(
                .schema, at: over.location,
                "\(over.kindDescription) cannot override \(base.kindDescription) (from \(base.location))")
        default: return over
        }
    }

    fileprivate static func mergedMappings(
        _ base: YAMLNode, _ over: YAMLNode, at path: ModelPath
    ) throws(ComposeError) -> YAMLNode {
        guard case .mapping(var result) = base.value, let changes = over.mapping else {
            throw path.error(
                .schema, at: over.location, "\(over.kindDescription) cannot override \(base.kindDescription)")
        }
        var places = Dictionary(uniqueKeysWithValues: result.entries.indices.map { (result.entries[$0].key, $0) })
        for entry in changes.entries {
            if let index = places[entry.key] {
                let value = result.entries[index].value
                result.entries[index].value = try merged(value, with: entry.value, at: path.key(entry.key))
                if !entry.value.isNull { result.entries[index].keyLocation = entry.keyLocation }
            } else {
                places[entry.key] = result.entries.count
                result.entries.append(entry)
            }
        }
        return over.with(.mapping(result))
    }

    // MARK: Attributes with rules of their own

    private enum Rule: Sendable {
        case replace, lists, hosts, build, dependencies, keyed, logging, addressPools

        func apply(
            _ base: YAMLNode, _ over: YAMLNode, _ path: ModelPath
        ) throws(ComposeError) -> YAMLNode {
            switch self {
            case .replace: return over
            case .lists: return over.with(.sequence(Merge.list(of: base) + Merge.list(of: over)))
            case .hosts:
                let known = Merge.list(of: base)
                let texts = Set(known.map(\.goText))
                return over.with(.sequence(known + Merge.list(of: over).filter { !texts.contains($0.goText) }))
            case .build: return try mergeForms(base, over, path, Merge.buildMapping)
            case .dependencies:
                return try mergeForms(base, over, path) { Merge.mapping(of: $0, value: Merge.dependency) }
            case .keyed: return try mergeForms(base, over, path) { Merge.mapping(of: $0, value: YAMLNode.null) }
            case .logging:
                let drivers = (base["driver"]?.goText, over["driver"]?.goText)
                if let left = drivers.0, let right = drivers.1, left != right { return over }
                return try mergeForms(base, over, path) { $0 }
            case .addressPools: return try Merge.addressPools(base, over, path)
            }
        }

        private func mergeForms(
            _ base: YAMLNode, _ over: YAMLNode, _ path: ModelPath, _ form: (YAMLNode) -> YAMLNode
        ) throws(ComposeError) -> YAMLNode {
            if over.isNull { return form(base) }
            if base.isNull { return form(over) }
            return try Merge.mergedMappings(form(base), form(over), at: path)
        }
    }

    private static let rules = PathRules<Rule>(
        [
            "annotations", "build.args", "build.additional_contexts", "build.labels", "deploy.labels", "dns", "dns_opt",
            "dns_search", "env_file", "label_file", "environment", "labels", "volumes.*.volume.labels", "sysctls",
            "tmpfs",
        ].map { ("services.*.\($0)", .lists) }
            + ["command", "entrypoint", "healthcheck.test", "ulimits.*"].map { ("services.*.\($0)", .replace) }
            + [
                ("networks.*.labels", .lists), ("volumes.*.labels", .lists),
                ("services.*.extra_hosts", .hosts), ("services.*.build.extra_hosts", .hosts),
                ("services.*.build", .build), ("services.*.depends_on", .dependencies),
                ("services.*.models", .keyed), ("services.*.networks", .keyed),
                ("services.*.logging", .logging), ("networks.*.ipam.config", .addressPools),
            ])

    /// A mapping as sorted `key=value` items (a bare key for null, one item for each value of a list), a single string
    /// as one item, a list as it is.
    private static func list(of node: YAMLNode) -> [YAMLNode] {
        switch node.value {
        case .sequence(let elements): return elements
        case .string: return [node]
        case .mapping(let mapping):
            var items: [YAMLNode] = []
            for entry in mapping.entries {
                let location = entry.keyLocation
                if entry.value.isNull {
                    items.append(.string(entry.key, at: location))
                } else if let values = entry.value.sequence {
                    items += values.map { .string("\(entry.key)=\($0.goText)", at: $0.location) }
                } else {
                    items.append(.string("\(entry.key)=\(entry.value.goText)", at: location))
                }
            }
            return items.sorted { ($0.string ?? "").utf8.lexicographicallyPrecedes(($1.string ?? "").utf8) }
        default: return []
        }
    }

    /// A list of names as a mapping from each name.
    private static func mapping(of node: YAMLNode, value: (SourceLocation) -> YAMLNode) -> YAMLNode {
        guard let names = node.sequence else { return node }
        return node.with(.mapping(YAMLMapping(lastWins: names.map { ($0.goText, value($0.location)) })))
    }

    private static func dependency(at location: SourceLocation) -> YAMLNode {
        .mapping(
            [
                ("condition", .string("service_started", at: location)), ("required", .bool(true, at: location)),
            ], at: location)
    }

    private static func buildMapping(of node: YAMLNode) -> YAMLNode {
        node.string == nil ? node : .mapping([("context", node)], at: node.location)
    }

    /// Address pools of a network: the same subnet is merged, others are added.
    private static func addressPools(
        _ base: YAMLNode, _ over: YAMLNode, _ path: ModelPath
    ) throws(ComposeError) -> YAMLNode {
        if over.isNull { return base }
        guard var pools = base.sequence, let additions = over.sequence else {
            throw path.error(
                .schema, at: over.location, "\(over.kindDescription) cannot override \(base.kindDescription)")
        }
        var places = Dictionary(pools.indices.map { (pools[$0]["subnet"]?.goText, $0) }) { first, _ in first }
        for pool in additions {
            let subnet = pool["subnet"]?.goText
            if let index = places[subnet] {
                pools[index] = try mergedMappings(pools[index], pool, at: path.item(index))
            } else {
                places[subnet] = pools.count
                pools.append(pool)
            }
        }
        return over.with(.sequence(pools))
    }
}
