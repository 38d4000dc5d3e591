import FoundationEssentials
import Glibc
import Reconcile

/// What we wrote into the checkout: the file `checkout.json` beside it.
///
/// While files are being put in place, it lists those of the old and of the new commit, the changing ones without a
/// stamp: so whatever a crash leaves behind is known as ours, looked at anew, and put right by the next run.
struct CheckoutManifest: Codable, Sendable {
    /// What a file looked like on disk after we wrote it.
    struct Stamp: Codable, Sendable, Equatable {
        var size: Int
        /// Nanoseconds since 1970, of content and of the inode.
        var modified: Int
        var changed: Int
        var inode: UInt64

        init(_ status: stat) {
            size = Int(status.st_size)
            modified = status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
            changed = status.st_ctim.tv_sec * 1_000_000_000 + status.st_ctim.tv_nsec
            inode = UInt64(status.st_ino)
        }
    }

    struct File: Codable, Sendable {
        var path: TreePath
        var id: String
        /// Git's mode: 100644, 100755 or 120000.
        var mode: String
        /// nil while it is not known to be in place.
        var stamp: Stamp?
    }

    var version = 1
    /// The commit that is, or is being, checked out.
    var commit: String?
    /// Files are being put in place.
    var isSwitching = false
    var files: [File] = []

    private enum CodingKeys: String, CodingKey {
        case version, commit, files
        case isSwitching = "switching"
    }

    /// Reads the manifest; none, or one that cannot be understood, is empty: then files on disk count as ours only when
    /// they are what the commit holds.
    static func load(_ path: String) throws -> CheckoutManifest {
        guard access(path, F_OK) == 0 else {
            guard errno == ENOENT else { throw GitError.system("read \(path)", errno) }
            return CheckoutManifest()
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw GitError(.stateUnusable, "cannot read \(path)")
        }
        guard let manifest = try? JSONDecoder().decode(CheckoutManifest.self, from: data), manifest.version == 1 else {
            return CheckoutManifest()
        }
        return manifest
    }

    /// Replaces the manifest; it is on disk when this returns.
    func save(_ path: String) throws {
        let data: Data
        do { data = try JSONEncoder().encode(self) } catch {
            throw GitError(.unexpected, "cannot encode \(path): \(error)")
        }
        let new = path + ".new"
        let file = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw GitError.system("write \(new)", errno) }
        defer { close(file) }
        try data.withUnsafeBytes { try OpenFile.writeAll($0, to: file, called: new) }
        guard fsync(file) == 0 else { throw GitError.system("write \(new)", errno) }
        guard rename(new, path) == 0 else { throw GitError.system("replace \(path)", errno) }
        let parent = open(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]), O_RDONLY | O_CLOEXEC)
        if parent >= 0 {
            fsync(parent)
            close(parent)
        }
    }
}

/// Calls on open files.
enum OpenFile {
    /// Writes everything; `name` is for the error.
    static func writeAll(_ bytes: UnsafeRawBufferPointer, to file: Int32, called name: String) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = write(file, UnsafeRawBufferPointer(rebasing: rest).baseAddress, min(rest.count, 1 << 20))
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw GitError.system("write \(name)", errno) }
            rest = rest.dropFirst(written)
        }
    }
}
