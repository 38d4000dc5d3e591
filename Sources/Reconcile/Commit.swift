/// The full object id of a Git commit, in lower-case hexadecimal.
package struct CommitID: Hashable, Sendable, Codable, CustomStringConvertible {
    package var hex: String

    package init(hex: String) { self.hex = hex.lowercased() }

    package init(from decoder: any Decoder) throws {
        self.init(hex: try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }

    /// The first ten digits, as shown to people.
    package var short: String { String(hex.prefix(10)) }
    package var description: String { hex }
}

/// A Git commit, as far as watcher speaks of it.
package struct Commit: Hashable, Sendable, Codable {
    package var id: CommitID
    package var parents: [CommitID]
    /// `Name <address>`, stripped of control characters.
    package var author: String
    /// The first line of the message, stripped of control characters.
    package var subject: String
    /// The committer's time in seconds since 1970.
    package var time: Int

    package init(id: CommitID, parents: [CommitID], author: String, subject: String, time: Int) {
        self.id = id
        self.parents = parents
        self.author = author
        self.subject = subject
        self.time = time
    }
}
