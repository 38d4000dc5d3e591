internal import CLibGit2
import Reconcile
import Synchronization

/// The files of one commit, read from the cache when they are asked for.
///
/// Safe to use from several threads. Every name is checked: an entry that Git itself would never have made (`..`,
/// `.git`, a slash) is refused as `invalidProject`. Throws `LibGit2.Failure` when objects are missing or damaged.
final class CommitTree: Sendable {
    /// One entry of a directory in Git.
    struct Entry: Sendable, Hashable {
        enum Kind: Sendable, Hashable { case file, executable, link, directory, submodule }

        var kind: Kind
        var id: ObjectID

        /// What changes exactly when content or mode do.
        var identity: String { "\(kind.mode):\(id.hex)" }
    }

    let cache: ObjectCache
    let root: Entry
    private let directories = Mutex<[ObjectID: [TreePath: Entry]]>([:])

    /// Throws a not-found `LibGit2.Failure` when the commit is not in the cache.
    init(_ commit: CommitID, in cache: ObjectCache) throws {
        guard var raw = ObjectID(hex: commit.hex).raw else {
            throw GitError(.commitMissing, "“\(commit)” is not a commit's full id")
        }
        root = try cache.withRepository { repository in
            var object: OpaquePointer?
            defer { git_commit_free(object) }
            try LibGit2.check(git_commit_lookup(&object, repository, &raw))
            guard let id = git_commit_tree_id(object)?.pointee else {
                throw GitError(.unexpected, "libgit2 lost the tree of \(commit)")
            }
            return Entry(kind: .directory, id: ObjectID(id))
        }
        self.cache = cache
        _ = try entries(of: root)
    }

    /// The entries of a directory by name.
    func entries(of directory: Entry) throws -> [TreePath: Entry] {
        if let known = directories.withLock({ $0[directory.id] }) { return known }
        let entries = try read(directory.id)
        directories.withLock { $0[directory.id] = entries }
        return entries
    }

    private func read(_ id: ObjectID) throws -> [TreePath: Entry] {
        guard var raw = id.raw else { throw GitError(.unexpected, "“\(id)” is not an object id") }
        return try cache.withRepository { repository in
            var tree: OpaquePointer?
            defer { git_tree_free(tree) }
            try LibGit2.check(git_tree_lookup(&tree, repository, &raw))
            var entries: [TreePath: Entry] = [:]
            for index in 0..<git_tree_entrycount(tree) {
                guard let item = git_tree_entry_byindex(tree, index), let name = git_tree_entry_name(item),
                    let object = git_tree_entry_id(item)?.pointee
                else { continue }
                let kind = Entry.Kind(mode: git_tree_entry_filemode(item).rawValue)
                entries[TreePath(try Self.checked(name, in: id))] = Entry(kind: kind, id: ObjectID(object))
            }
            return entries
        }
    }

    private static func checked(_ name: UnsafePointer<CChar>, in tree: ObjectID) throws -> String {
        guard let text = String(validatingCString: name) else {
            throw GitError(
                .invalidProject, "the commit holds the file name “\(String(cString: name))”, which is not UTF-8",
                advice: "Rename the file.")
        }
        guard !["", ".", ".."].contains(text), text.lowercased() != ".git", !text.utf8.contains(UInt8(ascii: "/"))
        else {
            throw GitError(.invalidProject, "the commit holds the forbidden file name “\(text)” (in tree \(tree))")
        }
        return text
    }

    /// Every file and link of the commit by path; directories and submodules are left out.
    func allFiles() throws -> [TreePath: Entry] {
        var files: [TreePath: Entry] = [:]
        var waiting = [(path: TreePath(""), entry: root)]
        while let next = waiting.popLast() {
            guard next.path.components.count < 512 else {
                throw GitError(
                    .invalidProject, "the commit nests directories too deeply: \(next.path.text.prefix(80))…")
            }
            for (name, entry) in try entries(of: next.entry) {
                let path = next.path.appending(name.text)
                switch entry.kind {
                case .directory: waiting.append((path, entry))
                case .file, .executable, .link: files[path] = entry
                case .submodule: break
                }
            }
            guard files.count <= 1_000_000, waiting.count <= 1_000_000 else {
                throw GitError(.invalidProject, "the commit holds more than a million files")
            }
        }
        return files
    }

    /// The size of a file's content in bytes.
    func size(of entry: Entry) throws -> Int {
        guard var raw = entry.id.raw else { return 0 }
        return try cache.withRepository { repository in
            var database: OpaquePointer?
            defer { git_odb_free(database) }
            try LibGit2.check(git_repository_odb(&database, repository))
            var size = 0
            var type = GIT_OBJECT_ANY
            try LibGit2.check(git_odb_read_header(&size, &type, database, &raw))
            return size
        }
    }

    /// Calls `body` with a file's content, which is in memory for that long: libgit2 cannot stream out of a pack.
    func withContent<R>(of entry: Entry, _ body: (UnsafeRawBufferPointer) throws -> sending R) throws -> sending R {
        guard var raw = entry.id.raw else { throw GitError(.unexpected, "“\(entry.id)” is not an object id") }
        return try cache.withRepository { repository in
            var blob: OpaquePointer?
            defer { git_blob_free(blob) }
            try LibGit2.check(git_blob_lookup(&blob, repository, &raw))
            let count = Int(git_blob_rawsize(blob))
            return try body(UnsafeRawBufferPointer(start: git_blob_rawcontent(blob), count: count))
        }
    }

    /// The object id that content would have in Git.
    static func id(ofContent content: UnsafeRawBufferPointer) throws -> ObjectID {
        var id = git_oid()
        try LibGit2.check(git_odb_hash(&id, content.baseAddress, content.count, GIT_OBJECT_BLOB))
        return ObjectID(id)
    }
}

extension CommitTree.Entry.Kind {
    /// Reads a Git file mode; anything unknown is a plain file, as it is to Git.
    init(mode: UInt32) {
        switch mode {
        case 0o040000: self = .directory
        case 0o120000: self = .link
        case 0o160000: self = .submodule
        default: self = mode & 0o111 != 0 ? .executable : .file
        }
    }

    /// The mode in Git's spelling.
    var mode: String {
        switch self {
        case .file: "100644"
        case .executable: "100755"
        case .link: "120000"
        case .directory: "040000"
        case .submodule: "160000"
        }
    }
}
