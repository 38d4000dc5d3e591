import Compose
import Deploy
import Reconcile
import Testing
import WatcherTestSupport

/// What every `DeploymentStore` promises, of the real store and of the one in memory that other tests use.
@Suite struct DeploymentStoreContract {
    private let id = DeploymentID(project: "shop", number: 1)

    private func commit(_ digit: Character) -> Commit { .sample(digit) }

    /// A good deployment with a snapshot.
    private func good(_ number: Int, _ digit: Character, project: String = "shop") -> Deployment {
        var deployment = Deployment.sample(number, project: project, commit: commit(digit))
        deployment.snapshot = .sample()
        return deployment
    }

    // MARK: - Attempts

    @Test(arguments: StoreBackend.allCases)
    func `a project without a history has an empty record`(backend: StoreBackend) async throws {
        let store = try StoreSubject(backend).store
        try await store.save(.sample(4, project: "other"))
        #expect(try await store.record(of: "shop") == ProjectRecord())
        #expect(try await store.deployment(DeploymentID(project: "shop", number: 4)) == nil)
        #expect(try await store.newestGood(GoodDeploymentQuery(project: "shop")) == nil)
        #expect(try await store.hostBuilds(of: "shop", newest: 5).isEmpty)
    }

    @Test(arguments: StoreBackend.allCases)
    func `an attempt is on the disk when it is opened, and can be opened again`(backend: StoreBackend) async throws {
        let subject = try StoreSubject(backend)
        var attempt = Deployment.full(1, .open)
        try await subject.store.open(attempt)
        #expect(try await subject.reopened().record(of: "shop").open == attempt)
        attempt.message = "the engine is away; the next run undoes it"
        attempt.service = "web"
        attempt.logLines = ["bye"]
        try await subject.store.open(attempt)
        #expect(try await subject.reopened().record(of: "shop").open == attempt)
        #expect(try await subject.store.record(of: "shop").nextNumber == 2)
    }

    @Test(arguments: StoreBackend.allCases)
    func `closing replaces the record of the attempt and keeps its events`(backend: StoreBackend) async throws {
        let subject = try StoreSubject(backend)
        var deployment = Deployment.full(1, .open)
        try await subject.store.open(deployment)
        try await subject.store.append([.sample(id, "one")], to: id)
        try await subject.store.append([], to: id)
        try await subject.store.append([.sample(id, "two"), .sample(id, "three", service: nil)], to: id)
        deployment.status = .succeeded
        deployment.before = nil
        deployment.snapshot?.completed = []
        deployment.finishedAt = 7
        try await subject.store.close(Closing(deployment))
        #expect(try await subject.reopened().deployment(id) == deployment)
        #expect(try await subject.store.record(of: "shop").open == nil)
        #expect(try await subject.events(of: id).map(\.line) == ["one", "two", "three"])
    }

    @Test(arguments: StoreBackend.allCases)
    func `an attempt that never was opened is recorded by closing it`(backend: StoreBackend) async throws {
        let store = try StoreSubject(backend).store
        try await store.close(Closing(.sample(1, .invalid, reason: .invalidProject)))
        #expect(try await store.record(of: "shop").latest == .sample(1, .invalid, reason: .invalidProject))
    }

    @Test(arguments: StoreBackend.allCases)
    func `events of a deployment that does not exist are refused`(backend: StoreBackend) async throws {
        let subject = try StoreSubject(backend)
        try await subject.store.save(.sample(1, .postponed, reason: .rateLimited))
        let next = DeploymentID(project: "shop", number: 2)
        await #expect(throws: (any Error).self) { try await subject.store.append([.sample(next, "x")], to: next) }
        #expect(try await subject.events(of: id).isEmpty)
    }

    @Test(arguments: StoreBackend.allCases)
    func `the record names the deployments that matter, each as full as promised`(backend: StoreBackend) async throws {
        let store = try StoreSubject(backend).store
        var unresolved = Deployment.full(4, .restoreFailed)
        unresolved.service = "web"
        unresolved.logLines = ["bye"]
        var latest = Deployment.full(5, .restored)
        latest.service = "db"
        let all = [.full(1, .succeeded), .full(2, .succeeded), .full(3, .open), unresolved, latest]
        for deployment in all + [.sample(9, project: "other")] { try await store.save(deployment) }
        let record = try await store.record(of: "shop")
        #expect(record.lastGood == .full(2, .succeeded))
        #expect(record.open == .full(3, .open))
        #expect(record.unresolved == unresolved)
        #expect(record.latest == latest.summary)
        #expect(record.nextNumber == 6)
    }

    @Test(arguments: StoreBackend.allCases)
    func `a failed undo is unresolved until a deployment succeeds`(backend: StoreBackend) async throws {
        let store = try StoreSubject(backend).store
        try await store.save(.full(1, .restoreFailed))
        try await store.save(.full(2, .restoreFailed))
        try await store.save(.sample(3, .postponed))
        #expect(try await store.record(of: "shop").unresolved == .full(2, .restoreFailed))
        try await store.save(.sample(4))
        #expect(try await store.record(of: "shop").unresolved == nil)
        try await store.save(.sample(5, .failed))
        #expect(try await store.record(of: "shop").unresolved == nil)
    }

    @Test(arguments: StoreBackend.allCases)
    func `a repetition keeps its first start, counts, and keeps the events of its last try`(
        backend: StoreBackend
    ) async throws {
        let subject = try StoreSubject(backend)
        let first = Deployment.sample(1, .postponed, reason: .registryUnreachable)
        try await subject.store.close(Closing(first))
        try await subject.store.append([.sample(id, "first")], to: id)
        var second = first
        second.attempts = 2
        second.finishedAt = first.startedAt + 60_000
        second.message = "still away"
        // The try was opened as a record of its own, whose events are those that are kept.
        let opened = Deployment.sample(2, .open)
        try await subject.store.open(opened)
        try await subject.store.append([.sample(opened.id, "second")], to: opened.id)
        try await subject.store.close(Closing(second, replaces: opened.id))
        #expect(try await subject.events(of: id).map(\.line) == ["second"])
        #expect(try await subject.store.deployment(opened.id) == nil)
        // The next one was not opened: its events come afterwards.
        second.attempts = 3
        try await subject.store.close(Closing(second, replaces: DeploymentID(project: "shop", number: 2)))
        #expect(try await subject.events(of: id).isEmpty)
        try await subject.store.append([.sample(id, "third")], to: id)
        #expect(try await subject.events(of: id) == [.sample(id, "third")])
        #expect(try await subject.store.deployment(id) == second)
        #expect(try await subject.store.record(of: "shop").nextNumber == 2)
    }

    @Test(arguments: StoreBackend.allCases)
    func `two postponements with numbers of their own are two records`(backend: StoreBackend) async throws {
        let store = try StoreSubject(backend).store
        try await store.save(.sample(1, .postponed, reason: .registryUnreachable))
        try await store.save(.sample(2, .postponed, reason: .registryUnreachable))
        #expect(try await store.record(of: "shop").latest?.id.number == 2)
        #expect(try await store.deployment(id)?.attempts == 1)
    }

    @Test(arguments: StoreBackend.allCases)
    func `what still matters is kept however much follows`(backend: StoreBackend) async throws {
        let store = try StoreSubject(backend).store
        let kept = [good(1, "a"), .full(2, .open), .full(3, .restoreFailed)]
        for deployment in kept { try await store.save(deployment) }
        for number in 4...210 { try await store.save(.sample(number, .failed)) }
        let record = try await store.record(of: "shop")
        #expect([record.lastGood, record.open, record.unresolved] == kept)
        #expect(record.nextNumber == 211)
    }

    @Test(arguments: StoreBackend.allCases)
    func `which jobs have ended is noted in the snapshot`(backend: StoreBackend) async throws {
        let subject = try StoreSubject(backend)
        var deployment = good(1, "a")
        try await subject.store.save(deployment)
        try await subject.store.noteCompleted(["migrate"], of: id)
        deployment.snapshot?.completed = ["migrate"]
        #expect(try await subject.reopened().deployment(id) == deployment)
        try await subject.store.noteCompleted(["migrate"], of: DeploymentID(project: "shop", number: 2))
        #expect(try await subject.store.record(of: "shop").nextNumber == 2)
    }
}
