import YAML

/// Bounds what short syntax may grow into: `1-65535` is one word and 65,535 mappings.
enum ExpansionLimits {
    /// How many ports a project may publish or name; each is a process or a rule on the host.
    static let ports = 40_000
    /// How many dependencies the services of a project may have together.
    static let dependencies = 50_000
    /// How many entries in short syntax a project may have.
    static let entries = 75_000

    private static let expanding = [
        "volumes", "devices", "secrets", "configs", "env_file", "label_file", "networks", "gpus", "models",
    ]

    /// Throws at the entry with which a tree exceeds a bound, or every port that cannot be read.
    /// - Parameter keepsUnreadable: Such a port counts as one, for the tree is not interpolated.
    static func enforce(on tree: YAMLNode, keepsUnreadable: Bool = false) throws(ComposeError) {
        var (ports, dependencies, entries) = (0, 0, 0)
        var problems: [ComposeError.Problem] = []
        for service in tree["services"]?.mapping?.entries ?? [] {
            let path = ModelPath(keys: "services", service.key)
            for attribute in service.value.mapping?.entries ?? [] {
                func check(_ count: Int, _ limit: Int, _ name: String) throws(ComposeError) {
                    if count > limit {
                        throw path.key(attribute.key).error(
                            .unsupported, at: attribute.keyLocation, "the project has more than \(limit) \(name)")
                    }
                }
                switch attribute.key {
                case "ports":
                    for (index, item) in (attribute.value.sequence ?? []).enumerated() {
                        ports += count(of: item, at: path.key("ports").item(index), &problems)
                        try check(ports, Self.ports, "ports")
                    }
                case "depends_on", "links":
                    dependencies += attribute.value.childCount
                    try check(dependencies, Self.dependencies, "dependencies")
                case _ where expanding.contains(attribute.key):
                    entries += attribute.value.childCount
                    try check(entries, Self.entries, "volumes, secrets, env files and the like")
                default: break
                }
            }
        }
        if !problems.isEmpty, !keepsUnreadable { throw ComposeError(problems) }
    }

    /// One port that cannot be read does not keep the others from being told.
    private static func count(
        of item: YAMLNode, at path: ModelPath, _ problems: inout [ComposeError.Problem]
    ) -> Int {
        guard let text = item.string else { return 1 }
        do throws(ComposeError) {
            return try PortSpecification(parsing: text, at: path, location: item.location).count
        } catch {
            if problems.count < ComposeError.mostProblems { problems += error.problems }
            return 1
        }
    }
}

extension YAMLNode {
    /// How many elements or entries the node has; 0 for a scalar.
    fileprivate var childCount: Int { sequence?.count ?? mapping?.entries.count ?? 0 }
}
