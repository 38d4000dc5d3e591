import YAML

/// Files that services extend, each loaded once.
struct ExtendedFiles {
    struct Loaded {
        var services: [String: YAMLNode]
        var tags: ResetTags
    }

    var byPath: [String: Loaded] = [:]
}

extension FileLoader {
    private struct ServiceID: Hashable {
        var file: String
        var name: String
    }

    /// The services of one file while their `extends` are resolved.
    private struct Scope {
        var file: String
        var services: [String: YAMLNode]
        var tags: ResetTags
    }

    /// Replaces every service that extends another by the merge of both.
    mutating func applyExtends(in part: inout YAMLNode, file: String, tags: ResetTags) throws(ComposeError) {
        guard let services = part["services"] else { return }
        guard let mapping = services.mapping else {
            throw ModelPath(keys: "services").error(
                .schema, at: services.location, "expected a mapping, got \(services.kindDescription)")
        }
        guard mapping.entries.contains(where: { $0.value["extends"] != nil }) else { return }
        var scope = Scope(
            file: file,
            services: Dictionary(uniqueKeysWithValues: mapping.entries.map { ($0.key, $0.value) }), tags: tags)
        var resolved = mapping
        for index in resolved.entries.indices {
            resolved.entries[index].value = try extended(resolved.entries[index].key, in: &scope, chain: [])
        }
        part.updateMapping { $0["services"] = services.with(.mapping(resolved)) }
    }

    private mutating func extended(
        _ name: String, in scope: inout Scope, chain: [ServiceID]
    ) throws(ComposeError) -> YAMLNode {
        let path = ModelPath(keys: "services", name, "extends")
        guard let service = scope.services[name] else {
            return YAMLNode.null(at: .init(file: scope.file, line: 1, column: 1))
        }
        guard let extends = service["extends"] else { return service }
        let id = ServiceID(file: scope.file, name: name)
        if chain.count > 100 {
            throw path.error(.unsupported, at: extends.location, "more than 100 services extend one another")
        }
        if chain.contains(id) {
            let names = (chain.drop { $0 != id } + [id]).map { "\($0.name) in \($0.file)" }
            throw path.error(
                .semantics, at: extends.location, "services extend each other: " + names.joined(separator: " -> "))
        }
        guard let reference = (extends.string.map { YAMLNode.string($0, at: extends.location) } ?? extends["service"]),
            let baseName = reference.string
        else {
            throw path.error(.schema, at: extends.location, "the key \"service\" is missing or not a string")
        }
        var base: YAMLNode
        if let file = extends["file"], !file.isNull {
            base = try extendedElsewhere(baseName, reference, file, at: path, chain: chain + [id])
        } else {
            guard scope.services[baseName] != nil else {
                throw path.error(
                    .semantics, at: reference.location,
                    Self.missing(baseName, in: scope.file, known: scope.services))
            }
            base = try extended(baseName, in: &scope, chain: chain + [id])
        }
        if base.isNull { return service }
        try session.charge(base, at: extends.location)
        apply(scope.tags, to: &base, as: name)
        var merged = try Merge.merged(base, with: service, at: ModelPath(keys: "services", name))
        merged.updateMapping { $0["extends"] = nil }
        merged.location = service.location
        scope.services[name] = merged
        return merged
    }

    private static func missing(_ name: String, in file: String, known: [String: YAMLNode]) -> String {
        let near = Spelling.nearest(to: name, in: known.keys.sorted())
        return "there is no service \"\(name)\" in \(file)" + (near.map { "; did you mean \"\($0)\"?" } ?? "")
    }

    /// The tags of the extending service act on what it inherits.
    private func apply(_ tags: ResetTags, to base: inout YAMLNode, as name: String) {
        if tags.isEmpty { return }
        var tree = YAMLNode.mapping([("services", .mapping([(name, base)], at: base.location))], at: base.location)
        tags.apply(to: &tree)
        base = tree.descendant("services", name) ?? .null(at: base.location)
    }

    private mutating func extendedElsewhere(
        _ name: String, _ reference: YAMLNode, _ file: YAMLNode, at path: ModelPath, chain: [ServiceID]
    ) throws(ComposeError) -> YAMLNode {
        guard let fileName = file.string else {
            throw path.key("file").error(.schema, at: file.location, "expected a string, got \(file.kindDescription)")
        }
        let local = try localPath(fileName, at: file.location, of: path.key("file"))
        let loaded = try extendedFile(local, at: path.key("file"), location: file.location)
        guard loaded.services[name] != nil else {
            throw path.error(
                .semantics, at: reference.location, Self.missing(name, in: local, known: loaded.services))
        }
        var scope = Scope(file: local, services: loaded.services, tags: loaded.tags)
        return try extended(name, in: &scope, chain: chain)
    }

    private mutating func extendedFile(
        _ path: String, at attribute: ModelPath, location: SourceLocation
    ) throws(ComposeError) -> ExtendedFiles.Loaded {
        if let loaded = extendedFiles.byPath[path] { return loaded }
        let empty = YAMLNode(.mapping(YAMLMapping()), location: SourceLocation(file: path, line: 1, column: 1))
        var (tree, tags) = try load(path, onto: empty, mode: .extended, askedForAt: location)
        guard let services = tree["services"] else {
            throw attribute.error(.semantics, at: location, "\(path) has no services")
        }
        guard services.mapping != nil else {
            throw ModelPath(keys: "services").error(
                .schema, at: services.location, "expected a mapping, got \(services.kindDescription)")
        }
        try PathResolution(
            directory: CleanPath.directory(of: path), home: session.home, confinement: session.confinement
        ).resolve(&tree)
        let entries = tree["services"]?.mapping?.entries ?? []
        let loaded = ExtendedFiles.Loaded(
            services: Dictionary(uniqueKeysWithValues: entries.map { ($0.key, $0.value) }), tags: tags)
        extendedFiles.byPath[path] = loaded
        return loaded
    }
}
