import Deploy
package import Reconcile

/// What went wrong between watcher and the engine: which call, what the engine said, and what kind of trouble it is.
///
/// Text from the engine is stripped of control characters; no secret is ever part of it.
package struct EngineError: ReasonedError, Sendable, Equatable, CustomStringConvertible {
    package var reason: Reason
    /// What was being done, in words: `create container shop-web-1`.
    package var operation: String
    /// Method and path: `POST /v1.41/containers/create`; nil when no request was made.
    package var request: String?
    /// The HTTP status; nil when there was no answer.
    package var status: Int?
    /// The engine's message, or what went wrong on the way to it.
    package var detail: String
    package var advice: String
    /// The service concerned, if one is.
    package var service: String?

    package init(
        _ reason: Reason, operation: String, request: String? = nil, status: Int? = nil, detail: String,
        advice: String = "", service: String? = nil
    ) {
        self.reason = reason
        self.operation = operation
        self.request = request
        self.status = status
        self.detail = detail.strippingControlCharacters().shorteningIDs()
        self.advice = advice
        self.service = service
    }

    /// `cannot create container shop-web-1: …`
    package var message: String { "cannot \(operation): \(detail)" }

    /// `cannot create container shop-web-1: … (POST /v1.41/containers/create: status 409)`
    package var detailedMessage: String {
        guard let request else { return message }
        return "\(message) (\(request.shorteningIDs())\(status.map { ": status \($0)" } ?? ""))"
    }

    package var description: String { advice.isEmpty ? message : "\(message)\n\(advice)" }
}

extension EngineError {
    /// The engine's answer does not have the shape that its API promises.
    static func unreadable(_ request: EngineRequest, path: String, _ error: any Error) -> EngineError {
        EngineError(
            .engineFailed, operation: request.operation, request: "\(request.method) \(path)",
            detail: "the engine's answer cannot be read: \(error)")
    }
}
