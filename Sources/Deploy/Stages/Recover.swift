import Reconcile

extension Run {
    /// Undoes the attempt of a run that died, or that could not undo it, before anything else is done.
    func recovered() async throws -> Run {
        guard let open = record.open else { return self }
        let recovery = continuing(open)
        try await recovery.undoOpen(open)
        return try await next()
    }

    /// How many runs try to undo an attempt when the engine answers and calls to it fail.
    private static let mostRecoveries = 3

    private func undoOpen(_ open: Deployment) async throws {
        log.status(.rollback, .started, "deployment \(open.id) was never finished; undoing it")
        let reason = open.reason ?? .interrupted
        let undone = await undo(open)
        if case .postponed(let failure) = undone {
            if failure.reason.endsRuns { throw failure }
            if open.attempts < Self.mostRecoveries {
                try await store.open(open.tried)
                throw failure
            }
        }
        try await close(open, reason, undone)
    }

    /// An undo that failed is given up: to insist would keep every later commit from being deployed.
    private func close(_ open: Deployment, _ reason: Reason, _ undone: Undone) async throws {
        var facts = VerdictFacts(.failed(reason, undone.fact))
        facts.kind = open.kind
        facts.ranBefore = open.ranBefore
        facts.standing = undone.standing
        facts.stoppedSomething = undone.stoppedSomething
        facts.hasGood = record.lastGood != nil
        facts.isUnresolved = record.unresolved != nil
        facts.repetitions = repetitions(of: open.commit.id, reason)
        let verdict = Verdict(facts)
        var closed = open
        closed.reason = reason
        closed.message = open.message ?? "the run ended before the deployment did; it was undone"
        closed.finishedAt = now
        closed.attempts = 1
        switch undone {
        case .failed(let failure, _), .postponed(let failure):
            closed.message = failure.message
            closed.status = .restoreFailed
            log.status(.rollback, .failed, "could not undo deployment \(open.id): \(failure.message)")
        default:
            closed.status = open.reason == nil && verdict.outcome == .error ? .interrupted : verdict.status ?? .failed
            log.status(.rollback, .succeeded, "deployment \(open.id) was undone")
        }
        if closed.status == .open { closed.status = .interrupted }
        var closing = Closing(closed)
        if let earlier = record.latestAttempt, closed.repeats(earlier) { closing.repeat(earlier) }
        if verdict.skipsCommit { closing.skip = skip(closed, reason) }
        try await store.close(closing)
        await runOnFailure(
            closed, DeployError(stage: .rollback, reason: reason, message: closed.message ?? reason.rawValue))
        log.status(.record, .failed, "deployment \(open.id) is closed: \(closed.status.rawValue)")
        await log.save(to: closing.deployment.id, in: store)
    }
}

extension Deployment {
    /// The open attempt, with one more try to undo it.
    fileprivate var tried: Deployment {
        var deployment = self
        deployment.attempts += 1
        return deployment
    }
}
