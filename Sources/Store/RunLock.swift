internal import Foundation
internal import Reconcile

/// The right to change a project: one run at a time, held by `flock`, gone with the process however it ends.
package final class RunLock: Sendable {
    /// Who holds a lock; written into the file for people and for the message of whoever is refused.
    package struct Holder: Sendable, Codable, Equatable {
        package var pid: Int32
        package var command: String
        /// Unix milliseconds.
        package var since: Int
    }

    private let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Takes the lock of the project whose directory this is, without waiting.
    ///
    /// - Throws: `StoreError` with reason `locked` that names the holder, or `stateUnusable`.
    package static func acquire(directory: String, command: String, now: Int) throws -> RunLock {
        try PrivateDirectory.make(directory)
        let path = directory + "/lock"
        let descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StoreError(
                .stateUnusable, "the lock \(path) cannot be opened: \(String(cString: strerror(errno)))",
                advice: "Run as the user whose state it is.")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let isHeld = errno == EWOULDBLOCK
            close(descriptor)
            throw isHeld
                ? held(path, now: now) : StoreError(.stateUnusable, "the lock \(path) cannot be taken")
        }
        let holder = Holder(pid: getpid(), command: command, since: now)
        let data = (try? JSONEncoder().encode(holder)) ?? Data()
        _ = ftruncate(descriptor, 0)
        _ = data.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        return RunLock(descriptor)
    }

    private static func held(_ path: String, now: Int) -> StoreError {
        var who = "another run"
        if let data = FileManager.default.contents(atPath: path),
            let holder = try? JSONDecoder().decode(Holder.self, from: data)
        {
            who = "«watcher \(holder.command)» with process id \(holder.pid), since \(max(now - holder.since, 0) / 1000) s,"
        }
        return StoreError(
            .locked, "\(who) is working on this project", advice: "Try again when it has finished; nothing was done.")
    }

    /// Gives the lock back; the next run may begin.
    package func release() { flock(descriptor, LOCK_UN) }
}
