import Compose

/// Compares what should run with what runs and says what to do: the pure heart of every deploy, heal and rollback.
///
/// Nothing running is touched by a step that does not come after the creation of all new containers (except that a
/// network is made anew before containers are created in it), and a container that is replaced or no longer wanted is
/// only parked; removing it is cleanup.
package struct Reconciler {
    let target: Target
    let observed: ObservedState
    /// The services, each after those it depends on.
    let order: [String]
    /// Containers a service may keep, by service: no one-off and no parked ones.
    let present: [String: [ObservedState.Container]]
    var builder = PlanBuilder()
    /// Network keys that are removed and made anew.
    var recreatedNetworks: Set<String> = []
    /// Steps after which all networks and volumes are as they should be.
    var resourceSteps: [Int] = []
    /// Stop steps of containers that had to leave a network that is made anew.
    var stoppedForNetwork: [ContainerID: Int] = [:]
    /// Keys of the networks made anew that a container was in.
    var networksLeft: [ContainerID: [String]] = [:]
    var work: [String: ServiceWork] = [:]
    /// Steps after which a container that this plan creates can be started, by the step that creates it: its other networks.
    var connected: [Int: [Int]] = [:]
    /// Steps that create containers: nothing running is touched before they are through.
    var creationSteps: [Int] = []
    /// Steps that stop containers whose names and ports others may need: nothing starts before they are through.
    var clearingSteps: [Int] = []
    /// The rename and the stop of each container that is parked.
    var retired: [ContainerID: (renamed: Int, stopped: Int)] = [:]
    /// Containers whose successors run beside them until the whole deployment is verified.
    var handovers: [(replacement: ServiceWork.Replacement, service: Service)] = []
    /// Steps after which the service's containers have been started.
    var startSteps: [String: [Int]] = [:]
    /// Services with a kept container that is started again.
    var restarted: Set<String> = []
    var waitSteps: [WaitKey: Int] = [:]
    /// What the dependants of a service that stays as it is wait for in its place.
    var inherited: [String: [Int]] = [:]

    struct WaitKey: Hashable {
        var service: String
        var condition: DependencyCondition
        var isRequired: Bool
    }

    package init(_ target: Target, _ observed: ObservedState) {
        self.target = target
        self.observed = observed
        order = target.project.dependencyOrder
        present = Dictionary(
            grouping: observed.containers.filter { !$0.isOneOff && $0.parked == nil }, by: \.service)
    }

    /// The plan that makes `observed` into `target`.
    package static func plan(_ target: Target, _ observed: ObservedState) -> Plan {
        var reconciler = Reconciler(target, observed)
        return reconciler.plan()
    }

    private mutating func plan() -> Plan {
        var plan = Plan()
        plan.refusals = refusals()
        guard plan.refusals.isEmpty else { return plan }
        planNetworks()
        planVolumes()
        for name in order { work[name] = serviceWork(name) }
        planCreations()
        planClearing()
        for name in order { planRollout(name) }
        planHandovers()
        planLeftovers()
        planNetworkRemoval()
        plan.pulls = pulls()
        plan.builds = builds()
        plan.steps = builder.steps
        plan.changes = builder.changes
        plan.warnings = builder.warnings
        plan.missing = builder.missing
        plan.changesWithoutEffect = changesWithoutEffect()
        return plan
    }

    /// Containers of the Compose project that another watcher project made: two projects with one name would take each
    /// other's containers for their own for ever.
    private func refusals() -> [String] {
        var names: [String: [String]] = [:]
        for container in observed.containers {
            if let owner = container.owner(otherThan: target.stamp.project) {
                names[owner, default: []].append(container.name)
            }
        }
        return names.sorted { $0.key < $1.key }.map { owner, containers in
            "the Compose project \"\(target.project.name)\" has containers of watcher's project \"\(owner)\": "
                + containers.sorted().joined(separator: ", ")
        }
    }

    /// What differs from the last good deployment in services that stay as they are.
    private func changesWithoutEffect() -> [Plan.Change] {
        guard let previous = target.previous else { return [] }
        var changes: [Plan.Change] = order.compactMap { name in
            guard let service = target.project.services[name], let old = previous.project.anyService(name),
                work[name]?.isEmpty != false
            else { return nil }
            let causes = service.causesWithoutEffect(from: old)
            guard !causes.isEmpty else { return nil }
            return .init(kind: "service", name: name, action: .update, causes: causes.map(\.text), details: causes)
        }
        if previous.hasHostBuild != target.hasHostBuild {
            let cause = Plan.Cause(target.hasHostBuild ? .attributeAdded("build") : .attributeRemoved("build"))
            changes.append(
                .init(
                    kind: "project", name: target.stamp.project, action: .update, causes: [cause.text], details: [cause]
                ))
        }
        return changes
    }

    /// The image that the service's containers run; nil when the engine does not have it.
    func image(of service: Service) -> ObservedState.Image? {
        if let pinned = target.pinnedImages[service.name], let image = observed.images[pinned] { return image }
        return observed.image(of: service, in: target.project)
    }

    /// Whether a container of the service may exit with status 0.
    func isJob(_ service: Service) -> Bool { target.project.isJob(service.name, image: image(of: service)) }

    /// The names that the containers of each service that this one links to have, or will have once they are replaced.
    func linkedNames(of service: Service) -> [String: [String]] {
        var names: [String: [String]] = [:]
        for link in service.links {
            let name = String(link.prefix { $0 != ":" })
            guard let linked = target.project.anyService(name) else { continue }
            let numbers =
                work[name].map { $0.kept.map(\.number) + $0.replaced.map(\.old.number) + $0.added.map(\.number) }
                ?? (present[name] ?? []).map(\.number)
            names[name] = Set(numbers).sorted().map { linked.containerName(in: target.project, number: $0) }
        }
        return names
    }

    /// A kept container's place on a network of its service.
    func endpoint(of container: ObservedState.Container, _ service: Service, on key: String) -> Endpoint {
        let project = target.project
        let links = project.links(of: service, number: container.number, to: linkedNames(of: service))
        return project.endpoint(
            of: service, on: key, finalName: service.containerName(in: project, number: container.number),
            links: links, on: target.deployable.engine)
    }

    /// The service as the container was made with, whose hooks it is stopped with: that of the last good deployment.
    func former(_ name: String) -> Service? {
        target.previous?.project.anyService(name) ?? target.project.anyService(name)
    }
}
