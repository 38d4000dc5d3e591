import Deploy
import Glibc
import Reconcile

/// A commit that lies prepared beside the checkout.
package struct GitStagedCheckout: StagedCheckout {
    let checkout: Checkout
    let commit: CommitID
    let manifest: CheckoutManifest
    let kept: [CheckoutManifest.File]
    let prepared: [Checkout.Prepared]
    let removed: [TreePath]
    /// The directories that the commit needs.
    let wantedDirectories: Set<TreePath>

    private let thread = BlockingThread("git-checkout")

    init(
        checkout: Checkout, commit: CommitID, manifest: CheckoutManifest, kept: [CheckoutManifest.File],
        prepared: [Checkout.Prepared], removed: [TreePath], wantedDirectories: Set<TreePath>
    ) {
        self.checkout = checkout
        self.commit = commit
        self.manifest = manifest
        self.kept = kept
        self.prepared = prepared
        self.removed = removed
        self.wantedDirectories = wantedDirectories
    }

    package func switchOver() async throws {
        let value = self
        try await thread.run { try value.putInPlace() }
    }

    package func discard() async {
        let checkout = checkout
        _ = try? await thread.run { try checkout.clearStage() }
    }

    private func putInPlace() throws {
        let directory = try CheckoutDirectory(making: checkout.treePath)
        if !prepared.isEmpty || !removed.isEmpty { try announced().save(checkout.manifestPath) }
        for path in removed { try directory.removeFile(path) }
        try removeEmptyDirectories(directory)
        directory.forget()
        var files = kept
        if !prepared.isEmpty {
            let stage = open(checkout.stagePath, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard stage >= 0 else { throw GitError.system("open \(checkout.stagePath)", errno) }
            defer { close(stage) }
            for file in prepared {
                let status = try directory.place(
                    file.name, from: stage, at: file.path, replacing: file.isReplacing)
                files.append(
                    CheckoutManifest.File(
                        path: file.path, id: file.entry.contentID, mode: file.mode,
                        stamp: CheckoutManifest.Stamp(status)))
            }
        }
        files.sort { $0.path < $1.path }
        try CheckoutManifest(commit: commit.hex, files: files).save(checkout.manifestPath)
        try checkout.clearStage()
    }

    /// The manifest for the time of the change: everything old and new is ours, and nothing that changes is trusted.
    func announced() -> CheckoutManifest {
        var files: [TreePath: CheckoutManifest.File] = [:]
        for file in manifest.files { files[file.path] = file }
        for file in kept { files[file.path] = file }
        for path in removed { files[path]?.stamp = nil }
        for file in prepared {
            files[file.path] = CheckoutManifest.File(
                path: file.path, id: file.entry.contentID, mode: file.mode, stamp: nil)
        }
        return CheckoutManifest(
            commit: commit.hex, isSwitching: true, files: files.values.sorted { $0.path < $1.path })
    }

    /// Removes the directories that held removed files and that the commit does not need, if they are empty now.
    /// One that is needed stays as it is: containers have it mounted.
    private func removeEmptyDirectories(_ directory: CheckoutDirectory) throws {
        let blocking = prepared.map(\.path).filter { !$0.text.isEmpty }
        let candidates = TreePath.directories(of: removed).union(blocking).subtracting(wantedDirectories)
        for path in candidates.sorted().reversed() {
            guard case .present(let status) = try directory.look(at: path), status.st_mode & S_IFMT == S_IFDIR
            else { continue }
            try directory.removeIfEmpty(path)
        }
    }
}
