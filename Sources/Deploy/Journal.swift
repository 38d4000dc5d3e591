import Reconcile
import Synchronization

/// Makes the run's events, hands each on as it happens and keeps it until it is stored.
final class Journal: Sendable {
    private let project: String
    private let emit: @Sendable (Event) -> Void
    private let now: @Sendable () -> Int
    private let state = Mutex(State())

    private struct State {
        var deployment: DeploymentID?
        var unsaved: [Event] = []
        var notify: (@Sendable () -> Void)?
    }

    init(project: String, emit: @escaping @Sendable (Event) -> Void, now: @escaping @Sendable () -> Int) {
        self.project = project
        self.emit = emit
        self.now = now
    }

    /// From here on events belong to this deployment; so do the ones made before.
    func belongs(to deployment: DeploymentID) { state.withLock { $0.deployment = deployment } }

    /// Calls this after each event from here on.
    func notify(_ notify: @escaping @Sendable () -> Void) { state.withLock { $0.notify = notify } }

    /// The milliseconds since 1970.
    var time: Int { now() }

    func progress(_ stage: Event.Stage, _ state: Event.State, _ line: String, service: String? = nil) {
        add(.progress, stage, state, line, service)
    }

    func status(_ stage: Event.Stage, _ state: Event.State, _ line: String) { add(.status, stage, state, line, nil) }

    func log(_ stage: Event.Stage, _ line: String, service: String?) { add(.log, stage, .running, line, service) }

    private func add(
        _ kind: Event.Kind, _ stage: Event.Stage, _ state: Event.State, _ line: String, _ service: String?
    ) {
        let at = now()
        let (event, notify) = self.state.withLock { held in
            let event = Event(
                deploymentID: held.deployment, kind: kind, stage: stage, state: state, service: service, line: line,
                at: at)
            held.unsaved.append(event)
            return (event, held.notify)
        }
        emit(event)
        notify?()
    }

    /// The events that were not taken yet, as of the deployment they turned out to belong to.
    func takeUnsaved() -> [Event] {
        state.withLock { held in
            defer { held.unsaved = [] }
            return held.unsaved.map { event in
                var event = event
                event.deploymentID = held.deployment
                return event
            }
        }
    }
}
