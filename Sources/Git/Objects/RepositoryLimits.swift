import Reconcile

/// How much of a repository is looked at, and how large what it holds may be.
///
/// Whoever can push decides what is in a repository; these numbers decide what that can cost the host. A commit that
/// exceeds one is an invalid project (65), found before anything is read into memory or written.
package struct RepositoryLimits: Sendable, Hashable, Codable {
    /// Files, links, directories and submodules of one commit, counted as often as a path leads to them.
    package var entries = 500_000
    /// Directories in each other.
    package var depth = 256
    /// Bytes of a file's or directory's name: what Linux file systems take.
    package var nameBytes = 255
    /// Bytes of a path in the commit. Linux takes 4095 for a path; the rest is for the state directory's own.
    package var pathBytes = 3_072
    /// Bytes of all paths of one commit together: they are in memory, and each part of each is looked at.
    package var allPathBytes = 64 << 20
    /// Bytes of a symbolic link's target: what Linux takes.
    package var linkBytes = 4_095
    /// Bytes of the object that lists one directory.
    package var treeBytes = 64 << 20
    /// Bytes of a commit object: author, message, signature and parents.
    package var commitBytes = 1 << 20
    /// Bytes of one file. A file is in memory while it is written, because a packed object cannot be streamed.
    package var fileBytes = 100 << 20
    /// Bytes of one file that watcher itself reads: Compose files, env files, Dockerfiles.
    package var readBytes = 8 << 20
    /// Bytes of all files of one checkout.
    package var checkoutBytes = 4 << 30
    /// Commits, and parents of commits, looked at to find out whether one is an ancestor of another.
    package var commits = 2_000_000
    /// Directory entries listed for the build contexts of one project.
    package var listedEntries = 2_000_000
    /// Bytes that one fetch may receive.
    package var transferBytes = 4 << 30
    /// Objects that one fetch may receive.
    package var transferObjects = 10_000_000
    /// Memory of the process that fetches.
    package var transferMemory = 1 << 30
    /// Time that one walk over a tree or a history may take.
    package var walk = Duration.seconds(60)

    package init() {}

    /// What holds unless a caller says otherwise.
    package static let standard = RepositoryLimits()

    /// When a walk that starts now has to end.
    func deadline() -> ContinuousClock.Instant { .now + walk }

    /// Throws when a walk has taken too long.
    func check(_ deadline: ContinuousClock.Instant, _ what: String) throws {
        guard ContinuousClock.now < deadline else {
            throw GitError.exceeds("\(what) takes longer than \(walk.components.seconds) s", "Make it smaller.")
        }
    }
}

extension GitError {
    /// A commit that is too large, or that Git itself would not have made, in some respect.
    static func exceeds(_ what: String, _ advice: String) -> GitError {
        GitError(.invalidProject, what, advice: advice)
    }
}

extension GitError {
    /// A fetch that was ended by us, or by the limits of its process.
    static func exceedsTransfer(_ what: String) -> GitError {
        exceeds(what, "Use a repository with less history, or without large files; the cache was left as it was.")
    }
}

extension Int {
    /// The number of bytes as a person writes it: in KiB, MiB or GiB, with a decimal where it is not a whole number.
    var bytesText: String {
        for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] where self >= unit {
            let tenths = Int((Double(self) / Double(unit) * 10).rounded())
            return tenths % 10 == 0 ? "\(tenths / 10) \(name)" : "\(tenths / 10).\(tenths % 10) \(name)"
        }
        return "\(self) bytes"
    }
}
