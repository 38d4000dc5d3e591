import YAML

/// Makes the relative paths of a tree absolute.
struct PathResolution {
    /// The absolute directory against which relative paths are taken.
    var directory: String
    /// Stands for `~`; nil leaves it alone.
    var home: String?
    /// What relative paths must not leave; nil lets them.
    var confinement: Confinement?

    /// Throws `ComposeError` with every path that leaves what it must not.
    func resolve(_ tree: inout YAMLNode) throws(ComposeError) {
        var problems: [ComposeError.Problem] = []
        try visit(&tree, at: ModelPath(), &problems)
        guard problems.isEmpty else { throw ComposeError(problems) }
    }

    private enum Rule: Sendable {
        case path, buildContext, hostPath, mount, volume
    }

    private static let rules = PathRules<Rule>([
        ("services.*.build.context", .buildContext), ("services.*.build.additional_contexts.*", .buildContext),
        ("services.*.build.ssh.*", .hostPath), ("services.*.env_file.*.path", .path),
        ("services.*.label_file.*", .path), ("services.*.extends.file", .path),
        ("services.*.develop.watch.*.path", .path), ("services.*.volumes.*", .mount), ("configs.*.file", .hostPath),
        ("secrets.*.file", .hostPath), ("volumes.*", .volume),
    ])

    private func visit(
        _ node: inout YAMLNode, at path: ModelPath, _ problems: inout [ComposeError.Problem]
    ) throws(ComposeError) {
        guard let rule = Self.rules[path] else {
            try node.updateEach { (step, child) throws(ComposeError) in
                try visit(&child, at: ModelPath(path.steps + [step]), &problems)
            }
            return
        }
        if let confinement, let (named, place) = named(by: node, rule, path), let text = named.string,
            let problem = confinement.problem(of: text, in: directory), problems.count < ComposeError.mostProblems
        {
            problems.append(.init(.file, at: named.location, path: place.description, problem))
        }
        switch rule {
        case .path: replace(&node, with: absolute)
        case .hostPath: replace(&node, with: absoluteOnHost)
        case .buildContext: replace(&node) { Self.isRemoteContext($0) ? $0 : absolute($0) }
        case .mount:
            guard node["type"]?.string == "bind" else { return }
            guard node["source"] != nil else {
                throw path.error(.schema, at: node.location, "a bind mount needs a source")
            }
            node.update("source") { replace(&$0, with: absoluteOnHost) }
        case .volume:
            guard node["driver"]?.string == "local", node.descendant("driver_opts", "o")?.string == "bind" else {
                return
            }
            node.update("driver_opts") { $0.update("device") { replace(&$0, with: absoluteOnHost) } }
        }
    }

    /// The node that names a path of the host or the repository, and where it is in the model.
    private func named(by node: YAMLNode, _ rule: Rule, _ path: ModelPath) -> (YAMLNode, ModelPath)? {
        switch rule {
        // What `develop` watches is for docker compose alone.
        case .path where path.steps.dropFirst(2).first == .key("develop"): return nil
        case .path, .hostPath: return (node, path)
        case .buildContext: return node.string.map(Self.isRemoteContext) == true ? nil : (node, path)
        case .mount: return node["type"]?.string == "bind" ? node["source"].map { ($0, path) } : nil
        case .volume:
            guard node["driver"]?.string ?? "local" == "local",
                node.descendant("driver_opts", "o")?.string == "bind"
            else { return nil }
            return node.descendant("driver_opts", "device").map { ($0, path.key("driver_opts").key("device")) }
        }
    }

    private func replace(_ node: inout YAMLNode, with transform: (String) -> String) {
        if let text = node.string { node.value = .string(transform(text)) }
    }

    /// An empty path stays empty.
    private func absolute(_ path: String) -> String {
        let path = CleanPath.expandingHome(path, home)
        return path.isEmpty || path.hasPrefix("/") ? path : CleanPath.absolute(path, in: directory)
    }

    /// Windows paths count as absolute, an empty path is the directory itself.
    private func absoluteOnHost(_ path: String) -> String {
        let path = CleanPath.expandingHome(path, home)
        if path.hasPrefix("/") || path.hasPrefix("\\\\") || Self.startsWithDrive(path) {
            return path
        }
        return CleanPath.absolute(path, in: directory)
    }

    /// `C:\` or `C:/`
    private static func startsWithDrive(_ path: String) -> Bool {
        var scanner = ByteScanner(path)
        return scanner.skip(\.isASCIILetter) && scanner.skip(":") && (scanner.skip("\\") || scanner.skip("/"))
    }

    static func isRemoteContext(_ text: String) -> Bool {
        text.contains("://") || ["service:", "github.com/", "git@"].contains { text.hasPrefix($0) }
    }
}
