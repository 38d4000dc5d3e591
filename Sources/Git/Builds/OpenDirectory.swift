internal import CLibGit2
import Deploy
import Glibc
import Reconcile

/// An open directory on the host. Whatever somebody else does to the tree meanwhile, names are looked up in this directory
/// itself, one at a time and never through a link.
final class OpenDirectory {
    /// A name as the file system has it, which need not be UTF-8.
    struct Name: Hashable, Comparable {
        /// Ended by a zero.
        let bytes: [CChar]

        init(_ text: String) { bytes = Array(text.utf8CString) }
        fileprivate init(_ item: UnsafeMutablePointer<dirent>) {
            bytes = withUnsafePointer(to: &item.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                    Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1))
                }
            }
        }

        /// nil for a name that is not UTF-8.
        var text: String? { bytes.withUnsafeBufferPointer { $0.baseAddress.flatMap { String(validatingCString: $0) } } }
        /// For people.
        var shown: String {
            String(decoding: bytes.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
                .withoutControlCharacters(keepingLines: false)
        }

        static func < (a: Self, b: Self) -> Bool {
            a.bytes.lazy.map { UInt8(bitPattern: $0) }.lexicographicallyPrecedes(
                b.bytes.lazy.map { UInt8(bitPattern: $0) })
        }
    }

    let file: Int32
    /// For messages only.
    let path: String

    /// Opens the directory; throws where there is none, or a link.
    init(_ path: String) throws {
        self.path = path
        file = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else { throw GitError.system("open the directory \(path)", errno) }
    }

    /// Opens the directory; nil when nothing is there.
    convenience init?(existing path: String) throws {
        var status = stat()
        if lstat(path, &status) != 0, errno == ENOENT { return nil }
        try self.init(path)
    }

    /// Opens a directory of this one.
    init(_ name: Name, in parent: OpenDirectory) throws {
        path = "\(parent.path)/\(name.shown)"
        file = openat(parent.file, name.bytes, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else { throw GitError.system("open the directory \(path)", errno) }
    }

    deinit { close(file) }

    /// The directory's own status.
    func status() throws -> stat {
        var status = stat()
        guard fstat(file, &status) == 0 else { throw GitError.system("look at \(path)", errno) }
        return status
    }

    /// The status of what has the name, a link itself included; nil when nothing has.
    func status(of name: Name) throws -> stat? {
        var status = stat()
        if fstatat(file, name.bytes, &status, AT_SYMLINK_NOFOLLOW) == 0 { return status }
        guard errno == ENOENT else { throw GitError.system("look at \(path)/\(name.shown)", errno) }
        return nil
    }

    /// Where a link leads.
    func target(ofLink name: Name) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = readlinkat(file, name.bytes, &buffer, buffer.count)
        guard count >= 0 else { throw GitError.system("read the link \(path)/\(name.shown)", errno) }
        return Array(buffer[..<count])
    }

    /// The names in the directory, without `.` and `..`, sorted.
    /// - Parameter limit: No more are read.
    func names(limit: Int = .max) throws -> [Name] {
        let copy = openat(file, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = fdopendir(copy) else {
            throw GitError.system("read the directory \(path)", errno)
        }
        defer { closedir(stream) }
        var names: [Name] = []
        let dots = [Name("."), Name("..")]
        while names.count < limit, let item = readdir(stream) {
            let name = Name(item)
            if !dots.contains(name) { names.append(name) }
        }
        return names.sorted()
    }

    // MARK: - Removing

    /// Removes what has the name, with everything below it; nothing happens when nothing has. However deep a tree is, few
    /// directories are open at once: what is below a directory is moved up before that is removed.
    func remove(_ name: Name) throws {
        if try removeSimple(name) { return }
        let top = try Self.opened(name, in: self)
        var number = 0
        while true {
            let names = try top.names(limit: Self.batch)
            if names.isEmpty { break }
            for name in names where try !top.removeSimple(name) {
                let inner = try Self.opened(name, in: top)
                repeat {
                    let names = try inner.names(limit: Self.batch)
                    guard !names.isEmpty else { throw GitError.system("remove \(inner.path)", ENOTEMPTY) }
                    for deep in names where try !inner.removeSimple(deep) { try inner.raise(deep, to: top, &number) }
                } while try !top.removeSimple(name)
            }
        }
        guard try removeSimple(name) else { throw GitError.system("remove \(top.path)", ENOTEMPTY) }
    }

    /// How many names are in memory at once.
    private static let batch = 10_000

    /// Removes something that is no directory, or an empty one; false for a directory that has something in it.
    private func removeSimple(_ name: Name) throws -> Bool {
        if unlinkat(file, name.bytes, 0) == 0 || errno == ENOENT { return true }
        guard errno == EISDIR || errno == EPERM else { throw GitError.system("remove \(path)/\(name.shown)", errno) }
        if unlinkat(file, name.bytes, AT_REMOVEDIR) == 0 || errno == ENOENT { return true }
        guard errno == ENOTEMPTY || errno == EEXIST else {
            throw GitError.system("remove \(path)/\(name.shown)", errno)
        }
        return false
    }

    /// Opens a directory of which things are to be removed, although its owner may not write to it.
    private static func opened(_ name: Name, in parent: OpenDirectory) throws -> OpenDirectory {
        _ = fchmodat(parent.file, name.bytes, 0o700, AT_SYMLINK_NOFOLLOW)
        return try OpenDirectory(name, in: parent)
    }

    /// Moves a directory to another one, under a name that nothing has there.
    private func raise(_ name: Name, to target: OpenDirectory, _ number: inout Int) throws {
        // To move a directory is to write to it.
        _ = fchmodat(file, name.bytes, 0o700, AT_SYMLINK_NOFOLLOW)
        while true {
            number += 1
            let free = Name(".removed-\(number)")
            if try target.status(of: free) != nil { continue }
            guard renameat(file, name.bytes, target.file, free.bytes) == 0 else {
                throw GitError.system("remove \(path)/\(name.shown)", errno)
            }
            return
        }
    }
}
