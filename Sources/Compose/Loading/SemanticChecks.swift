import YAML

/// What a tree in long syntax must satisfy beyond its schema, without regard to other parts of the tree.
enum SemanticChecks {
    /// All problems of the tree.
    static func problems(of tree: YAMLNode) -> [ComposeError.Problem] {
        var problems: [ComposeError.Problem] = []
        for (name, volume) in entries(of: tree, "volumes") {
            problems += externalProblems(of: volume, at: ModelPath(keys: "volumes", name))
        }
        for (section, sources) in [
            ("configs", ["file", "environment", "content"]), ("secrets", ["file", "environment"]),
        ] {
            for (name, object) in entries(of: tree, section) {
                problems += sourceProblems(of: object, sources, at: ModelPath(keys: section, name))
            }
        }
        for (name, service) in entries(of: tree, "services") {
            problems += serviceProblems(of: service, at: ModelPath(keys: "services", name))
        }
        return problems
    }

    private static func entries(of tree: YAMLNode, _ section: String) -> [(String, YAMLNode)] {
        (tree[section]?.mapping?.entries ?? []).map { ($0.key, $0.value) }
    }

    private static func externalProblems(of volume: YAMLNode, at path: ModelPath) -> [ComposeError.Problem] {
        guard volume["external"]?.bool == true, let mapping = volume.mapping else { return [] }
        return mapping.entries.filter { !["name", "external"].contains($0.key) && !$0.key.hasPrefix("x-") }.map {
            path.problem(
                .semantics, at: $0.keyLocation,
                "\"external\" and \"\($0.key)\" conflict: an external volume is not created here")
        }
    }

    private static func sourceProblems(
        of object: YAMLNode, _ sources: [String], at path: ModelPath
    ) -> [ComposeError.Problem] {
        guard let mapping = object.mapping else { return [] }
        let given = mapping.entries.filter { sources.contains($0.key) }
        if let second = given.dropFirst().first {
            let keys = given.map(\.key).joined(separator: ", ")
            return [path.problem(.semantics, at: second.keyLocation, "\(keys) are mutually exclusive")]
        }
        if given.isEmpty && !mapping.contains("driver") && !mapping.contains("external") {
            return [
                path.problem(
                    .semantics, at: object.location, "one of \(sources.joined(separator: ", ")) must be given")
            ]
        }
        return []
    }

    private static func serviceProblems(of service: YAMLNode, at path: ModelPath) -> [ComposeError.Problem] {
        var problems: [ComposeError.Problem] = []
        for (index, port) in (service["ports"]?.sequence ?? []).enumerated() {
            if port.mapping != nil, port["target"] == nil {
                problems.append(
                    path.key("ports").item(index).problem(.semantics, at: port.location, "the target port is missing"))
            }
            if let address = port["host_ip"], !IPAddress.isValid(address.goText) {
                problems.append(
                    path.key("ports").item(index).problem(
                        .semantics, at: address.location, "\"\(address.goText)\" is not an IP address"))
            }
        }
        for (index, watch) in (service.descendant("develop", "watch")?.sequence ?? []).enumerated() {
            if let watched = watch["path"], watched.string == "" {
                problems.append(
                    path.key("develop").key("watch").item(index).problem(
                        .semantics, at: watched.location, "path must not be empty"))
            }
        }
        problems += deviceProblems(of: service["gpus"], at: path.key("gpus"))
        problems += deviceProblems(
            of: service.descendant("deploy", "resources", "reservations", "devices"),
            at: ModelPath(path.steps + ["deploy", "resources", "reservations", "devices"].map { .key($0) }))
        return problems
    }

    private static func deviceProblems(of devices: YAMLNode?, at path: ModelPath) -> [ComposeError.Problem] {
        (devices?.sequence ?? []).enumerated().compactMap { index, device in
            guard device["count"] != nil, let ids = device["device_ids"] else { return nil }
            return path.item(index).problem(
                .semantics, at: ids.location, "count and device_ids are mutually exclusive")
        }
    }
}
