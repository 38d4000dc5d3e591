import Compose

extension Reconciler {
    /// Swaps, starts and verifies the containers of one service after what it depends on is ready.
    mutating func planRollout(_ name: String) {
        guard let service = target.project.services[name], let entry = work[name] else { return }
        for container in entry.surplus {
            park(container, cause: "more replicas than wanted", after: creationSteps)
        }
        for container in entry.kept { repairName(container, service) }
        let restarts = entry.kept.filter { mustRestart($0, service) }
        let idle = entry.kept.filter { mustStart($0, service) && stoppedForNetwork[$0.id] == nil }
        guard !entry.replaced.isEmpty || !entry.added.isEmpty || !restarts.isEmpty || !idle.isEmpty else { return }

        let ready = readiness(of: service) + creationSteps + clearingSteps
        var started: [ContainerReference] = []
        var last: [Int] = []
        for replacement in entry.replaced {
            last = [swap(replacement, service, after: ready + last)]
            started.append(.created(step: replacement.creation))
        }
        for addition in entry.added {
            last = [startAdded(addition, service, after: ready + last)]
            started.append(.created(step: addition.creation))
        }
        for container in restarts {
            last = [restart(container, service, after: ready + last)]
            started.append(.existing(container.id))
        }
        for container in idle {
            last = [startIdle(container, service, after: ready + last)]
            started.append(.existing(container.id))
        }
        startSteps[name] = last
        builder.add(
            .wait(
                Wait(
                    service: name, containers: started, expectation: verification(of: service),
                    timeout: timeout(of: service))),
            cause: "the deployment counts only when its services work", service: name, after: last)
    }

    /// Gives a container its name back that a broken recreation left under a temporary one.
    private mutating func repairName(_ container: ObservedState.Container, _ service: Service) {
        let final = service.containerName(in: target.project, number: container.number)
        guard container.name.hasSuffix("_\(final)"), container.name.count == final.count + 13 else { return }
        let cause = "an interrupted recreation left it as \(container.name)"
        builder.note("service", service.name, .rename, [cause])
        builder.add(
            .rename(.existing(container.id), to: final), cause: cause, service: service.name,
            after: creationSteps + clearingSteps)
    }

    /// Parks the old container and starts its successor under its name; the time in between is one stop and one start.
    private mutating func swap(_ replacement: ServiceWork.Replacement, _ service: Service, after: [Int]) -> Int {
        let old = ContainerReference.existing(replacement.old.id)
        let new = ContainerReference.created(step: replacement.creation)
        let cause = replacement.causes.joined(separator: ", ")
        let final = service.containerName(in: target.project, number: replacement.old.number)
        let parkedName = ParkedName(original: replacement.old.name, deployment: target.deployment).description
        let parked = builder.add(.rename(old, to: parkedName), cause: cause, service: service.name, after: after)
        let named = builder.add(.rename(new, to: final), cause: cause, service: service.name, after: [parked])
        var last = named
        if stoppedForNetwork[replacement.old.id] == nil {
            switch replacement.old.state {
            case .paused:
                let unpaused = builder.add(.unpause(old), cause: cause, service: service.name, after: [last])
                last = builder.add(.stop(old), cause: cause, service: service.name, after: [unpaused])
            case .running, .restarting:
                last = builder.add(.stop(old), cause: cause, service: service.name, after: [last])
            case .created, .exited, .dead, .removing: break
            }
        }
        builder.add(
            .remove(old, volumes: false), cause: "its successor is verified", service: service.name, after: [last],
            phase: .cleanup)
        return builder.add(.start(new), cause: cause, service: service.name, after: [last])
    }

    private mutating func startAdded(_ addition: ServiceWork.Addition, _ service: Service, after: [Int]) -> Int {
        let new = ContainerReference.created(step: addition.creation)
        var last = after + [addition.creation]
        if let step = builder.steps.first(where: { $0.id == addition.creation }),
            case .create(let made) = step.operation,
            made.name != made.finalName
        {
            last = [
                builder.add(.rename(new, to: made.finalName), cause: step.cause, service: service.name, after: last)
            ]
        }
        return builder.add(.start(new), cause: "new container", service: service.name, after: last)
    }

    private mutating func restart(
        _ container: ObservedState.Container, _ service: Service, after: [Int]
    ) -> Int {
        let reference = ContainerReference.existing(container.id)
        var last = after
        let isForNetwork = stoppedForNetwork[container.id] != nil
        let cause = isForNetwork ? "its network was made anew" : "a service it depends on is recreated"
        builder.note("service", service.name, isForNetwork ? .reconnect : .restart, [cause])
        if isForNetwork {
            for key in service.networks.keys.sorted() where recreatedNetworks.contains(key) {
                last = [
                    builder.add(
                        .connect(reference, network: key, service: service.name), cause: cause, service: service.name,
                        after: last)
                ]
            }
        } else {
            last = [builder.add(.stop(reference), cause: cause, service: service.name, after: last)]
        }
        return builder.add(.start(reference), cause: cause, service: service.name, after: last)
    }

    private mutating func startIdle(_ container: ObservedState.Container, _ service: Service, after: [Int]) -> Int {
        let reference = ContainerReference.existing(container.id)
        let cause = "the container is \(container.state)"
        if container.state == .paused {
            builder.note("service", service.name, .unpause, [cause])
            return builder.add(.unpause(reference), cause: cause, service: service.name, after: after)
        }
        builder.note("service", service.name, .start, [cause])
        return builder.add(.start(reference), cause: cause, service: service.name, after: after)
    }

    /// A kept container is restarted when it left a network for a while, or when a dependency that says
    /// `restart: true` is recreated.
    private func mustRestart(_ container: ObservedState.Container, _ service: Service) -> Bool {
        if stoppedForNetwork[container.id] != nil { return true }
        guard container.state == .running else { return false }
        return service.dependsOn.contains { name, dependency in
            dependency.restart && work[name]?.replaced.isEmpty == false
        }
    }

    /// A kept container that does not run is started, unless it is a job that has done its work.
    private func mustStart(_ container: ObservedState.Container, _ service: Service) -> Bool {
        switch container.state {
        case .running, .restarting: false
        case .created, .paused, .dead, .removing: true
        case .exited: !(container.exitCode == 0 && isJob(service))
        }
    }

    /// The service runs to completion: another one waits for that, or the last good deployment saw it do so.
    private func isJob(_ service: Service) -> Bool {
        if target.previous?.completed.contains(service.name) == true { return true }
        return isAwaitedToComplete(service.name)
    }

    private func isAwaitedToComplete(_ name: String) -> Bool {
        target.project.services.values.contains { $0.dependsOn[name]?.condition == .completedSuccessfully }
    }

    /// Steps after which the conditions of the service's dependencies hold.
    private mutating func readiness(of service: Service) -> [Int] {
        var steps: [Int] = []
        for name in service.dependsOn.keys.sorted() {
            guard let dependency = service.dependsOn[name], let provider = target.project.services[name],
                provider.replicas > 0, provider.provider == nil
            else { continue }
            steps += startSteps[name] ?? []
            if dependency.condition != .started { steps.append(conditionStep(provider, dependency)) }
        }
        return steps
    }

    private mutating func conditionStep(_ provider: Service, _ dependency: Dependency) -> Int {
        let key = WaitKey(
            service: provider.name, condition: dependency.condition, isRequired: dependency.required)
        if let step = waitSteps[key] { return step }
        let entry = work[provider.name] ?? ServiceWork()
        let containers: [ContainerReference] =
            entry.kept.map { .existing($0.id) }
            + entry.replaced.map { .created(step: $0.creation) } + entry.added.map { .created(step: $0.creation) }
        let wait = Wait(
            service: provider.name, containers: containers,
            expectation: dependency.condition == .healthy ? .healthy : .completed, isRequired: dependency.required,
            timeout: timeout(of: provider))
        // A wait that ends the deployment does not begin before all new containers exist.
        let step = builder.add(
            .wait(wait), cause: dependency.condition.rawValue, service: provider.name,
            after: (startSteps[provider.name] ?? []) + creationSteps)
        waitSteps[key] = step
        return step
    }

    private func verification(of service: Service) -> WaitExpectation {
        isAwaitedToComplete(service.name) ? .completed : .verified(settle: target.settle)
    }

    /// The configured bound, else one derived from the health check; jobs without a bound get an hour.
    private func timeout(of service: Service) -> Duration {
        if let timeout = target.healthTimeout { return timeout }
        if isAwaitedToComplete(service.name) { return .seconds(3600) }
        return service.derivedHealthTimeout + target.settle
    }
}
