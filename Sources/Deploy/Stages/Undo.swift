import Compose
import Reconcile

/// What became of a deployment that failed.
enum Undone: Sendable {
    /// What ran before is as it was; how it is doing now, and whether anything of it had been stopped.
    case done(Standing, wasStopped: Bool)
    /// Left as it is, as requested.
    case leftAlone(Standing)
    /// It could not be put back, or what was put back does not work.
    case failed(DeployError, Standing?)
    /// Left to the next run: it will work when the failure has passed.
    case postponed(DeployError)

    /// For the verdict.
    var fact: VerdictFacts.Undo {
        switch self {
        case .done: .done
        case .leftAlone: .leftAlone
        case .failed: .failed
        case .postponed(let failure): .postponed(failure.reason)
        }
    }

    var standing: Standing? {
        switch self {
        case .done(let standing, _), .leftAlone(let standing): standing
        case .failed(_, let standing): standing
        case .postponed: nil
        }
    }

    /// Something that ran before was stopped for a while, or still is.
    var stoppedSomething: Bool { if case .done(_, false) = self { false } else { true } }
}

/// What came of putting containers and networks back.
private struct PutBack: Sendable {
    /// All that was there before is there again.
    var isComplete = false
    /// What is to be cleaned up.
    var leftovers = Plan()
    /// Containers of before had to be started again.
    var wasStopped = false
}

extension Attempt {
    /// Puts back what ran before, unless it was asked not to, or the engine is not there to do it.
    func undo(_ failure: DeployError) async -> Undone {
        if candidate.intent.keepsFailed {
            let observed = try? await run.engine.observe(run.query(candidate.snapshot.project))
            return .leftAlone(observed.map(run.standing) ?? Standing(services: []))
        }
        // A connection that was lost may be there again; an engine that was restarted is still starting its containers.
        if failure.reason == .engineRestarted { return .postponed(failure) }
        return await run.undo(deployment)
    }
}

extension DeployError {
    /// What failed is not how a container does, but a call to the engine or something as unforeseen: it may pass.
    fileprivate var mayPass: Bool { reason == .engineFailed || reason == .unexpected || reason == .imageNotFound }
}

extension Run {
    /// How often an undo is tried when a call to the engine fails.
    private static let mostTries = 3

    /// Puts back what ran before the deployment: first its own containers, then whatever the last good snapshot lacks. It is
    /// planned from what is there, so that it can be tried again.
    func undo(_ deployment: Deployment) async -> Undone {
        var tries = 1
        while true {
            do {
                return try await undoOnce(deployment)
            } catch {
                let failure = DeployError(error, stage: .rollback)
                if failure.reason.endsRuns { return .postponed(failure) }
                guard failure.mayPass else { return .failed(failure, try? await standingAfterUndo(of: deployment)) }
                // Nothing is given up that a later run can still put back.
                guard tries < Self.mostTries else { return .postponed(failure) }
                log.progress(.rollback, .warning, "\(failure.message); trying again")
                try? await Task.sleep(for: .seconds(tries))
                tries += 1
            }
        }
    }

    private func undoOnce(_ deployment: Deployment) async throws -> Undone {
        var back = PutBack()
        let standing = try await stage(.rollback, "rolling back") {
            // Containers come back even when the files cannot; then the attempt does not count as undone.
            let fileFailure = if record.lastGood == nil { nil as DeployError? } else { await restoreCheckout() }
            back = try await putBack(deployment)
            if let fileFailure { throw fileFailure }
            if !back.isComplete, deployment.kind != .heal, let candidate = deployedCandidate {
                back.wasStopped = true
                try await reapply(candidate)
            }
            return try await standingAfterUndo(of: deployment)
        }
        // What ran before runs again: what the attempt made can go in peace.
        if let candidate = undoCandidate(deployment) { await cleanUp(back.leftovers, candidate, ApplyResult()) }
        return .done(standing, wasStopped: back.wasStopped)
    }

    /// How what ran before is doing: by its model where it was deployed by watcher, else by what was seen then.
    private func standingAfterUndo(of deployment: Deployment) async throws -> Standing {
        let project = record.lastGood?.snapshot?.project ?? deployment.snapshot?.project
        guard let project else { return Standing(services: []) }
        let observed = try await engine.observe(query(project))
        if record.lastGood?.snapshot != nil { return standing(observed) }
        return Standing(Expectation(before: deployment.before ?? ObservedState()), observed, now: now)
    }

    private func putBack(_ deployment: Deployment) async throws -> PutBack {
        guard let before = deployment.before, let candidate = undoCandidate(deployment) else { return PutBack() }
        let project = deployment.snapshot?.project ?? candidate.snapshot.project
        func plan(_ observed: ObservedState) -> Plan {
            UndoPlanner.plan(
                .init(number: deployment.id.number, label: deployment.id.description), before: before,
                observed: observed, model: candidate.snapshot.project, attempted: project, settle: settings.settle,
                timeout: settings.healthTimeout ?? .seconds(300))
        }
        let query = ObservationQuery(of: project, undoing: before)
        let back = plan(try await engine.observe(query))
        _ = try await applier(candidate, .rollback).apply(back.steps.filter { $0.phase == .apply })
        let observed = try await engine.observe(query)
        let there = Set(observed.containers.map(\.id))
        return PutBack(
            isComplete: before.containers.allSatisfy { there.contains($0.id) || $0.isOneOff }
                && !plan(observed).steps.contains { $0.phase == .apply },
            leftovers: back,
            wasStopped: back.steps.contains { if case .start = $0.operation { true } else { false } })
    }

    /// The way back has no files and images of its own, only the model of what ran before.
    private func undoCandidate(_ deployment: Deployment) -> Candidate? {
        guard let model = record.lastGood?.snapshot?.project ?? deployment.snapshot?.project else { return nil }
        let snapshot = Snapshot(composeFiles: [:], project: model, imageIDs: [:], contentHashes: [:])
        return Candidate(commit: deployment.commit, kind: .heal, snapshot: snapshot)
    }

    /// Re-applies the last good snapshot where parked containers were not enough, and checks the result.
    private func reapply(_ candidate: Candidate) async throws {
        let query = query(candidate.snapshot.project, pinned: candidate.pinnedImages)
        let observed = try await engine.observe(query)
        let target = try target(candidate, observed)
        let plan = Reconciler.plan(target, observed)
        guard !plan.steps.isEmpty else { return }
        for pull in plan.pulls where pull.isRequired { try await engine.pull(pull) { _ in } }
        if !plan.builds.isEmpty {
            let files = try await source.files(of: candidate.commit.id, candidate.snapshot.hostBuild)
            for build in plan.builds {
                try await engine.build(build.image, files: files, modified: candidate.commit.time) { _ in }
            }
        }
        _ = try await applier(candidate, .rollback).apply(plan.steps)
        let left = Reconciler.plan(target, try await engine.observe(query))
        guard !left.steps.contains(where: { $0.phase == .apply }) else {
            throw DeployError(
                stage: .rollback, reason: .unexpected,
                message: "after the undo these still differ from the last good deployment: "
                    + left.changes.map(\.description).joined(separator: "; "))
        }
    }

    private func restoreCheckout() async -> DeployError? {
        guard let commit = record.deployed ?? record.lastGood?.commit else { return nil }
        do {
            try await source.stageCheckout(of: commit.id, record.lastGood?.snapshot?.hostBuild).switchOver()
            return nil
        } catch {
            let failure = DeployError(error, stage: .rollback)
            log.progress(
                .rollback, .warning, "could not restore the files of \(commit.id.short): \(failure.message)")
            return failure
        }
    }

    /// Removes what was parked, then networks that are no longer wanted, each by itself. A failure here does not undo a
    /// deployment that works; the next run tries again.
    func cleanUp(_ plan: Plan, _ candidate: Candidate, _ result: ApplyResult) async {
        let steps = plan.steps.filter { $0.phase == .cleanup }
        let networks = steps.filter { if case .removeNetwork = $0.operation { true } else { false } }
        let others = steps.filter { step in !networks.contains { $0.id == step.id } }
        for part in [others] + networks.map({ [$0] }) {
            do {
                _ = try await applier(candidate, .record).apply(part, continuing: result)
            } catch {
                log.progress(
                    .record, .warning,
                    "could not remove everything that is no longer needed: "
                        + DeployError(error, stage: .record).message)
            }
        }
    }
}

extension Reason {
    /// Failures that pass: what was not put back now can be put back by the next run.
    var endsRuns: Bool {
        switch self {
        case .engineUnreachable, .engineRestarted, .interrupted, .deadlineExceeded, .diskFull, .stateUnusable,
            .remoteUnreachable,
            .rateLimited, .registryUnreachable, .authenticationFailed:
            true
        default: false
        }
    }
}
