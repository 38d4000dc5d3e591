import Deploy
import Store
import Testing
import WatcherTestSupport

/// The implementations of the store that keep the same promises.
enum StoreBackend: CaseIterable, Sendable { case sqlite, memory }

/// A store of its own for one test of the contract.
struct StoreSubject {
    let store: any DeploymentStore
    private let directory: TestDirectory?

    init(_ backend: StoreBackend) throws {
        switch backend {
        case .sqlite:
            let directory = try TestDirectory()
            self.directory = directory
            store = try Store.open(directory: directory.state)
        case .memory:
            directory = nil
            store = MemoryStore()
        }
    }

    /// The same store as another process would see it.
    func reopened() throws -> any DeploymentStore {
        guard let directory else { return store }
        return try #require(try Store.openExisting(directory: directory.state))
    }

    func events(of id: DeploymentID) async throws -> [Event] {
        if let store = store as? Store { return try await store.events(of: id) }
        return (store as? MemoryStore)?.with(id.project) { $0.events[id.number] } ?? []
    }

    /// Makes `close` fail when it comes to this step, with the steps before it done.
    func failClosing(at step: MemoryStore.ClosingStep) throws {
        (store as? MemoryStore)?.failClosing(at: step)
        let event =
            switch step {
            case .deployment: "INSERT ON deployments"
            case .events: "DELETE ON events"
            case .unskip: "DELETE ON skip_list"
            case .skip: "INSERT ON skip_list"
            case .suspension: "INSERT ON suspensions"
            }
        try directory?.sqlite3("CREATE TRIGGER fault BEFORE \(event) BEGIN SELECT RAISE(ABORT, 'fault'); END;")
    }
}
