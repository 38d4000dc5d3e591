internal import Foundation
internal import GRDB
import Deploy
import Reconcile

/// The record of deployments: one SQLite file that other tools may read too.
///
/// Every call is durable when it returns (WAL with `synchronous=FULL`); a killed process leaves the last finished call.
package final class Store: DeploymentStore {
    /// Deployments kept for each project, besides the last good and the open ones.
    static let keptDeployments = 200
    /// Deployments of a project whose events are kept.
    static let keptEvents = 50

    let path: String
    private let database: DatabaseQueue

    private init(path: String, _ database: DatabaseQueue) {
        self.path = path
        self.database = database
    }

    /// Opens the database in the state directory and makes both, private to their owner, when they are missing.
    ///
    /// - Throws: `StoreError`.
    package static func open(directory: String) throws -> Store {
        try PrivateDirectory.make(directory)
        let path = directory + "/watcher.db"
        // SQLite gives its -wal and -shm files the mode of the database itself.
        try PrivateDirectory.makeFile(path)
        return try connect(path)
    }

    /// Opens the database if there is one; makes nothing.
    ///
    /// - Throws: `StoreError`.
    package static func openExisting(directory: String) throws -> Store? {
        let path = directory + "/watcher.db"
        switch access(path, F_OK) == 0 ? 0 : errno {
        case 0: return try connect(path)
        case ENOENT, ENOTDIR: return nil
        default:
            throw StoreError(
                .stateUnusable, "the database \(path) cannot be read: \(String(cString: strerror(errno)))",
                advice: "Run as the user whose state it is, or name another --state-dir.")
        }
    }

    private static func connect(_ path: String) throws -> Store {
        try translating(path) {
            var configuration = GRDB.Configuration()
            configuration.busyMode = .timeout(5)
            configuration.foreignKeysEnabled = true
            configuration.prepareDatabase { database in
                try database.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
            }
            let database = try DatabaseQueue(path: path, configuration: configuration)
            let migrator = Schema.migrator
            let (isNewer, isCurrent) = try database.read {
                (try migrator.hasBeenSuperseded($0), try migrator.hasCompletedMigrations($0))
            }
            guard !isNewer else {
                throw StoreError(
                    .stateUnusable, "the database \(path) was made by a newer version of watcher",
                    advice: "Use that version, or move the file away to start a new record.")
            }
            if !isCurrent { try migrator.migrate(database) }
            return Store(path: path, database)
        }
    }

    func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        do {
            return try await database.read(body)
        } catch {
            throw Self.translated(error, path)
        }
    }

    func write<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        do {
            return try await database.write(body)
        } catch {
            throw Self.translated(error, path)
        }
    }

    private static func translating<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch {
            throw translated(error, path)
        }
    }

    private static func translated(_ error: any Error, _ path: String) -> any Error {
        switch error {
        case is StoreError, is CancellationError: return error
        case let error as DatabaseError where error.resultCode == .SQLITE_FULL:
            return StoreError(
                .diskFull, "the database \(path) cannot be written: the disk is full", advice: "Free some space; the next run goes on.")
        case let error as DatabaseError:
            return StoreError(
                .stateUnusable, "the database \(path): \(error.message ?? "SQLite error \(error.resultCode.rawValue)")",
                advice: error.resultCode == .SQLITE_NOTADB || error.resultCode == .SQLITE_CORRUPT
                    ? "Move it away to start a new record: history is lost, what runs is not."
                    : "Check the permissions and the disk of the state directory.")
        default:
            return StoreError(.stateUnusable, "the database \(path): a record cannot be read (\(type(of: error)))")
        }
    }
}
