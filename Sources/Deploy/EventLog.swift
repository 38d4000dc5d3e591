import Reconcile
import Synchronization

/// Makes the events of one deployment, hands each on as it happens and keeps it until it is stored. Of a flood the beginning
/// and the end are kept.
final class EventLog: Sendable {
    /// The deployment that the run opens, or would open; nil when that is not known.
    let deployment: DeploymentID?
    private let emit: @Sendable (Event) -> Void
    private let now: @Sendable () -> Int
    private struct Unsaved {
        var budget = EventBudget()
        var events: [Event] = []
    }

    private let unsaved = Mutex(Unsaved())
    private let arrivals: AsyncStream<Void>
    private let arrival: AsyncStream<Void>.Continuation

    init(of deployment: DeploymentID?, emit: @escaping @Sendable (Event) -> Void, now: @escaping @Sendable () -> Int) {
        self.deployment = deployment
        self.emit = emit
        self.now = now
        (arrivals, arrival) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    func progress(_ stage: Event.Stage, _ state: Event.State, _ line: String, service: String? = nil) {
        add(.progress, stage, state, line, service)
    }

    func status(_ stage: Event.Stage, _ state: Event.State, _ line: String) { add(.status, stage, state, line, nil) }

    func log(_ stage: Event.Stage, _ line: String, service: String?) { add(.log, stage, .running, line, service) }

    private func add(
        _ kind: Event.Kind, _ stage: Event.Stage, _ state: Event.State, _ line: String, _ service: String?
    ) {
        let event = Event(
            deploymentID: deployment, kind: kind, stage: stage, state: state, service: service,
            line: line.shortened(bytes: EventBudget.line), at: now())
        let isToBeSaved = unsaved.withLock { unsaved in
            let events = unsaved.budget.take(event)
            unsaved.events += events
            return !events.isEmpty
        }
        emit(event)
        if isToBeSaved { arrival.yield() }
    }

    // MARK: - Storing

    /// Stores events while they come, so that the record of a run that is killed says how far it came; ends when the body
    /// does. Only once for each log.
    func saving<Value>(
        to deployment: DeploymentID, in store: any DeploymentStore, _ body: () async throws -> Value
    ) async rethrows -> Value {
        let saver = Task { for await _ in arrivals { await save(to: deployment, in: store, all: false) } }
        func end() async {
            arrival.finish()
            await saver.value
            await save(to: deployment, in: store)
        }
        do {
            let value = try await body()
            await end()
            return value
        } catch {
            await end()
            throw error
        }
    }

    /// Stores the events that are not stored yet. What cannot be stored is lost, and that is said.
    /// - Parameter all: Also those that are only stored when nothing comes after them.
    func save(to deployment: DeploymentID, in store: any DeploymentStore, all: Bool = true) async {
        let events = unsaved.withLock { unsaved in
            defer { unsaved.events = [] }
            return unsaved.events + (all ? unsaved.budget.end() : [])
        }
        guard !events.isEmpty else { return }
        let owned = events.map { event in
            var event = event
            event.deploymentID = deployment
            return event
        }
        do {
            try await store.append(owned, to: deployment)
        } catch {
            let failure = DeployError(error, stage: .record)
            emit(
                Event(
                    deploymentID: deployment, kind: .progress, stage: .record, state: .warning, service: nil,
                    line: "cannot store events: \(failure.message.firstLine)", at: now()))
        }
    }
}

extension String {
    var firstLine: String { String(prefix { !$0.isNewline }) }
}
