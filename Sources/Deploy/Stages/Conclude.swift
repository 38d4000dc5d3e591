import Compose
import Reconcile

// Where every run ends: the facts become a verdict, the verdict a record, an entry on the skip list and a result.

extension Attempt {
    /// Closes the attempt and says how things stand.
    func conclude(_ applied: Applied) async throws -> RunResult {
        switch applied {
        case .succeeded(let good, let result): await concludeSuccess(good, result)
        case .failed(let failure, let undone): try await concludeFailure(failure, undone)
        }
    }

    private func concludeSuccess(_ good: Deployment, _ applied: ApplyResult) async -> RunResult {
        await run.cleanUp(plan, candidate, applied)
        await run.pruneBuilds()
        await run.pruneImages()
        await run.log.save(to: good.id, in: run.store)
        let warnings = await run.runPostDeploy(good)
        var record = run.record
        record.lastGood = good
        record.deployed = good.commit
        let now = run.with(record)
        let observed = try? await run.engine.observe(run.query(candidate.snapshot.project, isBrief: true))
        var result = now.result(
            .applied, kind: candidate.kind, standing: observed.map(now.standing),
            summary: now.summary(ofSuccess: candidate, changes))
        result.tip = candidate.commit
        result.deployment = good.id
        result.changes = changes
        result.warnings = plan.warnings + candidate.warnings + warnings
        result.next = run.next(after: candidate)
        result.suspended = candidate.intent.hold
        run.log.status(.record, .succeeded, result.summary)
        await run.log.save(to: good.id, in: run.store)
        return result
    }

    private func concludeFailure(_ failure: DeployError, _ undone: Undone) async throws -> RunResult {
        // An engine that goes away ends its containers first, which looks like a crash.
        var failure = failure
        if case .postponed(let later) = undone, later.reason == .engineUnreachable || later.reason == .engineRestarted,
            failure.reason == .crashed || failure.reason == .exitedNonZero
        {
            failure = failure.withEngineLost
        }
        var facts = run.facts(.failed(failure.reason, undone.fact), kind: candidate.kind)
        facts.stoppedSomething = undone.stoppedSomething
        facts.standing = undone.standing
        facts.ranBefore = ranBefore
        facts.wasBroken = run.record.lastGood != nil && !standing.works
        facts.repetitions = run.repetitions(of: candidate.commit.id, failure.reason)
        var closed = deployment
        closed.blame(failure)
        return try await run.close(closed, failure, facts, undone, changes)
    }
}

extension Run {
    // MARK: - Failures

    /// The end of a run that failed before anything was touched: recorded where the commit has part in it.
    func concludeUntouched(
        _ failure: DeployError, _ kind: DeploymentKind, _ commit: Commit, _ changes: [Plan.Change] = []
    ) async throws -> RunResult {
        var facts = facts(.failedUntouched(failure.reason), kind: kind)
        if failure.reason != .engineUnreachable { facts.standing = try? await currentStanding() }
        guard failure.isRecorded else {
            return result(facts, failure, summary: "nothing was changed; \(whatRuns(facts.standing))", tip: commit)
        }
        var deployment = newDeployment(kind, commit, Verdict(facts).status ?? .failed)
        deployment.changes = changes
        deployment.blame(failure)
        return try await close(deployment, failure, facts, nil, changes)
    }

    /// Records a failed deployment, with its commit on the skip list where the verdict says so, and reports it.
    fileprivate func close(
        _ attempt: Deployment, _ failure: DeployError, _ facts: VerdictFacts, _ undone: Undone?,
        _ changes: [Plan.Change]
    ) async throws -> RunResult {
        let verdict = Verdict(facts)
        var deployment = attempt
        deployment.status = verdict.status ?? .failed
        var told = failure
        if case .postponed(let undoFailure)? = undone {
            // The attempt stays open: the next run undoes it when what failed has passed.
            do {
                try await store.open(deployment)
            } catch {
                log.progress(
                    .record, .warning,
                    "could not record why \(deployment.id) failed: \(DeployError(error, stage: .record).message)")
            }
            told = undoFailure
        } else {
            deployment.finishedAt = now
            var closing = Closing(deployment)
            if let earlier = deployment.kind == .deploy ? record.latestAttempt : record.latest,
                deployment.repeats(earlier)
            {
                closing.repeat(earlier)
            }
            if verdict.skipsCommit { closing.skip = skip(deployment, failure.reason) }
            do {
                try await store.close(closing)
            } catch {
                return unrecorded(deployment, failure, DeployError(error, stage: .record))
            }
            deployment = closing.deployment
        }
        let summary = summary(ofFailure: facts, undone)
        let isNews = deployment.attempts == 1 && verdict.status != .open && verdict.status != .postponed
        let warnings = isNews ? await runOnFailure(deployment, failure) : []
        var result = result(facts, told, summary: summary, tip: deployment.commit)
        result.deployment = deployment.id
        result.changes = changes
        result.warnings = warnings
        if verdict.skipsCommit {
            let next =
                "\(deployment.commit.id.short) is on the skip list; push a fix, or retry it with "
                + "`watcher deploy \(settings.name) --force`."
            let advice = failure.advice.replacing("; the next run tries again", with: "")
            result.failure?.advice = advice.isEmpty ? next : "\(advice) \(next)"
        }
        log.status(.record, .failed, "\(failure.message.firstLine); \(summary)")
        await log.save(to: deployment.id, in: store)
        return result
    }

    /// The end could not be recorded: an attempt stays open, and the next run finds nothing to undo and closes it.
    private func unrecorded(_ deployment: Deployment, _ failure: DeployError, _ trouble: DeployError) -> RunResult {
        var result = RunResult(
            project: settings.name, outcome: .error,
            summary: "\(failure.message.firstLine); that could not be recorded, the next run closes deployment "
                + "\(deployment.id)")
        result.failure = RunResult.Failure(trouble)
        result.deployed = record.deployed
        return result
    }

    func skip(_ deployment: Deployment, _ reason: Reason) -> SkippedCommit {
        SkippedCommit(
            commit: deployment.commit.id, reason: (deployment.message ?? reason.rawValue).firstLine, code: reason,
            since: now, failures: 1, subject: deployment.commit.subject)
    }

    /// How often in a row the commit has failed for this reason after something was touched.
    func repetitions(of commit: CommitID, _ reason: Reason) -> Int {
        guard let latest = record.latestAttempt, latest.commit.id == commit, latest.reason == reason else { return 0 }
        return latest.attempts
    }

    // MARK: - Nothing to do

    /// The end of a deployment that had nothing to apply.
    func concludeUpToDate(_ provided: Provided) async throws -> RunResult {
        let compared = provided.compared
        let done = completed(compared.observed)
        if let good = record.lastGood, let snapshot = good.snapshot, done != snapshot.completed {
            try await store.noteCompleted(done, of: good.id)
        }
        await cleanUp(compared.plan, compared.candidate, ApplyResult())
        let standing = try await settled(compared)
        var result = result(.upToDate, kind: .heal, standing: standing, summary: whatRuns(standing))
        if result.outcome == .inSync { result.summary = "in sync; \(result.summary)" }
        result.warnings = compared.plan.warnings
        if let hold = compared.candidate.intent.hold, let good = record.lastGood {
            try await store.close(Closing(good, suspension: hold))
            result.suspended = hold
            result.next += next(after: compared.candidate)
        }
        log.status(.plan, .succeeded, result.summary)
        return result
    }

    /// The standing once every health check has decided, or its time is over.
    private func settled(_ compared: Compared) async throws -> Standing {
        guard !compared.standing.isSettled, let project = record.lastGood?.snapshot?.project else {
            return compared.standing
        }
        let steps = Plan.waits(
            for: compared.standing, project, compared.observed, timeout: settings.healthTimeout,
            settle: settings.settle)
        do {
            _ = try await applier(compared.candidate, .health).apply(steps)
        } catch let failure as DeployError where !failure.reason.endsRuns {
            // What does not work is in the standing.
        }
        return standing(try await engine.observe(query(project)))
    }

    /// The commit changes nothing that the project reads: what was deployed is this commit from now on.
    func advance(_ provided: Provided) async throws -> RunResult {
        let commit = provided.candidate.commit
        if !provided.compared.checkout.changedPaths.isEmpty {
            try await withStagedCheckout(of: provided.candidate) { try await $0.switchOver() }
        }
        try await store.advance(settings.name, to: commit)
        var record = record
        record.deployed = commit
        var result = try await with(record).concludeUpToDate(provided)
        result.tip = commit
        if result.outcome == .inSync { result.summary += "; the commit changes nothing of the project" }
        return result
    }

    // MARK: - Facts

    func facts(_ ending: VerdictFacts.Ending, kind: DeploymentKind) -> VerdictFacts {
        var facts = VerdictFacts(ending)
        facts.kind = kind
        facts.hasGood = record.lastGood != nil
        facts.isUnresolved = record.unresolved != nil
        return facts
    }

    /// How what was deployed is doing now.
    func currentStanding() async throws -> Standing? {
        guard let project = record.lastGood?.snapshot?.project else { return nil }
        return standing(try await engine.observe(query(project, isBrief: true)))
    }
}

extension DeployError {
    /// The commit, or something it needs, is part of the failure: history tells of it.
    fileprivate var isRecorded: Bool {
        guard !reason.isInterruption else { return false }
        return reason.isRejection || reason.isCommitsFault || reason == .portTaken || reason == .externalMissing
            || stage == .pull || stage == .apply
    }
}

extension Deployment {
    /// Says what it failed with.
    fileprivate mutating func blame(_ failure: DeployError) {
        reason = failure.reason
        message = failure.message.shortened(bytes: DeployError.longestMessage)
        service = failure.service
        logLines = (failure.probeLines.map { Self.probeMark + $0 } + failure.logLines)
            .map { $0.shortened(bytes: OutputTail.longestLine) }
    }

    /// The same failure again: one record counts it. Of invalid and refused commits also the message has to be the same.
    func repeats(_ earlier: Deployment) -> Bool {
        guard status != .succeeded, status != .open, earlier.status == status, earlier.kind == kind,
            earlier.commit.id == commit.id, earlier.reason == reason
        else { return false }
        switch status {
        case .invalid, .refused: return earlier.message == message
        case .postponed: return true
        default: return kind == .heal || reason?.isCommitsFault == false
        }
    }
}

extension Closing {
    /// Counts the deployment into an earlier one that ended the same way; of the events the last try's are kept.
    mutating func `repeat`(_ earlier: Deployment) {
        replaces = deployment.id
        deployment.id = earlier.id
        deployment.startedAt = earlier.startedAt
        deployment.attempts = earlier.attempts + 1
    }
}
