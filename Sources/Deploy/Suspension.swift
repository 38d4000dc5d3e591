/// A project whose deploys do nothing for now.
package struct Suspension: Sendable, Equatable, Codable {
    package var reason: String
    /// Unix milliseconds.
    package var since: Int
    /// Unix milliseconds; nil means until resumed.
    package var until: Int?

    package init(reason: String, since: Int, until: Int?) {
        self.reason = reason
        self.since = since
        self.until = until
    }
}
