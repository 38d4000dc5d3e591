import Compose

extension Reconciler {
    /// Replaces a service's containers as its `update_config` says: so many at a time, and the old ones before or after the
    /// new ones. Without one they are replaced one after the other, and verified together.
    ///
    /// - Returns: the containers that are still to be verified, and the steps that the next start comes after.
    mutating func replace(
        _ replaced: [ServiceWork.Replacement], _ service: Service, after ready: [Int]
    ) -> (unverified: [ContainerReference], last: [Int]) {
        var last: [Int] = []
        guard let update = service.deploy?.updateConfig, !isAwaitedToComplete(service.name) else {
            for replacement in replaced { last = [swap(replacement, service, after: ready + last)] }
            return (replaced.map { .created(step: $0.creation) }, last)
        }
        let size = update.parallelism ?? 1
        var rest = replaced[...]
        while true {
            let batch = rest.prefix(size > 0 ? size : rest.count)
            rest = rest.dropFirst(batch.count)
            let beside = batch.filter { runsBeside($0, service) }
            let starts = batch.map { replacement in
                beside.contains { $0.old.id == replacement.old.id }
                    ? startBeside(replacement, service, after: ready + last)
                    : swap(replacement, service, after: ready + last)
            }
            let new = batch.map { ContainerReference.created(step: $0.creation) }
            guard !rest.isEmpty else {
                handovers += beside.map { ($0, service) }
                return (new, starts)
            }
            startSteps[service.name] = starts
            let verified = builder.add(
                .wait(
                    Wait(
                        service: service.name, containers: new, expectation: verification(of: service),
                        isRequired: isRequired(service.name), timeout: timeout(of: service), delay: update.delay,
                        mostRestarts: service.mostRestarts)),
                cause: "the next replicas are replaced when these work", service: service.name, after: starts)
            last = [verified] + beside.flatMap { handOver($0, service, after: [verified]) }
        }
    }

    /// Parks the old container and starts its successor under its name; the time in between is one stop and one start.
    private mutating func swap(_ replacement: ServiceWork.Replacement, _ service: Service, after: [Int]) -> Int {
        let steps = handOver(replacement, service, after: after)
        return startCreated(replacement.creation, service, cause: replacement.cause, after: steps)
    }

    /// Whether the old container goes on running until its successor is verified. Says so when that is asked for and
    /// something else in this plan needs it stopped.
    private mutating func runsBeside(_ replacement: ServiceWork.Replacement, _ service: Service) -> Bool {
        let old = replacement.old
        guard service.startsFirst, old.state == .running else { return false }
        guard stoppedForNetwork[old.id] == nil, retired[old.id] == nil else {
            builder.warnings.append(
                "container \(old.name) is stopped before its successor starts, although its service says start-first: "
                    + (retired[old.id] == nil
                        ? "its network is made anew" : "another service gets its name, port or address"))
            return false
        }
        return true
    }

    private mutating func startBeside(
        _ replacement: ServiceWork.Replacement, _ service: Service, after: [Int]
    ) -> Int {
        startCreated(replacement.creation, service, cause: replacement.cause, after: after)
    }

    /// Stops the old containers that run beside their successors, at the very end: whatever fails before leaves them
    /// untouched.
    mutating func planHandovers() {
        let steps = builder.steps.filter { $0.phase == .apply }
        let followed = Set(steps.flatMap(\.after))
        let last = steps.map(\.id).filter { !followed.contains($0) }
        for (replacement, service) in handovers { _ = handOver(replacement, service, after: last) }
    }

    /// Parks the old container and gives its name to its successor.
    private mutating func handOver(
        _ replacement: ServiceWork.Replacement, _ service: Service, after: [Int]
    ) -> [Int] {
        let final = service.containerName(in: target.project, number: replacement.old.number)
        let (renamed, stopped) = retire(replacement.old, cause: replacement.cause, after: after)
        let named = builder.add(
            .rename(.created(step: replacement.creation), to: final), cause: replacement.cause, service: service.name,
            after: after + [renamed])
        return [named, stopped]
    }
}
