package import Compose

/// Plans the way back from a deployment that failed or died: what it created goes, what it parked comes back.
///
/// Containers need no model, only what ran before and what is there now, so it works after a crash and for projects that
/// watcher never deployed before. Networks that were made anew are made once more as the model says.
package struct UndoPlanner {
    /// The deployment to undo.
    package struct Attempt: Sendable, Equatable {
        /// Its number, as in parked names.
        package var number: Int
        /// The value of the deployment label of the containers it made.
        package var label: String

        package init(number: Int, label: String) {
            self.number = number
            self.label = label
        }

        /// The watcher project whose deployment it is.
        var project: String { String(label[..<(label.lastIndex(of: "/") ?? label.endIndex)]) }
    }

    let before: ObservedState
    private(set) var observed: ObservedState
    let attempt: Attempt
    /// What ran before; the attempt's own model when that is not known.
    let model: Project
    /// What the attempt was to make: the hooks of its containers, and the images it brought.
    let attempted: Project
    let settle: Duration
    let timeout: Duration
    var builder = PlanBuilder()
    /// Steps after which what the attempt created holds no name and no port any more, or is gone where networks change.
    var cleared: [Int] = []
    /// Containers that the way back stops because their network changes.
    var stopped: [ContainerID: Int] = [:]
    /// Steps that connect a container to its networks again.
    var connected: [ContainerID: [Int]] = [:]
    let earlier: [ContainerID: ObservedState.Container]

    private init(
        _ attempt: Attempt, before: ObservedState, observed: ObservedState, model: Project, attempted: Project,
        settle: Duration, timeout: Duration
    ) {
        self.before = before
        self.observed = observed
        // What another project of watcher made is none of this one's, whatever its name.
        self.observed.containers.removeAll { $0.owner(otherThan: attempt.project) != nil }
        self.attempted = attempted
        self.attempt = attempt
        self.model = model
        self.settle = settle
        self.timeout = timeout
        earlier = Dictionary(before.containers.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The plan; empty when nothing of the deployment is left.
    ///
    /// - Parameters:
    ///   - before: the state before the attempt, its images those before anything was pulled or built.
    ///   - observed: the state now, which was asked for the images of `imagesToObserve(before)`, too.
    ///   - model: the project that ran before; the attempt's own where that is not known.
    ///   - attempted: the project that the attempt was to make; nil for `model`.
    package static func plan(
        _ attempt: Attempt, before: ObservedState, observed: ObservedState, model: Project,
        attempted: Project? = nil, settle: Duration, timeout: Duration
    ) -> Plan {
        var planner = UndoPlanner(
            attempt, before: before, observed: observed, model: model, attempted: attempted ?? model, settle: settle,
            timeout: timeout)
        return planner.plan()
    }

    private mutating func plan() -> Plan {
        putAsideCreated()
        restoreNetworks()
        let survivors = survivors()
        let renamed = restoreNames(survivors)
        restoreStates(survivors, renamed)
        restoreTags()
        var plan = Plan()
        plan.steps = builder.steps
        plan.changes = builder.changes
        return plan
    }

    /// Puts aside what the attempt created, under parked names, and has cleanup remove it: what ran before need not wait for
    /// that. Only where networks change it goes at once, because it may be what holds them.
    private mutating func putAsideCreated() {
        let cause = "made by the deployment that is undone"
        for container in observed.containers where isCreated(container) {
            builder.note("service", container.service, .remove, [cause])
            let reference = ContainerReference.existing(container.id)
            var last: [Int] = []
            if let stopped = builder.addStop(
                container, attempted.anyService(container.service), cause: cause, after: [])
            {
                last = [stopped]
            }
            if !changesNetworks, container.parked == nil {
                // Its service's name with `.parked-` is that of the one that comes back.
                let own = "\(container.id.short)_\(container.nameOfPlace)"
                let name = ParkedName(original: own, deployment: attempt.number)
                let renaming = Operation.rename(reference, to: name.description)
                last = [builder.add(renaming, cause: cause, service: container.service, after: last)]
                cleared += last
            }
            let removed = builder.add(
                .remove(reference, volumes: true), cause: cause, service: container.service, after: last,
                phase: changesNetworks ? .apply : .cleanup)
            cleared += changesNetworks ? [removed] : []
        }
    }

    /// The attempt made it, and it was not there before.
    func isCreated(_ container: ObservedState.Container) -> Bool {
        container.labels[ComposeLabels.watcherDeployment] == attempt.label && earlier[container.id] == nil
    }

    /// The networks of the project are not those of before.
    private var changesNetworks: Bool {
        func own(_ state: ObservedState) -> [String] { state.networks.values.filter(isOwn).map(\.id).sorted() }
        return own(before) != own(observed)
    }

    /// Parked containers of the attempt, and others that were there before, in the order in which they started then.
    private func survivors() -> [ObservedState.Container] {
        observed.containers
            .filter { earlier[$0.id] != nil || ($0.parked?.deployment == attempt.number && !isCreated($0)) }
            .sorted { one, other in
                let first = earlier[one.id]?.startedAt ?? 0
                let second = earlier[other.id]?.startedAt ?? 0
                return first == second ? one.name < other.name : first < second
            }
    }

    /// Gives every container its name back; one that holds another's name moves out of the way first.
    private mutating func restoreNames(_ survivors: [ObservedState.Container]) -> [ContainerID: Int] {
        var wanted: [ContainerID: String] = [:]
        for container in survivors {
            let name = earlier[container.id]?.name ?? container.parked?.original ?? container.name
            if name != container.name { wanted[container.id] = name }
        }
        let holders = Dictionary(survivors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var steps: [ContainerID: Int] = [:]
        for container in survivors where wanted[container.id] != nil {
            var chain = [container]
            while let name = chain.last.flatMap({ wanted[$0.id] }), let holder = holders[name],
                wanted[holder.id] != nil, !chain.contains(where: { $0.id == holder.id })
            {
                chain.append(holder)
            }
            var after = cleared
            for link in chain.reversed() {
                guard let name = wanted[link.id] else { continue }
                let step =
                    steps[link.id]
                    ?? builder.add(
                        .rename(.existing(link.id), to: name), cause: "it had this name before",
                        service: link.service, after: after)
                steps[link.id] = step
                after = cleared + [step]
            }
        }
        return steps
    }

    private mutating func restoreStates(_ survivors: [ObservedState.Container], _ renamed: [ContainerID: Int]) {
        var ready: [String: [Int]] = [:]
        var pending: [String: Pending] = [:]
        for container in survivors {
            let reference = ContainerReference.existing(container.id)
            let was = earlier[container.id]
            let ran = was.map { $0.isUp || $0.state == .paused } ?? true
            let runs = (container.isUp || container.state == .paused) && stopped[container.id] == nil
            if container.parked != nil { builder.note("service", container.service, .start, ["put back as it was"]) }
            let after = cleared + [renamed[container.id]].compactMap { $0 } + (connected[container.id] ?? [])
            let service = model.anyService(container.service)
            if runs, !ran { _ = builder.addStop(container, service, cause: "it did not run before", after: after) }
            guard ran, !runs else { continue }
            let dependencies = container.dependencyNames.filter { $0 != container.service }
            for name in dependencies where pending[name] != nil {
                ready[name] = addWait(name, pending.removeValue(forKey: name))
            }
            let start = builder.addStart(
                reference, service, named: container.service, cause: "it ran before",
                after: after + dependencies.flatMap { ready[$0] ?? [] })
            pending[container.service, default: Pending()].add(reference, start, was)
        }
        for service in pending.keys.sorted() { _ = addWait(service, pending[service]) }
    }

    /// Containers of a service that were started and are to be verified together.
    private struct Pending {
        var starts: [Int] = []
        /// With whether it has to work: what worked before has to work again.
        var verified: [(container: ContainerReference, isRequired: Bool)] = []

        mutating func add(_ container: ContainerReference, _ start: Int, _ was: ObservedState.Container?) {
            starts.append(start)
            switch (was?.state, was?.health) {
            case (.restarting, _), (_, .unhealthy): break
            case (_, .starting): verified.append((container, false))
            default: verified.append((container, true))
            }
        }
    }

    /// Adds the waits for a service; returns what its dependants wait for.
    private mutating func addWait(_ service: String, _ pending: Pending?) -> [Int] {
        guard let pending else { return [] }
        var steps = pending.starts
        for isRequired in [true, false] {
            let containers = pending.verified.filter { $0.isRequired == isRequired }.map(\.container)
            guard !containers.isEmpty else { continue }
            steps.append(
                builder.add(
                    .wait(
                        Wait(
                            service: service, containers: containers,
                            expectation: .verified(settle: settle, mayComplete: mayComplete(service)),
                            isRequired: isRequired, timeout: timeout,
                            mostRestarts: model.anyService(service)?.mostRestarts
                                ?? Wait<ContainerReference>.defaultMostRestarts)),
                    cause: "what was put back must work", service: service, after: pending.starts))
        }
        return steps
    }

    /// A service that is not known may be a job as well as a server.
    private func mayComplete(_ name: String) -> Bool {
        guard let service = model.services[name] else { return true }
        return model.isJob(name, image: before.image(of: service, in: model))
    }
}

extension ObservedState.Container {
    /// It runs, or the engine is about to start it again.
    var isUp: Bool { state == .running || state == .restarting }

    /// The name without the id that a successor's carries until it takes the name over.
    fileprivate var nameOfPlace: Substring {
        let prefix = name.prefix(13)
        return prefix.count == 13 && prefix.last == "_" && prefix.dropLast().allSatisfy(\.isHexDigit)
            ? name.dropFirst(13) : name[...]
    }

    /// The services it depends on, from its label.
    fileprivate var dependencyNames: [String] {
        (labels[ComposeLabels.dependsOn] ?? "").split(separator: ",").map { String($0.prefix { $0 != ":" }) }.sorted()
    }
}
