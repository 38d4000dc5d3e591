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
    private let containers: [String: [ObservedState.Container]]
    private let dependencies: [String: [String: DependencyCondition]]
    private let timeout: Duration
    private var builder = PlanBuilder()
    private var done: [String: [Int]] = [:]
    private var waits: [String: Int] = [:]

    /// The plan, to be carried out on the model or, without one, on an empty project of that name.
    ///
    /// - Parameters:
    ///   - project: the Compose project.
    ///   - services: those concerned; empty for all. Starting concerns what they depend on too.
    ///   - timeout: the longest wait for a condition of a dependency.
    package static func plan(
        _ goal: Goal, of project: String, services: Set<String> = [], model: Project?, _ observed: ObservedState,
        timeout: Duration = .seconds(300)
    ) -> Plan {
        var planner = StatePlanner(project, services, model, observed, timeout)
        return planner.plan(goal, observed)
    }

    private init(
        _ project: String, _ services: Set<String>, _ model: Project?, _ observed: ObservedState, _ timeout: Duration
    ) {
        self.project = project
        self.services = services
        self.timeout = timeout
        containers = Dictionary(grouping: observed.containers.filter { !$0.isOneOff }, by: \.service)
        var dependencies: [String: [String: DependencyCondition]] = [:]
        for container in observed.containers { dependencies[container.service, default: [:]] = container.dependencies }
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
        let cause = removes ? "the project is taken down" : "asked for"
        for container in containers[name] ?? [] {
            let reference = ContainerReference.existing(container.id)
            var last: [Int] = before
            var isChanged = removes
            if container.state == .paused {
                last = [builder.add(.unpause(reference), cause: cause, service: name, after: last)]
            }
            if [.running, .restarting, .paused].contains(container.state) {
                last = [builder.add(.stop(reference), cause: cause, service: name, after: last)]
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
        where network.labels[ComposeLabels.project] == project {
            builder.note("network", network.name, .remove, [cause])
            builder.add(
                .removeNetwork(id: network.id, name: network.name), cause: cause, after: all, phase: .cleanup)
        }
        for volume in observed.volumes.values.sorted(by: { $0.name < $1.name })
        where volumes && volume.labels[ComposeLabels.project] == project {
            builder.note("volume", volume.name, .remove, ["--volumes"])
            builder.add(.removeVolume(name: volume.name), cause: "--volumes", after: all, phase: .cleanup)
        }
    }

    private mutating func start(_ name: String) {
        let own = (containers[name] ?? []).filter { $0.parked == nil }
        guard own.contains(where: { $0.state != .running && $0.state != .restarting }) else { return }
        var before: [Int] = []
        for (provider, condition) in dependencies[name, default: [:]].sorted(by: { $0.key < $1.key }) {
            before += done[provider] ?? []
            if let wait = wait(for: provider, condition) { before.append(wait) }
        }
        for container in own where container.state != .running && container.state != .restarting {
            let reference = ContainerReference.existing(container.id)
            let operation: Operation<ContainerReference> =
                container.state == .paused ? .unpause(reference) : .start(reference)
            builder.note("service", name, .start, ["asked for"])
            done[name, default: []].append(
                builder.add(operation, cause: "asked for", service: name, after: before))
        }
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
