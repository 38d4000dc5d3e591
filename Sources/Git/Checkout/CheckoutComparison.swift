import Deploy
import Glibc
import Reconcile

/// What has to change on disk for a commit to be checked out.
struct CheckoutComparison {
    struct Write {
        var path: TreePath
        var entry: CommitTree.Entry
        var isReplacing: Bool
    }

    let directory: CheckoutDirectory
    let tree: CommitTree
    let manifest: CheckoutManifest
    private let ours: [TreePath: CheckoutManifest.File]
    private let ourDirectories: Set<TreePath>
    let wanted: [TreePath: CommitTree.Entry]
    /// Those of the wanted that a build made.
    let outputs: [TreePath: KeptBuild.Output]

    private(set) var writes: [Write] = []
    private(set) var removals: [TreePath] = []
    /// Files that are in place as they should be.
    private(set) var kept: [CheckoutManifest.File] = []
    /// Files of ours that somebody changed or removed since we wrote them.
    private var tampered: Set<TreePath> = []

    var difference: CheckoutDifference {
        CheckoutDifference(
            changedPaths: (writes.map(\.path) + removals).sorted().map(\.text),
            restoredPaths: tampered.sorted().map(\.text))
    }

    init(
        directory: CheckoutDirectory, tree: CommitTree, manifest: CheckoutManifest,
        wanted: [TreePath: CommitTree.Entry], outputs: [TreePath: KeptBuild.Output]
    ) {
        self.directory = directory
        self.tree = tree
        self.manifest = manifest
        ours = Dictionary(manifest.files.map { ($0.path, $0) }, uniquingKeysWith: { $1 })
        ourDirectories = TreePath.directories(of: ours.keys)
        self.wanted = wanted
        self.outputs = outputs
    }

    mutating func run() throws {
        for path in wanted.keys.sorted() {
            if let entry = wanted[path] { try compare(path, entry) }
        }
        for path in ours.keys.sorted() where wanted[path] == nil {
            if case .present(let status) = try directory.look(at: path), status.st_mode & S_IFMT != S_IFDIR {
                removals.append(path)
            }
        }
        try checkWrites()
    }

    /// Refuses, before anything is read or written, what cannot or must not be written: links that no file system can hold
    /// as they are, files that are too large, and too much of everything together.
    private func checkWrites() throws {
        var total = kept.reduce(0) { $0 + (LFSContent.isID($1.id) ? 0 : $1.stamp?.size ?? 0) }
        var sizes: [ObjectID: Int] = [:]
        // What Git LFS keeps has limits of its own, which held already.
        for write in writes where write.entry.content == nil {
            let size: Int
            if let output = outputs[write.path] {
                size = output.size
            } else if write.entry.kind == .link {
                size = try tree.target(of: write.entry, at: write.path).utf8.count
            } else {
                size = try sizes[write.entry.id] ?? tree.size(of: write.entry)
                sizes[write.entry.id] = size
                guard size <= tree.limits.fileBytes else {
                    throw GitError.tooLarge(write.path, size, tree.limits.fileBytes)
                }
            }
            total += size
            guard total <= tree.limits.checkoutBytes else {
                throw GitError.exceeds(
                    "the files of the commit hold more than \(tree.limits.checkoutBytes.bytesText)",
                    "Keep large files in Git LFS, in an image or on the host, and push a commit without them.")
            }
        }
    }

    private func isOurs(_ path: TreePath) -> Bool { ours[path] != nil || ourDirectories.contains(path) }

    private mutating func compare(_ path: TreePath, _ entry: CommitTree.Entry) throws {
        switch try directory.look(at: path) {
        case .absent: write(path, entry, isReplacing: false, isTampered: true)
        case .blocked(let obstacle):
            guard ours[obstacle] != nil, wanted[obstacle] == nil else {
                throw GitError.inTheWay(obstacle, of: path, in: directory.path)
            }
            write(path, entry, isReplacing: false, isTampered: false)
        case .present(let status) where status.st_mode & S_IFMT == S_IFDIR:
            if let stranger = try directory.stranger(below: path, isOurs: isOurs) {
                throw GitError.inTheWay(stranger, of: path, in: directory.path)
            }
            write(path, entry, isReplacing: false, isTampered: true)
        case .present(let status):
            try compare(path, entry, status)
        }
    }

    private mutating func compare(_ path: TreePath, _ entry: CommitTree.Entry, _ status: stat) throws {
        let stamp = CheckoutManifest.Stamp(status)
        let output = outputs[path]
        let file = CheckoutManifest.File(
            path: path, id: entry.contentID, mode: output?.gitMode ?? entry.kind.mode, stamp: stamp)
        if let old = ours[path], old.id == file.id, old.mode == file.mode, old.stamp == stamp {
            kept.append(old)
        } else if output?.hasMode(of: status) ?? true,
            try directory.holds(entry, at: path, status: status, size: { try output?.size ?? tree.size(of: entry) })
        {
            kept.append(file)
        } else if let old = ours[path] {
            let isTampered = try old.stamp != stamp && !directory.holds(old, at: path, status: status)
            write(path, entry, isReplacing: true, isTampered: isTampered)
        } else {
            throw GitError.inTheWay(path, of: path, in: directory.path)
        }
    }

    /// - Parameter isTampered: What is there is not what we wrote, if we are known to have finished writing it: files that
    ///   a switch was changing when it was cut short have no stamp.
    private mutating func write(_ path: TreePath, _ entry: CommitTree.Entry, isReplacing: Bool, isTampered: Bool) {
        writes.append(Write(path: path, entry: entry, isReplacing: isReplacing))
        if isTampered, ours[path]?.stamp != nil { tampered.insert(path) }
    }
}
