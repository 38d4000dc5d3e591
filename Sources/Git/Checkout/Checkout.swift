import FoundationEssentials
import Glibc
import Reconcile

/// A project's checkout: `tree`, the place beside it where files are prepared (`stage`), and the record of what we wrote
/// (`checkout.json`), all in the project's directory. The caller holds the project's lock.
struct Checkout: Sendable {
    let projectDirectory: String

    var treePath: String { projectDirectory + "/tree" }
    var stagePath: String { projectDirectory + "/stage" }
    var manifestPath: String { projectDirectory + "/checkout.json" }

    /// A file that is prepared under a name of its own in the stage.
    struct Prepared: Sendable {
        var name: String
        var path: TreePath
        var entry: CommitTree.Entry
        /// Its mode in the manifest.
        var mode: String
        /// Something of ours stands there and is replaced.
        var isReplacing: Bool
    }

    /// Compares the commit with what is on disk and prepares what differs. Nothing in the tree is touched; anything that
    /// would be in the way is found here.
    ///
    /// A build's outputs go over the commit's files.
    func stage(_ commit: CommitID, _ tree: CommitTree, _ build: KeptBuild? = nil) throws -> GitStagedCheckout {
        do {
            try FileManager.default.createDirectory(
                atPath: projectDirectory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch { throw GitError(.stateUnusable, "cannot make the directory \(projectDirectory): \(error)") }
        let directory = try CheckoutDirectory(treePath)
        let manifest = try CheckoutManifest.load(manifestPath)
        let outputs = build?.outputs ?? [:]
        let wanted = try tree.allFiles().merging(outputs.mapValues(\.entry)) { $1 }
        var comparison = Comparison(
            directory: directory, tree: tree, manifest: manifest, wanted: wanted, outputs: outputs)
        try comparison.run()
        let prepared = try prepare(comparison.writes, tree, build)
        return GitStagedCheckout(
            checkout: self, commit: commit, manifest: manifest, kept: comparison.kept, prepared: prepared,
            removed: comparison.removals, wantedDirectories: Set(wanted.keys.flatMap(\.parents)))
    }

    func clearStage() throws {
        guard access(stagePath, F_OK) == 0 else { return }
        do { try FileManager.default.removeItem(atPath: stagePath) } catch {
            throw GitError(.stateUnusable, "cannot clear \(stagePath): \(error)")
        }
    }

    private func prepare(
        _ writes: [Comparison.Write], _ tree: CommitTree, _ build: KeptBuild?
    ) throws -> [Prepared] {
        try clearStage()
        guard !writes.isEmpty else { return [] }
        guard mkdir(stagePath, 0o700) == 0 else { throw GitError.system("make \(stagePath)", errno) }
        do {
            return try writes.enumerated().map { number, write in
                let name = String(number)
                if let output = build?.outputs[write.path] {
                    try build?.write(output, of: write.path, as: "\(stagePath)/\(name)")
                } else {
                    try Self.write(write.entry, as: "\(stagePath)/\(name)", tree)
                }
                return Prepared(
                    name: name, path: write.path, entry: write.entry,
                    mode: build?.outputs[write.path]?.gitMode ?? write.entry.kind.mode,
                    isReplacing: write.isReplacing)
            }
        } catch {
            try? clearStage()
            throw error
        }
    }

    /// Writes a file or link of the commit to a path where nothing is.
    static func write(_ entry: CommitTree.Entry, as path: String, _ tree: CommitTree) throws {
        try tree.withContent(of: entry) { content in
            if entry.kind == .link {
                let target = String(decoding: content, as: UTF8.self)
                guard symlink(target, path) == 0 else { throw GitError.system("write \(path)", errno) }
                return
            }
            let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            guard file >= 0 else { throw GitError.system("write \(path)", errno) }
            defer { close(file) }
            try OpenFile.writeAll(content, to: file, called: path)
            guard fchmod(file, entry.kind == .executable ? 0o755 : 0o644) == 0 else {
                throw GitError.system("set the mode of \(path)", errno)
            }
        }
    }
}

/// What has to change on disk for a commit to be checked out.
private struct Comparison {
    struct Write {
        var path: TreePath
        var entry: CommitTree.Entry
        var isReplacing: Bool
    }

    let directory: CheckoutDirectory
    let tree: CommitTree
    let ours: [TreePath: CheckoutManifest.File]
    private let ourDirectories: Set<TreePath>
    let wanted: [TreePath: CommitTree.Entry]
    /// Those of the wanted that a build made.
    let outputs: [TreePath: KeptBuild.Output]

    private(set) var writes: [Write] = []
    private(set) var removals: [TreePath] = []
    /// Files that are in place as they should be.
    private(set) var kept: [CheckoutManifest.File] = []

    init(
        directory: CheckoutDirectory, tree: CommitTree, manifest: CheckoutManifest,
        wanted: [TreePath: CommitTree.Entry], outputs: [TreePath: KeptBuild.Output]
    ) {
        self.directory = directory
        self.tree = tree
        ours = Dictionary(manifest.files.map { ($0.path, $0) }, uniquingKeysWith: { $1 })
        ourDirectories = Set(ours.keys.flatMap(\.parents))
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
    }

    private func isOurs(_ path: TreePath) -> Bool { ours[path] != nil || ourDirectories.contains(path) }

    private mutating func compare(_ path: TreePath, _ entry: CommitTree.Entry) throws {
        switch try directory.look(at: path) {
        case .absent: writes.append(Write(path: path, entry: entry, isReplacing: false))
        case .blocked(let obstacle):
            guard ours[obstacle] != nil, wanted[obstacle] == nil else {
                throw GitError.inTheWay(obstacle, of: path, in: directory.path)
            }
            writes.append(Write(path: path, entry: entry, isReplacing: false))
        case .present(let status) where status.st_mode & S_IFMT == S_IFDIR:
            if let stranger = try directory.stranger(below: path, isOurs: isOurs) {
                throw GitError.inTheWay(stranger, of: path, in: directory.path)
            }
            writes.append(Write(path: path, entry: entry, isReplacing: false))
        case .present(let status):
            try compare(path, entry, status)
        }
    }

    private mutating func compare(_ path: TreePath, _ entry: CommitTree.Entry, _ status: stat) throws {
        let stamp = CheckoutManifest.Stamp(status)
        let output = outputs[path]
        let file = CheckoutManifest.File(
            path: path, id: entry.id.hex, mode: output?.gitMode ?? entry.kind.mode, stamp: stamp)
        if let old = ours[path], old.id == file.id, old.mode == file.mode, old.stamp == stamp {
            kept.append(old)
        } else if output?.hasMode(of: status) ?? true,
            try directory.holds(entry, at: path, status: status, size: { try output?.size ?? tree.size(of: entry) })
        {
            kept.append(file)
        } else if ours[path] != nil {
            writes.append(Write(path: path, entry: entry, isReplacing: true))
        } else {
            throw GitError.inTheWay(path, of: path, in: directory.path)
        }
    }
}
