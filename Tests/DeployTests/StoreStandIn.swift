import Deploy
import Reconcile
import Synchronization
import WatcherTestSupport

/// The record of the project "shop" in memory, whose writes cost life and can be refused.
final class StoreStandIn: Sendable {
    @dynamicMemberLookup
    struct State: Sendable {
        fileprivate var project: MemoryStore.Project
        fileprivate var faults: Faults

        /// Fails writes of deployments it gives an error for.
        var refusal: @Sendable (Deployment) -> Trouble? {
            get { faults.refusal }
            set { faults.refusal = newValue }
        }
        /// How many times a deployment was written.
        var saves: Int { faults.saves }

        subscript<Value>(dynamicMember path: WritableKeyPath<MemoryStore.Project, Value>) -> Value {
            get { project[keyPath: path] }
            set { project[keyPath: path] = newValue }
        }
    }

    fileprivate struct Faults: Sendable {
        var refusal: @Sendable (Deployment) -> Trouble? = { _ in nil }
        var saves = 0
    }

    private final class Guard: Sendable {
        let faults = Mutex(Faults())

        func check(_ deployment: Deployment) throws {
            try faults.withLock { faults in
                if let trouble = faults.refusal(deployment) { throw trouble }
                faults.saves += 1
            }
        }
    }

    /// What the flow gets.
    let port: MemoryStore
    private let sentry = Guard()

    init(_ life: Life) {
        port = MemoryStore { [sentry] write in
            switch write {
            // Events are written beside everything else: how often is no fact of the run.
            case .append: try life.check()
            case .note: try life.spend()
            case .open(let deployment):
                try life.spend()
                try sentry.check(deployment)
            case .close(let closing):
                try life.spend()
                try sentry.check(closing.deployment)
            }
        }
    }

    func with<Value: Sendable>(_ body: (inout State) throws -> Value) rethrows -> Value {
        try sentry.faults.withLock { faults in
            try port.with("shop") { project in
                var state = State(project: project, faults: faults)
                defer { (project, faults) = (state.project, state.faults) }
                return try body(&state)
            }
        }
    }
}
