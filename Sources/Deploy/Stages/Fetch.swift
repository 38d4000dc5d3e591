import Compose
import Reconcile

/// The tip is known, and with it everything that a decision about it needs.
struct Fetched: Sendable {
    let run: Run
    /// The commit to deploy: the tip of the branch, or the one that was asked for.
    let commit: Commit
    /// It was asked for by name.
    let isRequested: Bool
    /// The tip of the branch.
    let tip: Commit
    /// The commit that the containers' labels name, where the record does not know what was deployed.
    let labelled: CommitID?
    /// What was deployed, as far as the labels say; to be recorded.
    let readBack: Deployment?
}

extension Run {
    /// The tip of the branch, and the commit asked for. A record that was lost is read back from the containers' labels.
    func fetch(_ revision: String?) async throws -> Fetched {
        let (commit, tip) = try await stage(.fetch, "fetching \(settings.revision) of \(settings.repository)") {
            let tip = try await source.fetchTip()
            guard let revision else { return (tip, tip) }
            guard let commit = try await source.commit(named: revision) else {
                throw DeployError(
                    stage: .fetch, reason: .usage,
                    message: "no commit \(revision) in \(settings.revision) of \(settings.repository)",
                    advice: "Give a commit id that the branch contains; its tip is \(tip.id.short).")
            }
            return (commit, tip)
        }
        log.progress(.fetch, .succeeded, "\(commit.id.short) \(commit.subject)")
        let (record, labelled) = try await readBack(tip)
        return Fetched(
            run: with(record), commit: commit, isRequested: revision != nil, tip: tip, labelled: labelled,
            readBack: self.record.latest == nil ? record.lastGood : nil)
    }
}

extension Fetched {
    /// Records the tip as the newest one seen, and what was read back from labels; nothing is written when it is known.
    func remember() async throws {
        do {
            if let readBack { try await run.store.close(Closing(readBack)) }
            try await run.store.observed(tip, of: run.settings.name, at: run.now)
        } catch {
            throw DeployError(error, stage: .fetch)
        }
    }

    /// What is to be done about the commit.
    func decide(_ request: DeployRequest) async throws -> Decision {
        let deployed = run.record.deployed?.id ?? labelled
        var isFastForward = true
        if let deployed, deployed != commit.id {
            isFastForward = try await run.source.isAncestor(deployed, of: commit.id)
        }
        let skip = run.record.skipped.first { $0.commit == commit.id }
        var facts = DecisionFacts(
            tip: commit, deployed: deployed, isFastForward: isFastForward,
            allowsRewrite: run.settings.allowsRewrite || isRequested,
            skip: skip.map {
                DecisionFacts.Skip(
                    reason: $0.reason, since: $0.since, failures: $0.failures, isManual: $0.code == nil)
            },
            retryAfter: run.settings.retryAfter, retryAttempts: run.settings.retryAttempts,
            isForced: request.force, now: run.now)
        facts.closedWindow = run.settings.policies.closedWindow(at: run.now)
        return Decision(facts)
    }
}

// MARK: - A record that was lost

extension Run {
    /// The record, completed from the labels of the project's containers when nothing at all is recorded: losing the
    /// database loses history, not what is deployed.
    private func readBack(_ tip: Commit) async throws -> (ProjectRecord, CommitID?) {
        guard record.latest == nil, let labelled = try await labelledDeployment(tip) else { return (record, nil) }
        var record = record
        record.nextNumber = max(record.nextNumber, labelled.number + 1)
        guard let commit = try await source.commit(named: labelled.commit.hex),
            let candidate = try? await candidate(at: commit, kind: .deploy)
        else {
            // No more is known of it than its id.
            record.deployed = Commit(id: labelled.commit, parents: [], author: "", subject: "", time: 0)
            return (record, labelled.commit)
        }
        log.progress(
            .fetch, .warning,
            "nothing is recorded; the containers' labels say that \(commit.id.short) was deployed as "
                + "\(settings.name)/\(labelled.number)")
        var deployment = Deployment(
            id: DeploymentID(project: settings.name, number: labelled.number), kind: .deploy, commit: commit,
            status: .succeeded, startedAt: now)
        deployment.finishedAt = now
        deployment.message = "read back from the labels of the containers"
        let observed = try await engine.observe(query(candidate.snapshot.project))
        deployment.snapshot = candidate.snapshot.recording(observed, completed: [])
        record.lastGood = deployment
        record.latest = deployment
        record.deployed = commit
        return (record, commit.id)
    }

    /// The newest deployment that the containers of the project name.
    private func labelledDeployment(_ tip: Commit) async throws -> (number: Int, commit: CommitID)? {
        let name = (try? await candidate(at: tip, kind: .deploy))?.snapshot.project.name
        let observed = try await engine.observe(ObservationQuery(project: name ?? settings.composeName(recorded: nil)))
        return observed.containers.compactMap { container -> (Int, CommitID)? in
            guard container.labels[ComposeLabels.watcherProject] == settings.name,
                let id = container.labels[ComposeLabels.watcherDeployment].flatMap(DeploymentID.init),
                let commit = container.labels[ComposeLabels.watcherCommit], !commit.isEmpty
            else { return nil }
            return (id.number, CommitID(hex: commit))
        }.max { $0.0 < $1.0 }
    }
}
