/// The order in which a project's services can start: dependencies before dependants.
enum DependencyOrder {
    /// A circle of dependencies, its first service repeated at the end; nil when there is none.
    static func cycle(in services: [String: Service]) -> [String]? {
        var search = Search(services: services)
        for name in services.keys.sorted() {
            if let cycle = search.visit(name) { return cycle }
        }
        return nil
    }

    /// The services' names, dependencies first, alphabetical where the order is free. In a circle, some service comes
    /// before its dependency.
    static func names(of services: [String: Service]) -> [String] {
        var search = Search(services: services)
        for name in services.keys.sorted() { _ = search.visit(name) }
        return search.finished
    }

    private struct Search {
        var services: [String: Service]
        var finished: [String] = []
        var done: Set<String> = []
        var trail: [String] = []

        mutating func visit(_ name: String) -> [String]? {
            if let start = trail.firstIndex(of: name) { return trail[start...] + [name] }
            guard let service = services[name], !done.contains(name) else { return nil }
            trail.append(name)
            for dependency in service.dependsOn.keys.sorted() {
                if let cycle = visit(dependency) { return cycle }
            }
            trail.removeLast()
            done.insert(name)
            finished.append(name)
            return nil
        }
    }
}

extension Project {
    /// The enabled services' names, each after the services it depends on, alphabetical where the order is free.
    package var dependencyOrder: [String] { DependencyOrder.names(of: services) }
}
