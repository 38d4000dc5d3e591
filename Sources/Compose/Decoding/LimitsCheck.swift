import YAML

/// Limits that a service may give in two places must agree; only the typed model can tell, because `512m` and
/// `536870912` are the same.
enum LimitsCheck {
    /// Everything that differs in the enabled services, each with its place in the tree.
    static func problems(of project: Project, in tree: YAMLNode) -> [ComposeError.Problem] {
        project.services.keys.sorted().flatMap { name in
            guard let service = project.services[name], let resources = service.deploy?.resources else {
                return [ComposeError.Problem]()
            }
            return differences(service, resources).map { attribute, other in
                .init(
                    .semantics, at: location(of: ["services", name, attribute], in: tree),
                    path: "services.\(name).\(attribute)", "differs from deploy.resources.\(other)")
            }
        }
    }

    private static func differences(
        _ service: Service, _ resources: Deploy.Resources
    ) -> [(attribute: String, other: String)] {
        var found: [(attribute: String, other: String)] = []
        if let limits = resources.limits {
            if service.cpus != 0, service.cpus != limits.cpus { found.append(("cpus", "limits.cpus")) }
            if service.memLimit != 0, service.memLimit != limits.memory { found.append(("mem_limit", "limits.memory")) }
            if service.pidsLimit != 0, service.pidsLimit != limits.pids { found.append(("pids_limit", "limits.pids")) }
        }
        if let reservations = resources.reservations, service.memReservation != 0,
            service.memReservation != reservations.memory
        {
            found.append(("mem_reservation", "reservations.memory"))
        }
        return found
    }

    private static func location(of path: [String], in tree: YAMLNode) -> SourceLocation {
        var location = tree.location
        var node: YAMLNode? = tree
        for key in path {
            guard case .mapping(let mapping) = node?.value, let entry = mapping.entries.first(where: { $0.key == key })
            else { break }
            location = entry.value.location
            node = entry.value
        }
        return location
    }
}
