package import Compose

extension Plan {
    /// Steps that change nothing and wait until the health checks that are still starting have decided.
    ///
    /// - Parameter among: only these services, and then also those without a health check, which have to run for `settle`;
    ///   nil for all whose health check is starting.
    package static func waits(
        for standing: Standing, _ project: Project, _ observed: ObservedState, among services: Set<String>? = nil,
        timeout: Duration?, settle: Duration
    ) -> [Step] {
        let engine = observed.traits ?? EngineTraits(version: .newest)
        let stamp = DeploymentStamp(project: "", commit: CommitID(hex: ""), deployment: 1)
        var target = Target(DeployableProject(running: project, on: engine), stamp: stamp)
        target.healthTimeout = timeout
        target.settle = settle
        let reconciler = Reconciler(target, observed)
        var builder = PlanBuilder()
        for entry in standing.services {
            let isWanted = services.map { $0.contains(entry.name) && entry.state == .works } ?? false
            guard entry.state == .starting || isWanted, services?.contains(entry.name) ?? true,
                let service = project.services[entry.name]
            else { continue }
            let containers = (reconciler.present[entry.name] ?? []).filter { $0.state == .running }
            guard !containers.isEmpty else { continue }
            builder.add(
                .wait(
                    Wait(
                        service: entry.name, containers: containers.map { .existing($0.id) },
                        expectation: reconciler.verification(of: service), isRequired: false,
                        timeout: reconciler.timeout(of: service), isOfKept: true,
                        mostRestarts: service.mostRestarts)),
                cause: "its health check has not decided yet", service: entry.name)
        }
        return builder.steps
    }
}
