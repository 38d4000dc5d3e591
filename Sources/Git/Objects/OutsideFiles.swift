import Compose
import Glibc
import Reconcile
import Trust

/// Files of this host that a project's files may name: those of its configuration, and nothing that is watcher's own.
struct OutsideFiles: Sendable {
    /// Absolute paths; a directory allows what is below it.
    let readable: [String]
    let protected: [ProtectedPath]

    func kind(_ path: String) throws -> FileAccess.Kind? { try RealFile(path: allowed(path)).kind() }

    /// Throws `TrustedFile.Refusal` for a file that somebody else can change.
    func read(_ path: String, limit: Int) throws -> [UInt8] {
        let path = try allowed(path)
        try TrustedFile.check(path, as: "the file")
        return try RealFile(path: path).read(limit: limit)
    }

    private func allowed(_ path: String) throws -> String {
        let clean = CleanPath.cleaned(path)
        // The system reads a path up to a NUL only.
        guard !path.utf8.contains(0), readable.contains(where: { Self.isBelow(clean, CleanPath.cleaned($0)) }) else {
            throw FileAccessError.outside(path: path)
        }
        let resolved = HostPath.resolved(clean)
        let own = protected.first { protected in
            [protected.path, HostPath.resolved(protected.path)].contains { Self.isBelow(resolved, $0) }
                || Self.isBelow(clean, protected.path)
        }
        if let own {
            throw FileAccessError.unreadable(path: clean, reason: "it is \(own.name), which no project reads")
        }
        return clean
    }

    private static func isBelow(_ path: String, _ directory: String) -> Bool {
        path == directory || path.hasPrefix(directory == "/" ? "/" : directory + "/")
    }
}

/// A file on the real disk.
private struct RealFile {
    let path: String

    func kind() throws -> FileAccess.Kind? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw unreadable(errno)
        }
        return status.st_mode & S_IFMT == S_IFDIR ? .directory : .file
    }

    func read(limit: Int) throws -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw errno == ENOENT ? FileAccessError.notFound(path: path) : unreadable(errno) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw FileAccessError.notAFile(path: path)
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let got = Glibc.read(file, &buffer, buffer.count)
            if got == 0 { return bytes }
            guard got > 0 else { throw unreadable(errno) }
            bytes += buffer[..<got]
            guard bytes.count <= limit else { throw FileAccessError.tooLarge(path: path, limit: limit) }
        }
    }

    private func unreadable(_ code: Int32) -> FileAccessError {
        .unreadable(path: path, reason: String(cString: strerror(code)))
    }
}
