extension Service {
    /// Whether the profiles in force enable the service: it has none, shares one, or `*` enables all.
    func isEnabled(by active: Set<String>) -> Bool {
        profiles.isEmpty || active.contains("*") || profiles.contains(where: active.contains)
    }

    /// The replicas the service asks for: `scale`, else `deploy.replicas`, else one.
    package var replicas: Int { scale ?? deploy?.replicas ?? 1 }
}

extension Project {
    /// Every service by name, enabled or not.
    package var allServices: [String: Service] { services.merging(disabledServices) { enabled, _ in enabled } }

    /// Sets the services apart by the active profiles.
    mutating func divide(_ all: [String: Service]) {
        let active = Set(profiles)
        services = all.filter { $0.value.isEnabled(by: active) }
        disabledServices = all.filter { !$0.value.isEnabled(by: active) }
    }

    /// Leaves out the networks, volumes, configs, secrets and models that no enabled service uses.
    mutating func dropUnused() {
        let used = services.values
        let mounts = used.flatMap(\.volumes).filter { $0.kind == .volume }
        let secretUses = used.flatMap { $0.secrets + ($0.build?.secrets ?? []) }
        networks = networks.keeping(used.flatMap(\.networks.keys))
        volumes = volumes.keeping(mounts.compactMap(\.source))
        configs = configs.keeping(used.flatMap(\.configs).map(\.source))
        secrets = secrets.keeping(secretUses.map(\.source))
        models = models.keeping(used.flatMap(\.models.keys))
    }

    /// The project with only the named services and what they depend on enabled; naming a service also enables the
    /// profiles it is in. Throws for a name the project does not have.
    package func selecting(_ names: [String]) throws(ComposeError) -> Project {
        if names.isEmpty { return self }
        let all = allServices
        for name in names where all[name] == nil {
            throw ComposeError(.init(.semantics, at: nil, path: "services", "there is no service \"\(name)\""))
        }
        var project = self
        project.profiles += names.flatMap { all[$0]?.profiles ?? [] }.filter { !profiles.contains($0) }
        project.divide(all)
        var selected: Set<String> = []
        var waiting = names
        while let name = waiting.popLast() {
            guard selected.insert(name).inserted, let service = project.services[name] else { continue }
            waiting += service.dependsOn.keys
        }
        project.disabledServices = all.filter { !selected.contains($0.key) || project.services[$0.key] == nil }
        project.services = project.services.filter { selected.contains($0.key) }
        project.dropUnused()
        return project
    }
}

extension Dictionary where Key == String {
    fileprivate func keeping(_ keys: [String]) -> [String: Value] {
        let keys = Set(keys)
        return filter { keys.contains($0.key) }
    }
}
