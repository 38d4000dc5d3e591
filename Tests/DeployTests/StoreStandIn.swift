import Deploy
import Reconcile
import Synchronization

/// The record of one project in memory.
final class StoreStandIn: DeploymentStore {
    struct State: Sendable {
        var deployments: [Int: Deployment] = [:]
        var skipped: [SkippedCommit] = []
        var suspension: Suspension?
        var events: [Int: [Event]] = [:]
        /// Images that were brought for the project: reference by id.
        var images: [String: String] = [:]
        /// Fails saves it gives an error for.
        var refusal: @Sendable (Deployment) -> Trouble? = { _ in nil }
        var saves = 0
    }

    private let life: Life
    private let held = Mutex(State())

    init(_ life: Life) { self.life = life }

    func with<Value: Sendable>(_ body: (inout State) throws -> Value) rethrows -> Value {
        try held.withLock { try body(&$0) }
    }

    func record(of project: String) async throws -> ProjectRecord {
        with { state in
            let newest = state.deployments.values.sorted { $0.id.number > $1.id.number }
            var record = ProjectRecord()
            record.lastGood = newest.first { $0.status == .succeeded }
            record.latest = newest.first
            record.open = newest.first { $0.status == .open }
            record.skipped = state.skipped
            record.suspension = state.suspension
            record.nextNumber = (newest.first?.id.number ?? 0) + 1
            return record
        }
    }

    func deployment(_ id: DeploymentID) async throws -> Deployment? { with { $0.deployments[id.number] } }

    func save(_ deployment: Deployment) async throws {
        try life.spend()
        try with { state in
            if let trouble = state.refusal(deployment) { throw trouble }
            state.saves += 1
            state.deployments[deployment.id.number] = deployment
        }
    }

    func skip(_ commit: SkippedCommit, in project: String) async throws {
        try life.spend()
        with { state in
            if let index = state.skipped.firstIndex(where: { $0.commit == commit.commit }) {
                state.skipped[index].failures += 1
                state.skipped[index].since = commit.since
            } else {
                state.skipped.append(commit)
            }
        }
    }

    func unskip(_ commit: CommitID, in project: String) async throws {
        try life.spend()
        with { $0.skipped.removeAll { $0.commit == commit } }
    }

    func remember(_ images: [String: String], of project: String) async throws {
        if images.isEmpty { return }
        try life.spend()
        with { $0.images.merge(images) { $1 } }
    }

    func unneededImages(of project: String, keeping commits: Int) async throws -> [String: String] {
        with { state in
            var (seen, needed): (Set<CommitID>, Set<String>) = ([], [])
            let good = state.deployments.values.filter { $0.status == .succeeded }
            for deployment in good.sorted(by: { $0.id.number > $1.id.number }) {
                seen.insert(deployment.commit.id)
                if seen.count <= commits { needed.formUnion(deployment.snapshot?.imageIDs.values.map { $0 } ?? []) }
            }
            return state.images.filter { !needed.contains($0.key) }
        }
    }

    func forget(_ image: String, of project: String) async throws {
        try life.spend()
        with { $0.images[image] = nil }
    }

    func append(_ events: [Event], to deployment: DeploymentID) async throws {
        // Events are written beside everything else: how often is no fact of the run.
        try life.check()
        with { $0.events[deployment.number, default: []] += events }
    }
}
