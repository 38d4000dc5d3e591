import Compose
import Reconcile

extension DeployRun {
    /// Closes a failed attempt: undoes it, skip-lists a commit that is at fault, and says how things stand.
    func fail(
        _ deployment: Deployment, _ plan: Plan, _ failure: DeployError, _ options: Deployer.Options
    ) async throws -> RunResult {
        var deployment = deployment
        deployment.reason = failure.reason
        deployment.message = failure.message
        deployment.service = failure.service
        deployment.logLines = failure.logLines
        let hadSomething = deployment.hadSomething
        var outcome: RunResult.Outcome = hadSomething ? .restored : .failed
        var summary = hadSomething ? "what ran before was put back; \(whatRuns)" : "there was nothing to put back"
        if options.keepFailed {
            (outcome, summary) = (.failed, "left as it is, as asked")
            deployment.status = .failed
        } else {
            do {
                try await undo(deployment)
                deployment.status = hadSomething ? .restored : .failed
            } catch {
                let undoFailure = DeployError(error, stage: .rollback)
                journal.progress(.rollback, .failed, undoFailure.message)
                if undoFailure.reason.endsRuns {
                    // The attempt stays open: the next run undoes it when the engine answers again.
                    try? await deployer.store.save(deployment)
                    var result = self.result(
                        .error, "\(failure.message.firstLine); the next run puts back what ran before")
                    result.failure = RunResult.Failure(undoFailure)
                    return result
                }
                deployment.status = .restoreFailed
                outcome = .restoreFailed
                summary = "putting back what ran before failed too: \(undoFailure.message)"
            }
        }
        return try await close(&deployment, plan, failure, outcome, summary)
    }

    func close(
        _ deployment: inout Deployment, _ plan: Plan, _ failure: DeployError, _ outcome: RunResult.Outcome,
        _ summary: String
    ) async throws -> RunResult {
        deployment.finishedAt = journal.time
        try await save(deployment)
        note { $0.record.open = nil }
        let skips = try await skipIfAtFault(deployment)
        let warnings = await runOnFailure(deployment, failure)
        let isPassing = !failure.reason.isCommitsFault && outcome != .restoreFailed
        var result = self.result(isPassing ? .error : outcome, summary)
        result.changes = plan.changes
        result.warnings = warnings
        result.failure = RunResult.Failure(failure)
        if skips {
            let next =
                "\(deployment.commit.id.short) is on the skip list; push a fix, or retry it with "
                + "«watcher deploy \(settings.name) --force»."
            result.failure?.advice = failure.advice.isEmpty ? next : "\(failure.advice) \(next)"
        }
        journal.status(.record, .failed, "\(failure.message.firstLine); \(summary)")
        return result
    }

    /// Puts back what ran before the deployment: first its own containers, then whatever the last good snapshot lacks.
    private func undo(_ deployment: Deployment) async throws {
        var leftovers = Plan()
        try await stage(.rollback, "putting back what ran before") {
            let lastGood = facts.record.lastGood
            // Containers come back even when the files cannot; then the attempt does not count as undone.
            let trouble = if let lastGood { await restoreCheckout(lastGood) } else { nil as DeployError? }
            let isBack: Bool
            (isBack, leftovers) = try await putBack(deployment)
            if let trouble { throw trouble }
            guard !isBack, let lastGood, deployment.kind != .heal,
                let candidate = Candidate(recorded: lastGood, kind: .heal)
            else { return }
            try await apply(candidate)
        }
        // What ran before runs again: what the attempt made can go in peace.
        if let snapshot = deployment.snapshot { await cleanUp(leftovers, undoing(deployment, snapshot), Application()) }
    }

    /// Puts containers and networks back; says whether all that was there before is there again, and what is to be cleaned up.
    private func putBack(_ deployment: Deployment) async throws -> (Bool, Plan) {
        guard let before = deployment.before, let snapshot = deployment.snapshot else { return (false, Plan()) }
        let model = facts.record.lastGood?.snapshot?.project ?? snapshot.project
        func plan(_ observed: ObservedState) -> Plan {
            UndoPlanner.plan(
                .init(number: deployment.id.number, label: deployment.id.description), before: before,
                observed: observed, model: model, attempted: snapshot.project, settle: settings.settle,
                timeout: settings.healthTimeout ?? .seconds(300))
        }
        let back = plan(try await deployer.engine.observe(ObservationQuery(of: snapshot.project, undoing: before)))
        _ = try await applier(undoing(deployment, snapshot), .rollback)
            .apply(back.steps.filter { $0.phase == .apply })
        let observed = try await observe(snapshot.project)
        let there = Set(observed.containers.map(\.id))
        let isBack =
            before.containers.allSatisfy { there.contains($0.id) || $0.isOneOff }
            && !plan(observed).steps.contains { $0.phase == .apply }
        return (isBack, back)
    }

    /// The way back has no files and images of its own, only the model of what ran before.
    private func undoing(_ deployment: Deployment, _ snapshot: Snapshot) -> Candidate {
        let model = facts.record.lastGood?.snapshot?.project ?? snapshot.project
        return Candidate(
            commit: deployment.commit, kind: .heal,
            snapshot: Snapshot(composeFiles: [:], project: model, imageIDs: [:], contentHashes: [:]))
    }

    /// Re-applies the last good snapshot where parked containers were not enough, and checks the result.
    private func apply(_ candidate: Candidate) async throws {
        let observed = try await observe(candidate.snapshot.project, pinned: candidate.pinnedImages)
        let target = try self.target(candidate, number: facts.record.nextNumber, observed)
        let plan = Reconciler.plan(target, observed)
        guard !plan.steps.isEmpty else { return }
        for pull in plan.pulls where pull.isRequired { try await deployer.engine.pull(pull) { _ in } }
        if !plan.builds.isEmpty {
            let files = try await deployer.source.files(of: candidate.commit.id, candidate.snapshot.hostBuild)
            for build in plan.builds {
                try await deployer.engine.build(build.image, files: files, modified: candidate.commit.time) { _ in }
            }
        }
        _ = try await applier(candidate, .rollback).apply(plan.steps)
        let left = Reconciler.plan(
            target, try await observe(candidate.snapshot.project, pinned: candidate.pinnedImages))
        guard !left.steps.contains(where: { $0.phase == .apply }) else {
            throw DeployError(
                stage: .rollback, reason: .unexpected,
                message: "after the undo these still differ from the last good deployment: "
                    + left.changes.map(\.description).joined(separator: "; "))
        }
    }

    private func restoreCheckout(_ deployment: Deployment) async -> DeployError? {
        do {
            try await deployer.source.stageCheckout(of: deployment.commit.id, deployment.snapshot?.hostBuild)
                .switchOver()
            return nil
        } catch {
            let failure = DeployError(error, stage: .rollback)
            journal.progress(
                .rollback, .warning, "the files of \(deployment.commit.id.short) are not back: \(failure.message)")
            return failure
        }
    }

    /// Undoes the attempt of a run that died, or that could not undo it, before anything else is done.
    func recover(_ open: Deployment) async throws {
        journal.belongs(to: open.id)
        note { $0.deployment = open.id }
        journal.status(.rollback, .started, "deployment \(open.id) was never finished; undoing it")
        var closed = open
        closed.reason = open.reason ?? .interrupted
        closed.message = open.message ?? "the run ended before the deployment did; it was undone"
        do {
            try await undo(open)
            closed.status = open.reason == nil ? .interrupted : open.hadSomething ? .restored : .failed
            journal.status(.rollback, .succeeded, "deployment \(open.id) was undone")
        } catch {
            let failure = DeployError(error, stage: .rollback)
            if failure.reason.endsRuns { throw failure }
            // To insist would keep every later commit from being deployed.
            closed.status = .restoreFailed
            closed.message = failure.message
            journal.status(.rollback, .failed, "deployment \(open.id) could not be undone: \(failure.message)")
        }
        closed.finishedAt = journal.time
        try await deployer.store.save(closed)
        note { $0.record.open = nil }
        try await skipIfAtFault(closed)
        await runOnFailure(
            closed, DeployError(stage: .rollback, reason: closed.reason ?? .interrupted, message: closed.message ?? ""))
        journal.status(.record, .failed, "deployment \(open.id) is closed: \(closed.status.rawValue)")
        await flushEvents()
        note { $0.deployment = nil }
    }

    /// Puts the commit on the skip list when the deployment failed by its fault; says whether it did.
    @discardableResult
    func skipIfAtFault(_ deployment: Deployment) async throws -> Bool {
        guard let reason = deployment.reason, reason.isCommitsFault, deployment.kind == .deploy else { return false }
        try await deployer.store.skip(
            SkippedCommit(
                commit: deployment.commit.id, reason: (deployment.message ?? reason.rawValue).firstLine, code: reason,
                since: journal.time, failures: 1, subject: deployment.commit.subject),
            in: settings.name)
        return true
    }
}

extension Deployment {
    /// Something ran when the attempt was opened.
    fileprivate var hadSomething: Bool {
        before?.containers.contains { !$0.isOneOff && $0.parked == nil } ?? false
    }
}

extension Reason {
    /// Trouble that passes: what was not put back now can be put back by the next run.
    fileprivate var endsRuns: Bool {
        switch self {
        case .engineUnreachable, .interrupted, .diskFull, .stateUnusable, .remoteUnreachable, .rateLimited,
            .registryUnreachable, .authenticationFailed:
            true
        default: false
        }
    }
}
