import Compose

/// The order in which services come: each after those it depends on, ties by name.
struct DependencyGraph {
    /// Dependencies first. A cycle, which loading refuses, is broken at its first member by name.
    let order: [String]

    init(_ project: Project) {
        var order: [String] = []
        var visited: Set<String> = []
        func visit(_ name: String) {
            guard visited.insert(name).inserted, let service = project.services[name] else { return }
            for dependency in service.dependsOn.keys.sorted() { visit(dependency) }
            order.append(name)
        }
        for name in project.services.keys.sorted() { visit(name) }
        self.order = order
    }
}

extension Service {
    /// The services whose containers this one shares a namespace or volumes with: their ids are part of it.
    var sharedServices: [String] {
        var names: [String] = []
        for mode in [networkMode, ipc, pid] {
            if let mode, mode.hasPrefix("service:") { names.append(String(mode.dropFirst("service:".count))) }
        }
        for entry in volumesFrom where !entry.hasPrefix("container:") {
            names.append(String(entry.prefix { $0 != ":" }))
        }
        return Array(Set(names)).sorted()
    }

    /// How many containers the service has (`deploy.replicas`, else `scale`, else 1).
    package var replicas: Int { deploy?.replicas ?? scale ?? 1 }

    /// The longest its health check can take to give a verdict, with the engine's defaults for what is not set:
    /// interval 30 s, timeout 30 s, 3 retries; and ten seconds for the engine itself.
    package var derivedHealthTimeout: Duration {
        let check = healthcheck
        let round = (check?.interval ?? .seconds(30)) + (check?.timeout ?? .seconds(30))
        let retries = max(check?.retries ?? 3, 1)
        return (check?.startPeriod ?? .zero) + round * (retries + 1) + .seconds(10)
    }
}
