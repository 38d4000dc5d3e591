internal import Reconcile
internal import Synchronization

/// How long a run may take for its project, and whether that time is over.
///
/// The run's task is cancelled then, as when a person interrupts it; this value tells the two apart.
package final class RunDeadline: Sendable {
    /// The deadline of the run that the current task belongs to.
    @TaskLocal package static var current: RunDeadline?

    package let duration: Duration
    private let passed = Mutex(false)

    package init(_ duration: Duration) { self.duration = duration }

    /// Says that the time is over; the caller cancels the run.
    package func pass() { passed.withLock { $0 = true } }

    package var hasPassed: Bool { passed.withLock { $0 } }

    /// Why the run ended, if its deadline ended it.
    package func failure(_ stage: Event.Stage) -> DeployError? {
        guard hasPassed else { return nil }
        return DeployError(
            stage: stage, reason: .deadlineExceeded, message: "the run did not finish within \(duration.inWords)",
            advice: "The next run tries again. `deadline` in the configuration allows it more time.")
    }
}
