import Deploy
internal import GRDB
package import Reconcile

/// A project that was deployed, whether it is configured still or not.
package struct RecordedProject: Sendable, Equatable {
    package var name: String
    /// The name of its Compose project.
    package var composeProject: String
    /// The configuration's `engine.host`; nil is the default engine.
    package var engine: String?

    package init(name: String, composeProject: String, engine: String? = nil) {
        self.name = name
        self.composeProject = composeProject
        self.engine = engine
    }
}

extension Store {
    /// The projects that were deployed, by name.
    package func projects() async throws -> [RecordedProject] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT project, compose_project, engine FROM projects WHERE compose_project IS NOT NULL
                    ORDER BY project
                    """
            ).map { row in
                RecordedProject(
                    name: try row.value("project"), composeProject: try row.value("compose_project"),
                    engine: try row.optional("engine"))
            }
        }
    }

    /// Takes the project off `projects()` until it is deployed again: nothing of it is left on the engine. Its history stays.
    package func removed(_ project: String) async throws {
        try await write { db in
            try db.execute(
                sql: "UPDATE projects SET compose_project = NULL, engine = NULL WHERE project = ?",
                arguments: [project])
        }
    }

    package func advance(_ project: String, to commit: Commit) async throws {
        guard try await record(of: project).deployed != commit else { return }
        let text = try JSONText.encode(commit)
        try await write { db in
            try db.execute(
                sql: """
                    INSERT INTO projects (project, deployed, deployed_after) VALUES (:project, :commit, (
                        SELECT coalesce(max(number), 0) FROM deployments
                        WHERE project = :project AND status = 'succeeded'))
                    ON CONFLICT DO UPDATE SET deployed = excluded.deployed, deployed_after = excluded.deployed_after
                    """,
                arguments: ["project": project, "commit": text])
        }
    }

    package func observed(
        _ tip: Commit, of project: String, at time: Int, accepted: FollowedTip?
    ) async throws {
        let text = try JSONText.encode(tip)
        let isTipKnown = try await column("observed_tip", of: project) == text
        let recorded = try await record(of: project).accepted
        let tips = accepted.map(recorded.accepting) ?? recorded
        guard !isTipKnown || tips != recorded else { return }
        let followed = try tips.isEmpty ? nil : JSONText.encode(tips)
        try await write { db in
            try db.execute(
                sql: """
                    INSERT INTO projects (project, observed_tip, observed_at, followed) VALUES (:project, :tip, :time, :followed)
                    ON CONFLICT DO UPDATE SET
                        observed_tip = excluded.observed_tip,
                        observed_at = iif(observed_tip IS excluded.observed_tip, observed_at, excluded.observed_at),
                        followed = coalesce(excluded.followed, followed)
                    """,
                arguments: ["project": project, "tip": text, "time": time, "followed": followed])
        }
    }

    package func verifiedCommits(of project: String, by verifier: String) async throws -> Set<CommitID> {
        try await read { db in
            let commits = try String.fetchAll(
                db, sql: "SELECT commit_id FROM verified_commits WHERE project = ? AND verifier = ?",
                arguments: [project, verifier])
            return Set(commits.map { CommitID(hex: $0) })
        }
    }

    package func noteVerified(_ commits: [CommitID], of project: String, by verifier: String) async throws {
        guard !commits.isEmpty else { return }
        try await write { db in
            try db.execute(
                sql: "DELETE FROM verified_commits WHERE project = ? AND verifier <> ?", arguments: [project, verifier])
            let insert = try db.cachedStatement(sql: "INSERT OR REPLACE INTO verified_commits VALUES (?, ?, ?)")
            for commit in commits { try insert.execute(arguments: [project, commit.hex, verifier]) }
            try db.execute(
                sql: """
                    DELETE FROM verified_commits WHERE project = :project AND rowid NOT IN (
                        SELECT rowid FROM verified_commits WHERE project = :project ORDER BY rowid DESC
                        LIMIT \(DeploymentStoreLimits.verifiedCommits))
                    """,
                arguments: ["project": project])
        }
    }

    package func noteEngine(_ host: String?, of project: String) async throws {
        let known = try await column("engine", of: project)
        guard known != host else { return }
        try await write { db in
            try db.execute(
                sql: """
                    INSERT INTO projects (project, engine) VALUES (?, ?)
                    ON CONFLICT DO UPDATE SET engine = excluded.engine
                    """,
                arguments: [project, host])
        }
    }

    private func column(_ name: String, of project: String) async throws -> String? {
        try await read { db in
            try String.fetchOne(db, sql: "SELECT \(name) FROM projects WHERE project = ?", arguments: [project])
        }
    }
}

extension RecordedProject {
    /// Notes what the project is called on the engine; writes nothing when that is known.
    static func note(_ db: Database, composeProject: String, of project: String) throws {
        try db.execute(
            sql: """
                INSERT INTO projects (project, compose_project) VALUES (?, ?)
                ON CONFLICT DO UPDATE SET compose_project = excluded.compose_project
                WHERE compose_project IS NOT excluded.compose_project
                """,
            arguments: [project, composeProject])
    }
}

extension ProjectRecord {
    /// Adds the commits that the project's row points to; `lastGood` must be set.
    mutating func addPointers(_ db: Database, _ project: String) throws {
        guard
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT deployed, deployed_after, observed_tip, observed_at, followed FROM projects WHERE project = ?
                    """,
                arguments: [project])
        else { return }
        if try row.optional("deployed_after", Int.self) == lastGood?.id.number ?? 0 {
            deployed = try row.json("deployed")
        }
        if try row.optional("followed", String.self) != nil { accepted = try row.json("followed") }
        if let time = try row.optional("observed_at", Int.self) {
            observedTip = ObservedTip(commit: try row.json("observed_tip"), since: time)
        }
    }
}
