internal import CLibGit2
import Reconcile

extension ObjectCache {
    /// Further back than this many commits nobody is looked for.
    private static let longestWalk = 10_000

    /// The newest commit that changed each path, among those that `commit` has and `base` has not. As for `git log`, a merge
    /// changes only what differs from all of its parents.
    func newestChanges(of paths: [String], after base: CommitID, upTo commit: CommitID) throws -> [String: CommitID] {
        guard try self.commit(commit) != nil, try self.commit(base) != nil,
            var tip = ObjectID(hex: commit.hex).raw, var hidden = ObjectID(hex: base.hex).raw
        else { return [:] }
        return try withRepository { repository in
            var walk: OpaquePointer?
            defer { git_revwalk_free(walk) }
            try LibGit2.check(git_revwalk_new(&walk, repository))
            try LibGit2.check(git_revwalk_sorting(walk, GIT_SORT_TOPOLOGICAL.rawValue | GIT_SORT_TIME.rawValue))
            try LibGit2.check(git_revwalk_push(walk, &tip))
            try LibGit2.check(git_revwalk_hide(walk, &hidden))
            var changes: [String: CommitID] = [:]
            var id = git_oid()
            var left = Self.longestWalk
            while changes.count < paths.count, left > 0, git_revwalk_next(&id, walk) == 0 {
                left -= 1
                let waiting = paths.filter { changes[$0] == nil }
                for path in try Self.changed(waiting, in: &id, of: repository) {
                    changes[path] = CommitID(hex: ObjectID(id).hex)
                }
            }
            return changes
        }
    }

    /// Those of the paths whose entry in the commit is in none of its parents.
    private static func changed(
        _ paths: [String], in id: inout git_oid, of repository: OpaquePointer
    ) throws -> [String] {
        var commit: OpaquePointer?
        defer { git_commit_free(commit) }
        try LibGit2.check(git_commit_lookup(&commit, repository, &id))
        var before: [[String: String]] = []
        for index in 0..<git_commit_parentcount(commit) {
            var parent: OpaquePointer?
            defer { git_commit_free(parent) }
            try LibGit2.check(git_commit_parent(&parent, commit, index))
            before.append(try entries(paths, in: parent))
        }
        let after = try entries(paths, in: commit)
        return paths.filter { path in
            before.isEmpty ? after[path] != nil : before.allSatisfy { $0[path] != after[path] }
        }
    }

    /// Mode and object id of the paths that the commit has.
    private static func entries(_ paths: [String], in commit: OpaquePointer?) throws -> [String: String] {
        var tree: OpaquePointer?
        defer { git_tree_free(tree) }
        try LibGit2.check(git_commit_tree(&tree, commit))
        var entries: [String: String] = [:]
        for path in paths {
            var entry: OpaquePointer?
            defer { git_tree_entry_free(entry) }
            let code = git_tree_entry_bypath(&entry, tree, path)
            if code == GIT_ENOTFOUND.rawValue { continue }
            try LibGit2.check(code)
            guard let object = git_tree_entry_id(entry)?.pointee else { continue }
            entries[path] = "\(git_tree_entry_filemode(entry).rawValue) \(ObjectID(object).hex)"
        }
        return entries
    }
}
