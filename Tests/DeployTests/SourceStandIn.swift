import Compose
import Deploy
import Reconcile
import Synchronization
import WatcherTestSupport

/// A repository in memory, with a checkout that is only a set of files.
final class SourceStandIn: CommitSource {
    struct State: Sendable {
        var commits: [Commit] = []
        var trees: [CommitID: FileTree] = [:]
        /// The files of the checkout.
        var checkout = FileTree([:])
        /// What the checkout held when it was last switched: what differs from it was changed by somebody else.
        var written = FileTree([:])
        var trouble: Trouble?
        var stagingTrouble: Trouble?
        var staged = 0
        var discarded = 0
        /// What builds that end make: text by path relative to the checkout.
        var outputs: [String: String] = [:]
        var builds: [BuildID: [String: String]] = [:]
        var isBuilding = false
        var omissions: [String] = []

        func tree(of commit: CommitID, _ build: BuildID?) -> FileTree? {
            guard var tree = trees[commit] else { return nil }
            for (path, text) in build.flatMap({ builds[$0] }) ?? [:] { tree.files["/checkout/\(path)"] = text }
            return tree
        }
    }

    struct Staged: StagedCheckout {
        var source: SourceStandIn
        var tree: FileTree

        func switchOver() async throws {
            source.with {
                $0.checkout = tree
                $0.written = tree
            }
        }
        func discard() async { source.with { $0.discarded += 1 } }
    }

    let checkoutPath = "/checkout"
    private let life: Life
    private let held = Mutex(State())

    init(_ life: Life) { self.life = life }

    func with<Value: Sendable>(_ body: (inout State) throws -> Value) rethrows -> Value {
        try held.withLock { try body(&$0) }
    }

    /// Commits files, by path relative to the checkout, on top of the newest commit, or of another parent.
    @discardableResult
    func commit(_ subject: String, _ files: [String: String], onto parent: CommitID? = nil) -> Commit {
        with { state in
            let number = String(state.commits.count + 1)
            let id = CommitID(hex: String(repeating: number, count: 40 / number.count))
            let commit = Commit(
                id: id, parents: [parent ?? state.commits.last?.id].compactMap { $0 }, author: "A <a@b>",
                subject: subject, time: state.commits.count)
            state.commits.append(commit)
            state.trees[id] = FileTree(
                Dictionary(uniqueKeysWithValues: files.map { ("/checkout/\($0.key)", $0.value) }))
            return commit
        }
    }

    func fetchTip() async throws -> Commit {
        try life.spend()
        return try with { state in
            if let trouble = state.trouble { throw trouble }
            guard let tip = state.commits.last else { throw Trouble(reason: .branchMissing, message: "no branch") }
            return tip
        }
    }

    func commit(named revision: String) async throws -> Commit? {
        with { $0.commits.first { $0.id.hex.hasPrefix(revision) } }
    }

    func isAncestor(_ ancestor: CommitID, of commit: CommitID) async throws -> Bool {
        with { state in
            var next: CommitID? = commit
            while let id = next {
                if id == ancestor { return true }
                next = state.commits.first { $0.id == id }?.parents.first
            }
            return false
        }
    }

    func newestChanges(
        of paths: [String], after base: CommitID, upTo commit: CommitID
    ) async throws -> [String: CommitID] {
        with { state in
            var changes: [String: CommitID] = [:]
            var next: CommitID? = commit
            while let id = next, id != base {
                let parent = state.commits.first { $0.id == id }?.parents.first
                let (new, old) = (state.trees[id]?.files, parent.flatMap { state.trees[$0]?.files })
                for path in paths where changes[path] == nil {
                    if new?["/checkout/\(path)"] != old?["/checkout/\(path)"] { changes[path] = id }
                }
                next = parent
            }
            return changes
        }
    }

    func files(of commit: CommitID, _ build: BuildID?) async throws -> FileAccess {
        guard let tree = with({ $0.tree(of: commit, build) }) else {
            throw Trouble(reason: .commitMissing, message: "no commit \(commit)")
        }
        return tree.access
    }

    func omissions(of commit: CommitID) async throws -> [String] { with { $0.omissions } }

    func keptBuilds() async throws -> Set<BuildID> { with { Set($0.builds.keys) } }

    func beginBuild(_ build: BuildID, user: String?) async throws -> String {
        try life.spend()
        with { $0.isBuilding = true }
        return "/build"
    }

    func finishBuild(_ build: BuildID) async throws -> Int {
        try life.spend()
        return with { state in
            state.isBuilding = false
            state.builds[build] = state.outputs
            return state.outputs.count
        }
    }

    func abandonBuild() async { with { $0.isBuilding = false } }

    func keepBuilds(_ builds: Set<BuildID>) async throws {
        with { $0.builds = $0.builds.filter { builds.contains($0.key) } }
    }

    func compareCheckout(with commit: CommitID, _ build: BuildID?) async throws -> CheckoutDifference {
        try with { state in
            if let trouble = state.stagingTrouble { throw trouble }
            let tree = state.tree(of: commit, build) ?? FileTree([:])
            let paths = Set(tree.files.keys).union(state.checkout.files.keys)
            let changed = paths.filter { tree.files[$0] != state.checkout.files[$0] }
            let restored = changed.filter {
                tree.files[$0] != nil && state.checkout.files[$0] != state.written.files[$0]
            }
            func relative(_ paths: Set<String>) -> [String] {
                paths.map { String($0.dropFirst("/checkout/".count)) }.sorted()
            }
            return CheckoutDifference(changedPaths: relative(changed), restoredPaths: relative(restored))
        }
    }

    func stageCheckout(of commit: CommitID, _ build: BuildID?) async throws -> any StagedCheckout {
        try life.spend()
        return try with { state in
            if let trouble = state.stagingTrouble { throw trouble }
            state.staged += 1
            return Staged(source: self, tree: state.tree(of: commit, build) ?? FileTree([:]))
        }
    }
}
