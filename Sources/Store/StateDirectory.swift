import Glibc
import Reconcile
import Trust

/// The file-system side of the store: directories of mode 0700 and files of mode 0600 whatever the umask says.
enum StateDirectory {
    /// Creates the directory and the missing ones above it; one that is there stays as it is.
    static func create(_ path: String) throws(StoreError) {
        if isDirectory(path) { return }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            try create(String(path[..<slash]))
        }
        guard mkdir(path, 0o700) == 0 else {
            let code = errno
            // Another process may have made it meanwhile.
            if code == EEXIST, isDirectory(path) { return }
            throw StoreError("cannot create", path, code: code == EEXIST ? ENOTDIR : code)
        }
        try setMode(0o700, of: path)
    }

    /// Refuses a state directory that somebody else can change, and symbolic links in it.
    ///
    /// - Parameter entries: What is to be no link, and nobody else's, relative to the directory. A link that the directory
    ///   itself is reached by, such as systemd makes one with `DynamicUser=`, is fine.
    static func check(_ directory: String, entries: [String]) throws(StoreError) {
        func refused(_ refusal: TrustedFile.Refusal) -> StoreError {
            let isOthers = refusal.message.contains("belongs to the user")
            return StoreError(
                reason: .permissions, message: refusal.message,
                advice: refusal.advice
                    + (isOthers ? " If watcher's service runs as that user, run watcher as that user." : ""))
        }
        do throws(TrustedFile.Refusal) {
            try TrustedFile.check(directory, as: "the state directory")
            for entry in entries {
                try TrustedFile.checkIsNoLink("\(directory)/\(entry)", as: "in the state directory,")
                try TrustedFile.check("\(directory)/\(entry)", as: "in the state directory,")
            }
        } catch {
            throw refused(error)
        }
    }

    /// Whether something exists at the path.
    static func exists(_ path: String) throws(StoreError) -> Bool {
        var status = stat()
        if stat(path, &status) == 0 { return true }
        let code = errno
        guard code == ENOENT else { throw StoreError("cannot read", path, code: code) }
        return false
    }

    /// Makes an empty private file unless there is one.
    static func createFile(_ path: String) throws(StoreError) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let code = errno
            if code == EEXIST { return }
            throw StoreError("cannot create", path, code: code)
        }
        defer { close(descriptor) }
        guard fchmod(descriptor, 0o600) == 0 else { throw StoreError("cannot set the mode of", path, code: errno) }
    }

    /// Takes the permissions of group and others away from a file of ours, if they have any.
    ///
    /// By path, because closing a descriptor of a database would drop this process's locks on it.
    static func makePrivate(_ path: String) throws(StoreError) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & 0o077 != 0 else { return }
        try setMode(0o600, of: path)
    }

    /// Whether the file system of the path has no space left for what SQLite writes beside a database; false when it cannot
    /// be asked.
    static func isFull(_ path: String) -> Bool {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return false }
        let free = geteuid() == 0 ? status.f_bfree : status.f_bavail
        return UInt64(free) * UInt64(status.f_frsize) < 256 << 10 || status.f_files > 0 && status.f_ffree == 0
    }

    /// Runs `body` while no other process does the same in this directory; gives up after five seconds.
    static func exclusively<Value>(in directory: String, _ body: () throws -> Value) throws -> Value {
        let descriptor = Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StoreError("cannot open", directory, code: errno) }
        defer { close(descriptor) }
        for _ in 0..<500 {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return try body() }
            let code = errno
            guard code == EWOULDBLOCK || code == EINTR else { throw StoreError("cannot lock", directory, code: code) }
            usleep(10_000)
        }
        throw StoreError(
            reason: .locked, message: "another process has been opening the database in \(directory) for 5 s",
            advice: "Try again.")
    }

    private static func setMode(_ mode: mode_t, of path: String) throws(StoreError) {
        guard chmod(path, mode) == 0 else { throw StoreError("cannot set the mode of", path, code: errno) }
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
