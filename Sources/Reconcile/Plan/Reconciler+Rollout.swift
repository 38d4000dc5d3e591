import Compose

extension Reconciler {
    /// Swaps, starts and verifies the containers of one service after what it depends on is ready.
    mutating func planRollout(_ name: String) {
        guard let service = target.project.services[name], let entry = work[name] else { return }
        for container in entry.kept { repairName(container, service) }
        let woken = entry.kept.filter { mustStart($0, service) || mustRestart($0, service) }
        for container in entry.kept where !woken.contains(where: { $0.id == container.id }) {
            reconnect(container, service, after: [])
        }
        guard !entry.replaced.isEmpty || !entry.added.isEmpty || !woken.isEmpty else { return }

        let ready = readiness(of: service) + allCreations + clearingSteps
        var (started, last) = replace(entry.replaced, service, after: ready)
        for addition in entry.added {
            last = [startAdded(addition, service, after: ready + last)]
            started.append(.created(step: addition.creation))
        }
        for container in woken {
            last = [wake(container, service, after: ready + last)]
            started.append(.existing(container.id))
        }
        startSteps[name] = last
        let verified = builder.add(
            .wait(
                Wait(
                    service: name, containers: started, expectation: verification(of: service),
                    isRequired: isRequired(name), timeout: timeout(of: service),
                    mostRestarts: service.mostRestarts)),
            cause: "the deployment counts only when its services work", service: name, after: last)
        if isAwaitedToComplete(name), started.count == service.replicas {
            let key = WaitKey(
                service: name, condition: .completedSuccessfully, isRequired: isRequired(name))
            waitSteps[key] = verified
        }
    }

    /// Steps before anything starts, so that what runs goes on when a container cannot be made. Where nothing of the project
    /// is there yet, each service starts as soon as its own containers exist.
    private var allCreations: [Int] { observed.containers.isEmpty ? [] : creationSteps }

    /// Gives a container its name back that a broken recreation left under a temporary one.
    private mutating func repairName(_ container: ObservedState.Container, _ service: Service) {
        let final = service.containerName(in: target.project, number: container.number)
        guard container.name.hasSuffix("_\(final)"), container.name.count == final.count + 13,
            container.name.prefix(12).allSatisfy(\.isHexDigit)
        else { return }
        let isFree = observed.containers.allSatisfy { $0.name != final || retired[$0.id] != nil }
        guard isFree else { return }
        let cause = "an interrupted recreation left it as \(container.name)"
        builder.note("service", service.name, .rename, [cause])
        builder.add(
            .rename(.existing(container.id), to: final), cause: cause, service: service.name,
            after: creationSteps + clearingSteps)
    }

    private mutating func startAdded(_ addition: ServiceWork.Addition, _ service: Service, after: [Int]) -> Int {
        let new = ContainerReference.created(step: addition.creation)
        var last = after
        let step = builder.steps[addition.creation - 1]
        if case .create(let made) = step.operation, made.name != made.finalName {
            last = [
                builder.add(
                    .rename(new, to: made.finalName), cause: step.cause, service: service.name,
                    after: last + [addition.creation])
            ]
        }
        return startCreated(addition.creation, service, cause: "new container", after: last)
    }

    /// Starts a container that this plan creates, with everything that has to be in it; returns the last step.
    mutating func startCreated(_ creation: Int, _ service: Service, cause: String, after: [Int]) -> Int {
        let new = ContainerReference.created(step: creation)
        let ready = builder.addCopies(
            new, service, of: target.project, after: after + [creation] + (connected[creation] ?? []))
        return builder.addStart(new, service, named: service.name, cause: cause, after: ready)
    }

    /// Starts a kept container that does not run, or one again that has to notice something new.
    private mutating func wake(_ container: ObservedState.Container, _ service: Service, after: [Int]) -> Int {
        let reference = ContainerReference.existing(container.id)
        let (action, cause) = reasonToWake(container, service)
        builder.note("service", service.name, action, [cause])
        var last = after
        if action == .restart, let stopped = builder.addStop(container, former(service.name), cause: cause, after: last)
        {
            last = [stopped]
        }
        last = reconnect(container, service, after: last)
        if action == .unpause {
            return builder.add(.unpause(reference), cause: cause, service: service.name, after: last)
        }
        restarted.insert(service.name)
        if container.startedAt == nil, container.state == .created {
            last = builder.addCopies(reference, service, of: target.project, after: last)
        }
        return builder.addStart(reference, service, named: service.name, cause: cause, after: last)
    }

    private func reasonToWake(
        _ container: ObservedState.Container, _ service: Service
    ) -> (Plan.Change.Action, String) {
        if stoppedForNetwork[container.id] != nil { return (.reconnect, "its network was made anew") }
        if container.state == .paused { return (.unpause, "the container is paused") }
        if container.state == .exited { return (.start, "the container has exited (\(container.exitCode))") }
        if container.state == .created { return (.start, "the container was never started") }
        if container.state != .running { return (.start, "the container is \(container.state)") }
        let owner = service.namespaceOwners.first(where: restarted.contains)
        return (
            .restart,
            owner.map { "it shares a namespace with \($0), which is started again" }
                ?? "a service it depends on is recreated"
        )
    }

    /// Connects a kept container to the networks it left; returns what to wait for afterwards.
    @discardableResult
    private mutating func reconnect(
        _ container: ObservedState.Container, _ service: Service, after: [Int]
    ) -> [Int] {
        var last = after
        for key in networksLeft[container.id] ?? [] where service.networks[key] != nil {
            last = [
                builder.add(
                    .connect(.existing(container.id), endpoint(of: container, service, on: key)),
                    cause: "its network was made anew", service: service.name, after: last + resourceSteps)
            ]
        }
        return last
    }

    /// A kept container is restarted when it left a network for a while, when a dependency that says `restart: true` is
    /// recreated, or when the container whose namespace it shares is started again.
    private func mustRestart(_ container: ObservedState.Container, _ service: Service) -> Bool {
        if stoppedForNetwork[container.id] != nil { return true }
        guard container.state == .running else { return false }
        return service.namespaceOwners.contains(where: restarted.contains)
            || service.dependsOn.contains { name, dependency in
                dependency.restart && work[name]?.replaced.isEmpty == false
            }
    }

    /// A kept container that does not run is started, unless it is a job that has done its work.
    private func mustStart(_ container: ObservedState.Container, _ service: Service) -> Bool {
        switch container.state {
        case .running, .restarting: false
        case .created, .paused, .dead, .removing: true
        case .exited: !isFinished(container, service)
        }
    }

    /// The container has done its work: one that another service waits for, or a job that was seen to end well.
    private func isFinished(_ container: ObservedState.Container, _ service: Service) -> Bool {
        // A job that everybody can do without has had its chance.
        if isAwaitedToComplete(service.name), !isRequired(service.name) { return true }
        guard container.exitCode == 0, isJob(service) else { return false }
        return isAwaitedToComplete(service.name) || container.endedByItself == true
            || target.previous?.completed.contains(service.name) == true
    }

    func isAwaitedToComplete(_ name: String) -> Bool {
        target.project.services.values.contains { $0.dependsOn[name]?.condition == .completedSuccessfully }
    }

    /// Steps after which the conditions of the service's dependencies hold.
    private mutating func readiness(of service: Service) -> [Int] {
        var steps: [Int] = []
        for (name, provider, dependency) in dependencies(of: service) {
            steps += startSteps[name] ?? inheritedReadiness(provider)
            if dependency.condition != .started, !containers(of: name).isEmpty {
                steps.append(conditionStep(provider, dependency))
            }
        }
        return steps
    }

    /// What a service that stays as it is would have waited for: a dependant does not overtake it.
    private mutating func inheritedReadiness(_ service: Service) -> [Int] {
        if let steps = inherited[service.name] { return steps }
        var steps: [Int] = []
        for (name, provider, dependency) in dependencies(of: service) {
            guard let started = startSteps[name] else {
                steps += inheritedReadiness(provider)
                continue
            }
            steps += started
            if dependency.condition != .started, !containers(of: name).isEmpty {
                steps.append(conditionStep(provider, dependency))
            }
        }
        inherited[service.name] = steps
        return steps
    }

    private func dependencies(of service: Service) -> [(String, Service, Dependency)] {
        service.dependsOn.sorted { $0.key < $1.key }.compactMap { name, dependency in
            guard let provider = target.project.services[name], provider.replicas > 0, provider.provider == nil else {
                return nil
            }
            return (name, provider, dependency)
        }
    }

    /// The containers that the service has when the plan is carried out; none of a job that is done and was removed.
    private func containers(of name: String) -> [ContainerReference] {
        let entry = work[name] ?? ServiceWork()
        return entry.kept.map { .existing($0.id) } + entry.replaced.map { .created(step: $0.creation) }
            + entry.added.map { .created(step: $0.creation) }
    }

    private mutating func conditionStep(_ provider: Service, _ dependency: Dependency) -> Int {
        let key = WaitKey(
            service: provider.name, condition: dependency.condition, isRequired: dependency.required)
        if let step = waitSteps[key] { return step }
        let wait = Wait(
            service: provider.name, containers: containers(of: provider.name),
            expectation: dependency.condition == .healthy ? .healthy : .completed, isRequired: dependency.required,
            timeout: timeout(of: provider), isOfKept: startSteps[provider.name] == nil,
            mostRestarts: provider.mostRestarts)
        // A wait that ends the deployment does not begin before all new containers exist.
        let step = builder.add(
            .wait(wait), cause: dependency.condition.rawValue, service: provider.name,
            after: (startSteps[provider.name] ?? []) + allCreations)
        waitSteps[key] = step
        return step
    }

    /// Whether the deployment fails with the service. It does not when others depend on it and all of them do without.
    func isRequired(_ name: String) -> Bool {
        let dependencies = target.project.services.values.compactMap { $0.dependsOn[name] }
        return dependencies.isEmpty || dependencies.contains(where: \.required)
    }

    func verification(of service: Service) -> WaitExpectation {
        isAwaitedToComplete(service.name)
            ? .completed : .verified(settle: settle(of: service), mayComplete: isJob(service))
    }

    /// The configured bound, else one derived from the health check; jobs without a bound get an hour.
    func timeout(of service: Service) -> Duration {
        if let timeout = target.healthTimeout {
            return max(timeout, service.monitor.map { $0 + .seconds(10) } ?? .zero)
        }
        if isAwaitedToComplete(service.name) { return .seconds(3600) }
        return service.derivedHealthTimeout(image: image(of: service)) + settle(of: service)
    }

    /// How long the service has to run when it has no health check: `update_config.monitor`, else what is configured.
    private func settle(of service: Service) -> Duration {
        service.monitor ?? target.settle
    }
}

extension Service {
    /// How long `update_config` wants a new container to be watched; nil when it does not say.
    fileprivate var monitor: Duration? {
        guard let monitor = deploy?.updateConfig?.monitor, monitor > .zero else { return nil }
        return monitor
    }
}
