internal import GRDB
package import Deploy
package import Reconcile

/// A skipped commit and the project that skips it.
package struct SkipListEntry: Sendable, Equatable {
    package var project: String
    package var skipped: SkippedCommit
}

extension Store {
    package func skip(_ commit: SkippedCommit, in project: String) async throws {
        try await write { database in
            try database.execute(
                sql: """
                    INSERT INTO skip_list VALUES (?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT DO UPDATE SET
                        reason = excluded.reason, code = excluded.code, since = excluded.since,
                        failures = failures + excluded.failures, subject = coalesce(excluded.subject, subject)
                    """,
                arguments: [
                    project, commit.commit.hex, commit.reason, commit.code?.rawValue, commit.since, commit.failures,
                    commit.subject,
                ])
        }
    }

    package func unskip(_ commit: CommitID, in project: String) async throws {
        try await write { database in
            try database.execute(
                sql: "DELETE FROM skip_list WHERE project = ? AND commit_id = ?", arguments: [project, commit.hex])
        }
    }

    /// The skip list of one project or of all.
    package func skipList(project: String?) async throws -> [SkipListEntry] {
        try await read { try Rows.skipped($0, project: project) }
    }

    /// Takes the commit off the list whose id begins with `prefix`, if exactly one does.
    package func removeSkipped(_ prefix: String, in project: String) async throws -> Bool {
        let prefix = prefix.lowercased()
        return try await write { database in
            let matching = try Rows.skipped(database, project: project).filter {
                $0.skipped.commit.hex.hasPrefix(prefix)
            }
            guard prefix.count >= 4, matching.count == 1, let entry = matching.first else { return false }
            try database.execute(
                sql: "DELETE FROM skip_list WHERE project = ? AND commit_id = ?",
                arguments: [project, entry.skipped.commit.hex])
            return true
        }
    }

    /// Empties the list of a project; returns how many commits were on it.
    package func clearSkipped(in project: String) async throws -> Int {
        try await write { database in
            try database.execute(sql: "DELETE FROM skip_list WHERE project = ?", arguments: [project])
            return database.changesCount
        }
    }

    /// Lets deploys of the project do nothing.
    package func suspend(_ project: String, _ suspension: Suspension) async throws {
        try await write { database in
            try database.execute(
                sql: "INSERT OR REPLACE INTO suspensions VALUES (?, ?, ?, ?)",
                arguments: [project, suspension.reason, suspension.since, suspension.until])
        }
    }

    /// Ends a suspension; false when there was none.
    package func resume(_ project: String) async throws -> Bool {
        try await write { database in
            try database.execute(sql: "DELETE FROM suspensions WHERE project = ?", arguments: [project])
            return database.changesCount > 0
        }
    }
}
