import Deploy
package import Reconcile

/// Why the record cannot be read or written.
package struct StoreError: Error, Sendable, Equatable, ReasonedError, CustomStringConvertible {
    package var reason: Reason
    package var message: String
    package var advice: String

    package init(_ reason: Reason, _ message: String, advice: String = "") {
        self.reason = reason
        self.message = message
        self.advice = advice
    }

    package var description: String { advice.isEmpty ? message : "\(message)\n\(advice)" }
}
