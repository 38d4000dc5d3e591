internal import GRDB

/// The database's shape, made and changed by named steps that are never edited once released.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("v1") { database in
            try database.execute(sql: v1)
        }
        return migrator
    }

    /// Times are Unix milliseconds, except `commit_time`, which is seconds as in Git.
    private static let v1 = """
        CREATE TABLE deployments (
            project TEXT NOT NULL,
            number INTEGER NOT NULL,
            kind TEXT NOT NULL,
            status TEXT NOT NULL,
            commit_id TEXT NOT NULL,
            subject TEXT NOT NULL,
            author TEXT NOT NULL,
            commit_time INTEGER NOT NULL,
            parents TEXT NOT NULL,
            reason TEXT,
            message TEXT,
            started_at INTEGER NOT NULL,
            finished_at INTEGER,
            attempts INTEGER NOT NULL,
            changes TEXT NOT NULL,
            before TEXT,
            PRIMARY KEY (project, number)
        ) STRICT;
        CREATE TABLE snapshots (
            project TEXT NOT NULL,
            number INTEGER NOT NULL,
            compose_files TEXT NOT NULL,
            model TEXT NOT NULL,
            image_ids TEXT NOT NULL,
            content_hashes TEXT NOT NULL,
            contents TEXT NOT NULL,
            completed TEXT NOT NULL,
            PRIMARY KEY (project, number),
            FOREIGN KEY (project, number) REFERENCES deployments ON DELETE CASCADE
        ) STRICT;
        CREATE TABLE skip_list (
            project TEXT NOT NULL,
            commit_id TEXT NOT NULL,
            reason TEXT NOT NULL,
            code TEXT,
            since INTEGER NOT NULL,
            failures INTEGER NOT NULL,
            subject TEXT,
            PRIMARY KEY (project, commit_id)
        ) STRICT;
        CREATE TABLE suspensions (
            project TEXT NOT NULL PRIMARY KEY,
            reason TEXT NOT NULL,
            since INTEGER NOT NULL,
            until INTEGER
        ) STRICT;
        CREATE TABLE events (
            project TEXT NOT NULL,
            number INTEGER NOT NULL,
            sequence INTEGER NOT NULL,
            kind TEXT NOT NULL,
            stage TEXT NOT NULL,
            state TEXT NOT NULL,
            service TEXT,
            line TEXT NOT NULL,
            at INTEGER NOT NULL,
            PRIMARY KEY (project, number, sequence),
            FOREIGN KEY (project, number) REFERENCES deployments ON DELETE CASCADE
        ) STRICT, WITHOUT ROWID;
        """
}
