package import Deploy
internal import GRDB
import Reconcile

/// One line of the skip list: a commit and the project in which it is not deployed by itself.
package struct SkipListEntry: Sendable, Equatable, Codable {
    package var project: String
    package var skipped: SkippedCommit

    package init(project: String, skipped: SkippedCommit) {
        self.project = project
        self.skipped = skipped
    }
}

extension Store {
    /// Adds the commit, or replaces the reason, code and time of its entry, as `Closing.skip` does.
    package func skip(_ commit: SkippedCommit, in project: String) async throws {
        try await write { db in try commit.upsert(db, project) }
    }

    /// The entries by project, the newest of each first; nil for those of all projects.
    package func skipList(project: String? = nil) async throws -> [SkipListEntry] {
        try await read { try SkippedCommit.fetchAll($0, project) }
    }

    /// Takes the commit that the full or abbreviated id names off the project's list; false when none is there.
    ///
    /// - Throws: `StoreError` with `.usage` when the prefix names several commits; then nothing is removed.
    package func removeSkipped(_ prefix: String, in project: String) async throws -> Bool {
        let prefix = prefix.lowercased()
        guard !prefix.isEmpty else { return false }
        return try await write { db in
            let matching = "project = :project AND substr(commit_id, 1, length(:prefix)) = :prefix"
            let arguments: StatementArguments = ["project": project, "prefix": prefix]
            let commits = try String.fetchAll(
                db, sql: "SELECT commit_id FROM skip_list WHERE \(matching) ORDER BY commit_id", arguments: arguments)
            guard commits.count <= 1 else {
                throw StoreError(
                    reason: .usage,
                    message: "\(prefix) names \(commits.count) commits on the skip list of \(project): "
                        + commits.joined(separator: ", "),
                    advice: "Give more digits of the id.")
            }
            try db.execute(sql: "DELETE FROM skip_list WHERE \(matching)", arguments: arguments)
            return !commits.isEmpty
        }
    }

    /// Empties the project's list and returns how many commits were on it.
    package func clearSkipped(_ project: String) async throws -> Int {
        try await write { db in
            try db.execute(sql: "DELETE FROM skip_list WHERE project = ?", arguments: [project])
            return db.changesCount
        }
    }
}

extension SkippedCommit {
    /// Adds the entry or brings it up to date. A failure (with a code) of a commit that is listed counts one more; an entry
    /// made by hand counts nothing.
    func upsert(_ db: Database, _ project: String) throws {
        try db.execute(
            sql: """
                INSERT INTO skip_list (project, commit_id, reason, code, since, failures, subject)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET
                    reason = excluded.reason, code = excluded.code, since = excluded.since,
                    failures = failures + (excluded.code IS NOT NULL),
                    subject = coalesce(excluded.subject, subject)
                """,
            arguments: [project, commit.hex, reason, code?.rawValue, since, failures, subject])
    }

    static func remove(_ db: Database, _ commit: CommitID, _ project: String) throws {
        try db.execute(
            sql: "DELETE FROM skip_list WHERE project = ? AND commit_id = ?", arguments: [project, commit.hex])
    }

    static func fetchAll(_ db: Database, _ project: String?) throws -> [SkipListEntry] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT * FROM skip_list WHERE :project IS NULL OR project = :project
                ORDER BY project, since DESC, commit_id
                """,
            arguments: ["project": project]
        ).map { SkipListEntry(project: try $0.value("project"), skipped: try SkippedCommit(row: $0)) }
    }
}
