internal import Compose
internal import Deploy
internal import Foundation
internal import GRDB
internal import Reconcile

/// Between rows and values.
enum Rows {
    static func deployment(
        _ database: Database, _ condition: String, _ arguments: StatementArguments, withSnapshot: Bool
    ) throws -> Deployment? {
        guard
            let row = try Row.fetchOne(
                database, sql: "SELECT * FROM deployments WHERE \(condition)", arguments: arguments)
        else { return nil }
        var deployment = try deployment(row)
        if withSnapshot {
            deployment.snapshot = try snapshot(database, deployment.id)
            deployment.before = try (row["before"] as String?).map { try decoded($0) }
        }
        return deployment
    }

    static func deployment(_ row: Row) throws -> Deployment {
        let commit = Commit(
            id: CommitID(hex: row["commit_id"]), parents: try decoded(row["parents"]), author: row["author"],
            subject: row["subject"], time: row["commit_time"])
        var deployment = Deployment(
            id: DeploymentID(project: row["project"], number: row["number"]),
            kind: Deployment.Kind(rawValue: row["kind"]) ?? .deploy, commit: commit,
            status: Deployment.Status(rawValue: row["status"]) ?? .failed, startedAt: row["started_at"])
        deployment.reason = (row["reason"] as String?).flatMap(Reason.init)
        deployment.message = row["message"]
        deployment.finishedAt = row["finished_at"]
        deployment.attempts = row["attempts"]
        deployment.changes = try decoded(row["changes"])
        return deployment
    }

    private static func snapshot(_ database: Database, _ id: DeploymentID) throws -> Snapshot? {
        guard
            let row = try Row.fetchOne(
                database, sql: "SELECT * FROM snapshots WHERE project = ? AND number = ?",
                arguments: [id.project, id.number])
        else { return nil }
        var snapshot = Snapshot(
            composeFiles: try decoded(row["compose_files"]), project: try decoded(row["model"]),
            imageIDs: try decoded(row["image_ids"]), contentHashes: try decoded(row["content_hashes"]),
            completed: try decoded(row["completed"]))
        snapshot.contents = try decoded(row["contents"])
        return snapshot
    }

    static func save(_ deployment: Deployment, _ database: Database) throws {
        let commit = deployment.commit
        try database.execute(
            sql: """
                INSERT INTO deployments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET
                    kind = excluded.kind, status = excluded.status, commit_id = excluded.commit_id,
                    subject = excluded.subject, author = excluded.author, commit_time = excluded.commit_time,
                    parents = excluded.parents, reason = excluded.reason, message = excluded.message,
                    started_at = excluded.started_at, finished_at = excluded.finished_at,
                    attempts = excluded.attempts, changes = excluded.changes, before = excluded.before
                """,
            arguments: [
                deployment.id.project, deployment.id.number, deployment.kind.rawValue, deployment.status.rawValue,
                commit.id.hex, commit.subject, commit.author, commit.time, try encoded(commit.parents),
                deployment.reason?.rawValue, deployment.message, deployment.startedAt, deployment.finishedAt,
                deployment.attempts, try encoded(deployment.changes), try deployment.before.map(encoded),
            ])
        guard let snapshot = deployment.snapshot else { return }
        try database.execute(
            sql: "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                deployment.id.project, deployment.id.number, try encoded(snapshot.composeFiles),
                try encoded(snapshot.project), try encoded(snapshot.imageIDs), try encoded(snapshot.contentHashes),
                try encoded(snapshot.contents), try encoded(snapshot.completed.sorted()),
            ])
    }

    /// Forgets old deployments and events, but never the last good deployment nor an open one.
    static func prune(_ project: String, _ database: Database) throws {
        try database.execute(
            sql: """
                DELETE FROM deployments WHERE project = ?1 AND status <> 'open'
                    AND number <= (SELECT max(number) FROM deployments WHERE project = ?1) - ?2
                    AND number <> coalesce(
                        (SELECT max(number) FROM deployments WHERE project = ?1 AND status = 'succeeded'), 0)
                """, arguments: [project, Store.keptDeployments])
        try database.execute(
            sql: """
                DELETE FROM events WHERE project = ?1
                    AND number <= (SELECT max(number) FROM deployments WHERE project = ?1) - ?2
                """, arguments: [project, Store.keptEvents])
    }

    static func skipped(_ database: Database, project: String?) throws -> [SkipListEntry] {
        try Row.fetchAll(
            database,
            sql: "SELECT * FROM skip_list WHERE ?1 IS NULL OR project = ?1 ORDER BY project, since DESC",
            arguments: [project]
        ).map { row in
            SkipListEntry(
                project: row["project"],
                skipped: SkippedCommit(
                    commit: CommitID(hex: row["commit_id"]), reason: row["reason"],
                    code: (row["code"] as String?).flatMap(Reason.init), since: row["since"],
                    failures: row["failures"], subject: row["subject"]))
        }
    }

    private static func encoded(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private static func decoded<Value: Decodable>(_ text: String) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(text.utf8))
    }
}
