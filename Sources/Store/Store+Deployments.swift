import Compose
package import Deploy
internal import GRDB
import Reconcile

extension Store: DeploymentStore {
    package func record(of project: String) async throws -> ProjectRecord {
        try await read { db in
            var record = ProjectRecord()
            let newest = try Deployment.newest(db, project)
            let lastGood = newest?.status == .succeeded ? newest : try Deployment.newest(db, project, .succeeded)
            record.latest = newest
            record.nextNumber = (newest?.id.number ?? 0) + 1
            record.lastGood = try lastGood?.completed(db)
            let isAttempt = newest?.kind == .deploy && newest?.status != .open
            record.latestAttempt = isAttempt ? newest : try Deployment.newestAttempt(db, project)
            record.open = try Deployment.newest(db, project, .open)?.completed(db)
            if newest?.status != .succeeded {
                record.unresolved = try Deployment.newest(
                    db, project, .restoreFailed, after: lastGood?.id.number ?? 0)?.completed(db)
            }
            record.skipped = try SkippedCommit.fetchAll(db, project).map(\.skipped)
            record.suspension = try Suspension.fetch(db, project)
            record.deployed = lastGood?.commit
            try record.addPointers(db, project)
            return record
        }
    }

    package func deployment(_ id: DeploymentID) async throws -> Deployment? {
        try await read { db in try Deployment.fetch(db, id)?.completed(db) }
    }

    package func newestGood(_ query: GoodDeploymentQuery) async throws -> Deployment? {
        try await read { db in
            try Row.fetchOne(
                db,
                sql: """
                    SELECT \(Deployment.columns) FROM deployments LEFT JOIN (
                        SELECT project, commit_id, true AS is_skipped FROM skip_list WHERE :excludesSkipped
                    ) USING (project, commit_id)
                    WHERE project = :project AND status = 'succeeded' AND is_skipped IS NULL
                        AND (:before IS NULL OR number < :before)
                        AND (:prefix IS NULL OR substr(commit_id, 1, length(:prefix)) = :prefix)
                        AND (:excluded IS NULL OR commit_id <> :excluded)
                    ORDER BY number DESC LIMIT 1
                    """,
                arguments: [
                    "project": query.project, "before": query.before, "prefix": query.commitPrefix?.lowercased(),
                    "excluded": query.excludingCommit?.hex, "excludesSkipped": query.excludesSkipped,
                ]
            ).map { try Deployment(row: $0).completed(db) }
        }
    }

    package func hostBuilds(of project: String, newest count: Int) async throws -> Set<BuildID> {
        try await read { db in
            let builds = try String.fetchAll(
                db,
                sql: """
                    SELECT build FROM host_builds JOIN (
                        SELECT project, number FROM deployments WHERE project = ? AND status = 'succeeded'
                        ORDER BY number DESC LIMIT ?
                    ) USING (project, number)
                    """,
                arguments: [project, max(0, count)])
            return Set(builds.compactMap { BuildID($0) })
        }
    }

    package func open(_ deployment: Deployment) async throws {
        try await write { db in try deployment.upsert(db) }
    }

    package func close(_ closing: Closing) async throws {
        try await write { db in
            let id = closing.deployment.id
            try closing.deployment.upsert(db)
            if let replaced = closing.replaces { try closing.deployment.take(over: replaced, db) }
            if let commit = closing.unskip { try SkippedCommit.remove(db, commit, id.project) }
            try closing.skip?.upsert(db, id.project)
            try closing.suspension?.upsert(db, id.project)
            try Retention.apply(db, id.project)
        }
    }

    package func noteCompleted(_ services: Set<String>, of deployment: DeploymentID) async throws {
        let completed = try JSONText.encode(services.sorted())
        try await write { db in
            try db.execute(
                sql: """
                    UPDATE snapshots SET completed = :completed
                    WHERE project = :project AND number = :number AND completed <> :completed
                    """,
                arguments: ["project": deployment.project, "number": deployment.number, "completed": completed])
        }
    }

    package func append(_ events: [Event], to deployment: DeploymentID) async throws {
        guard !events.isEmpty else { return }
        try await write { [path] db in
            let arguments: StatementArguments = [deployment.project, deployment.number]
            // Asked with every few events: what a deployment says of itself is not read for it.
            guard
                try Bool.fetchOne(
                    db.cachedStatement(
                        sql: "SELECT EXISTS (SELECT 1 FROM deployments WHERE project = ? AND number = ?)"),
                    arguments: arguments) == true
            else {
                throw StoreError(
                    reason: .stateUnusable, message: "the database \(path) has no deployment \(deployment)",
                    advice: "Its events are lost. Nothing else is affected.")
            }
            var seq =
                try Int.fetchOne(
                    db.cachedStatement(sql: "SELECT max(seq) FROM events WHERE project = ? AND number = ?"),
                    arguments: arguments) ?? 0
            let statement = try db.cachedStatement(sql: "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
            for event in events {
                seq += 1
                try statement.execute(arguments: [
                    deployment.project, deployment.number, seq, event.kind.rawValue, event.stage.rawValue,
                    event.state.rawValue, event.service, event.line, event.at,
                ])
            }
        }
    }
}

/// How much is kept of each project. What still matters is kept whatever its age.
private enum Retention {
    static let deployments = 200
    static let deploymentsWithEvents = 50

    static func apply(_ db: Database, _ project: String) throws {
        for (table, count) in [("deployments", deployments), ("events", deploymentsWithEvents)] {
            try db.execute(
                sql: """
                    DELETE FROM \(table) WHERE project = :project AND number NOT IN (
                        SELECT number FROM (
                            SELECT number FROM deployments WHERE project = :project ORDER BY number DESC LIMIT \(count)
                        ) UNION ALL \(whatMatters))
                    """,
                arguments: ["project": project])
        }
    }

    /// Open deployments, the last good one, and the newest that is unresolved.
    private static let whatMatters = """
        SELECT number FROM deployments WHERE project = :project AND status = 'open'
        UNION ALL \(lastGood)
        UNION ALL SELECT coalesce(max(number), 0) FROM deployments
        WHERE project = :project AND status = 'restore-failed' AND number > (\(lastGood))
        """

    private static let lastGood = """
        SELECT coalesce(max(number), 0) FROM deployments WHERE project = :project AND status = 'succeeded'
        """
}

extension Deployment {
    fileprivate static func newest(
        _ db: Database, _ project: String, _ status: Status? = nil, after number: Int = 0
    ) throws -> Deployment? {
        try Row.fetchOne(
            db,
            sql: """
                SELECT \(columns) FROM deployments
                WHERE project = :project AND (:status IS NULL OR status = :status) AND number > :number
                ORDER BY number DESC LIMIT 1
                """,
            arguments: ["project": project, "status": status?.rawValue, "number": number]
        ).map { try Deployment(row: $0) }
    }

    fileprivate static func newestAttempt(_ db: Database, _ project: String) throws -> Deployment? {
        try Row.fetchOne(
            db,
            sql: """
                SELECT \(columns) FROM deployments WHERE project = ? AND kind = 'deploy' AND status <> 'open'
                ORDER BY number DESC LIMIT 1
                """,
            arguments: [project]
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
        try UnreadableDeployment.naming(id) {
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
            deployment.signature = try Row.fetchOne(
                db, sql: "SELECT signer FROM signatures WHERE project = ? AND number = ?",
                arguments: [id.project, id.number]
            ).map { try $0.json("signer") }
            return deployment
        }
    }

    /// Inserts or replaces the deployment with its snapshot, and notes what its Compose project is called.
    /// Has the events of another record in place of its own, and removes that record.
    fileprivate func take(over other: DeploymentID, _ db: Database) throws {
        try db.execute(
            sql: "DELETE FROM events WHERE project = ? AND number = ?", arguments: [id.project, id.number])
        guard other.number != id.number else { return }
        try db.execute(
            sql: "UPDATE events SET number = ? WHERE project = ? AND number = ?",
            arguments: [id.number, id.project, other.number])
        try db.execute(
            sql: "DELETE FROM deployments WHERE project = ? AND number = ?", arguments: [id.project, other.number])
    }

    fileprivate func upsert(_ db: Database) throws {
        // Not REPLACE, which would delete the events too.
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
        for table in ["host_builds", "failures", "signatures"] + (snapshot == nil ? ["snapshots"] : []) {
            try db.execute(
                sql: "DELETE FROM \(table) WHERE project = ? AND number = ?", arguments: [id.project, id.number])
        }
        if let snapshot {
            try db.execute(
                sql: "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                arguments: snapshot.arguments(id))
            try RecordedProject.note(db, composeProject: snapshot.project.name, of: id.project)
        }
        if let build = snapshot?.hostBuild {
            try db.execute(
                sql: "INSERT INTO host_builds VALUES (?, ?, ?)", arguments: [id.project, id.number, build.description])
        }
        if let signature {
            try db.execute(
                sql: "INSERT INTO signatures VALUES (?, ?, ?)",
                arguments: [id.project, id.number, try JSONText.encode(signature)])
        }
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
        try Row.fetchOne(
            db, sql: "SELECT before FROM deployments WHERE project = ? AND number = ? AND before IS NOT NULL",
            arguments: [id.project, id.number]
        ).map { try $0.json("before") }
    }
}
