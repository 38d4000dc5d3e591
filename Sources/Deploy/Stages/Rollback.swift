import Reconcile

extension Run {
    /// The recorded deployment to go back to, with what is recorded beside it: the commit left behind is skipped.
    func candidate(for request: RollbackRequest) async throws -> Candidate {
        let recorded = try await recordedDeployment(request)
        guard recorded.status == .succeeded || request.force else {
            throw DeployError(
                stage: .plan, reason: .usage,
                message: "deployment \(recorded.id) did not succeed (\(recorded.status.rawValue))",
                advice: "Choose one that `watcher history \(settings.name)` shows as succeeded"
                    + (recorded.status.neverRan ? "." : ", or add --force."))
        }
        guard var candidate = Candidate(recorded: recorded, kind: .rollback) else {
            throw DeployError(
                stage: .plan, reason: .usage, message: "nothing is recorded of what deployment \(recorded.id) ran",
                advice: "Choose one that `watcher history \(settings.name)` shows as succeeded.")
        }
        candidate.signature = try await verify(recorded: recorded, isForced: request.force)
        candidate.intent.hold = request.hold
        if let left = record.deployed, left.id != recorded.commit.id {
            candidate.intent.skip = SkippedCommit(
                commit: left.id, reason: "rolled back by hand to \(recorded.id)", code: nil, since: now, failures: 0,
                subject: left.subject)
        }
        return candidate
    }

    private func recordedDeployment(_ request: RollbackRequest) async throws -> Deployment {
        var query = GoodDeploymentQuery(project: settings.name)
        switch request.target {
        case .deployment(let id):
            if id.project == settings.name, let deployment = try await store.deployment(id) { return deployment }
            throw refusal("there is no deployment \(id) of \(settings.name)")
        case .commit(let revision):
            query.commitPrefix = revision.lowercased()
            guard revision.count >= 4 else { throw refusal("\(revision) is too short for a commit id") }
            if let deployment = try await store.newestGood(query) { return deployment }
            // One that failed is looked for only to be named; to go back to it takes its number.
            if let failed = record.latestAttempt, failed.commit.id.hex.hasPrefix(revision.lowercased()) {
                let hint =
                    failed.status.neverRan
                    ? "nothing of it ever ran" : "`--to \(failed.id) --force` goes back to it"
                throw refusal(
                    "deployment \(failed.id) of \(failed.commit.id.short) did not succeed "
                        + "(\(failed.status.rawValue)); \(hint)")
            }
            throw refusal("no good deployment of \(settings.name) has the commit \(revision)")
        case .previous:
            query.before = record.lastGood?.id.number
            query.excludingCommit = record.deployed?.id
            query.excludesSkipped = true
            if record.lastGood != nil, let deployment = try await store.newestGood(query) { return deployment }
            throw refusal("\(settings.name) has no earlier good deployment to go back to")
        }
    }

    private func refusal(_ message: String) -> DeployError {
        DeployError(
            stage: .plan, reason: .usage, message: message,
            advice:
                "`watcher history \(settings.name)` lists what was deployed, `watcher skip-list \(settings.name)` what "
                + "is skipped.")
    }
}

extension DeploymentStatus {
    /// The commit was turned down before anything was made of it, so there is nothing to go back to.
    fileprivate var neverRan: Bool { self == .invalid || self == .refused }
}
