import Reconcile

/// Waits as the plan says: driven by the engine's events, with an inspect to close the race, and always with a deadline.
struct Verifier: Sendable {
    let engine: any ContainerEngine
    let watch: ContainerWatch

    /// Returns the containers that ran to completion.
    ///
    /// - Throws: `HealthGate.Failure`, `CancellationError`, or what the engine throws.
    func wait(_ wait: Wait<ContainerID>) async throws -> Set<ContainerID> {
        let (token, stream, tick) = await watch.changes(of: wait.containers)
        do {
            let completed = try await follow(wait, stream, tick)
            await watch.end(token)
            return completed
        } catch {
            await watch.end(token)
            throw error
        }
    }

    private func follow(
        _ wait: Wait<ContainerID>, _ stream: AsyncStream<ContainerID?>, _ tick: @escaping @Sendable () -> Void
    ) async throws -> Set<ContainerID> {
        let clock = ContinuousClock()
        let began = clock.now
        var gate = HealthGate(wait)
        var changes = stream.makeAsyncIterator()
        var toInspect = wait.containers
        while true {
            var verdict = HealthGate.Verdict.waiting(lookAgainAt: nil)
            for id in toInspect {
                verdict = gate.observe(id, try await engine.container(id), at: clock.now - began)
                if case .failed(let failure) = verdict { throw failure }
            }
            guard case .waiting(let lookAgainAt) = verdict else { return gate.completed }
            guard clock.now - began < wait.timeout else { throw timedOut(wait) }
            let alarm = began + min(lookAgainAt ?? wait.timeout, wait.timeout)
            let timer = Task {
                try await Task.sleep(until: alarm, clock: clock)
                tick()
            }
            let change = await changes.next()
            timer.cancel()
            try Task.checkCancellation()
            toInspect = change.flatMap { $0.map { [$0] } } ?? wait.containers
        }
    }

    private func timedOut(_ wait: Wait<ContainerID>) -> HealthGate.Failure {
        let what =
            switch wait.expectation {
            case .healthy: "did not become healthy"
            case .completed: "did not complete"
            case .verified: "was not verified"
            }
        let container = wait.containers.first ?? ContainerID(hex: "")
        return HealthGate.Failure(
            reason: .timedOut, message: "service \(wait.service) \(what) within \(wait.timeout.inWords)",
            container: container)
    }
}

extension Duration {
    /// `90s`, `5m`, `1h30m`: whole units, for people.
    package var inWords: String {
        let (seconds, attoseconds) = components
        guard seconds > 0 else { return "\(attoseconds / 1_000_000_000_000_000)ms" }
        let hours = seconds / 3600
        let minutes = seconds % 3600 / 60
        let rest = seconds % 60
        return [(hours, "h"), (minutes, "m"), (rest, "s")].filter { $0.0 > 0 }.map { "\($0.0)\($0.1)" }.joined()
    }
}
