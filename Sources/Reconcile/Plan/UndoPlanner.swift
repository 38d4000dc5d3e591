import Compose

/// Plans the way back from a deployment that failed or died: what it created goes, what it parked comes back.
///
/// It needs no model, only what ran before and what is there now, so it works after a crash and for projects that
/// watcher never deployed before.
package struct UndoPlanner {
    private let before: ObservedState
    private let observed: ObservedState
    private let deployment: Int
    private let settle: Duration
    private let timeout: Duration
    private var builder = PlanBuilder()

    /// - Parameter deployment: the number of the deployment to undo.
    package init(
        before: ObservedState, observed: ObservedState, deployment: Int, settle: Duration, timeout: Duration
    ) {
        self.before = before
        self.observed = observed
        self.deployment = deployment
        self.settle = settle
        self.timeout = timeout
    }

    /// The plan; empty when nothing of the deployment is left.
    package static func plan(
        before: ObservedState, observed: ObservedState, deployment: Int, settle: Duration, timeout: Duration
    ) -> Plan {
        var planner = UndoPlanner(
            before: before, observed: observed, deployment: deployment, settle: settle, timeout: timeout)
        return planner.plan()
    }

    private mutating func plan() -> Plan {
        let removed = removeCreated()
        removeNetworks(after: removed)
        putBack(after: removed)
        var plan = Plan()
        plan.steps = builder.steps
        plan.changes = builder.changes
        return plan
    }

    private mutating func removeCreated() -> [Int] {
        let known = Set(before.containers.map(\.id))
        let created = observed.containers.filter {
            let stamp = "\($0.labels[ComposeLabels.watcherProject] ?? "")/\(deployment)"
            return $0.labels[ComposeLabels.watcherDeployment] == stamp && !known.contains($0.id)
        }
        return created.map { container in
            let cause = "made by the deployment that is undone"
            builder.note("service", container.service, .remove, [cause])
            var after: [Int] = []
            if container.state == .running || container.state == .restarting {
                after = [builder.add(.stop(.existing(container.id)), cause: cause, service: container.service)]
            }
            return builder.add(
                .remove(.existing(container.id), volumes: true), cause: cause, service: container.service,
                after: after)
        }
    }

    private mutating func removeNetworks(after removed: [Int]) {
        let created = observed.networks.values.filter {
            before.networks[$0.name] == nil && $0.labels[ComposeLabels.network] != nil
        }
        for network in created.sorted(by: { $0.name < $1.name }) {
            let isUsed = before.containers.contains { $0.networks.keys.contains(network.name) }
            guard !isUsed else { continue }
            builder.add(
                .removeNetwork(id: network.id, name: network.name), cause: "made by the deployment that is undone",
                after: removed)
        }
    }

    private mutating func putBack(after removed: [Int]) {
        let earlier = Dictionary(before.containers.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        var started: [String: [(ContainerReference, Int)]] = [:]
        for container in inStartOrder() {
            let reference = ContainerReference.existing(container.id)
            let was = earlier[container.id]
            var after = removed
            if let parked = container.parked {
                let cause = "it ran before"
                builder.note("service", container.service, .start, ["put back as it was"])
                after = [
                    builder.add(
                        .rename(reference, to: parked.original), cause: cause, service: container.service, after: after)
                ]
            }
            let ran = was.map { $0.state == .running || $0.state == .restarting } ?? true
            let runs = container.state == .running || container.state == .restarting
            guard ran, !runs else { continue }
            let start = builder.add(.start(reference), cause: "it ran before", service: container.service, after: after)
            if was?.health != .unhealthy { started[container.service, default: []].append((reference, start)) }
        }
        for service in started.keys.sorted() {
            let entries = started[service] ?? []
            builder.add(
                .wait(
                    Wait(
                        service: service, containers: entries.map(\.0), expectation: .verified(settle: settle),
                        timeout: timeout)),
                cause: "what was put back must work", service: service, after: entries.map(\.1))
        }
    }

    /// Parked containers of this deployment, and others that ran before, in the order in which they started then.
    private func inStartOrder() -> [ObservedState.Container] {
        let earlier = Dictionary(
            before.containers.map { ($0.id, $0.startedAt ?? 0) }, uniquingKeysWith: { first, _ in first })
        return observed.containers
            .filter { $0.parked.map { $0.deployment == deployment } ?? (earlier[$0.id] != nil) }
            .sorted { (earlier[$0.id] ?? 0, $0.name) < (earlier[$1.id] ?? 0, $1.name) }
    }
}
