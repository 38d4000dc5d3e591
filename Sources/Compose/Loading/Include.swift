import YAML

extension FileLoader {
    /// How many files may lead to one by `include`; each takes a part of the stack.
    private static let deepestInclude = 50

    /// One entry of `include` with absolute paths.
    private struct IncludeEntry {
        var files: [(path: String, location: SourceLocation?)]
        var directory: String
        /// Nil means the directory's own `.env`.
        var environmentFiles: [(path: String, location: SourceLocation?)]?
        var location: SourceLocation
        var path: ModelPath
    }

    /// Loads what a document includes, each entry as a project of its own, and copies the results in.
    mutating func applyIncludes(in part: inout YAMLNode, includedBy chain: [String]) throws(ComposeError) {
        guard let include = part["include"] else { return }
        part.updateMapping { $0["include"] = nil }
        if include.isNull { return }
        guard let items = include.sequence else {
            throw ModelPath(keys: "include").error(
                .schema, at: include.location, "expected a list, got \(include.kindDescription)")
        }
        let problems = SchemaValidation.problems(of: .mapping([("include", include)], at: include.location))
        if !problems.isEmpty { throw ComposeError(problems) }
        for (index, item) in items.enumerated() {
            guard let entry = try entry(item, at: ModelPath(keys: "include").item(index)) else { continue }
            try take(model(of: entry, includedBy: chain), into: &part)
        }
    }

    private func entry(_ item: YAMLNode, at path: ModelPath) throws(ComposeError) -> IncludeEntry? {
        var files: [(path: String, location: SourceLocation?)] = []
        for file in Self.items(of: item.string == nil ? item["path"] : item) {
            files.append((try localPath(file.goText, at: file.location, of: path), file.location))
        }
        guard let first = files.first else {
            throw path.error(.schema, at: item.location, "the key \"path\" is missing or empty")
        }
        var directory = CleanPath.directory(of: first.path)
        for node in [item["project_directory"]].compactMap(\.self) + Self.items(of: item["env_file"]) {
            if let problem = session.confinement?.problem(of: node.goText, in: self.directory) {
                throw path.error(.file, at: node.location, problem)
            }
        }
        if let own = item["project_directory"]?.string, !own.isEmpty {
            directory = CleanPath.absolute(own, in: self.directory)
        }
        var environmentFiles: [(path: String, location: SourceLocation?)]?
        let given = Self.items(of: item["env_file"])
        if !given.isEmpty {
            environmentFiles = given.filter { $0.goText != "/dev/null" }.map {
                (CleanPath.absolute($0.goText, in: self.directory), $0.location)
            }
        }
        return IncludeEntry(
            files: files, directory: directory, environmentFiles: environmentFiles, location: item.location, path: path)
    }

    private static func items(of node: YAMLNode?) -> [YAMLNode] {
        guard let node, !node.isNull else { return [] }
        return node.sequence ?? [node]
    }

    private func model(of entry: IncludeEntry, includedBy chain: [String]) throws(ComposeError) -> YAMLNode {
        if let main = entry.files.first?.path, chain.contains(main) {
            throw entry.path.error(
                .semantics, at: entry.location,
                "files include each other: " + (chain.drop { $0 != main } + [main]).joined(separator: " -> "))
        }
        var files = entry.environmentFiles ?? []
        let ownFile = CleanPath.absolute(".env", in: entry.directory)
        if entry.environmentFiles == nil, try session.kind(of: ownFile, askedForAt: entry.location) == .file {
            files = [(ownFile, entry.location)]
        }
        if chain.count > Self.deepestInclude {
            throw entry.path.error(
                .unsupported, at: entry.location, "files include one another more than \(Self.deepestInclude) deep")
        }
        try session.charge(environment.count * 20, at: entry.location)
        let variables = try session.variables(from: files, environment: environment)
        var loader = FileLoader(
            session: session, environment: environment.merging(variables) { first, _ in first },
            directory: entry.directory)
        return try loader.model(from: entry.files, includedBy: chain)
    }

    private func take(_ model: YAMLNode, into part: inout YAMLNode) throws(ComposeError) {
        for section in ["services", "volumes", "networks", "secrets", "configs", "models"] {
            guard let imported = model[section]?.mapping else { continue }
            let own = part[section]
            guard var target = own.map({ $0.isNull ? YAMLMapping() : $0.mapping }) ?? YAMLMapping() else {
                throw ModelPath(keys: section).error(
                    .schema, at: own?.location, "expected a mapping, got \(own?.kindDescription ?? "nothing")")
            }
            let known = Dictionary(target.entries.map { ($0.key, $0) }) { first, _ in first }
            for entry in imported.entries {
                guard let conflict = known[entry.key] else {
                    target.entries.append(entry)
                    continue
                }
                if conflict.value.hasSameContent(as: entry.value) { continue }
                throw ModelPath(keys: section, entry.key).error(
                    .semantics, at: conflict.keyLocation,
                    "conflicts with the one included from \(entry.keyLocation)")
            }
            let location = own?.location ?? model[section]?.location ?? model.location
            part.updateMapping { $0[section] = YAMLNode(.mapping(target), location: location) }
        }
    }
}
