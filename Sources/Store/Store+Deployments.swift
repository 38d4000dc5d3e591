package import Deploy
internal import GRDB
import Reconcile

extension Store: DeploymentStore {
    /// What a run begins with: `lastGood` and `open` with their snapshots, `latest` without.
    package func record(of project: String) async throws -> ProjectRecord {
        try await read { db in
            var record = ProjectRecord()
            let newest = try Deployment.newest(db, project)
            record.latest = newest
            record.nextNumber = (newest?.id.number ?? 0) + 1
            let lastGood = newest?.status == .succeeded ? newest : try Deployment.newest(db, project, .succeeded)
            record.lastGood = try lastGood?.completed(db)
            record.open = try Deployment.newest(db, project, .open)?.completed(db)
            record.skipped = try SkippedCommit.fetchAll(db, project).map(\.skipped)
            record.suspension = try Suspension.fetch(db, project)
            return record
        }
    }

    /// The deployment with its snapshot and what ran before it; nil when there is none.
    package func deployment(_ id: DeploymentID) async throws -> Deployment? {
        try await read { db in
            try Deployment.fetch(db, id)?.completed(db)
        }
    }

    /// Inserts or replaces the deployment with its snapshot, and drops what is older than what is kept.
    ///
    /// A postponed deployment of the commit and for the reason that the newest record, postponed too, has already is
    /// counted there as one more attempt; its own number then stays unused, and events appended to it go there too.
    package func save(_ deployment: Deployment) async throws {
        try await write { db in
            if deployment.status == .postponed,
                try deployment.isRepetition(of: try Deployment.newest(db, deployment.id.project))
            {
                try deployment.countAsAttempt(db)
            } else {
                try deployment.upsert(db)
                try Retention.apply(db, deployment.id.project)
            }
        }
    }

    /// Appends to the deployment's events, numbering on.
    ///
    /// - Throws: `StoreError`, also when there is no such deployment.
    package func append(_ events: [Event], to deployment: DeploymentID) async throws {
        guard !events.isEmpty else { return }
        try await write { [path] db in
            guard let id = try Deployment.keeper(db, ofEventsOf: deployment) else {
                throw StoreError(
                    reason: .stateUnusable, message: "the database \(path) has no deployment \(deployment)",
                    advice: "Its events are lost; nothing else is affected.")
            }
            var seq =
                try Int.fetchOne(
                    db.cachedStatement(sql: "SELECT max(seq) FROM events WHERE project = ? AND number = ?"),
                    arguments: [id.project, id.number]) ?? 0
            let statement = try db.cachedStatement(sql: "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
            for event in events {
                seq += 1
                try statement.execute(arguments: [
                    id.project, id.number, seq, event.kind.rawValue, event.stage.rawValue, event.state.rawValue,
                    event.service, event.line, event.at,
                ])
            }
        }
    }
}

/// How much is kept of each project. The last good deployment and open ones are kept whatever their age.
private enum Retention {
    static let deployments = 200
    static let deploymentsWithEvents = 50

    static func apply(_ db: Database, _ project: String) throws {
        try db.execute(
            sql: """
                DELETE FROM deployments WHERE project = :project AND \(isPast(deployments)) AND status <> 'open'
                    AND number <> coalesce(
                        (SELECT max(number) FROM deployments WHERE project = :project AND status = 'succeeded'), 0)
                """,
            arguments: ["project": project])
        try db.execute(
            sql: """
                DELETE FROM events WHERE project = :project AND \(isPast(deploymentsWithEvents))
                    AND number NOT IN (
                        SELECT number FROM deployments WHERE project = :project AND status = 'open'
                        UNION ALL
                        SELECT coalesce(max(number), 0) FROM deployments
                        WHERE project = :project AND status = 'succeeded')
                """,
            arguments: ["project": project])
    }

    private static func isPast(_ count: Int) -> String {
        """
        number NOT IN (SELECT number FROM deployments WHERE project = :project ORDER BY number DESC LIMIT \(count))
        """
    }
}

extension Deployment {
    fileprivate static func newest(_ db: Database, _ project: String, _ status: Status? = nil) throws -> Deployment? {
        try Row.fetchOne(
            db,
            sql: """
                SELECT \(columns) FROM deployments WHERE project = :project AND (:status IS NULL OR status = :status)
                ORDER BY number DESC LIMIT 1
                """,
            arguments: ["project": project, "status": status?.rawValue]
        ).map { try Deployment(row: $0) }
    }

    fileprivate static func fetch(_ db: Database, _ id: DeploymentID) throws -> Deployment? {
        try Row.fetchOne(
            db, sql: "SELECT \(columns) FROM deployments WHERE project = ? AND number = ?",
            arguments: [id.project, id.number]
        ).map { try Deployment(row: $0) }
    }

    /// With what is not in `columns`.
    fileprivate func completed(_ db: Database) throws -> Deployment {
        var deployment = self
        deployment.snapshot = try Snapshot.fetch(db, id)
        deployment.before = try ObservedState.before(db, id)
        if let failure = try Row.fetchOne(
            db, sql: "SELECT service, log_lines FROM failures WHERE project = ? AND number = ?",
            arguments: [id.project, id.number])
        {
            deployment.service = try failure.optional("service")
            deployment.logLines = try failure.json("log_lines")
        }
        return deployment
    }

    /// Which deployment the events belong to: the one itself, or the postponed one it was counted into.
    fileprivate static func keeper(_ db: Database, ofEventsOf id: DeploymentID) throws -> DeploymentID? {
        // Asked with every few events: what a deployment says of itself is not read for it.
        let statement = try db.cachedStatement(
            sql: """
                SELECT number FROM deployments WHERE project = :project AND number = :number
                UNION ALL
                SELECT number FROM deployments
                WHERE project = :project AND number = :number - 1 AND status = 'postponed'
                    AND number = (SELECT max(number) FROM deployments WHERE project = :project)
                """)
        return try Int.fetchOne(statement, arguments: ["project": id.project, "number": id.number])
            .map { DeploymentID(project: id.project, number: $0) }
    }

    fileprivate func isRepetition(of newest: Deployment?) throws -> Bool {
        guard let newest, newest.status == .postponed else { return false }
        return newest.id.number < id.number && newest.commit.id == commit.id && newest.reason == reason
    }

    /// Counts into the project's newest record; its events make room for this attempt's.
    fileprivate func countAsAttempt(_ db: Database) throws {
        let newest = "number = (SELECT max(number) FROM deployments WHERE project = :project)"
        try db.execute(
            sql: """
                UPDATE deployments SET attempts = attempts + 1, finished_at = :finished, message = :message
                WHERE project = :project AND \(newest)
                """,
            arguments: ["project": id.project, "finished": finishedAt, "message": message])
        try db.execute(
            sql: "DELETE FROM events WHERE project = :project AND \(newest)", arguments: ["project": id.project])
    }

    fileprivate func upsert(_ db: Database) throws {
        // Not REPLACE, which would take the events along.
        try db.execute(
            sql: """
                INSERT INTO deployments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET
                    kind = excluded.kind, commit_id = excluded.commit_id, subject = excluded.subject,
                    author = excluded.author, commit_time = excluded.commit_time, status = excluded.status,
                    reason = excluded.reason, message = excluded.message, started_at = excluded.started_at,
                    finished_at = excluded.finished_at, attempts = excluded.attempts, "commit" = excluded."commit",
                    changes = excluded.changes, before = excluded.before
                """,
            arguments: arguments())
        if let snapshot {
            try db.execute(
                sql: "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                arguments: snapshot.arguments(id))
        } else {
            try db.execute(
                sql: "DELETE FROM snapshots WHERE project = ? AND number = ?", arguments: [id.project, id.number])
        }
        try db.execute(
            sql: "DELETE FROM host_builds WHERE project = ? AND number = ?", arguments: [id.project, id.number])
        if let build = snapshot?.hostBuild {
            try db.execute(
                sql: "INSERT INTO host_builds VALUES (?, ?, ?)", arguments: [id.project, id.number, build.description])
        }
        try db.execute(
            sql: "DELETE FROM failures WHERE project = ? AND number = ?", arguments: [id.project, id.number])
        if service != nil || !logLines.isEmpty {
            try db.execute(
                sql: "INSERT INTO failures VALUES (?, ?, ?, ?)",
                arguments: [id.project, id.number, service, try JSONText.encode(logLines)])
        }
    }
}

extension Snapshot {
    fileprivate static func fetch(_ db: Database, _ id: DeploymentID) throws -> Snapshot? {
        let arguments: StatementArguments = [id.project, id.number]
        guard
            let row = try Row.fetchOne(
                db, sql: "SELECT * FROM snapshots WHERE project = ? AND number = ?", arguments: arguments)
        else { return nil }
        var snapshot = try Snapshot(row: row)
        snapshot.hostBuild = try String.fetchOne(
            db, sql: "SELECT build FROM host_builds WHERE project = ? AND number = ?", arguments: arguments
        ).flatMap { BuildID($0) }
        return snapshot
    }
}

extension ObservedState {
    fileprivate static func before(_ db: Database, _ id: DeploymentID) throws -> ObservedState? {
        try String.fetchOne(
            db, sql: "SELECT before FROM deployments WHERE project = ? AND number = ?",
            arguments: [id.project, id.number]
        ).map { try JSONText.decode(ObservedState.self, $0) }
    }
}
