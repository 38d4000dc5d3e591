import Compose
import Reconcile

// A record that was lost, or is older than what runs: losing the database loses history, not what is deployed, and no
// protection either.

/// What is known of what was deployed.
struct Knowledge: Sendable {
    /// The record, completed from the labels where nothing at all was recorded.
    var record: ProjectRecord
    /// The commits that the host names and the record does not know.
    var witnesses: [Rewrite.Witness: CommitID] = [:]
}

extension Run {
    /// The newest deployment that the containers of the project name, whatever their Compose project is called; or why the
    /// engine did not say.
    func labelledDeployment() async -> Result<ContainerStamp?, any Error> {
        do {
            return .success(
                try await engine.stamps(of: settings.name).max { $0.stamp.deployment < $1.stamp.deployment })
        } catch {
            return .failure(error)
        }
    }

    func knowledge(of tip: Tip, _ labelled: Result<ContainerStamp?, any Error>) async throws -> Knowledge {
        var known = Knowledge(record: record)
        let isNews = record.deployed?.id != tip.commit.id || record.followed?.commit != tip.commit.id
        if record.latest == nil || record.followed == nil, let checkout = try await source.checkedOutCommit(),
            checkout != record.deployed?.id
        {
            known.witnesses[.checkout] = checkout
        }
        guard let newest = try? labelled.get() else {
            // Where nothing is to be deployed that is new, there is nothing to protect; the plan asks the engine anyway.
            if case .failure(let error) = labelled, isNews { throw DeployError(error, stage: .fetch) }
            return known
        }
        guard try await !isRecorded(newest.stamp) else { return known }
        known.witnesses[.labels] = newest.stamp.commit
        if record.latest == nil { known.record = try await readBack(newest, tip.commit) }
        return known
    }

    /// The record knows the deployment. Numbers below the newest may have been dropped.
    private func isRecorded(_ stamp: DeploymentStamp) async throws -> Bool {
        guard stamp.deployment < record.nextNumber else { return false }
        let id = DeploymentID(project: settings.name, number: stamp.deployment)
        guard let recorded = try await store.deployment(id) else { return true }
        return recorded.commit.id == stamp.commit
    }

    /// The record, completed from the labels of the project's containers.
    private func readBack(_ labelled: ContainerStamp, _ tip: Commit) async throws -> ProjectRecord {
        let stamp = labelled.stamp
        var record = record
        record.nextNumber = max(record.nextNumber, stamp.deployment + 1)
        // Until more is known of it than its id.
        record.deployed = Commit(id: stamp.commit, parents: [], author: "", subject: "", time: 0)
        try await refuseRenaming(labelled, tip)
        guard let commit = try await source.commit(named: stamp.commit.hex),
            let candidate = try? await candidate(at: commit, kind: .deploy),
            candidate.snapshot.project.name == labelled.composeProject
        else { return record }
        log.progress(
            .fetch, .warning,
            "nothing is recorded; the containers' labels say that \(commit.id.short) was deployed as "
                + "\(settings.name)/\(stamp.deployment)")
        var deployment = Deployment(
            id: DeploymentID(project: settings.name, number: stamp.deployment), kind: .deploy, commit: commit,
            status: .succeeded, startedAt: now)
        deployment.finishedAt = now
        deployment.message = "read back from the labels of the containers"
        let observed = try await engine.observe(query(candidate.snapshot.project))
        deployment.snapshot = candidate.snapshot.recording(observed, completed: [])
        record.lastGood = deployment
        record.latest = deployment
        record.deployed = commit
        return record
    }

    /// Throws when the tip's project would start anew under another name beside what runs.
    private func refuseRenaming(_ labelled: ContainerStamp, _ tip: Commit) async throws {
        guard let name = (try? await candidate(at: tip, kind: .deploy))?.snapshot.project.name,
            let refusal = settings.refusal(ofRenaming: labelled.composeProject, to: name)
        else { return }
        throw refusal
    }
}
