import Deploy
internal import GRDB
import Glibc
package import Reconcile

/// An error of the state directory, its database or a project's lock.
///
/// It names the path and what to do; what is stored never appears in it.
package struct StoreError: ReasonedError, Equatable, CustomStringConvertible {
    /// `.stateUnusable`, `.diskFull`, `.locked` (held by another process) or `.usage` (of a prefix that names
    /// several commits).
    package let reason: Reason
    package let message: String
    package let advice: String

    package init(reason: Reason, message: String, advice: String) {
        self.reason = reason
        self.message = message
        self.advice = advice
    }

    package var description: String { advice.isEmpty ? message : "\(message)\n\(advice)" }
}

extension StoreError {
    /// A failed system call on a path; `action` reads like "cannot create".
    init(_ action: String, _ path: String, code: Int32) {
        let cause = String(cString: strerror(code))
        switch code {
        case ENOSPC: self = .diskFull("\(action) \(path)")
        case EDQUOT:
            self.init(reason: .diskFull, message: "\(action) \(path): \(cause)", advice: Self.freeSpace)
        case EACCES, EPERM, EROFS:
            self.init(
                reason: .stateUnusable, message: "\(action) \(path): \(cause)",
                advice: "Run watcher as the user that owns the state directory, or choose another state directory.")
        default:
            self.init(
                reason: .stateUnusable, message: "\(action) \(path): \(cause)",
                advice: "Check the state directory, or choose another one.")
        }
    }

    /// The file system of the state directory has no space left.
    static func diskFull(_ what: String) -> StoreError {
        StoreError(reason: .diskFull, message: "\(what): the disk is full", advice: freeSpace)
    }

    /// The error for what SQLite or decoding reported about the database. Errors of this module and cancellation pass
    /// unchanged.
    static func wrapping(_ error: any Error, database path: String) -> any Error {
        switch error {
        case is StoreError, is CancellationError: error
        case let error as DatabaseError: StoreError(error, database: path)
        case let error as UnreadableDeployment: damaged(path, "deployment \(error.id): \(error.error.finding)")
        case let error as DecodingError: damaged(path, error.finding)
        default: damaged(path, "\(type(of: error))")
        }
    }

    /// The database holds something that this program did not write.
    static func damaged(_ path: String, _ what: String) -> StoreError {
        StoreError(
            reason: .stateUnusable, message: "the database \(path) is damaged: \(what)",
            advice:
                "Restore it from a backup, or move it and its -wal and -shm files away. Then watcher makes a new one: "
                + "the history is lost, and what is deployed is read from the containers' labels.")
    }

    private init(_ error: DatabaseError, database path: String) {
        let cause = error.message ?? "SQLite error \(error.resultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_FULL:
            self = .diskFull("cannot write the database \(path)")
        case .SQLITE_IOERR, .SQLITE_CANTOPEN:
            // Sizing the files beside the database fails with these when there is no space for them.
            if StateDirectory.isFull(path) {
                self = .diskFull("cannot write the database \(path)")
            } else {
                self = .unusable(path, cause)
            }
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(
                reason: .locked, message: "another process is using the database \(path): \(cause)",
                advice: "Try again. If this persists, end the program that holds it, such as an open `sqlite3` shell.")
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR, .SQLITE_MISMATCH, .SQLITE_CONSTRAINT:
            self = .damaged(path, cause)
        default:
            self = .unusable(path, cause)
        }
    }

    private static func unusable(_ path: String, _ cause: String) -> StoreError {
        StoreError(
            reason: .stateUnusable, message: "cannot read or write the database \(path): \(cause)",
            advice: "Check that the user that runs watcher owns \(path) and its directory, and that the disk works.")
    }

    private static let freeSpace = "Free some space on the file system of the state directory. Nothing was recorded."
}

extension DecodingError {
    /// What is wrong where, by the path of keys; the value is left out.
    fileprivate var finding: String {
        let path: [any CodingKey]
        switch self {
        case .keyNotFound(let key, let context):
            let place = (context.codingPath + [key]).map(\.stringValue).joined(separator: ".")
            return "the key `\(place)` is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            path = context.codingPath
        @unknown default: path = []
        }
        return path.isEmpty
            ? "a value cannot be decoded" : "`\(path.map(\.stringValue).joined(separator: "."))` cannot be decoded"
    }
}
