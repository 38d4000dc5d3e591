import FoundationEssentials
import Glibc
import Reconcile
import Synchronization

/// The right to act on a project, held by one process at a time.
///
/// It is an advisory lock (`flock`) on the file `lock`, so it ends with the process, however that ends; what the file
/// says about its holder is for messages only. Commands that the process starts do not inherit it.
package final class RunLock: Sendable {
    private let descriptor: Mutex<Int32?>

    /// The run that holds the lock.
    package struct Holder: Codable, Sendable, Equatable {
        package var pid: Int32
        package var command: String
        /// Unix milliseconds.
        package var since: Int

        package init(pid: Int32, command: String, since: Int) {
            self.pid = pid
            self.command = command
            self.since = since
        }
    }

    /// The run that holds the lock of the project in this directory, as far as can be seen without taking the lock: a run
    /// that begins at this moment must find it free. Nil when there is none, or when its file cannot be read.
    package static func holder(directory: String) -> Holder? {
        let descriptor = Glibc.open("\(directory)/lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        // What a run that was killed has written stays in the file.
        guard let holder = holder(descriptor), isLocked(descriptor, by: holder.pid) else { return nil }
        return holder
    }

    /// Whether some process has the file locked: `/proc/locks` names the inode. Where it cannot be read, that the process
    /// is alive has to be enough.
    private static func isLocked(_ descriptor: Int32, by pid: Int32) -> Bool {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return false }
        guard let locks = try? String(contentsOfFile: "/proc/locks", encoding: .utf8) else {
            return kill(pid, 0) == 0 || errno == EPERM
        }
        return locks.split(separator: "\n").contains { line in
            let fields = line.split(separator: " ")
            return fields.contains("FLOCK") && fields.contains { $0.hasSuffix(":\(status.st_ino)") }
        }
    }

    /// Takes the lock without waiting, creating the directory (mode 0700) when it is missing.
    ///
    /// - Parameters:
    ///   - directory: The project's own directory; its last component names the project in messages.
    ///   - command: What is going to run, for the message that others get: `deploy shop`.
    ///   - now: Unix milliseconds.
    /// - Throws: `StoreError`, with `.locked` when another process has the lock.
    package static func acquire(directory: String, command: String, now: Int) throws -> RunLock {
        try StateDirectory.create(directory)
        try StateDirectory.check(directory, entries: ["lock", "tree"])
        let path = "\(directory)/lock"
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw StoreError("cannot open", path, code: errno) }
        do {
            try take(descriptor, path)
            guard fchmod(descriptor, 0o600) == 0 else { throw StoreError("cannot set the mode of", path, code: errno) }
            try write(Holder(pid: getpid(), command: command, since: now), to: descriptor, path)
        } catch {
            close(descriptor)
            throw error
        }
        return RunLock(descriptor)
    }

    private init(_ descriptor: Int32) { self.descriptor = Mutex(descriptor) }

    deinit { release() }

    /// Gives the lock back; a second call does nothing.
    package func release() {
        descriptor.withLock { descriptor in
            guard let held = descriptor else { return }
            descriptor = nil
            // The file itself stays: removing it would let two processes lock two files of the same name.
            _ = ftruncate(held, 0)
            _ = flock(held, LOCK_UN)
            close(held)
        }
    }

    private static func take(_ descriptor: Int32, _ path: String) throws {
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            if code == EINTR { continue }
            guard code == EWOULDBLOCK else { throw StoreError("cannot lock", path, code: code) }
            throw held(by: holder(descriptor), path)
        }
    }

    private static func write(_ holder: Holder, to descriptor: Int32, _ path: String) throws {
        let line = try JSONText.encode(holder) + "\n"
        var bytes = Array(line.utf8)
        guard ftruncate(descriptor, 0) == 0 else { throw StoreError("cannot write", path, code: errno) }
        let count = pwrite(descriptor, &bytes, bytes.count, 0)
        guard count == bytes.count else {
            // A part of so short a line is written only where the disk ends.
            throw StoreError("cannot write", path, code: count < 0 ? errno : ENOSPC)
        }
    }

    /// What the file says; nil when that is nothing sensible, such as while the holder writes it.
    private static func holder(_ descriptor: Int32) -> Holder? {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return try? JSONText.decode(Holder.self, String(decoding: bytes[..<count], as: UTF8.self))
    }

    private static func held(by holder: Holder?, _ path: String) -> StoreError {
        let components = path.split(separator: "/")
        let project = components.dropLast().last.map(String.init) ?? path
        var message = "another run holds the lock of \(project) (\(path))"
        if let holder {
            let command = String(holder.command.prefix(200).map { $0.isPrintable ? $0 : "?" })
            let since = Date(timeIntervalSince1970: Double(holder.since) / 1000).formatted(.iso8601)
            message = "`\(command)` (process \(holder.pid)) has held the lock of \(project) since \(since) (\(path))"
        }
        return StoreError(reason: .locked, message: message, advice: "Try again when that run has ended.")
    }
}

extension Character {
    fileprivate var isPrintable: Bool {
        !unicodeScalars.contains { $0.properties.generalCategory == .control || $0.properties.isBidiControl }
    }
}
