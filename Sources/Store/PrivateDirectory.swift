internal import Foundation
internal import Reconcile

/// Directories and files nobody but their owner may look into.
enum PrivateDirectory {
    /// Makes the directory and its parents; the last one gets mode 0700.
    static func make(_ path: String) throws {
        do {
            var isDirectory: ObjCBool = false
            if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue { return }
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            _ = chmod(path, 0o700)
        } catch {
            throw StoreError(
                .stateUnusable, "the state directory \(path) cannot be made: \(error.localizedDescription)",
                advice: "Run as a user who may write there, or name another --state-dir.")
        }
    }

    /// Makes an empty file of mode 0600 unless there is one.
    static func makeFile(_ path: String) throws {
        let descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StoreError(
                .stateUnusable, "\(path) cannot be written: \(String(cString: strerror(errno)))",
                advice: "Run as the user whose state it is, or name another --state-dir.")
        }
        close(descriptor)
    }
}
