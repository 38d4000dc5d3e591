import Compose

extension Reconciler {
    /// Parks, ahead of every start, what nobody wants and what holds a name or a port that another container needs.
    mutating func planClearing() {
        planOrphans()
        for name in order {
            guard let entry = work[name] else { continue }
            for container in entry.surplus { clear(container, cause: "more replicas than wanted") }
            for replacement in entry.replaced where isInTheWay(replacement) {
                clear(replacement.old, cause: replacement.cause)
            }
        }
    }

    /// Containers of services that are gone are parked, if watcher made them.
    private mutating func planOrphans() {
        for container in observed.containers where isOrphan(container) {
            let isDisabled = target.project.disabledServices[container.service] != nil
            guard isPruned(container) else {
                if !isDisabled {
                    builder.warnings.append(
                        "container \(container.name) belongs to service \(container.service), which the project does "
                            + "not have; it is left alone")
                }
                continue
            }
            let cause = isDisabled ? "its profile is not active" : "the service is no longer in the project"
            builder.note("service", container.service, .remove, [cause])
            clear(container, cause: cause)
        }
    }

    private func isOrphan(_ container: ObservedState.Container) -> Bool {
        container.parked == nil && !container.isOneOff && target.project.services[container.service] == nil
    }

    /// Whether the container belongs to a service that is gone and may be taken away: watcher made it.
    func isPruned(_ container: ObservedState.Container) -> Bool {
        isOrphan(container) && target.prunesOrphans && container.labels[ComposeLabels.watcherProject] != nil
    }

    private mutating func clear(_ container: ObservedState.Container, cause: String) {
        let (renamed, stopped) = retire(container, cause: cause, after: creationSteps)
        clearingSteps += [renamed, stopped]
    }

    /// Gives a container its parked name, stops it and has cleanup remove it; done already, it says by which steps.
    mutating func retire(
        _ container: ObservedState.Container, cause: String, after: [Int]
    ) -> (renamed: Int, stopped: Int) {
        if let steps = retired[container.id] { return steps }
        let reference = ContainerReference.existing(container.id)
        let name = ParkedName(original: container.name, deployment: target.stamp.deployment)
        let renamed = builder.add(
            .rename(reference, to: name.description), cause: cause, service: container.service, after: after)
        var last = renamed
        if stoppedForNetwork[container.id] == nil,
            let stopped = builder.addStop(container, former(container.service), cause: cause, after: [renamed])
        {
            last = stopped
        }
        builder.add(
            .remove(reference, volumes: false), cause: "parked and no longer needed", service: container.service,
            after: [last], phase: .cleanup)
        retired[container.id] = (renamed, last)
        return (renamed, last)
    }

    /// Another container that this plan starts needs the name, a host port or a fixed address of the one that is
    /// replaced.
    private func isInTheWay(_ replacement: ServiceWork.Replacement) -> Bool {
        let old = replacement.old
        let addresses = target.previous?.project.services[old.service]?.fixedAddresses ?? []
        for name in order where name != old.service {
            guard let service = target.project.services[name], let entry = work[name] else { continue }
            let names =
                entry.added.map(\.name)
                + entry.replaced.map { service.containerName(in: target.project, number: $0.old.number) }
            if names.contains(old.name) { return true }
            let starts = !names.isEmpty || entry.kept.contains { $0.state != .running }
            if starts, old.publishes(oneOf: service.ports) || !addresses.isDisjoint(with: service.fixedAddresses) {
                return true
            }
        }
        return false
    }

    /// Containers that an earlier, finished deployment parked and did not get to remove.
    mutating func planLeftovers() {
        for container in observed.containers where container.parked != nil {
            builder.add(
                .remove(.existing(container.id), volumes: false), cause: "left over from an earlier deployment",
                service: container.service, phase: .cleanup)
        }
    }
}

extension ObservedState.Container {
    /// Whether a host port it publishes is one of these, whatever the address.
    fileprivate func publishes(oneOf wanted: [Port]) -> Bool {
        ports.contains { text in
            guard let arrow = text.firstIndex(of: "-"), let colon = text[..<arrow].lastIndex(of: ":"),
                let number = Int(text[text.index(after: colon)..<arrow])
            else { return false }
            let proto = text.lastIndex(of: "/").map { String(text[text.index(after: $0)...]) } ?? "tcp"
            return wanted.contains { ($0.proto ?? "tcp") == proto && $0.publishedRange?.contains(number) == true }
        }
    }
}

extension Service {
    /// The addresses it asks for in its networks.
    fileprivate var fixedAddresses: Set<String> {
        Set(networks.values.flatMap { [$0?.ipv4Address, $0?.ipv6Address].compactMap { $0 } })
    }
}

extension Port {
    /// The host ports it may get; nil when the engine chooses.
    fileprivate var publishedRange: ClosedRange<Int>? {
        let bounds = (published ?? "").split(separator: "-").compactMap { Int($0) }
        guard let first = bounds.first, let last = bounds.last, first <= last else { return nil }
        return first...last
    }
}
