internal import CLibGit2
import Glibc
import Reconcile
import Synchronization

/// An open bare repository: the local cache of a remote, safe to delete.
///
/// All calls block; they belong on a thread of ours. Safe to use from several threads.
final class ObjectCache: Sendable {
    private struct Handle: @unchecked Sendable { let repository: OpaquePointer }

    private let handle: Handle
    private let gate = Mutex(())
    let path: String

    /// Opens the repository at the path; throws `LibGit2.Failure` when there is none or it is damaged.
    init(opening path: String) throws {
        try LibGit2.start()
        var repository: OpaquePointer?
        try LibGit2.check(git_repository_open_bare(&repository, path))
        guard let repository else { throw GitError(.unexpected, "libgit2 opened nothing at \(path)") }
        handle = Handle(repository: repository)
        self.path = path
    }

    /// Opens a repository of somebody else on this machine, with or without a work tree, to look at its references; throws
    /// `LibGit2.Failure` when there is none at the path itself.
    init(openingRemote path: String) throws {
        try LibGit2.start()
        var repository: OpaquePointer?
        try LibGit2.check(git_repository_open(&repository, path))
        guard let repository else { throw GitError(.unexpected, "libgit2 opened nothing at \(path)") }
        handle = Handle(repository: repository)
        self.path = path
    }

    deinit { git_repository_free(handle.repository) }

    /// Makes an empty repository at the path, 0700.
    static func create(at path: String) throws {
        try LibGit2.start()
        var options = git_repository_init_options()
        try LibGit2.check(git_repository_init_options_init(&options, UInt32(GIT_REPOSITORY_INIT_OPTIONS_VERSION)))
        options.flags = GIT_REPOSITORY_INIT_BARE.rawValue | GIT_REPOSITORY_INIT_NO_REINIT.rawValue
        options.mode = 0o700
        var repository: OpaquePointer?
        defer { git_repository_free(repository) }
        try PrivateFile.makeDirectory(path)
        try LibGit2.check(git_repository_init_ext(&repository, path, &options))
        try PrivateFile.close(path)
    }

    /// Calls `body` with the repository, one caller at a time.
    func withRepository<R>(_ body: (OpaquePointer) throws -> sending R) rethrows -> sending R {
        try gate.withLock { _ in try body(handle.repository) }
    }

    /// Makes the objects of another cache readable through this value. Nothing is written.
    func addObjects(of other: String) throws {
        try withRepository { repository in
            var database: OpaquePointer?
            defer { git_odb_free(database) }
            try LibGit2.check(git_repository_odb(&database, repository))
            try LibGit2.check(git_odb_add_disk_alternate(database, other + "/objects"))
        }
    }

    /// The root directory of a commit; throws a not-found `LibGit2.Failure` when it is not in the cache.
    func root(of commit: CommitID) throws -> CommitTree.Entry {
        guard var raw = ObjectID(hex: commit.hex).raw else {
            throw GitError(.commitMissing, "“\(commit)” is not a commit's full id")
        }
        return try withRepository { repository in
            var object: OpaquePointer?
            defer { git_commit_free(object) }
            try ObjectCache.look(up: &object, &raw, in: repository)
            guard let id = git_commit_tree_id(object)?.pointee else {
                throw GitError(.unexpected, "libgit2 lost the tree of \(commit)")
            }
            return CommitTree.Entry(kind: .directory, id: ObjectID(id))
        }
    }

    /// The commit with the id; nil when it, or its tree, is not in the cache.
    func commit(_ id: CommitID) throws -> Commit? {
        guard var raw = ObjectID(hex: id.hex).raw else { return nil }
        return try withRepository { repository in
            try found {
                try Self.checkSize(ofCommit: &raw, in: repository)
                var commit: OpaquePointer?
                defer { git_commit_free(commit) }
                try ObjectCache.look(up: &commit, &raw, in: repository)
                return try Commit(reading: commit, in: repository)
            }
        }
    }

    /// The commit a full or abbreviated id (from 4 digits) names; nil when none does, or several do.
    func commit(named revision: String) throws -> Commit? {
        let count = revision.utf8.count
        guard (4...40).contains(count), revision.allSatisfy(\.isHexDigit) else { return nil }
        return try withRepository { repository in
            try found {
                var id = git_oid()
                guard git_oid_fromstrn(&id, revision.lowercased(), count) == 0 else { return nil }
                var whole = git_oid()
                let code = try Self.withDatabase(of: repository) { git_odb_exists_prefix(&whole, $0, &id, count) }
                if code == GIT_EAMBIGUOUS.rawValue { return nil }
                try LibGit2.check(code)
                guard try Self.header(&whole, in: repository).type == .commit else { return nil }
                try Self.checkSize(ofCommit: &whole, in: repository)
                var commit: OpaquePointer?
                defer { git_commit_free(commit) }
                try ObjectCache.look(up: &commit, &whole, in: repository)
                return try Commit(reading: commit, in: repository)
            }
        }
    }

    /// Opens a commit. One whose object is whole and which is no commit all the same is invalid: it will never be another.
    static func look(up commit: inout OpaquePointer?, _ id: inout git_oid, in repository: OpaquePointer?) throws {
        let code = git_commit_lookup(&commit, repository, &id)
        guard code < 0 else { return }
        let failure = LibGit2.Failure(code: code)
        guard failure.isMalformedObject else { throw failure }
        throw GitError.malformed("the commit \(ObjectID(id).hex)", failure)
    }

    private func found<R>(_ body: () throws -> R?) throws -> R? {
        do { return try body() } catch let failure as LibGit2.Failure where failure.isNotFound { return nil }
    }
}

extension Commit {
    /// Reads a commit whose tree must be there too; throws a not-found `LibGit2.Failure` when it is not. What is in the
    /// tree is looked at by `CommitTree`.
    fileprivate init(reading commit: OpaquePointer?, in repository: OpaquePointer) throws {
        guard var tree = git_commit_tree_id(commit)?.pointee else {
            throw GitError(.unexpected, "libgit2 lost the tree of a commit")
        }
        _ = try ObjectCache.header(&tree, in: repository)
        guard let commit, let id = git_commit_id(commit) else { throw GitError(.unexpected, "libgit2 lost a commit") }
        let parents = (0..<git_commit_parentcount(commit)).compactMap { index in
            git_commit_parent_id(commit, index).map { CommitID(hex: ObjectID($0.pointee).hex) }
        }
        let author = git_commit_author(commit)?.pointee
        self.init(
            id: CommitID(hex: ObjectID(id.pointee).hex), parents: parents,
            author: "\(Self.text(author?.name)) <\(Self.text(author?.email))>",
            subject: Self.text(git_commit_summary(commit)),
            time: Int(git_commit_time(commit)))
    }

    /// How much of a subject or name is read, in characters. Git has no limit: a text of 128 KiB is more than a process
    /// takes as a variable.
    static let longestText = 200

    /// A text of a commit in one line, cut, without control characters; what is not UTF-8 is replaced.
    private static func text(_ pointer: UnsafePointer<CChar>?) -> String {
        guard let pointer else { return "" }
        let count = strnlen(pointer, longestText * 16)
        let bytes = UnsafeRawBufferPointer(start: pointer, count: count)
        return String(decoding: bytes, as: UTF8.self).withoutControlCharacters(keepingLines: false)
            .shortened(toCharacters: longestText, bytes: longestText * 4)
    }
}

extension GitError {
    static func malformed(_ object: String, _ failure: LibGit2.Failure) -> GitError {
        GitError(
            .invalidProject, "\(object) is malformed: \(failure.text)", advice: "Push a commit or tag that Git made.")
    }

    /// A call to the system that failed: `cannot <doing>: <why>`.
    static func system(_ doing: String, _ code: Int32) -> GitError {
        let why = String(cString: strerror(code))
        switch code {
        case ENOSPC, EDQUOT, EFBIG:
            return GitError(.diskFull, "cannot \(doing): \(why)", advice: "Free space on that file system.")
        default:
            return GitError(.stateUnusable, "cannot \(doing): \(why)")
        }
    }
}
