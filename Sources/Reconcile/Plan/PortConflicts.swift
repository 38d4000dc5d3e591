package import Compose

/// A host port that a container could not get, known before anything is touched.
package struct PortProblem: Sendable, Equatable {
    /// `portTaken` when something outside of the project holds it, `portConflict` when the project is at odds with itself.
    package var reason: Reason
    package var service: String
    package var port: HostPort
    /// What holds it now; nil when two containers of the project want it.
    package var holder: PortHolder?
    /// `web: port 127.0.0.1:8080 is held by container "proxy" of project "edge"`
    package var message: String
    package var advice: String
}

extension Plan {
    /// The host ports that containers which this plan creates or starts want and cannot get, in order of services.
    ///
    /// Containers that the plan stops give theirs up. What holds a port that was not asked for is not known.
    package func portProblems(of project: Project, _ observed: ObservedState) -> [PortProblem] {
        let starting = Set(steps.filter { $0.phase == .apply && $0.startsContainer }.compactMap(\.service))
        let stopped = Set(steps.filter { $0.phase == .apply }.compactMap(\.stoppedContainer))
        let wanting = project.services.values.filter { $0.replicas > 0 }.sorted { $0.name < $1.name }
        return wanting.filter { starting.contains($0.name) }.flatMap { service in
            service.hostPorts.compactMap { port in
                Self.ownProblem(service, port, wanting, starting)
                    ?? observed.portHolders[port].flatMap { holder in
                        Self.problem(service, port, holder, observed, stopped)
                    }
            }
        }
    }

    /// More than one container of the project wants the port.
    private static func ownProblem(
        _ service: Service, _ port: HostPort, _ wanting: [Service], _ starting: Set<String>
    ) -> PortProblem? {
        func conflict(_ why: String, _ advice: String) -> PortProblem {
            PortProblem(
                reason: .portConflict, service: service.name, port: port,
                message: "\(service.name): port \(port) \(why)", advice: advice)
        }
        if service.replicas > 1 {
            return conflict(
                "can be published by one container, and the service has \(service.replicas)",
                "Publish a range of ports, leave the host port out, or run one replica.")
        }
        // Of two services at odds the later is told of, or the one that is started.
        let other = wanting.first { other in
            (other.name < service.name || !starting.contains(other.name)) && other.name != service.name
                && other.hostPorts.contains { $0.overlaps(port) }
        }
        return other.map {
            conflict("is published by service \($0.name), too", "Change the ports of one of them.")
        }
    }

    private static func problem(
        _ service: Service, _ port: HostPort, _ holder: PortHolder, _ observed: ObservedState,
        _ stopped: Set<ContainerID>
    ) -> PortProblem? {
        var reason = Reason.portTaken
        var advice = "Free the port, or publish another one; the next run tries again."
        if case .container(let id, let name, _) = holder {
            if stopped.contains(id) { return nil }
            if let own = observed.containers.first(where: { $0.id == id }) {
                // A container that the plan leaves alone may be the very one that is to be started.
                if own.service == service.name { return nil }
                reason = .portConflict
                advice = "Remove container \(name), or publish another port."
            }
        }
        return PortProblem(
            reason: reason, service: service.name, port: port, holder: holder,
            message: "\(service.name): port \(port) is held by \(holder)", advice: advice)
    }
}

extension Plan.Step {
    var startsContainer: Bool {
        switch operation {
        case .create, .start: true
        default: false
        }
    }

    /// The container there is that the step stops or removes.
    fileprivate var stoppedContainer: ContainerID? {
        switch operation {
        case .stop(.existing(let id)), .remove(.existing(let id), _): id
        default: nil
        }
    }
}
