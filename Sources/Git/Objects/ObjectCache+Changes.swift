internal import CLibGit2
import Reconcile

extension ObjectCache {
    /// Further back than this many commits, or for longer, nothing is looked for: what is found is said beside a cause, and
    /// nothing depends on it.
    private static let longestWalk = 10_000
    private static let longestTime = Duration.seconds(3)

    /// The commits that `commit` has and `base` has not, newest first, at most so many; all that it has when `base` is
    /// unknown. Throws when that takes too long: what is missing in the list would not be verified.
    func history(
        of commit: CommitID, after base: CommitID, atMost count: Int, _ limits: RepositoryLimits = .standard
    ) throws -> [CommitID] {
        guard try self.commit(commit) != nil, var tip = ObjectID(hex: commit.hex).raw else {
            throw GitError(.commitMissing, "the cache \(path) lacks the commit \(commit)")
        }
        let isKnown = try self.commit(base) != nil
        let deadline = Deadline(after: limits.walk)
        return try withExtendedLifetime(deadline) {
            try withRepository { repository in
                var walk: OpaquePointer?
                defer { git_revwalk_free(walk) }
                try LibGit2.check(git_revwalk_new(&walk, repository))
                try LibGit2.check(git_revwalk_sorting(walk, GIT_SORT_TOPOLOGICAL.rawValue))
                try LibGit2.check(git_revwalk_push(walk, &tip))
                if isKnown, var hidden = ObjectID(hex: base.hex).raw {
                    try LibGit2.check(git_revwalk_hide(walk, &hidden))
                }
                try deadline.end(walk)
                var commits: [CommitID] = []
                var id = git_oid()
                while commits.count < count {
                    let code = git_revwalk_next(&id, walk)
                    if code == GIT_ITEROVER.rawValue { break }
                    try LibGit2.check(code)
                    commits.append(CommitID(hex: ObjectID(id).hex))
                }
                guard !deadline.isOver else {
                    throw GitError.exceeds(
                        "listing the commits since \(base.short) takes longer than \(limits.walk.components.seconds) s",
                        "Deploy the commit once by its id: `watcher deploy --commit ID`.")
                }
                return commits
            }
        }
    }

    /// The newest commit that changed each path, among those that `commit` has and `base` has not. As for `git log`, a merge
    /// changes only what differs from all of its parents.
    func newestChanges(of paths: [String], after base: CommitID, upTo commit: CommitID) throws -> [String: CommitID] {
        guard try self.commit(commit) != nil, try self.commit(base) != nil,
            var tip = ObjectID(hex: commit.hex).raw, var hidden = ObjectID(hex: base.hex).raw
        else { return [:] }
        let deadline = Deadline(after: Self.longestTime)
        return try withExtendedLifetime(deadline) {
            try withRepository { repository in
                var walk: OpaquePointer?
                defer { git_revwalk_free(walk) }
                try LibGit2.check(git_revwalk_new(&walk, repository))
                try LibGit2.check(git_revwalk_sorting(walk, GIT_SORT_TOPOLOGICAL.rawValue | GIT_SORT_TIME.rawValue))
                try LibGit2.check(git_revwalk_push(walk, &tip))
                try LibGit2.check(git_revwalk_hide(walk, &hidden))
                try deadline.end(walk)
                var changes: [String: CommitID] = [:]
                var id = git_oid()
                var left = Self.longestWalk
                while changes.count < paths.count, left > 0, !deadline.isOver, git_revwalk_next(&id, walk) == 0 {
                    left -= 1
                    let waiting = paths.filter { changes[$0] == nil }
                    // A commit in between may be made to do harm: only the tip has been looked through.
                    guard let changed = try? Self.changed(waiting, in: &id, of: repository, deadline) else { break }
                    for path in changed { changes[path] = CommitID(hex: ObjectID(id).hex) }
                }
                return changes
            }
        }
    }

    /// Those of the paths whose entry in the commit is in none of its parents.
    private static func changed(
        _ paths: [String], in id: inout git_oid, of repository: OpaquePointer, _ deadline: Deadline
    ) throws -> [String] {
        try checkSize(ofCommit: &id, in: repository)
        var commit: OpaquePointer?
        defer { git_commit_free(commit) }
        try ObjectCache.look(up: &commit, &id, in: repository)
        var before: [[String: String]] = []
        for index in 0..<git_commit_parentcount(commit) {
            guard !deadline.isOver else { return [] }
            var parent: OpaquePointer?
            defer { git_commit_free(parent) }
            try LibGit2.check(git_commit_parent(&parent, commit, index))
            before.append(try entries(paths, in: parent, repository))
        }
        let after = try entries(paths, in: commit, repository)
        return paths.filter { path in
            before.isEmpty ? after[path] != nil : before.allSatisfy { $0[path] != after[path] }
        }
    }

    /// Mode and object id of the paths that the commit has.
    private static func entries(
        _ paths: [String], in commit: OpaquePointer?, _ repository: OpaquePointer
    ) throws -> [String: String] {
        guard let root = git_commit_tree_id(commit)?.pointee else { return [:] }
        var entries: [String: String] = [:]
        for path in paths {
            var id = root
            var found: TreeObject.Raw?
            for name in path.split(separator: "/") {
                found = try entry(Array(name.utf8), in: &id, repository)
                // What is in a submodule changes with its commit.
                guard let found, found.mode != CommitTree.Entry.Kind.submodule.mode, let next = found.id.raw else {
                    break
                }
                id = next
            }
            if let found { entries[path] = "\(found.mode) \(found.id.hex)" }
        }
        return entries
    }

    private static func entry(
        _ name: [UInt8], in tree: inout git_oid, _ repository: OpaquePointer
    ) throws -> TreeObject.Raw? {
        let (type, size) = try header(&tree, in: repository)
        guard type == .tree, size <= RepositoryLimits.standard.treeBytes else { return nil }
        var object: OpaquePointer?
        defer { git_odb_object_free(object) }
        try withDatabase(of: repository) { _ = try LibGit2.check(git_odb_read(&object, $0, &tree)) }
        let bytes = UnsafeRawBufferPointer(start: git_odb_object_data(object), count: git_odb_object_size(object))
        return TreeObject.find(name, in: bytes)
    }
}

/// Ends a walk of libgit2's, which sorts a whole history before it gives its first commit.
private final class Deadline: Sendable {
    private let end: ContinuousClock.Instant

    init(after duration: Duration) { end = .now + duration }

    var isOver: Bool { ContinuousClock.now > end }

    /// Hides every commit that the walk meets when the time is over. The value must outlive the walk.
    func end(_ walk: OpaquePointer?) throws {
        try LibGit2.check(
            git_revwalk_add_hide_cb(
                walk,
                { _, deadline in
                    deadline.map { Unmanaged<Deadline>.fromOpaque($0).takeUnretainedValue().isOver ? 1 : 0 } ?? 0
                },
                Unmanaged.passUnretained(self).toOpaque()))
    }
}
