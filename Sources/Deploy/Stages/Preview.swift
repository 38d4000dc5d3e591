import Reconcile

// What `check` says: the same comparison, and nothing after it.

extension Fetched {
    /// What a deploy would do now: nothing new outside of the deploy windows.
    func preview(_ request: DeployRequest) async throws -> RunResult {
        let result = try await preview()
        guard result.outcome == .pending, let closed = run.closedWindow(request) else { return result }
        return waiting(result, closed)
    }

    private func preview() async throws -> RunResult {
        let build = run.wantedBuild(commit.id)
        do {
            try await run.provideModules(of: commit)
            if let build, try await !run.source.keptBuilds().contains(build) { return try await toBeBuilt() }
            async let prefetched = run.prefetch(commit)
            let checkout = try await run.compareCheckout(commit, build)
            let candidate = try await run.load(commit, build)
            let compared = try await run.compare(candidate, checkout, await prefetched)
            try await run.verifyImages(compared)
            var result = run.preview(compared)
            result.tip = tip
            return result
        } catch let failure as DeployError where failure.reason.isRejection {
            return try await previewRejected(failure)
        }
    }

    /// The commit is turned down: what was deployed stays.
    func previewRejected(_ failure: DeployError) async throws -> RunResult {
        let kept = try await run.previewDeployed()
        var facts = run.facts(.failedUntouched(failure.reason), kind: .deploy)
        facts.standing = kept?.standing
        let what = failure.reason.isRefusal ? "is refused" : "cannot be deployed"
        var result = run.result(
            facts, failure, summary: "\(commit.id.short) \(what); \(run.whatRuns(facts.standing))", tip: tip)
        result.changes = kept?.changes ?? []
        return result
    }

    func previewHeld(_ hold: Decision.Hold) async throws -> RunResult {
        if case .outsideWindow(let closed) = hold {
            let result = try await preview()
            return result.failure == nil ? waiting(result, closed) : result
        }
        return run.held(hold, tip: tip, mayKeepDeployed(hold) ? try await run.previewDeployed() : nil)
    }

    /// What would be deployed waits for a window.
    private func waiting(_ result: RunResult, _ closed: String) -> RunResult {
        var waiting = run.result(
            .held(.outsideWindow(closed)), kind: .deploy, standing: result.standing,
            summary: "\(closed); \(result.summary)")
        waiting.tip = tip
        waiting.changes = result.changes
        waiting.warnings = result.warnings
        return waiting
    }

    /// Before the commit is built nothing can be known of what else would change.
    private func toBeBuilt() async throws -> RunResult {
        let standing = try await run.currentStanding()
        run.log.status(.build, .skipped, "\(commit.id.short) would be built first")
        return run.result(
            .pending, kind: .deploy, standing: standing,
            summary: "\(commit.id.short) would be built first, and what else changes is known only then; "
                + run.whatRuns(standing))
    }
}

extension Run {
    func previewDeployed() async throws -> RunResult? {
        guard let candidate = deployedCandidate else { return nil }
        let checkout = try await compareCheckout(candidate.commit, candidate.snapshot.hostBuild)
        return preview(try await compare(candidate, checkout))
    }

    fileprivate func preview(_ compared: Compared) -> RunResult {
        let runs = whatRuns(compared.standing)
        var result: RunResult
        if changesNothing(compared), compared.plan.pulls.isEmpty {
            result = self.result(.upToDate, kind: .heal, standing: compared.standing, summary: runs)
            if result.outcome == .inSync {
                result.summary =
                    "in sync; \(runs); \(compared.candidate.commit.id.short) changes nothing of the project"
            }
        } else if compared.candidate.kind != .heal {
            let commit = compared.candidate.commit.id.short
            let isQuiet = compared.changes.isEmpty && compared.plan.changesWithoutEffect.isEmpty
            let what = isQuiet ? "no container changes" : "changes are pending"
            result = self.result(
                .pending, kind: .deploy, standing: compared.standing, summary: "\(commit): \(what); \(runs)")
        } else if compared.changesSomething {
            result = self.result(
                .drift, kind: .heal, standing: compared.standing,
                summary: compared.standing.works
                    ? "what runs differs from what was deployed; \(runs)" : runs)
        } else {
            result = self.result(.upToDate, kind: .heal, standing: compared.standing, summary: runs)
            if result.outcome == .inSync { result.summary = "in sync; \(runs)" }
        }
        result.changes = compared.changes + compared.plan.changesWithoutEffect
        result.warnings = compared.plan.warnings + compared.candidate.warnings
        if let open = record.open {
            result.warnings.append("deployment \(open.id) was never finished; the next deploy undoes it first")
        }
        return result
    }
}
