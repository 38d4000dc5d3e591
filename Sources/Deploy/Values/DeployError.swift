import Compose
package import Reconcile

/// A failure with everything a person needs: what failed, where, why, what runs now, what to do next.
///
/// Adapters throw their own errors and say by conforming to `ReasonedError` what class of trouble it is; the flow turns them into this.
package struct DeployError: Error, Sendable, Equatable, CustomStringConvertible {
    package var stage: Event.Stage
    package var reason: Reason
    /// What failed and where, one sentence or a few lines (a list of problems).
    package var message: String
    /// What the user should do next; empty when there is nothing to say.
    package var advice: String
    /// The service concerned, if one is.
    package var service: String?
    /// The last lines of the failing container's log.
    package var logLines: [String] = []
    /// What the failing container's health check printed last.
    package var probe: String?

    package init(stage: Event.Stage, reason: Reason, message: String, advice: String = "", service: String? = nil) {
        self.stage = stage
        self.reason = reason
        self.message = message.shortened(bytes: Self.longestMessage)
        self.advice = advice
        self.service = service
    }

    /// The bytes of a message: what a commit, an engine or a registry says may have any length.
    static let longestMessage = 64 << 10

    /// What the health check printed, line by line.
    var probeLines: [String] { probe?.split(separator: "\n").map(String.init) ?? [] }

    package var description: String { advice.isEmpty ? message : "\(message)\n\(advice)" }
}

/// An error that knows its class and what to do about it.
package protocol ReasonedError: Error {
    var reason: Reason { get }
    /// What failed, with which thing (endpoint, URL without userinfo, path), in one sentence or a few lines.
    var message: String { get }
    /// The same with what helps to look into it (`-v`): the call of the engine and its status.
    var detailedMessage: String { get }
    /// What to do next; may be empty.
    var advice: String { get }
}

extension ReasonedError {
    package var detailedMessage: String { message }
}

extension DeployError {
    /// Any error as a failure of a stage: adapters' errors bring their class and advice along.
    init(_ error: any Error, stage: Event.Stage) {
        switch error {
        case let error as DeployError: self = error
        case let error as any ReasonedError:
            self.init(stage: stage, reason: error.reason, message: error.message, advice: error.advice)
        case is CancellationError:
            self = RunDeadline.current?.failure(stage) ?? .interrupted(stage)
        case let error as ComposeError:
            self.init(
                stage: stage, reason: .invalidProject, message: error.description,
                advice: "Correct the Compose files and push; nothing was touched.")
        case let error as FileAccessError:
            self.init(stage: stage, reason: .invalidProject, message: error.description)
        default:
            self.init(stage: stage, reason: .unexpected, message: String(describing: error))
        }
    }

    private static func interrupted(_ stage: Event.Stage) -> DeployError {
        DeployError(stage: stage, reason: .interrupted, message: "the run was interrupted")
    }
}
