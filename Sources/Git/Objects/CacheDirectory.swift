import FoundationEssentials
import Glibc
import Reconcile

/// Where the cache of one repository lives, who may change it, and how a damaged one is put aside.
struct CacheDirectory: Sendable {
    /// `<state>/git/<name>`.
    let path: String

    private var mark: String { path + "/watcher-damaged" }

    /// Says that the cache cannot be trusted: the next fetch starts with an empty one.
    func markDamaged() {
        let file = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        fchmod(file, 0o600)
        close(file)
    }

    var isDamaged: Bool { access(mark, F_OK) == 0 }

    /// Opens the cache; nil when there is none, or one that is damaged or unreadable.
    func openIfSound() -> ObjectCache? {
        guard access(path, F_OK) == 0, !isDamaged else { return nil }
        guard let cache = try? ObjectCache(opening: path), (try? cache.readReferences()) != nil else { return nil }
        return cache
    }

    /// Replaces the cache by an empty one. A reader that has the old one open sees it vanish and fails.
    func recreate() throws -> ObjectCache {
        try remove()
        try ObjectCache.create(at: path)
        return try ObjectCache(opening: path)
    }

    /// Fills an empty cache and puts it in the place of this one; when filling fails, this one stays.
    func renew<R>(_ fill: (ObjectCache) throws -> R) throws -> R {
        let fresh = CacheDirectory(path: path + ".new")
        do {
            let result = try fill(fresh.recreate())
            try PrivateFile.close(fresh.path)
            try remove()
            guard rename(fresh.path, path) == 0 else {
                throw GitError.system("put the new cache \(path) in place", errno)
            }
            return result
        } catch {
            try? fresh.remove()
            throw error
        }
    }

    private func remove() throws {
        guard access(path, F_OK) == 0 else { return }
        let aside = "\(path).old-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        guard rename(path, aside) == 0 else { throw GitError.system("put the damaged cache \(path) aside", errno) }
        do { try FileManager.default.removeItem(atPath: aside) } catch {
            throw GitError(.stateUnusable, "cannot remove the damaged cache \(aside): \(error)")
        }
    }

    /// The lock under which one process at a time changes the cache; released when the value goes.
    final class Lock {
        private let file: Int32

        /// Waits at most `seconds`. What is thrown once the file is open ends the value, which closes it.
        init(_ directory: CacheDirectory, seconds: Double) throws {
            let name = directory.path + ".lock"
            let parent = String(directory.path[..<(directory.path.lastIndex(of: "/") ?? directory.path.startIndex)])
            try PrivateFile.makeDirectory(parent)
            file = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            guard file >= 0 else { throw GitError.system("open \(name)", errno) }
            fchmod(file, 0o600)
            let start = ContinuousClock.now
            while flock(file, LOCK_EX | LOCK_NB) != 0 {
                guard errno == EWOULDBLOCK || errno == EINTR else { throw GitError.system("lock \(name)", errno) }
                guard ContinuousClock.now - start < .seconds(seconds) else {
                    throw GitError(
                        .locked, "another run has been fetching into \(directory.path) for \(Int(seconds)) s",
                        advice: "Nothing is lost: the next run tries again.")
                }
                usleep(20_000)
            }
        }

        deinit { close(file) }
    }
}
