internal import GRDB
import Reconcile

/// The tables, and how a database of an earlier version becomes one of this version.
///
/// A released migration is never changed; a new one is added, with a dump of the schema before it in the tests.
enum Schema {
    /// - Throws: `StoreError` for a database with migrations that are not known here; what SQLite throws.
    static func bringUpToDate(_ database: DatabaseQueue, path: String) throws {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("v1") { try $0.execute(sql: v1) }
        migrator.registerMigration("v2 images") { try $0.execute(sql: v2Images) }
        migrator.registerMigration("v3 builds on the host") { try $0.execute(sql: v3HostBuilds) }
        migrator.registerMigration("v4 own images and last words") { try $0.execute(sql: v4ImagesAndLastWords) }
        migrator.registerMigration("v5 projects") { try $0.execute(sql: v5Projects) }
        migrator.registerMigration("v6 signatures") { try $0.execute(sql: v6Signatures) }
        guard try !database.read(migrator.hasBeenSuperseded) else {
            throw StoreError(
                reason: .stateUnusable, message: "the database \(path) was made by a newer version of watcher",
                advice: "Install that version again, or choose another state directory; the database is unchanged.")
        }
        if try !database.read(migrator.hasCompletedMigrations) { try migrator.migrate(database) }
    }

    /// Which tip later ones have to follow; who signed what was deployed; and which commits were verified already.
    private static let v6Signatures = """
        ALTER TABLE projects ADD COLUMN followed TEXT; -- JSON, newest first; NULL: no tip was accepted yet

        CREATE TABLE signatures (
            project TEXT NOT NULL,
            number INTEGER NOT NULL,
            signer TEXT NOT NULL, -- JSON
            PRIMARY KEY (project, number),
            FOREIGN KEY (project, number) REFERENCES deployments ON DELETE CASCADE
        ) STRICT;

        CREATE TABLE verified_commits (
            project TEXT NOT NULL,
            commit_id TEXT NOT NULL,
            verifier TEXT NOT NULL, -- whom the configuration trusted
            PRIMARY KEY (project, commit_id)
        ) STRICT;
        """

    /// What is known of a project besides its deployments; and the names of those that were deployed before this was.
    private static let v5Projects = """
        CREATE TABLE projects (
            project TEXT PRIMARY KEY NOT NULL,
            compose_project TEXT, -- NULL: nothing was made of it on the engine
            engine TEXT, -- NULL: the default one
            deployed TEXT, -- JSON; NULL: the commit of the last good deployment
            deployed_after INTEGER, -- the last good deployment when `deployed` was set, 0: none; void after a later one
            observed_tip TEXT, -- JSON
            observed_at INTEGER
        ) STRICT;

        INSERT INTO projects (project, compose_project)
        SELECT project, iif(json_valid(project_model), json_extract(project_model, '$.name'), NULL) FROM snapshots
        WHERE number = (SELECT max(number) FROM snapshots AS newer WHERE newer.project = snapshots.project);
        """

    /// Which images watcher brought to the engine; and what the container wrote that a deployment failed with.
    private static let v4ImagesAndLastWords = """
        CREATE TABLE images (
            project TEXT NOT NULL,
            id TEXT NOT NULL,
            reference TEXT NOT NULL,
            PRIMARY KEY (project, id)
        ) STRICT;

        CREATE TABLE failures (
            project TEXT NOT NULL,
            number INTEGER NOT NULL,
            service TEXT,
            log_lines TEXT NOT NULL, -- JSON
            PRIMARY KEY (project, number),
            FOREIGN KEY (project, number) REFERENCES deployments ON DELETE CASCADE
        ) STRICT;
        """

    /// Which build's outputs lay in the checkout; no row for a snapshot without one.
    private static let v3HostBuilds = """
        CREATE TABLE host_builds (
            project TEXT NOT NULL,
            number INTEGER NOT NULL,
            build TEXT NOT NULL,
            PRIMARY KEY (project, number),
            FOREIGN KEY (project, number) REFERENCES deployments ON DELETE CASCADE
        ) STRICT;
        """

    private static let v1 = """
        CREATE TABLE deployments (
            project TEXT NOT NULL,
            number INTEGER NOT NULL CHECK (number > 0),
            kind TEXT NOT NULL,
            commit_id TEXT NOT NULL,
            subject TEXT NOT NULL,
            author TEXT NOT NULL,
            commit_time INTEGER NOT NULL, -- seconds since 1970; all other times are milliseconds
            status TEXT NOT NULL,
            reason TEXT,
            message TEXT,
            started_at INTEGER NOT NULL,
            finished_at INTEGER,
            attempts INTEGER NOT NULL,
            "commit" TEXT NOT NULL, -- JSON
            changes TEXT NOT NULL, -- JSON
            before TEXT, -- JSON
            PRIMARY KEY (project, number)
        ) STRICT;

        CREATE TABLE snapshots (
            project TEXT NOT NULL,
            number INTEGER NOT NULL,
            compose_files TEXT NOT NULL, -- these are all JSON
            project_model TEXT NOT NULL,
            image_ids TEXT NOT NULL,
            content_hashes TEXT NOT NULL,
            contents TEXT NOT NULL,
            completed TEXT NOT NULL,
            PRIMARY KEY (project, number),
            FOREIGN KEY (project, number) REFERENCES deployments ON DELETE CASCADE
        ) STRICT;

        CREATE TABLE events (
            project TEXT NOT NULL,
            number INTEGER NOT NULL,
            seq INTEGER NOT NULL,
            kind TEXT NOT NULL,
            stage TEXT NOT NULL,
            state TEXT NOT NULL,
            service TEXT,
            line TEXT NOT NULL,
            at INTEGER NOT NULL,
            PRIMARY KEY (project, number, seq),
            FOREIGN KEY (project, number) REFERENCES deployments ON DELETE CASCADE
        ) STRICT;

        CREATE TABLE skip_list (
            project TEXT NOT NULL,
            commit_id TEXT NOT NULL,
            reason TEXT NOT NULL,
            code TEXT, -- NULL: put there by hand
            since INTEGER NOT NULL,
            failures INTEGER NOT NULL,
            subject TEXT,
            PRIMARY KEY (project, commit_id)
        ) STRICT;

        CREATE TABLE suspensions (
            project TEXT PRIMARY KEY NOT NULL,
            reason TEXT NOT NULL,
            since INTEGER NOT NULL,
            until INTEGER -- NULL: until resumed
        ) STRICT;
        """
    /// Where images came from, to get the very same ones again.
    private static let v2Images = """
        ALTER TABLE snapshots ADD COLUMN image_digests TEXT NOT NULL DEFAULT '{}'; -- JSON
        ALTER TABLE snapshots ADD COLUMN builds TEXT NOT NULL DEFAULT '{}'; -- JSON
        """
}
