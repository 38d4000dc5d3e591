import Compose
import Reconcile

// The path from a commit, or from a recorded deployment, to a verdict. Deploy, heal, rollback, hold and start all take it.

extension Fetched {
    /// Makes the project run as the commit says.
    func reconcile(_ request: DeployRequest) async throws -> RunResult {
        do {
            try await run.provideModules(of: commit)
            let build = run.wantedBuild(commit.id)
            if let build { try await run.build(commit, build) }
            async let prefetched = run.prefetch(commit)
            let checkout = try await run.compareCheckout(commit, build)
            var candidate = try await run.load(commit, build)
            if candidate.kind == .deploy, let closed = run.closedWindow(request) {
                // The commit is deployed already, but not with this configuration.
                return try await hold(.outsideWindow(closed))
            }
            candidate.signature = signer
            candidate.intent.keepsFailed = request.keepsFailed
            candidate.intent.hold = request.hold
            var result = try await run.reconcile(candidate, checkout, await prefetched)
            result.tip = tip
            if candidate.kind == .deploy, result.failure?.reason.isRejection == true {
                return try await run.next().keepingDeployed(beside: result, insteadOf: commit.id.short)
            }
            if isRequested, commit.id != tip.id, result.failure == nil, request.hold == nil {
                result.next += [
                    "\(tip.id.short), the tip of \(run.settings.revision), is deployed again by the next run",
                    "to stay with \(commit.id.short): "
                        + "`watcher deploy \(run.settings.name) --commit \(commit.id.short) --hold`",
                ]
            }
            return result
        } catch let failure as DeployError {
            return try await concludeUnloaded(failure)
        }
    }

    /// The commit is turned down, or has no project that could be compared, which is recorded.
    func concludeUnloaded(_ failure: DeployError) async throws -> RunResult {
        var result = try await run.concludeUntouched(failure, .deploy, commit)
        result.tip = tip
        return failure.reason.isRejection
            ? try await run.next().keepingDeployed(beside: result, insteadOf: commit.id.short) : result
    }

    /// Leaves the tip alone and keeps what was deployed as it is.
    func hold(_ hold: Decision.Hold) async throws -> RunResult {
        run.log.status(.verify, .skipped, hold.description)
        let kept = mayKeepDeployed(hold) ? try await run.keepingWhatIsLeft() : nil
        return run.held(hold, tip: tip, kept)
    }
}

extension Fetched {
    /// What is recorded is what was deployed last, as far as anybody can tell: containers that a newer deployment made are
    /// not put back to an older one.
    func mayKeepDeployed(_ hold: Decision.Hold) -> Bool {
        guard case .rewritten(.lost(let commit, .labels)) = hold else { return true }
        return run.record.lastGood?.commit.id == commit
    }
}

extension Run {
    /// From a loaded project to a verified and recorded deployment: the one apply path.
    func reconcile(
        _ candidate: Candidate, _ checkout: CheckoutDifference, _ prefetched: Prefetched? = nil
    ) async throws -> RunResult {
        let compared: Compared
        do {
            compared = try await compare(candidate, checkout, prefetched)
        } catch let failure as DeployError {
            return try await concludeUntouched(failure, candidate.kind, candidate.commit)
        }
        do {
            let provided = try await provide(compared)
            if provided.isUpToDate { return try await concludeUpToDate(provided) }
            if changesNothing(provided.compared) { return try await advance(provided) }
            return try await withStagedCheckout(of: provided.candidate) { staged in
                try await runPreDeploy(provided)
                let attempt = try await open(provided)
                // A repetition of an earlier failure is closed under that one's id: then events go there.
                let applied = await log.saving(to: attempt.deployment.id, in: store) { await attempt.apply(staged) }
                return try await attempt.conclude(applied)
            }
        } catch let failure as DeployError {
            return try await concludeUntouched(failure, candidate.kind, candidate.commit, compared.changes)
        }
    }

    /// That nothing new may be deployed now, and until when; nil when it may.
    func closedWindow(_ request: DeployRequest) -> String? {
        request.force ? nil : settings.policies.closedWindow(at: now)
    }

    /// A tip is invalid or refused: what was deployed is kept as it is.
    ///
    /// - Parameter tip: what was not deployed, for messages.
    func keepingDeployed(beside rejected: RunResult, insteadOf tip: String) async throws -> RunResult {
        var result = rejected
        guard let kept = try await keepDeployed() else { return result }
        if kept.failure != nil { return kept.reporting(beside: result) }
        result.changes = kept.changes
        result.standing = kept.standing
        result.warnings += kept.warnings
        if kept.outcome == .deployed {
            result.summary =
                "\(tip) was not deployed; what was deployed before was put right; \(whatRuns(kept.standing))"
        }
        if kept.outcome == .notWorking || kept.outcome == .restoreFailed { result.summary += "; \(kept.summary)" }
        return result
    }

    /// Heals what was deployed, as far as its commit can still be had: a rewritten repository may have dropped it, and the
    /// cache may be lost.
    fileprivate func keepingWhatIsLeft() async throws -> RunResult? {
        do { return try await keepDeployed() } catch let failure as DeployError where failure.reason == .commitMissing {
            log.progress(
                .verify, .warning,
                "what is deployed cannot be compared or healed: \(failure.message.firstLine)")
            return nil
        }
    }

    /// Heals what was deployed; nil when nothing good ever was.
    func keepDeployed() async throws -> RunResult? {
        guard let candidate = deployedCandidate else { return nil }
        return try await reconcile(recorded: candidate)
    }

    /// The same from a recorded deployment.
    func reconcile(recorded candidate: Candidate) async throws -> RunResult {
        let checkout = try await compareCheckout(candidate.commit, candidate.snapshot.hostBuild)
        return try await reconcile(candidate, checkout)
    }

    /// The commit is another one, but the project is the same in every respect, and so is what runs.
    func changesNothing(_ compared: Compared) -> Bool {
        let candidate = compared.candidate
        guard candidate.kind == .deploy, let last = record.lastGood?.snapshot,
            record.deployed?.id != candidate.commit.id
        else { return false }
        let isSame =
            candidate.snapshot.project == last.project && candidate.snapshot.contents == last.contents
            && candidate.snapshot.builds == last.builds && candidate.snapshot.hostBuild == nil && last.hostBuild == nil
        let isSkipped = record.skipped.contains { $0.commit == candidate.commit.id }
        return isSame && !isSkipped && candidate.intent.hold == nil && !compared.plan.changesSomething
            && compared.checkout.restoredPaths.isEmpty
    }
}

extension Decision.Hold {
    var description: String {
        switch self {
        case .skipListed(let reason): "the tip is on the skip list (\(reason))"
        case .outsideWindow(let text): text
        case .rewritten(let rewrite): "the branch was rewritten: \(rewrite.description)"
        }
    }
}

extension RunResult {
    /// This result, with who signed the commit, and what is to be said about it.
    func concerning(_ fetched: Fetched) -> RunResult {
        var result = self
        result.signature = fetched.signer
        result.warnings = fetched.warnings + warnings
        return result
    }

    /// This result, with what the run was about beforehand as its first words.
    fileprivate func reporting(beside other: RunResult) -> RunResult {
        var result = self
        result.tip = other.tip
        result.warnings = other.warnings + warnings
        if let failure = other.failure { result.warnings.append(failure.message.firstLine) }
        return result
    }
}
