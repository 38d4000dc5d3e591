package import Compose

/// Plans how a project is stopped, started again as it is, or taken away, by what the engine says alone: the model, where
/// it is known, only adds to the order that the containers' labels give.
package struct StatePlanner {
    /// What should become of the services.
    package enum Goal: Sendable, Equatable {
        /// Their containers are there and do not run.
        case stopped
        /// Their containers run; none is made.
        case started
        /// Nothing of the project is left, its volumes only when that is wanted too.
        case absent(volumes: Bool)
    }

    private let project: String
    private let services: Set<String>
    private let model: Project?
    /// Services that were seen to run to completion.
    private let completed: Set<String>
    private let images: [String: ObservedState.Image]
    /// Containers of other watcher projects, which are left alone.
    private let foreign: [ObservedState.Container]
    private let containers: [String: [ObservedState.Container]]
    private let dependencies: [String: [String: DependencyCondition]]
    private let timeout: Duration
    private var builder = PlanBuilder()
    private var done: [String: [Int]] = [:]
    private var waits: [String: Int] = [:]

    /// The plan.
    ///
    /// - Parameters:
    ///   - project: the Compose project.
    ///   - owner: the watcher project; what carries the label of another one is left alone.
    ///   - services: those concerned; empty for all. Starting concerns what they depend on too.
    ///   - completed: services that the record says had run to completion: those are not started unless they are named.
    ///   - timeout: the longest wait for a condition of a dependency.
    package static func plan(
        _ goal: Goal, of project: String, owner: String, services: Set<String> = [], model: Project?,
        _ observed: ObservedState, completed: Set<String> = [], timeout: Duration = .seconds(300)
    ) -> Plan {
        var planner = StatePlanner(project, owner, services, model, observed, completed, timeout)
        return planner.plan(goal, observed)
    }

    private init(
        _ project: String, _ owner: String, _ services: Set<String>, _ model: Project?, _ observed: ObservedState,
        _ completed: Set<String>, _ timeout: Duration
    ) {
        self.project = project
        self.services = services
        self.model = model
        self.completed = completed
        self.timeout = timeout
        images = observed.images
        foreign = observed.containers.filter { $0.owner(otherThan: owner) != nil }
        let own = observed.containers.filter { $0.owner(otherThan: owner) == nil }
        containers = Dictionary(grouping: own.filter { !$0.isOneOff }, by: \.service)
        var dependencies: [String: [String: DependencyCondition]] = [:]
        for container in own { dependencies[container.service, default: [:]] = container.dependencies }
        for (name, service) in model?.services ?? [:] {
            dependencies[name] = service.dependsOn.mapValues(\.condition)
        }
        self.dependencies = dependencies
    }

    private mutating func plan(_ goal: Goal, _ observed: ObservedState) -> Plan {
        switch goal {
        case .stopped: for name in dependantsFirst where concerns(name) { stop(name, removes: false, volumes: false) }
        case .started: for name in dependantsFirst.reversed() where startable.contains(name) { start(name) }
        case .absent(let volumes): remove(observed, volumes: volumes)
        }
        var plan = Plan()
        plan.steps = builder.steps
        plan.changes = builder.changes
        plan.warnings = Dictionary(grouping: foreign) { $0.labels[ComposeLabels.watcherProject] ?? "" }
            .sorted { $0.key < $1.key }.map { owner, containers in
                "left alone, because watcher's project \"\(owner)\" made it: "
                    + containers.map(\.name).sorted().joined(separator: ", ")
            }
        return plan
    }

    private func concerns(_ name: String) -> Bool { services.isEmpty || services.contains(name) }

    /// The services to start: those asked for, and what they depend on.
    private var startable: Set<String> {
        guard !services.isEmpty else { return Set(containers.keys) }
        var reached: Set<String> = []
        var waiting = Array(services)
        while let name = waiting.popLast() {
            if reached.insert(name).inserted { waiting += dependencies[name, default: [:]].keys }
        }
        return reached
    }

    /// All services with containers, each before those it depends on. Labels may make a circle; it is cut somewhere.
    private var dependantsFirst: [String] {
        var order: [String] = []
        var seen: Set<String> = []
        func visit(_ name: String) {
            guard seen.insert(name).inserted else { return }
            for dependency in dependencies[name, default: [:]].keys.sorted() { visit(dependency) }
            order.append(name)
        }
        for name in containers.keys.sorted() { visit(name) }
        return order.reversed().filter { containers[$0] != nil }
    }

    /// What came of the services that depend on this one.
    private func afterDependants(of name: String) -> [Int] {
        dependencies.filter { $0.value[name] != nil }.keys.sorted().flatMap { done[$0] ?? [] }
    }

    private mutating func stop(_ name: String, removes: Bool, volumes: Bool) {
        let before = afterDependants(of: name)
        let cause = removes ? "the project is taken down" : "requested"
        for container in containers[name] ?? [] {
            let reference = ContainerReference.existing(container.id)
            var last: [Int] = before
            var isChanged = removes
            if let stopped = builder.addStop(container, model?.anyService(name), cause: cause, after: last) {
                last = [stopped]
                isChanged = true
            }
            if removes {
                last = [builder.add(.remove(reference, volumes: volumes), cause: cause, service: name, after: last)]
            }
            if isChanged { builder.note("service", name, removes ? .remove : .stop, [cause]) }
            done[name, default: []] += last
        }
    }

    private mutating func remove(_ observed: ObservedState, volumes: Bool) {
        for name in dependantsFirst { stop(name, removes: true, volumes: volumes) }
        let all = builder.steps.map(\.id)
        let cause = "the project is taken down"
        // Each by itself, after everything else: one that is still in use must not keep the others.
        for network in observed.networks.values.sorted(by: { $0.name < $1.name })
        where network.labels[ComposeLabels.project] == project
            && !foreign.contains(where: { $0.networks[network.name] != nil })
        {
            builder.note("network", network.name, .remove, [cause])
            builder.add(
                .removeNetwork(id: network.id, name: network.name), cause: cause, after: all, phase: .cleanup)
        }
        for volume in observed.volumes.values.sorted(by: { $0.name < $1.name })
        where volumes && volume.labels[ComposeLabels.project] == project
            && !foreign.contains(where: { $0.mounts.contains { $0.name == volume.name } })
        {
            builder.note("volume", volume.name, .remove, ["--volumes"])
            builder.add(.removeVolume(name: volume.name), cause: "--volumes", after: all, phase: .cleanup)
        }
    }

    private mutating func start(_ name: String) {
        let idle = (containers[name] ?? []).filter {
            $0.parked == nil && $0.state != .running && $0.state != .restarting && !isFinished($0)
        }
        guard !idle.isEmpty else { return }
        var before: [Int] = []
        for (provider, condition) in dependencies[name, default: [:]].sorted(by: { $0.key < $1.key }) {
            before += done[provider] ?? []
            if let wait = wait(for: provider, condition) { before.append(wait) }
        }
        let service = model?.anyService(name)
        for container in idle {
            let reference = ContainerReference.existing(container.id)
            builder.note("service", name, .start, ["requested"])
            guard container.state != .paused else {
                done[name, default: []].append(
                    builder.add(.unpause(reference), cause: "requested", service: name, after: before))
                continue
            }
            var ready = before
            if let service, let model, container.state == .created {
                ready = builder.addCopies(reference, service, of: model, after: ready)
            }
            done[name, default: []].append(
                builder.addStart(reference, service, named: name, cause: "requested", after: ready))
        }
    }

    /// A job that has done its work does not do it again, unless somebody asks for it by its name: one that another service
    /// waits for, or one that was seen to end well by itself.
    private func isFinished(_ container: ObservedState.Container) -> Bool {
        let name = container.service
        guard container.state == .exited, container.exitCode == 0, !services.contains(name) else { return false }
        if dependencies.values.contains(where: { $0[name] == .completedSuccessfully }) { return true }
        guard let model, let service = model.services[name],
            model.isJob(name, image: images[service.imageName(in: model)])
        else { return false }
        return container.endedByItself == true || completed.contains(name)
    }

    private mutating func wait(for provider: String, _ condition: DependencyCondition) -> Int? {
        let key = "\(provider):\(condition.rawValue)"
        if let step = waits[key] { return step }
        let own = (containers[provider] ?? []).filter { $0.parked == nil }
        guard condition != .started, !own.isEmpty else { return nil }
        let step = builder.add(
            .wait(
                Wait(
                    service: provider, containers: own.map { .existing($0.id) },
                    expectation: condition == .healthy ? .healthy : .completed, timeout: timeout)),
            cause: condition.rawValue, service: provider, after: done[provider] ?? [])
        waits[key] = step
        return step
    }
}

extension ObservedState.Container {
    /// What its label says it depends on: `db:service_healthy:false,cache:service_started:false`.
    fileprivate var dependencies: [String: DependencyCondition] {
        var result: [String: DependencyCondition] = [:]
        for entry in (labels[ComposeLabels.dependsOn] ?? "").split(separator: ",") {
            let parts = entry.split(separator: ":")
            guard let name = parts.first else { continue }
            result[String(name)] =
                parts.dropFirst().first.flatMap { DependencyCondition(rawValue: String($0)) } ?? .started
        }
        return result
    }
}
