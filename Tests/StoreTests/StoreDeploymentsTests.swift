import Deploy
import Foundation
import Reconcile
import Store
import Testing

@Suite struct StoreDeploymentsTests {
    let directory: TestDirectory
    let store: Store

    init() throws {
        directory = try TestDirectory()
        store = try Store.open(directory: directory.state)
    }

    @Test func `a full deployment comes back as it was saved, also from another connection`() async throws {
        let deployment = Deployment.full(1, .failed)
        try await store.save(deployment)
        #expect(try await store.deployment(deployment.id) == deployment)
        let other = try #require(try Store.openExisting(directory: directory.state))
        #expect(try await other.deployment(deployment.id) == deployment)
    }

    @Test func `saving again replaces the record and keeps its events`() async throws {
        var deployment = Deployment.full(1, .open)
        try await store.save(deployment)
        try await store.append([.sample(deployment.id, "one")], to: deployment.id)
        deployment.status = .succeeded
        deployment.before = nil
        deployment.snapshot?.completed = []
        deployment.finishedAt = 7
        try await store.save(deployment)
        #expect(try await store.deployment(deployment.id) == deployment)
        #expect(try await store.events(of: deployment.id).map(\.line) == ["one"])
        #expect(try await store.history().count == 1)
    }

    @Test func `events keep their order over several appends`() async throws {
        let id = DeploymentID(project: "shop", number: 1)
        try await store.save(.sample(1, .open))
        try await store.append([.sample(nil, "a"), .sample(id, "b", service: nil)], to: id)
        try await store.append([], to: id)
        try await store.append([.sample(id, "c")], to: id)
        #expect(
            try await store.events(of: id)
                == [.sample(id, "a"), .sample(id, "b", service: nil), .sample(id, "c")])
        #expect(try directory.sqlite3("SELECT group_concat(seq) FROM events;") == "1,2,3\n")
    }

    @Test func `events of a deployment that does not exist are refused`() async throws {
        try await store.save(.sample(1))
        for number in [2, 3] {
            let error = try await storeError {
                try await store.append([.sample(nil, "secret")], to: DeploymentID(project: "shop", number: number))
            }
            #expect(error.reason == .stateUnusable)
            #expect(error.message.contains("shop/\(number)"))
            #expect(!error.description.contains("secret"))
        }
    }

    @Test func `a write of a cancelled task is carried out`() async throws {
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await store.save(.sample(1))
        }
        try await task.value
        #expect(try await store.history().count == 1)
    }

    @Test func `the newest deployments are kept, and with them the last good, open and unresolved ones`() async throws {
        try await store.save(.full(1, .succeeded))
        try await store.save(.full(2, .open))
        try await store.save(.full(3, .restoreFailed))
        for number in [1, 2, 3] {
            let id = DeploymentID(project: "shop", number: number)
            try await store.append([.sample(id, "kept")], to: id)
        }
        try await store.save(.sample(1, project: "other"))
        for number in 4...210 {
            let deployment = Deployment.sample(number, .failed)
            try await store.save(deployment)
            try await store.append([.sample(deployment.id, "x")], to: deployment.id)
        }
        #expect(try await store.history(project: "shop").map(\.id.number) == Array((11...210).reversed()) + [3, 2, 1])
        #expect(try await store.history(project: "other").count == 1)
        let record = try await store.record(of: "shop")
        #expect(record.lastGood == .full(1, .succeeded))
        #expect(record.open == .full(2, .open))
        #expect(record.unresolved == .full(3, .restoreFailed))
        #expect(record.nextNumber == 211)
        let withEvents = try directory.sqlite3("SELECT DISTINCT number FROM events ORDER BY number;")
            .split(separator: "\n").compactMap { Int($0) }
        #expect(withEvents == [1, 2, 3] + Array(161...210))
    }

    @Test func `what was unresolved before the last good deployment makes room`() async throws {
        try await store.save(.sample(1, .restoreFailed))
        for number in 2...201 { try await store.save(.sample(number)) }
        #expect(try await store.history().last?.id.number == 2)
    }

    @Test func `an earlier success makes room when a newer one is there`() async throws {
        try await store.save(.full(1, .succeeded))
        for number in 2...201 { try await store.save(.sample(number)) }
        #expect(try await store.history().last?.id.number == 2)
        #expect(try directory.sqlite3("SELECT count(*) FROM snapshots;") == "0\n")
    }

    @Test func `history is limited, filtered and newest first`() async throws {
        for number in 1...3 { try await store.save(.full(number, .succeeded)) }
        var other = Deployment.sample(1, project: "other")
        other.startedAt = 1_700_000_000_002
        try await store.save(other)
        #expect(try await store.history(project: "shop").map(\.id.number) == [3, 2, 1])
        #expect(try await store.history(project: "shop", limit: 1) == [Deployment.full(3, .succeeded).summary])
        #expect(
            try await store.history(since: 1_700_000_000_002).map(\.id.description)
                == ["shop/3", "shop/2", "other/1"])
        #expect(try await store.history(limit: 0).isEmpty)
    }

    @Test func `a suspension lasts until it is replaced or the project is resumed`() async throws {
        try await store.suspend("shop", Suspension(reason: "fair", since: 1, until: nil))
        try await store.suspend("shop", Suspension(reason: "freeze", since: 2, until: 3))
        #expect(
            try await store.record(of: "shop").suspension == Suspension(reason: "freeze", since: 2, until: 3))
        #expect(try await store.record(of: "other").suspension == nil)
        #expect(try await store.resume("shop"))
        #expect(try await !store.resume("shop"))
        #expect(try await store.record(of: "shop").suspension == nil)
    }
}
