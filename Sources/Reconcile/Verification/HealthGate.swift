/// Decides from what containers look like whether a wait is over: a state machine without a clock or an engine.
///
/// Feed it each container it waits for, as often as something may have changed, with the time since the wait began.
package struct HealthGate: Sendable {
    package enum Verdict: Sendable, Equatable {
        /// Undecided; look again when something happens, and at this time (since the start of the wait) at the latest.
        case waiting(lookAgainAt: Duration?)
        case satisfied
        case failed(Failure)
    }

    package struct Failure: Sendable, Equatable, Error {
        package var reason: Reason
        /// `container shop-web-1 is unhealthy`
        package var message: String
        package var container: ContainerID

        package init(reason: Reason, message: String, container: ContainerID) {
            self.reason = reason
            self.message = message
            self.container = container
        }
    }

    private struct Seen {
        var runningSince: Duration?
        var startedAt: Int?
        var firstRestartCount: Int
        var restartCount: Int
        var isDone = false
        var lookAgainAt: Duration?
    }

    private let expectation: WaitExpectation
    private let awaited: Set<ContainerID>
    private let mostRestarts: Int
    private var seen: [ContainerID: Seen] = [:]

    package init(_ wait: Wait<ContainerID>) {
        expectation = wait.expectation
        awaited = Set(wait.containers)
        mostRestarts = wait.mostRestarts
    }

    /// Containers that exited with status 0 where that counts as success.
    package private(set) var completed: Set<ContainerID> = []

    /// Takes in how a container looks at `time`; nil is a container that is gone.
    package mutating func observe(_ id: ContainerID, _ container: ObservedState.Container?, at time: Duration)
        -> Verdict
    {
        guard awaited.contains(id) else { return verdict }
        guard let container else {
            return .failed(
                Failure(reason: .containerRemoved, message: "container \(id.short) was removed", container: id))
        }
        var entry =
            seen[id]
            ?? Seen(firstRestartCount: container.restartCount, restartCount: container.restartCount)
        if container.restartCount != entry.restartCount || container.startedAt != entry.startedAt {
            entry.runningSince = nil
            entry.restartCount = container.restartCount
            entry.startedAt = container.startedAt
        }
        let failure = judge(container, &entry, at: time)
        seen[id] = entry
        if let (reason, message) = failure {
            return .failed(Failure(reason: reason, message: "container \(container.name) \(message)", container: id))
        }
        return verdict
    }

    private var verdict: Verdict {
        if awaited.allSatisfy({ seen[$0]?.isDone == true }) { return .satisfied }
        return .waiting(lookAgainAt: seen.values.filter { !$0.isDone }.compactMap(\.lookAgainAt).min())
    }

    private mutating func judge(
        _ container: ObservedState.Container, _ entry: inout Seen, at time: Duration
    ) -> (Reason, String)? {
        entry.isDone = false
        entry.lookAgainAt = nil
        let restarts = container.restartCount - entry.firstRestartCount
        if restarts >= mostRestarts {
            return (.crashed, "keeps crashing: \(restarts) restarts, last exit status \(container.exitCode)")
        }
        switch (container.state, expectation) {
        case (.exited, .completed):
            guard container.exitCode == 0 else {
                return (.exitedNonZero, "did not complete: exit status \(container.exitCode)")
            }
            finish(container, &entry)
        case (.exited, .verified(_, let mayComplete)) where container.exitCode == 0 && !container.restartsAfterSuccess:
            guard mayComplete else { return (.crashed, "exited with status 0, although it should go on running") }
            finish(container, &entry)
        case (.exited, _), (.dead, _), (.removing, _):
            return (.crashed, "exited with status \(container.exitCode)")
        case (.paused, _):
            return (.crashed, "is paused")
        case (.created, _), (.restarting, _), (.running, .completed):
            break
        case (.running, .healthy), (.running, .verified):
            return judgeRunning(container, &entry, at: time)
        }
        return nil
    }

    private mutating func finish(_ container: ObservedState.Container, _ entry: inout Seen) {
        entry.isDone = true
        completed.insert(container.id)
    }

    private func judgeRunning(
        _ container: ObservedState.Container, _ entry: inout Seen, at time: Duration
    ) -> (Reason, String)? {
        switch (container.health, expectation) {
        case (.healthy, _): entry.isDone = true
        case (.unhealthy, _): return (.unhealthy, "is unhealthy")
        case (.starting, _): break
        case (nil, .verified(let settle, _)):
            let since = entry.runningSince ?? time
            entry.runningSince = since
            entry.isDone = time - since >= settle
            entry.lookAgainAt = since + settle
        case (nil, _):
            return (.dependencyFailed, "has no health check, but another service waits for it to be healthy")
        }
        return nil
    }
}

extension ObservedState.Container {
    /// The engine starts it again even when it exits with status 0.
    package var restartsAfterSuccess: Bool { restartPolicy == "always" || restartPolicy == "unless-stopped" }
}
