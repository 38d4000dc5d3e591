import Compose
import Reconcile
import Synchronization

/// The state of one run: what is known so far. Each stage is a method; `Deployer` gives their order.
final class DeployRun: Sendable {
    let deployer: Deployer
    let journal: Journal
    private let known = Mutex(Known())
    /// The newest of the writes of events, which follow one another.
    private let writing = Mutex<Task<Void, Never>?>(nil)

    /// Facts that later stages and the final report read.
    struct Known: Sendable {
        var stage: Event.Stage = .fetch
        var record = ProjectRecord()
        var tip: Commit?
        /// Set once the record of an attempt exists.
        var deployment: DeploymentID?
        /// What was deployed when the run began.
        var before: Deployment?
        /// The store takes no more events; that was said.
        var losesEvents = false
        /// What the engine was asked ahead of time.
        var glance: Glance?
    }

    /// A first look at the engine whose answer comes while the commit's files are read.
    struct Glance: Sendable {
        let query: ObservationQuery
        let answer: Task<ObservedState, any Error>
    }

    init(_ deployer: Deployer) {
        self.deployer = deployer
        journal = Journal(project: deployer.settings.name, emit: deployer.emit, now: deployer.now)
    }

    var settings: ProjectSettings { deployer.settings }
    var facts: Known { known.withLock { $0 } }
    func note(_ change: (inout Known) -> Void) { known.withLock { change(&$0) } }

    /// Reports a stage's beginning and end around `body`.
    func stage<Value>(_ stage: Event.Stage, _ line: String, _ body: () async throws -> Value) async throws -> Value {
        note { $0.stage = stage }
        journal.progress(stage, .started, line)
        do {
            let value = try await body()
            try Task.checkCancellation()
            journal.status(stage, .succeeded, line)
            return value
        } catch {
            let failure = DeployError(error, stage: stage)
            journal.status(stage, .failed, failure.message.firstLine)
            throw failure
        }
    }

    /// Reads the record and, unless the run only looks, puts right what a run that died left behind.
    func begin(recovering: Bool) async throws {
        let record = try await deployer.store.record(of: settings.name)
        note { $0.record = record }
        if let open = record.open, recovering {
            try await recover(open)
            let record = try await deployer.store.record(of: settings.name)
            note { $0.record = record }
        }
        note { $0.before = $0.record.lastGood }
        journal.belongs(to: DeploymentID(project: settings.name, number: facts.record.nextNumber))
    }

    var activeSuspension: Suspension? {
        guard let suspension = facts.record.suspension else { return nil }
        if let until = suspension.until, until <= journal.time { return nil }
        return suspension
    }

    /// The tip of the branch, or the commit asked for.
    func fetch(_ revision: String?) async throws -> Commit {
        let commit = try await stage(.fetch, "fetching \(settings.revision) of \(settings.repository)") {
            let tip = try await deployer.source.fetchTip()
            guard let revision else { return tip }
            guard let commit = try await deployer.source.commit(named: revision) else {
                throw DeployError(
                    stage: .fetch, reason: .usage,
                    message: "no commit \(revision) on \(settings.revision) of \(settings.repository)",
                    advice: "Give a commit id that the branch contains; \(tip.id.short) is its tip.")
            }
            return commit
        }
        note { $0.tip = commit }
        journal.progress(.fetch, .succeeded, "\(commit.id.short) \(commit.subject)")
        return commit
    }

    func decide(about tip: Commit, _ options: Deployer.Options) async throws -> Decision {
        let record = facts.record
        let deployed = record.lastGood?.commit.id
        var isFastForward = true
        if let deployed, deployed != tip.id {
            isFastForward = try await deployer.source.isAncestor(deployed, of: tip.id)
        }
        let skip = record.skipped.first { $0.commit == tip.id }
        return Decision(
            DecisionFacts(
                tip: tip, deployed: deployed, isFastForward: isFastForward,
                allowsRewrite: settings.allowsRewrite || options.commit != nil,
                skip: skip.map {
                    DecisionFacts.Skip(
                        reason: $0.reason, since: $0.since, failures: $0.failures, isManual: $0.code == nil)
                },
                retryAfter: settings.retryAfter, retryAttempts: settings.retryAttempts, isForced: options.force,
                now: journal.time))
    }

    /// Stores events while they come, so that a run that is killed has told how far it came; ends when the body does.
    func savingEvents<Value>(_ body: () async -> Value) async -> Value {
        let (arrivals, arrival) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        journal.notify { arrival.yield() }
        let saver = Task { for await _ in arrivals { await flushEvents() } }
        let value = await body()
        arrival.finish()
        await saver.value
        await flushEvents()
        return value
    }

    /// Stores the events of a run that has a deployment to belong to, in their order.
    func flushEvents() async {
        let task = writing.withLock { newest in
            let earlier = newest
            let task = Task {
                await earlier?.value
                await self.storeEvents()
            }
            newest = task
            return task
        }
        await task.value
    }

    private func storeEvents() async {
        guard let deployment = facts.deployment, !facts.losesEvents else { return }
        let events = journal.takeUnsaved()
        guard !events.isEmpty else { return }
        do {
            try await deployer.store.append(events, to: deployment)
        } catch {
            note { $0.losesEvents = true }
            journal.progress(
                .record, .warning, "events could not be stored: \(DeployError(error, stage: .record).message)")
        }
    }
}

extension String {
    var firstLine: String { String(prefix { !$0.isNewline }) }
}
