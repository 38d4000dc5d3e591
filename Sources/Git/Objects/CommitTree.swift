internal import CLibGit2
import Reconcile
import Synchronization

/// The files of one commit, read from the cache when they are asked for.
///
/// Safe to use from several threads. A value exists only of a tree within the limits: everything is looked at once when
/// it is made, each directory once however many paths lead to it. Throws `GitError` of reason `invalidProject` for what
/// Git itself would never have made (`..`, `.git`, names that are there twice) and for what is too large, and
/// `LibGit2.Failure` when objects are missing or damaged.
final class CommitTree: Sendable {
    /// One entry of a directory in Git.
    struct Entry: Sendable, Hashable {
        enum Kind: Sendable, Hashable { case file, executable, link, directory, submodule }

        var kind: Kind
        var id: ObjectID
        /// Where the content is, of a file that is kept by Git LFS: the object in Git is only a pointer to it.
        var content: LFSContent?

        init(kind: Kind, id: ObjectID, content: LFSContent? = nil) {
            self.kind = kind
            self.id = id
            self.content = content
        }

        /// What changes exactly when content or mode do.
        var identity: String { "\(kind.mode):\(id.hex)" }

        /// The content's name in the record of a checkout.
        var contentID: String { content?.id ?? id.hex }
    }

    let cache: ObjectCache
    let root: Entry
    let limits: RepositoryLimits
    private let directories: [ObjectID: [TreePath: Entry]]
    /// Files, links, directories and submodules, as often as a path leads to them.
    let entryCount: Int

    /// Throws a not-found `LibGit2.Failure` when the commit is not in the cache.
    init(_ commit: CommitID, in cache: ObjectCache, limits: RepositoryLimits = .standard) throws {
        guard var raw = ObjectID(hex: commit.hex).raw else {
            throw GitError(.commitMissing, "\"\(commit)\" is not a commit's full id")
        }
        root = try cache.withRepository { repository in
            try ObjectCache.checkSize(ofCommit: &raw, in: repository)
            var object: OpaquePointer?
            defer { git_commit_free(object) }
            try LibGit2.check(git_commit_lookup(&object, repository, &raw))
            guard let id = git_commit_tree_id(object)?.pointee else {
                throw GitError(.unexpected, "libgit2 lost the tree of \(commit)")
            }
            return Entry(kind: .directory, id: ObjectID(id))
        }
        self.cache = cache
        self.limits = limits
        var survey = TreeSurvey(cache: cache, limits: limits)
        entryCount = try survey.run(root.id)
        directories = survey.directories
    }

    /// The files below a directory, all of whose objects the cache can read.
    ///
    /// - Parameters:
    ///   - modules: The root directories of submodules, by their commits: they are directories like any other.
    ///   - contents: The contents of files that are kept by Git LFS, by the ids of their pointers.
    init(
        root: Entry, in cache: ObjectCache, limits: RepositoryLimits, modules: [ObjectID: Entry] = [:],
        contents: [ObjectID: LFSContent] = [:]
    ) throws {
        self.root = root
        self.cache = cache
        self.limits = limits
        var survey = TreeSurvey(cache: cache, limits: limits, modules: modules, contents: contents)
        entryCount = try survey.run(root.id)
        directories = survey.directories
    }

    /// The entries of a directory of this commit by name.
    func entries(of directory: Entry) throws -> [TreePath: Entry] {
        guard let entries = directories[directory.id] else {
            throw GitError(.unexpected, "\(directory.id) is not a directory of the commit")
        }
        return entries
    }

    /// Every file and link of the commit by path; directories and submodules are left out.
    func allFiles() throws -> [TreePath: Entry] {
        var files: [TreePath: Entry] = [:]
        files.reserveCapacity(entryCount)
        var waiting = [(path: TreePath(""), entry: root)]
        while let next = waiting.popLast() {
            for (name, entry) in try entries(of: next.entry) {
                let path = next.path.appending(name.text)
                switch entry.kind {
                case .directory: waiting.append((path, entry))
                case .file, .executable, .link: files[path] = entry
                case .submodule: break
                }
            }
        }
        return files
    }

    /// The size of a file's content in bytes; reads a few bytes of it.
    func size(of entry: Entry) throws -> Int {
        if let content = entry.content { return content.pointer.size }
        let (type, size) = try cache.header(of: entry.id)
        guard type == .blob else {
            throw GitError(
                .invalidProject, "the commit is damaged: \(entry.id), which should be a file, is none",
                advice: "`git fsck --strict` in a clone names the object; push a commit without it.")
        }
        return size
    }

    /// Calls `body` with a file's content, which is in memory for that long: libgit2 cannot stream out of a pack.
    ///
    /// - Parameter limit: Bytes; a larger file is not read, but refused.
    func withContent<R>(
        of entry: Entry, atMost limit: Int? = nil, _ body: (UnsafeRawBufferPointer) throws -> sending R
    ) throws -> sending R {
        let size = try size(of: entry)
        if let content = entry.content {
            guard size <= limit ?? size else { throw GitError.tooLarge(nil, size, limit ?? size) }
            return try content.withBytes(body)
        }
        guard size <= limit ?? limits.fileBytes else { throw GitError.tooLarge(nil, size, limit ?? limits.fileBytes) }
        return try cache.withObject(entry.id, body)
    }

    /// Where a symbolic link leads.
    ///
    /// - Throws: `GitError` of reason `invalidProject` for a target that no file system can hold as it is.
    func target(of link: Entry, at path: TreePath) throws -> String {
        func invalid(_ what: String) -> GitError {
            GitError(
                .invalidProject, "the symbolic link \(path) \(what)",
                advice: "Correct the link and push; nothing was touched.")
        }
        let size = try size(of: link)
        guard size > 0 else { throw invalid("leads nowhere: its target is empty") }
        guard size <= limits.linkBytes else {
            throw invalid("has a target of \(size) bytes, and at most \(limits.linkBytes) are possible")
        }
        return try withContent(of: link) { content in
            guard !content.contains(0) else { throw invalid("has a NUL in its target") }
            guard let target = String(validating: content, as: UTF8.self) else {
                throw invalid("has a target that is not UTF-8")
            }
            return target
        }
    }

    /// The object id that content would have in Git.
    static func id(ofContent content: UnsafeRawBufferPointer) throws -> ObjectID {
        var id = git_oid()
        try LibGit2.check(git_odb_hash(&id, content.baseAddress, content.count, GIT_OBJECT_BLOB))
        return ObjectID(id)
    }
}

extension GitError {
    /// A file of a commit that is larger than the limit for one.
    static func tooLarge(_ path: TreePath?, _ size: Int, _ limit: Int) -> GitError {
        GitError.exceeds(
            "\(path.map(\.description) ?? "a file of the commit") holds \(size.bytesText), and a file may hold at most "
                + "\(limit.bytesText)",
            "Keep large files in Git LFS, in an image or on the host, and push a commit without this one.")
    }
}

/// Looks at every directory of a commit, once each: names, modes, order, and how much it is with everything below.
private struct TreeSurvey {
    /// What is in a directory, with everything below it.
    private struct Extent {
        var entries = 0
        /// Directories in each other, itself included.
        var depth = 1
        /// Bytes of the longest path in it.
        var pathBytes = 0
        /// Bytes of all paths in it together.
        var allPathBytes = 0
    }

    /// A directory that is being looked at, and those of its directories that are not yet.
    private struct Visit {
        var id: ObjectID
        var path: TreePath
        var entries: [TreePath: CommitTree.Entry]
        var waiting: [(name: TreePath, id: ObjectID)]
        var extent = Extent()
    }

    let cache: ObjectCache
    let limits: RepositoryLimits
    let modules: [ObjectID: CommitTree.Entry]
    let contents: [ObjectID: LFSContent]
    private(set) var directories: [ObjectID: [TreePath: CommitTree.Entry]] = [:]
    private var extents: [ObjectID: Extent] = [:]
    private var read = 0
    private let deadline: ContinuousClock.Instant

    init(
        cache: ObjectCache, limits: RepositoryLimits, modules: [ObjectID: CommitTree.Entry] = [:],
        contents: [ObjectID: LFSContent] = [:]
    ) {
        self.cache = cache
        self.limits = limits
        self.modules = modules
        self.contents = contents
        deadline = limits.deadline()
    }

    /// How many entries the tree has.
    mutating func run(_ root: ObjectID) throws -> Int {
        var trail = [try visit(root, TreePath(""))]
        while var here = trail.popLast() {
            guard let next = here.waiting.popLast() else {
                directories[here.id] = here.entries
                extents[here.id] = here.extent
                if var above = trail.popLast() {
                    try add(here.extent, TreePath(here.path.components.last ?? ""), to: &above)
                    trail.append(above)
                }
                continue
            }
            if let extent = extents[next.id] {
                try add(extent, next.name, to: &here)
                trail.append(here)
            } else {
                let path = here.path.appending(next.name.text)
                trail.append(here)
                guard trail.count < limits.depth else { throw tooDeep(path) }
                guard path.text.utf8.count <= limits.pathBytes else { throw tooLong(path, path.text.utf8.count) }
                trail.append(try visit(next.id, path))
            }
        }
        return extents[root]?.entries ?? 0
    }

    private mutating func visit(_ id: ObjectID, _ path: TreePath) throws -> Visit {
        try limits.check(deadline, "looking through the commit's directories")
        let (type, size) = try cache.header(of: id)
        guard type == .tree else {
            throw GitError(
                .invalidProject, "the commit is damaged: the directory \(path) is none",
                advice: "`git fsck --strict` in a clone names the object; push a commit without it.")
        }
        guard size <= limits.treeBytes else { throw tooMany() }
        let list = try cache.withObject(id) { bytes in
            do { return try TreeObject(bytes, limits).entries } catch let error as GitError {
                throw path.text.isEmpty
                    ? error
                    : GitError(error.reason, "\(error.message) (in the directory \(path))", advice: error.advice)
            }
        }
        read += list.count
        guard read <= limits.entries else { throw tooMany() }
        var visit = Visit(id: id, path: path, entries: [:], waiting: [])
        visit.entries.reserveCapacity(list.count)
        visit.extent.entries = list.count
        for (name, raw) in list {
            var entry = raw
            if raw.kind == .submodule { entry = modules[raw.id] ?? raw }
            if raw.kind == .file || raw.kind == .executable { entry.content = contents[raw.id] }
            visit.entries[name] = entry
            visit.extent.pathBytes = max(visit.extent.pathBytes, name.text.utf8.count)
            visit.extent.allPathBytes += name.text.utf8.count
            if entry.kind == .directory { visit.waiting.append((name, entry.id)) }
        }
        guard visit.extent.entries <= limits.entries else { throw tooMany() }
        return visit
    }

    /// Adds what is in a directory to the one that holds it.
    private func add(_ extent: Extent, _ name: TreePath, to visit: inout Visit) throws {
        let place = visit.path.appending(name.text)
        visit.extent.entries += extent.entries
        visit.extent.allPathBytes += extent.allPathBytes + extent.entries * (name.text.utf8.count + 1)
        visit.extent.depth = max(visit.extent.depth, extent.depth + 1)
        visit.extent.pathBytes = max(visit.extent.pathBytes, name.text.utf8.count + 1 + extent.pathBytes)
        guard visit.extent.entries <= limits.entries else { throw tooMany() }
        guard visit.extent.depth <= limits.depth else { throw tooDeep(place) }
        guard visit.extent.allPathBytes <= limits.allPathBytes else {
            throw GitError.exceeds(
                "the paths of the commit hold more than \(limits.allPathBytes.bytesText) together",
                "Keep what is deployed in a repository of its own.")
        }
        guard visit.extent.pathBytes <= limits.pathBytes else { throw tooLong(place, visit.extent.pathBytes) }
    }

    private func tooLong(_ path: TreePath, _ bytes: Int) -> GitError {
        GitError.exceeds(
            "the commit holds a path of \(bytes) bytes or more, and at most \(limits.pathBytes) are possible: "
                + "\(path.description.prefix(80))…", "Move the file up.")
    }

    private func tooMany() -> GitError {
        GitError.exceeds(
            "the commit holds more than \(limits.entries) files and directories",
            "Keep what is deployed in a repository of its own.")
    }

    private func tooDeep(_ path: TreePath) -> GitError {
        GitError.exceeds(
            "the commit nests directories more than \(limits.depth) deep: \(path.description.prefix(80))…",
            "Move them up.")
    }
}
