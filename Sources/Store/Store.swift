import Deploy
internal import GRDB
import Reconcile

/// The record of deployments, the skip list and suspensions, in one SQLite file of the state directory.
///
/// Several processes may use it at once. What a writing call stored is on the disk when the call returns, and such a
/// call comes to its end even when the task that made it is cancelled. All errors are `StoreError`.
package struct Store: Sendable {
    /// The absolute or relative path of the database, as it was opened.
    package let path: String
    private let database: DatabaseQueue

    /// Opens the database, creating the directory (mode 0700) and the file (0600) when they are missing.
    ///
    /// - Throws: `StoreError`, also for a database that a newer version of watcher made, and for a directory or file that
    ///   somebody else can change.
    package static func open(directory: String) throws -> Store {
        try StateDirectory.create(directory)
        return try Store(directory: directory, creates: true)
    }

    /// Opens the database if there is one; nil otherwise, and then nothing is created.
    ///
    /// - Throws: `StoreError`, also for a database that a newer version of watcher made.
    package static func openExisting(directory: String) throws -> Store? {
        guard try StateDirectory.exists(path(in: directory)) else { return nil }
        return try Store(directory: directory, creates: false)
    }

    private init(directory: String, creates: Bool) throws {
        let path = Self.path(in: directory)
        self.path = path
        try StateDirectory.check(
            directory, entries: ["watcher.db", "watcher.db-wal", "watcher.db-shm", "git", "projects"])
        // Turning WAL on and migrating are not safe against another process that does the same.
        database = try StateDirectory.exclusively(in: directory) {
            if creates { try StateDirectory.createFile(path) }
            try StateDirectory.makePrivate(path)
            do {
                let database = try DatabaseQueue(path: path, configuration: Self.configuration(path))
                try Schema.bringUpToDate(database, path: path)
                // SQLite gives new files the mode of the database; these are for what an earlier mode left.
                for suffix in ["-wal", "-shm"] { try StateDirectory.makePrivate(path + suffix) }
                return database
            } catch {
                throw StoreError.wrapping(error, database: path)
            }
        }
    }

    private static func path(in directory: String) -> String { "\(directory)/watcher.db" }

    private static func configuration(_ path: String) -> Configuration {
        var configuration = Configuration()
        configuration.label = "watcher.db"
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            // Not by `journalMode`, which lowers `synchronous` to NORMAL: a power cut could undo a commit.
            guard try String.fetchOne(db, sql: "PRAGMA journal_mode = WAL") == "wal" else {
                if StateDirectory.isFull(path) { throw StoreError.diskFull("cannot write the database \(path)") }
                throw StoreError(
                    reason: .stateUnusable, message: "the database \(path) cannot be switched to write-ahead logging",
                    advice: "Put the state directory on a local, writable file system.")
            }
            try db.execute(sql: "PRAGMA synchronous = FULL")
        }
        return configuration
    }

    func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        do {
            return try await database.read(body)
        } catch {
            throw StoreError.wrapping(error, database: path)
        }
    }

    /// Runs `body` in one transaction, shielded from cancellation: nobody must take what was committed for undone.
    func write<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        do {
            return try await Task { [database] in try await database.write(body) }.value
        } catch {
            throw StoreError.wrapping(error, database: path)
        }
    }
}
