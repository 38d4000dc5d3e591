package import Deploy
internal import GRDB

extension Store {
    /// The deployments, newest first, without snapshots and what ran before.
    ///
    /// - Parameters:
    ///   - project: Nil for those of all projects, in order of their start.
    ///   - limit: How many at most; nil for all.
    ///   - since: Only those started at this time or later, in Unix milliseconds; nil for all.
    package func history(project: String? = nil, limit: Int? = nil, since: Int? = nil) async throws -> [Deployment] {
        try await read { db in
            // Within a project the numbers say the order; the clock may have been set back.
            try Row.fetchAll(
                db,
                sql: """
                    SELECT \(Deployment.columns) FROM deployments
                    WHERE (:project IS NULL OR project = :project) AND (:since IS NULL OR started_at >= :since)
                    ORDER BY iif(:project IS NULL, started_at, 0) DESC, number DESC, project LIMIT :limit
                    """,
                arguments: ["project": project, "since": since, "limit": limit.map { max(0, $0) } ?? -1]
            ).map { try Deployment(row: $0) }
        }
    }

    /// The deployment's events in the order in which they were appended.
    package func events(of id: DeploymentID) async throws -> [Event] {
        try await read { db in
            try Row.fetchAll(
                db, sql: "SELECT * FROM events WHERE project = ? AND number = ? ORDER BY seq",
                arguments: [id.project, id.number]
            ).map { try Event(row: $0, of: id) }
        }
    }

    /// Suspends the project's deploys, replacing an earlier suspension.
    package func suspend(_ project: String, _ suspension: Suspension) async throws {
        try await write { db in try suspension.upsert(db, project) }
    }

    /// Ends the project's suspension; false when there was none.
    package func resume(_ project: String) async throws -> Bool {
        try await write { db in
            try db.execute(sql: "DELETE FROM suspensions WHERE project = ?", arguments: [project])
            return db.changesCount > 0
        }
    }
}

extension Suspension {
    func upsert(_ db: Database, _ project: String) throws {
        try db.execute(
            sql: "INSERT OR REPLACE INTO suspensions VALUES (?, ?, ?, ?)", arguments: [project, reason, since, until])
    }

    static func fetch(_ db: Database, _ project: String) throws -> Suspension? {
        try Row.fetchOne(db, sql: "SELECT * FROM suspensions WHERE project = ?", arguments: [project])
            .map { try Suspension(row: $0) }
    }
}
