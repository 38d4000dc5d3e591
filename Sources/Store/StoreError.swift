import Deploy
internal import GRDB
import Glibc
package import Reconcile

/// Trouble with the state directory, its database or a project's lock.
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
    /// A failed system call on a path; `action` reads like «cannot create».
    init(_ action: String, _ path: String, code: Int32) {
        let cause = String(cString: strerror(code))
        switch code {
        case ENOSPC, EDQUOT:
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

    /// What SQLite, decoding or this room itself reported about the database; cancellation passes unchanged.
    static func wrapping(_ error: any Error, database path: String) -> any Error {
        switch error {
        case is StoreError, is CancellationError: error
        case let error as DatabaseError: StoreError(error, database: path)
        case let error as DecodingError: damaged(path, "\(error.place) cannot be decoded")
        default: damaged(path, "\(type(of: error))")
        }
    }

    /// The database holds something that this program did not write.
    static func damaged(_ path: String, _ what: String) -> StoreError {
        StoreError(
            reason: .stateUnusable, message: "the database \(path) is damaged: \(what)",
            advice: "Restore it from a backup, or move it and its -wal and -shm files away: a new one is made, the "
                + "history is lost, and what is deployed is read back from the containers' labels.")
    }

    private init(_ error: DatabaseError, database path: String) {
        let cause = error.message ?? "SQLite error \(error.resultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_FULL:
            self.init(
                reason: .diskFull, message: "the database \(path) cannot be written: \(cause)", advice: Self.freeSpace)
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(
                reason: .locked, message: "the database \(path) is in use by another process: \(cause)",
                advice: "Try again; if it stays so, end the program that holds it, such as an open sqlite3 shell.")
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR, .SQLITE_MISMATCH, .SQLITE_CONSTRAINT:
            self = Self.damaged(path, cause)
        default:
            self.init(
                reason: .stateUnusable, message: "the database \(path) cannot be read or written: \(cause)",
                advice: "Check that the user watcher runs as owns \(path) and its directory, and that the disk works.")
        }
    }

    private static let freeSpace = "Free some space on the disk of the state directory; nothing was recorded."
}

extension DecodingError {
    /// The path of keys to what could not be decoded; its value is left out.
    fileprivate var place: String {
        let path =
            switch self {
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
                context.codingPath
            case .keyNotFound(let key, let context): context.codingPath + [key]
            @unknown default: [any CodingKey]()
            }
        return path.isEmpty ? "a value" : "«\(path.map(\.stringValue).joined(separator: "."))»"
    }
}
