package import Deploy
package import Reconcile
import Synchronization

/// A store in memory that keeps the same promises as the real one; `DeploymentStoreContract` tests both.
package final class MemoryStore: DeploymentStore {
    /// A call that is about to store something.
    package enum Write: Sendable {
        case open(Deployment)
        case close(Closing)
        /// Any call that moves or remembers a fact of a project.
        case note
        case append
    }

    /// What `close` stores one after the other.
    package enum ClosingStep: Sendable, CaseIterable { case deployment, events, unskip, skip, suspension }

    /// What is stored of one project.
    package struct Project: Sendable {
        package var deployments: [Int: Deployment] = [:]
        package var skipped: [SkippedCommit] = []
        package var suspension: Suspension?
        package var events: [Int: [Event]] = [:]
        /// Images that were brought for the project: reference by id.
        package var images: [String: String] = [:]
        /// The commit that `advance` moved to, and the number of the last good deployment then.
        package var pointer: (commit: Commit, after: Int)?
        package var observedTip: ObservedTip?
        package var accepted: [FollowedTip] = []
        /// The newest of them.
        package var followed: FollowedTip? {
            get { accepted.first }
            set { accepted = newValue.map { [$0] } ?? [] }
        }
        package var engine: String?
        /// Verified commits, oldest first, and by which verifier.
        package var verified: (by: String, commits: [CommitID]) = ("", [])

        package init() {}
    }

    private struct State: Sendable {
        var projects: [String: Project] = [:]
        var failingStep: ClosingStep?
    }

    private let held = Mutex(State())
    private let beforeWrite: @Sendable (Write) throws -> Void

    /// - Parameter beforeWrite: what it throws is the call's error, and nothing is stored.
    package init(beforeWrite: @escaping @Sendable (Write) throws -> Void = { _ in }) { self.beforeWrite = beforeWrite }

    /// Reads or changes what is stored of a project, past the store's calls.
    package func with<Value: Sendable>(
        _ project: String, _ body: (inout Project) throws -> Value
    ) rethrows -> Value {
        try held.withLock { try body(&$0.projects[project, default: Project()]) }
    }

    /// Makes every `close` fail in the middle, at this step; nil makes it work again.
    package func failClosing(at step: ClosingStep?) { held.withLock { $0.failingStep = step } }

    package func record(of project: String) async throws -> ProjectRecord { with(project) { $0.record } }

    package func deployment(_ id: DeploymentID) async throws -> Deployment? {
        with(id.project) { $0.deployments[id.number] }
    }

    package func newestGood(_ query: GoodDeploymentQuery) async throws -> Deployment? {
        with(query.project) { project in
            project.good.first { deployment in
                let commit = deployment.commit.id
                return deployment.id.number < query.before ?? .max
                    && commit.hex.hasPrefix(query.commitPrefix?.lowercased() ?? "")
                    && commit != query.excludingCommit
                    && !(query.excludesSkipped && project.skipped.contains { $0.commit == commit })
            }
        }
    }

    package func hostBuilds(of project: String, newest count: Int) async throws -> Set<BuildID> {
        with(project) { Set($0.good.prefix(max(0, count)).compactMap { $0.snapshot?.hostBuild }) }
    }

    package func open(_ deployment: Deployment) async throws {
        try beforeWrite(.open(deployment))
        with(deployment.id.project) { $0.deployments[deployment.id.number] = deployment }
    }

    package func close(_ closing: Closing) async throws {
        try beforeWrite(.close(closing))
        try held.withLock { state in
            var project = state.projects[closing.deployment.id.project, default: Project()]
            for step in ClosingStep.allCases {
                if step == state.failingStep { throw Failure() }
                project.take(step, closing)
            }
            state.projects[closing.deployment.id.project] = project
        }
    }

    package func advance(_ project: String, to commit: Commit) async throws {
        guard try await record(of: project).deployed != commit else { return }
        try beforeWrite(.note)
        with(project) { $0.pointer = (commit, $0.good.first?.id.number ?? 0) }
    }

    package func observed(
        _ tip: Commit, of project: String, at time: Int, accepted: FollowedTip?
    ) async throws {
        let isKnown = with(project) {
            $0.observedTip?.commit == tip && (accepted.map($0.accepted.accepting) ?? $0.accepted) == $0.accepted
        }
        guard !isKnown else { return }
        try beforeWrite(.note)
        with(project) { project in
            if project.observedTip?.commit != tip { project.observedTip = ObservedTip(commit: tip, since: time) }
            project.accepted = accepted.map(project.accepted.accepting) ?? project.accepted
        }
    }

    package func verifiedCommits(of project: String, by verifier: String) async throws -> Set<CommitID> {
        with(project) { $0.verified.by == verifier ? Set($0.verified.commits) : [] }
    }

    package func noteVerified(_ commits: [CommitID], of project: String, by verifier: String) async throws {
        guard !commits.isEmpty else { return }
        try beforeWrite(.note)
        with(project) { project in
            let others =
                project.verified.by == verifier ? project.verified.commits.filter { !commits.contains($0) } : []
            project.verified = (verifier, (others + commits).suffix(DeploymentStoreLimits.verifiedCommits))
        }
    }

    package func noteEngine(_ host: String?, of project: String) async throws {
        guard with(project, { $0.engine != host }) else { return }
        try beforeWrite(.note)
        with(project) { $0.engine = host }
    }

    package func noteCompleted(_ services: Set<String>, of deployment: DeploymentID) async throws {
        let completed = with(deployment.project) { $0.deployments[deployment.number]?.snapshot?.completed }
        guard let completed, completed != services else { return }
        try beforeWrite(.note)
        with(deployment.project) { $0.deployments[deployment.number]?.snapshot?.completed = services }
    }

    package func append(_ events: [Event], to deployment: DeploymentID) async throws {
        guard !events.isEmpty else { return }
        try beforeWrite(.append)
        try with(deployment.project) { project in
            guard project.deployments[deployment.number] != nil else { throw Failure() }
            project.events[deployment.number, default: []] += events
        }
    }

    package func remember(_ images: [String: String], of project: String) async throws {
        guard !images.isEmpty else { return }
        try beforeWrite(.note)
        with(project) { $0.images.merge(images) { $1 } }
    }

    package func unneededImages(of project: String, keeping commits: Int) async throws -> [String: String] {
        held.withLock { state in
            let needed = state.projects.values.reduce(into: Set<String>()) { $0.formUnion($1.neededImages(commits)) }
            return state.projects[project]?.images.filter { !needed.contains($0.key) } ?? [:]
        }
    }

    package func forget(_ image: String, of project: String) async throws {
        try beforeWrite(.note)
        with(project) { $0.images[image] = nil }
    }

    /// The store was told to fail, or asked for what it does not have.
    private struct Failure: Error {}
}

extension MemoryStore.Project {
    /// Newest first.
    private var newest: [Deployment] { deployments.values.sorted { $0.id.number > $1.id.number } }
    fileprivate var good: [Deployment] { newest.filter { $0.status == .succeeded } }

    fileprivate var record: ProjectRecord {
        let newest = newest
        var record = ProjectRecord()
        record.lastGood = good.first
        record.latest = newest.first.map(summary)
        record.latestAttempt = newest.first { $0.kind == .deploy && $0.status != .open }.map(summary)
        record.open = newest.first { $0.status == .open }
        let lastGood = record.lastGood?.id.number ?? 0
        record.unresolved = newest.first { $0.status == .restoreFailed && $0.id.number > lastGood }
        record.deployed = record.lastGood?.commit
        if let pointer, pointer.after == lastGood { record.deployed = pointer.commit }
        record.observedTip = observedTip
        record.accepted = accepted
        record.skipped = skipped.sorted { ($1.since, $0.commit.hex) < ($0.since, $1.commit.hex) }
        record.suspension = suspension
        record.nextNumber = (newest.first?.id.number ?? 0) + 1
        return record
    }

    /// As lists show it.
    private func summary(_ deployment: Deployment) -> Deployment {
        var summary = deployment
        summary.snapshot = nil
        summary.before = nil
        summary.service = nil
        summary.logLines = []
        summary.signature = nil
        return summary
    }

    fileprivate func neededImages(_ commits: Int) -> Set<String> {
        var (seen, needed): (Set<CommitID>, Set<String>) = ([], [])
        for deployment in good {
            seen.insert(deployment.commit.id)
            if seen.count <= commits { needed.formUnion(deployment.snapshot?.imageIDs.values.map { $0 } ?? []) }
        }
        return needed
    }

    fileprivate mutating func take(_ step: MemoryStore.ClosingStep, _ closing: Closing) {
        let number = closing.deployment.id.number
        switch step {
        case .deployment: deployments[number] = closing.deployment
        case .events:
            guard let replaced = closing.replaces?.number else { return }
            events[number] = replaced == number ? nil : events.removeValue(forKey: replaced)
            if replaced != number { deployments[replaced] = nil }
        case .unskip: skipped.removeAll { $0.commit == closing.unskip }
        case .skip: if let skip = closing.skip { add(skip) }
        case .suspension: suspension = closing.suspension ?? suspension
        }
    }

    private mutating func add(_ skip: SkippedCommit) {
        var skip = skip
        if let index = skipped.firstIndex(where: { $0.commit == skip.commit }) {
            let earlier = skipped.remove(at: index)
            skip.failures = earlier.failures + (skip.code == nil ? 0 : 1)
            skip.subject = skip.subject ?? earlier.subject
        }
        skipped.append(skip)
    }
}
