/// Why a text is not acceptable YAML, and where.
package struct YAMLError: Error, Sendable, Hashable, CustomStringConvertible {
    package var location: SourceLocation
    /// What is wrong, in one sentence without a full stop.
    package var message: String

    package init(_ message: String, at location: SourceLocation) {
        self.message = message
        self.location = location
    }

    package var description: String { "\(location): \(message)" }
}
