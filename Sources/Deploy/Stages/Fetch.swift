import Compose
import Reconcile

/// The tip is known, and with it everything that a decision about it needs.
struct Fetched: Sendable {
    let run: Run
    /// The commit to deploy: the tip of the branch, or the one that was asked for.
    let commit: Commit
    /// It was asked for by name.
    let isRequested: Bool
    /// What the revision names now.
    let followed: Tip
    /// What was deployed by what the host says, as far as the record does not know of it.
    let witnesses: [Rewrite.Witness: CommitID]
    /// What was deployed, as far as the labels say; to be recorded.
    let readBack: Deployment?
    /// Who signed the commit; nil when that was not verified.
    var signer: Signer?
    /// What is to be said about the tip.
    var warnings: [String] = []

    var tip: Commit { followed.commit }
    /// The commit that is deployed, by the record or by the labels.
    var deployed: CommitID? { run.record.deployed?.id ?? witnesses[.labels] }
}

extension Run {
    /// The tip of the branch, and the commit asked for. A record that was lost is read back from the containers' labels.
    func fetch(_ revision: String?) async throws -> Fetched {
        async let labelled = labelledDeployment()
        let (commit, tip) = try await stage(.fetch, "fetching \(settings.revision) of \(settings.repository)") {
            let tip = try await source.fetchRevision()
            let wanted = if let revision { try await self.commit(revision, in: tip.commit) } else { tip.commit }
            return (wanted, tip)
        }
        log.progress(.fetch, .succeeded, "\(commit.id.short) \(commit.subject)")
        let known = try await knowledge(of: tip, await labelled)
        return Fetched(
            run: with(known.record), commit: commit, isRequested: revision != nil, followed: tip,
            witnesses: known.witnesses, readBack: record.latest == nil ? known.record.lastGood : nil)
    }

    /// The commit that was asked for: one of the tip's history. The cache may hold those of other branches, too.
    private func commit(_ revision: String, in tip: Commit) async throws -> Commit {
        guard let commit = try await source.commit(named: revision) else {
            throw DeployError(
                stage: .fetch, reason: .usage,
                message: "no commit \(revision) in \(settings.revision) of \(settings.repository)",
                advice: "Give a commit id that the branch contains; its tip is \(tip.id.short).")
        }
        if commit.id == tip.id { return commit }
        guard try await source.isAncestor(commit.id, of: tip.id) else {
            throw DeployError(
                stage: .fetch, reason: .usage,
                message: "\(commit.id.short) is no commit of \(settings.revision) of \(settings.repository)",
                advice: "Give a commit id that the branch contains; its tip is \(tip.id.short).")
        }
        return commit
    }
}

extension Run {
    /// Downloads submodules and contents kept by Git LFS: after it is decided that the commit is to be deployed, because the
    /// commit names the servers.
    func provideModules(of commit: Commit) async throws {
        do {
            try await source.provide(commit.id) { [log] in log.progress(.fetch, .running, $0) }
        } catch {
            let failure = DeployError(error, stage: .fetch)
            log.status(.fetch, .failed, failure.message.firstLine)
            throw failure
        }
    }
}

extension Fetched {
    /// Records the tip as the newest one seen, and as the one that later tips follow if it is accepted; and what was read
    /// back from labels. Nothing is written when it is known.
    func remember(accepting: Bool) async throws {
        do {
            if let readBack { try await run.store.close(Closing(readBack)) }
            let accepted = accepting ? FollowedTip(revision: run.settings.followed, followed) : nil
            try await run.store.observed(tip, of: run.settings.name, at: run.now, accepted: accepted)
        } catch {
            throw DeployError(error, stage: .fetch)
        }
    }

    /// What is to be done about the commit, given what came of verifying it.
    func decide(_ request: DeployRequest, _ signature: SignatureState?) async throws -> Decided {
        let rewrite = try await rewrite(signature)
        let skip = run.record.skipped.first { $0.commit == commit.id }
        var facts = DecisionFacts(
            commit: commit, rewrite: rewrite, allowsRewrite: run.settings.allowsRewrite, signature: signature,
            skip: skip.map {
                DecisionFacts.Skip(
                    reason: $0.reason, since: $0.since, failures: $0.failures, isManual: $0.code == nil)
            },
            retryAfter: run.settings.retryAfter, retryAttempts: run.settings.retryAttempts, isForced: request.force,
            now: run.now)
        // What is deployed already may be put right at any time.
        let isDeployed = run.record.deployed?.id == commit.id
        facts.closedWindow = isDeployed ? nil : run.settings.policies.closedWindow(at: run.now)
        let decision = Decision(facts)
        var fetched = self
        if case .verified(let signer)? = signature { fetched.signer = signer }
        if case .reconcile = decision { fetched.warn(of: rewrite) }
        // Of a commit that was asked for, the tip was not verified.
        let isVerified = run.settings.verification == nil || commit.id == tip.id
        return Decided(fetched: fetched, decision: decision, acceptsTip: facts.acceptsTip && isVerified)
    }

    /// Why the tip is no successor of what was followed until now; nil when it is one.
    private func rewrite(_ signature: SignatureState?) async throws -> Rewrite? {
        var facts = RewriteFacts(tip: followed, revision: run.settings.followed)
        facts.accepted = run.record.accepted(of: run.settings.followed)
        if let signature { facts.isTagSigned = signature.signer?.tag != nil }
        facts.deployed = run.record.deployed?.id
        facts.witnesses = witnesses
        for commit in facts.questions where try await run.source.isAncestor(commit, of: tip.id) {
            facts.contained.insert(commit)
        }
        return Rewrite(facts)
    }

    /// Says what is unusual about a tip that is deployed all the same.
    private mutating func warn(of rewrite: Rewrite?) {
        if let rewrite {
            warnings.append("\(run.settings.revision) was rewritten, which is allowed: \(rewrite.description)")
        } else if let old = run.record.accepted(of: run.settings.followed), old.revision == run.settings.followed,
            let tag = followed.tag,
            let before = old.tag, before.name == tag.name, before.object != tag.object
        {
            warnings.append("the tag \(tag.name) was made anew; it leads to the same commit as before")
        }
        for warning in warnings { run.log.progress(.verify, .warning, warning) }
    }
}

/// What is going to be done, and what is remembered of the tip.
struct Decided: Sendable {
    let fetched: Fetched
    let decision: Decision
    /// Later tips are judged against this one.
    let acceptsTip: Bool
}

extension ProjectSettings {
    /// What is followed: another repository, branch or pattern is another line of commits.
    var followed: String { "\(revision) of \(repository)" }
}
