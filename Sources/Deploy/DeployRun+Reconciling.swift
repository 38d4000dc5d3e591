import Compose
import Reconcile

extension DeployRun {
    /// Makes the project run as the commit says, or says what that would take.
    func reconcile(_ commit: Commit, _ options: Deployer.Options) async throws -> RunResult {
        let build = wantedBuild(commit.id)
        if let build {
            if options.dryRun, try await !deployer.source.keptBuilds().contains(build) { return toBeBuilt(commit) }
            do {
                if !options.dryRun { try await self.build(commit, build) }
            } catch let error as DeployError where error.reason == .buildFailed {
                return try await buildFailed(commit, error)
            }
        }
        glance(expecting: commit)
        defer { takeGlance()?.answer.cancel() }
        let staged = options.dryRun ? nil : try await stageCheckout(commit, build)
        do {
            var candidate = try await load(commit, build)
            candidate.restored = Set(staged?.restoredPaths ?? [])
            return try await carryOut(candidate, staged, options)
        } catch let error as DeployError where error.reason.isAboutTheProject && error.stage.isBeforeChanges {
            await staged?.discard()
            return try await invalid(commit, error, options)
        } catch {
            await staged?.discard()
            throw error
        }
    }

    /// Leaves the tip alone and keeps the last good deployment as it is.
    func hold(_ hold: Decision.Hold, _ options: Deployer.Options) async throws -> RunResult {
        var result: RunResult
        switch hold {
        case .skipListed(let reason):
            result = self.result(.skipped, "the tip is on the skip list (\(reason)); \(whatRuns)")
        case .rewritten(let deployed):
            result = self.result(
                .rewritten, "the branch was rewritten: \(deployed.short) is no longer part of it; \(whatRuns)")
            result.failure = RunResult.Failure(
                DeployError(
                    stage: .verify, reason: .branchRewritten,
                    message: "\(settings.branch) of \(settings.repository) does not contain the deployed commit "
                        + "\(deployed.short) any more",
                    advice: "Deploy it once with --force, or set git.allow_rewrite for the project."))
        }
        journal.status(.verify, .skipped, result.summary)
        return try await keepLastGood(result, options)
    }

    /// Heals what the last good deployment left; a failure of that is the run's outcome, else `result` is.
    private func keepLastGood(_ result: RunResult, _ options: Deployer.Options) async throws -> RunResult {
        guard let candidate = facts.record.lastGood.flatMap({ Candidate(recorded: $0, kind: .heal) }) else {
            return result
        }
        var healOptions = options
        healOptions.keepFailed = false
        let healed = try await carryOut(candidate, nil, healOptions)
        switch healed.outcome {
        case .inSync, .deployed, .drift, .pending:
            var result = result
            result.changes = healed.changes
            result.deployment = healed.deployment ?? result.deployment
            result.warnings += healed.warnings
            return result
        default:
            return healed
        }
    }

    /// Records once per commit that its project is invalid, and keeps the last good deployment.
    private func invalid(
        _ commit: Commit, _ error: DeployError, _ options: Deployer.Options
    ) async throws -> RunResult {
        var result = self.result(.invalid, "\(commit.id.short) cannot be deployed; \(whatRuns)")
        result.failure = RunResult.Failure(error)
        if !options.dryRun, !(try await isKnownInvalid(commit, error)) {
            var deployment = newDeployment(.deploy, commit, .invalid)
            deployment.reason = error.reason
            deployment.message = error.message
            deployment.finishedAt = journal.time
            try await close(Closing(deployment))
            result.deployment = deployment.id
            result.warnings = await runOnFailure(deployment, error)
            journal.status(.record, .failed, "\(error.message.firstLine); \(whatRuns)")
            await flushEvents()
            let record = try await deployer.store.record(of: settings.name)
            note { known in
                known.record = record
                known.deployment = nil
            }
            journal.belongs(to: DeploymentID(project: settings.name, number: record.nextNumber))
        }
        return try await keepLastGood(result, options)
    }

    /// The newest record, heals of the last good deployment aside, says the same already.
    private func isKnownInvalid(_ commit: Commit, _ error: DeployError) async throws -> Bool {
        var latest = facts.record.latest
        while let deployment = latest, deployment.kind == .heal, deployment.id.number > 1 {
            latest = try await deployer.store.deployment(
                DeploymentID(project: settings.name, number: deployment.id.number - 1))
        }
        return latest?.status == .invalid && latest?.commit.id == commit.id && latest?.message == error.message
    }

    /// A recorded deployment again, by hand; the commit left behind is not deployed again by itself.
    func rollback(to target: Deployer.RollbackTarget) async throws -> RunResult {
        note { $0.stage = .plan }
        let current = facts.record.lastGood
        let recorded = try await recordedDeployment(target, current)
        guard let candidate = Candidate(recorded: recorded, kind: .rollback) else {
            throw DeployError(
                stage: .plan, reason: .usage,
                message: "deployment \(recorded.id) has no snapshot to go back to",
                advice: "Choose one that «watcher history \(settings.name)» shows as succeeded.")
        }
        note { $0.tip = recorded.commit }
        let result = try await carryOut(candidate, nil, Deployer.Options())
        if let current, current.commit.id != recorded.commit.id,
            let id = result.deployment, let deployment = try await deployer.store.deployment(id),
            deployment.status == .succeeded
        {
            let skipped = SkippedCommit(
                commit: current.commit.id, reason: "rolled back by hand to \(recorded.id)", code: nil,
                since: journal.time, failures: 0, subject: current.commit.subject)
            try await deployer.store.close(Closing(deployment, skip: skipped, unskip: recorded.commit.id))
        }
        return result
    }

    private func recordedDeployment(
        _ target: Deployer.RollbackTarget, _ current: Deployment?
    ) async throws -> Deployment {
        if case .deployment(let id) = target {
            if id.project == settings.name, let deployment = try await deployer.store.deployment(id) {
                return deployment
            }
            throw DeployError(
                stage: .plan, reason: .usage, message: "there is no deployment \(id) of \(settings.name)",
                advice: "«watcher history \(settings.name)» lists them.")
        }
        var query = GoodDeploymentQuery(project: settings.name)
        var isPossible = true
        if case .commit(let revision) = target {
            isPossible = revision.count >= 4
            query.commitPrefix = revision
        } else {
            isPossible = current != nil
            query.before = current?.id.number
            query.excludingCommit = current?.commit.id
        }
        if isPossible, let deployment = try await deployer.store.newestGood(query) { return deployment }
        throw DeployError(
            stage: .plan, reason: .usage,
            message: target == .previous
                ? "\(settings.name) has no earlier good deployment to go back to"
                : "no good deployment of \(settings.name) has that commit",
            advice: "«watcher history \(settings.name)» lists what was deployed. \(whatRuns.capitalizedFirst).")
    }

    func stageCheckout(_ commit: Commit, _ build: BuildID?) async throws -> any StagedCheckout {
        try await stage(.checkout, "writing the files of \(commit.id.short)") {
            try await deployer.source.stageCheckout(of: commit.id, build)
        }
    }

    // MARK: - Results

    func result(_ outcome: RunResult.Outcome, _ summary: String) -> RunResult {
        var result = RunResult(project: settings.name, outcome: outcome, summary: summary)
        result.tip = facts.tip
        result.deployed = facts.record.lastGood?.commit
        result.deployment = facts.deployment
        return result
    }

    func suspended(_ suspension: Suspension) -> RunResult {
        let result = self.result(.suspended, "suspended: \(suspension.reason); \(whatRuns)")
        journal.status(.fetch, .skipped, result.summary)
        return result
    }

    /// What to say when a run could not be carried out.
    func trouble(_ error: any Error) -> RunResult {
        let failure = DeployError(error, stage: facts.stage)
        let outcome: RunResult.Outcome = failure.reason == .invalidProject ? .invalid : .error
        if facts.deployment != nil, facts.record.open == nil {
            journal.status(.record, .failed, "\(failure.message.firstLine); \(whatRuns)")
        }
        let unfinished = facts.record.open.map { "deployment \($0.id) is unfinished; the next run undoes it" }
        var result = self.result(outcome, unfinished ?? "nothing was changed; \(whatRuns)")
        result.failure = RunResult.Failure(failure)
        return result
    }

    /// What runs now, for messages: `shop runs 3f2a1c9d0e (Add the cart)`.
    var whatRuns: String {
        guard let deployed = facts.record.lastGood?.commit else {
            return "watcher has not deployed \(settings.name) yet"
        }
        return "\(settings.name) runs \(deployed.id.short) (\(deployed.subject))"
    }
}

extension Candidate {
    /// A recorded deployment as it was; nil without a snapshot.
    init?(recorded deployment: Deployment, kind: Deployment.Kind) {
        guard let snapshot = deployment.snapshot else { return nil }
        self.init(
            commit: deployment.commit, kind: kind, snapshot: snapshot, pinnedImages: snapshot.imageIDs)
    }
}

extension RunResult.Failure {
    package init(_ error: DeployError) {
        self.init(
            reason: error.reason, stage: error.stage, message: error.message, advice: error.advice,
            service: error.service, logLines: error.logLines)
    }
}

extension Reason {
    /// The commit's files are at fault, before anything was touched.
    fileprivate var isAboutTheProject: Bool { self == .invalidProject || self == .bindSourceMissing }
}

extension Event.Stage {
    /// What the commit asks for is judged here.
    fileprivate var isBeforeChanges: Bool { self == .load || self == .plan }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
