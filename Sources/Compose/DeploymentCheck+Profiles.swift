import YAML

extension ProjectLoader.Result {
    /// What docker compose takes for a project without services, which to deploy would be to remove everything: a profile
    /// that no service has, and no service at all.
    ///
    /// - Parameter profiles: Those that the configuration gives; without any, `COMPOSE_PROFILES` gave them.
    package func deploymentProfileProblems(profiles configured: [String]) -> [ComposeError.Problem] {
        let known = Set(project.allServices.values.flatMap(\.profiles)).sorted()
        let place = configured.isEmpty ? "COMPOSE_PROFILES" : "profiles"
        let unknown = project.profiles.filter { $0 != "*" && !known.contains($0) }.map { name in
            let near = Spelling.nearest(to: name, in: known).map { "; did you mean \"\($0)\"?" } ?? ""
            let all = known.isEmpty ? "no service has one" : "known are " + known.joined(separator: ", ")
            return ComposeError.Problem(
                .semantics, at: nil, path: place,
                "\"\(name)\" is no profile of the project\(near.isEmpty ? "; \(all)" : near)")
        }
        guard unknown.isEmpty else { return unknown }
        guard project.services.isEmpty else { return [] }
        let isNone = project.allServices.isEmpty
        // Where no file has the key, the first file is named.
        let start = project.configFiles.first.map { SourceLocation(file: $0, line: 1, column: 1) }
        return placing([
            ComposeError.Problem(
                .semantics, at: nil, path: "services",
                isNone
                    ? "the project has no service"
                    : "no service is enabled: each has a profile, and none of \(known.joined(separator: ", ")) is active"
            )
        ]).map { problem in
            var problem = problem
            problem.location = problem.location ?? start
            return problem
        }
    }
}
