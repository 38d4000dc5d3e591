import YAML

/// Finds services that depend on each other in a circle.
enum DependencyCycle {
    /// One cycle, located at the dependency that closes it; nil if there is none.
    static func problem(among services: [(name: String, node: YAMLNode)]) -> ComposeError.Problem? {
        let names = Set(services.map(\.name))
        var dependencies: [String: [YAMLMapping.Entry]] = [:]
        for (name, service) in services {
            dependencies[name] = (service["depends_on"]?.mapping?.entries ?? []).filter { names.contains($0.key) }
        }
        guard let start = unresolvable(services.map(\.name), dependencies) else { return nil }
        return cycle(from: start.name, within: start.remaining, dependencies)
    }

    /// A service that is left, with all that are, when services are taken away whose dependencies all are.
    private static func unresolvable(
        _ names: [String], _ dependencies: [String: [YAMLMapping.Entry]]
    ) -> (name: String, remaining: Set<String>)? {
        var open = dependencies.mapValues(\.count)
        var dependents: [String: [String]] = [:]
        for (name, entries) in dependencies {
            for entry in entries { dependents[entry.key, default: []].append(name) }
        }
        var ready = names.filter { open[$0] == 0 }
        var remaining = Set(names)
        while let name = ready.popLast() {
            remaining.remove(name)
            for dependent in dependents[name] ?? [] {
                open[dependent, default: 0] -= 1
                if open[dependent] == 0 { ready.append(dependent) }
            }
        }
        return names.first { remaining.contains($0) }.map { ($0, remaining) }
    }

    /// Every remaining service has a remaining dependency, so following them closes a circle.
    private static func cycle(
        from start: String, within remaining: Set<String>, _ dependencies: [String: [YAMLMapping.Entry]]
    ) -> ComposeError.Problem? {
        var route = [start]
        var positions = [start: 0]
        while let name = route.last, let next = dependencies[name]?.first(where: { remaining.contains($0.key) }) {
            if let first = positions[next.key] {
                let circle = route[first...] + [next.key]
                return ModelPath(keys: "services", name, "depends_on").problem(
                    .semantics, at: next.keyLocation, "dependency cycle: " + circle.joined(separator: " -> "))
            }
            positions[next.key] = route.count
            route.append(next.key)
        }
        return nil
    }
}
