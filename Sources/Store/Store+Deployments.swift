internal import Compose
internal import Foundation
internal import GRDB
package import Deploy
import Reconcile

extension Store {
    package func record(of project: String) async throws -> ProjectRecord {
        try await read { database in
            var record = ProjectRecord()
            record.latest = try Rows.deployment(
                database, "project = ? ORDER BY number DESC LIMIT 1", [project], withSnapshot: false)
            record.lastGood = try Rows.deployment(
                database, "project = ? AND status = ? ORDER BY number DESC LIMIT 1",
                [project, Deployment.Status.succeeded.rawValue], withSnapshot: true)
            record.open = try Rows.deployment(
                database, "project = ? AND status = ? ORDER BY number DESC LIMIT 1",
                [project, Deployment.Status.open.rawValue], withSnapshot: true)
            record.skipped = try Rows.skipped(database, project: project).map(\.skipped)
            record.suspension = try Row.fetchOne(
                database, sql: "SELECT * FROM suspensions WHERE project = ?", arguments: [project]
            ).map { Suspension(reason: $0["reason"], since: $0["since"], until: $0["until"]) }
            record.nextNumber = (record.latest?.id.number ?? 0) + 1
            return record
        }
    }

    package func deployment(_ id: DeploymentID) async throws -> Deployment? {
        try await read { database in
            try Rows.deployment(
                database, "project = ? AND number = ?", [id.project, id.number], withSnapshot: true)
        }
    }

    /// Inserts or replaces the deployment's record.
    ///
    /// One that was postponed for the same reason as the newest one, with the same commit, only counts as one more
    /// attempt of that: a timer that fails every minute does not fill the history.
    package func save(_ deployment: Deployment) async throws {
        try await write { database in
            var deployment = deployment
            if deployment.status == .postponed,
                let latest = try Rows.deployment(
                    database, "project = ? ORDER BY number DESC LIMIT 1", [deployment.id.project], withSnapshot: false),
                latest.status == .postponed, latest.commit.id == deployment.commit.id,
                latest.reason == deployment.reason, latest.id != deployment.id
            {
                deployment.id = latest.id
                deployment.startedAt = latest.startedAt
                deployment.attempts = latest.attempts + 1
            }
            try Rows.save(deployment, database)
            try Rows.prune(deployment.id.project, database)
        }
    }

    /// Deployments, newest first, without their snapshots.
    package func history(project: String?, limit: Int?, since: Int?) async throws -> [Deployment] {
        try await read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM deployments
                    WHERE (?1 IS NULL OR project = ?1) AND (?2 IS NULL OR started_at >= ?2)
                    ORDER BY started_at DESC, project, number DESC LIMIT ?3
                    """,
                arguments: [project, since, limit ?? -1]
            ).map(Rows.deployment)
        }
    }

    package func append(_ events: [Event], to deployment: DeploymentID) async throws {
        try await write { database in
            // A postponed deployment may have been folded into the one before: its events are not kept twice.
            guard
                try Bool.fetchOne(
                    database, sql: "SELECT EXISTS (SELECT 1 FROM deployments WHERE project = ? AND number = ?)",
                    arguments: [deployment.project, deployment.number]) == true
            else { return }
            var sequence =
                try Int.fetchOne(
                    database, sql: "SELECT max(sequence) FROM events WHERE project = ? AND number = ?",
                    arguments: [deployment.project, deployment.number]) ?? 0
            for event in events {
                sequence += 1
                try database.execute(
                    sql: "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    arguments: [
                        deployment.project, deployment.number, sequence, event.kind.rawValue, event.stage.rawValue,
                        event.state.rawValue, event.service, event.line, event.at,
                    ])
            }
        }
    }

    /// The stored events of a deployment, in order.
    package func events(of deployment: DeploymentID) async throws -> [Event] {
        try await read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM events WHERE project = ? AND number = ? ORDER BY sequence",
                arguments: [deployment.project, deployment.number]
            ).map { row in
                Event(
                    deploymentID: deployment, kind: Event.Kind(rawValue: row["kind"]) ?? .progress,
                    stage: Event.Stage(rawValue: row["stage"]) ?? .apply,
                    state: Event.State(rawValue: row["state"]) ?? .running, service: row["service"], line: row["line"],
                    at: row["at"])
            }
        }
    }
}
