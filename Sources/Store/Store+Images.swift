import Deploy
internal import GRDB
import Reconcile

extension Store {
    package func remember(_ images: [String: String], of project: String) async throws {
        guard !images.isEmpty else { return }
        try await write { db in
            for (id, reference) in images {
                try db.execute(
                    sql: "INSERT OR REPLACE INTO images VALUES (?, ?, ?)", arguments: [project, id, reference])
            }
        }
    }

    package func unneededImages(of project: String, keeping commits: Int) async throws -> [String: String] {
        try await read { db in
            let rows = try Row.fetchAll(
                db, sql: "SELECT id, reference FROM images WHERE project = ?", arguments: [project])
            guard !rows.isEmpty else { return [:] }
            var unneeded: [String: String] = [:]
            for row in rows { unneeded[try row.value("id")] = try row.value("reference", String.self) }
            for other in try String.fetchAll(db, sql: "SELECT DISTINCT project FROM deployments") {
                for id in try Self.neededImages(db, of: other, commits) { unneeded[id] = nil }
            }
            return unneeded
        }
    }

    package func forget(_ image: String, of project: String) async throws {
        try await write { db in
            try db.execute(sql: "DELETE FROM images WHERE project = ? AND id = ?", arguments: [project, image])
        }
    }

    /// The images that the newest good deployments ran, as many as it takes to see that many commits.
    private static func neededImages(_ db: Database, of project: String, _ commits: Int) throws -> Set<String> {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT commit_id, image_ids FROM deployments JOIN snapshots USING (project, number)
                WHERE project = ? AND status = 'succeeded' ORDER BY number DESC
                """,
            arguments: [project])
        var seen: Set<String> = []
        var needed: Set<String> = []
        while let row = try rows.next() {
            seen.insert(try row.value("commit_id"))
            if seen.count > commits { break }
            needed.formUnion(try row.json("image_ids", [String: String].self).values)
        }
        return needed
    }
}
