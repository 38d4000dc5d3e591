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

    /// Compares the commit, with a build's outputs over its files, with what is on disk. Reads only.
    ///
    /// - Throws: `GitError` for an untracked file where one of the commit belongs.
    func compare(_ tree: CommitTree, _ build: KeptBuild? = nil) throws -> CheckoutComparison {
        try compare(CheckoutDirectory(existing: treePath), tree, build)
    }

    private func compare(
        _ directory: CheckoutDirectory, _ tree: CommitTree, _ build: KeptBuild?
    ) throws -> CheckoutComparison {
        let outputs = build?.outputs ?? [:]
        let wanted = try tree.allFiles().merging(outputs.mapValues(\.entry)) { $1 }
        var comparison = CheckoutComparison(
            directory: directory, tree: tree, manifest: try CheckoutManifest.load(manifestPath), wanted: wanted,
            outputs: outputs)
        try comparison.run()
        return comparison
    }

    /// Compares, and prepares beside the checkout what differs. Nothing in the tree is touched.
    func stage(_ commit: CommitID, _ tree: CommitTree, _ build: KeptBuild? = nil) throws -> GitStagedCheckout {
        try PrivateFile.makeDirectory(projectDirectory)
        let comparison = try compare(CheckoutDirectory(making: treePath), tree, build)
        let prepared = try prepare(comparison.writes, tree, build)
        return GitStagedCheckout(
            checkout: self, commit: commit, manifest: comparison.manifest, kept: comparison.kept, prepared: prepared,
            removed: comparison.removals, wantedDirectories: TreePath.directories(of: comparison.wanted.keys))
    }

    /// The commit whose files are in place, or are being put there; nil when there is none.
    func commit() throws -> CommitID? { try CheckoutManifest.load(manifestPath).commit.map { CommitID(hex: $0) } }

    func clearStage() throws {
        guard access(stagePath, F_OK) == 0 else { return }
        do { try FileManager.default.removeItem(atPath: stagePath) } catch {
            throw GitError(.stateUnusable, "cannot clear \(stagePath): \(error)")
        }
    }

    private func prepare(
        _ writes: [CheckoutComparison.Write], _ tree: CommitTree, _ build: KeptBuild?
    ) throws -> [Prepared] {
        try clearStage()
        guard !writes.isEmpty else { return [] }
        try PrivateFile.makeDirectory(stagePath)
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
        if entry.kind == .link {
            let target = try tree.target(of: entry, at: TreePath(path))
            guard symlink(target, path) == 0 else { throw GitError.system("write \(path)", errno) }
            return
        }
        try tree.withContent(of: entry) { content in
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
