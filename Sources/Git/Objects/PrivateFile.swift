import Glibc

/// Files and directories of the state directory: 0600 and 0700 whatever the umask says.
enum PrivateFile {
    /// Makes the directory and the missing ones above it; those that are there keep their modes.
    static func makeDirectory(_ path: String) throws {
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try makeDirectory(String(path[..<slash])) }
        guard mkdir(path, 0o700) == 0 else {
            let code = errno
            // Another process may have made it meanwhile.
            if code == EEXIST, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
            throw GitError.system("make the directory \(path)", code == EEXIST ? ENOTDIR : code)
        }
        guard chmod(path, 0o700) == 0 else { throw GitError.system("set the mode of \(path)", errno) }
    }

    /// Closes everything below the directory: what a library wrote there has modes of its own or follows the umask.
    static func close(_ directory: String) throws { try close(OpenDirectory(directory)) }

    private static func close(_ directory: OpenDirectory) throws {
        for name in try directory.names() {
            guard let status = try directory.status(of: name), status.st_mode & S_IFMT != S_IFLNK else { continue }
            let isDirectory = status.st_mode & S_IFMT == S_IFDIR
            let mode: mode_t = isDirectory ? 0o700 : 0o600
            if status.st_mode & 0o7777 != mode, fchmodat(directory.file, name.bytes, mode, AT_SYMLINK_NOFOLLOW) != 0,
                errno != ENOENT
            {
                throw GitError.system("set the mode of \(directory.path)/\(name.shown)", errno)
            }
            if isDirectory { try close(OpenDirectory(name, in: directory)) }
        }
    }
}
