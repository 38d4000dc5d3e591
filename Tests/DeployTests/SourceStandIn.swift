import Compose
import Deploy
import Reconcile
import Synchronization
import WatcherTestSupport

/// A repository in memory, with a checkout that is only a set of files.
final class SourceStandIn: CommitSource {
    struct State: Sendable {
        var commits: [Commit] = []
        /// What the branch names; nil is the newest commit.
        var tip: CommitID?
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
        /// The tag at the tip, where tags are followed.
        var tag: Tag?
        /// Signatures of commits and of tag objects; what is missing is unsigned.
        var signatures: [String: SignatureState] = [:]
        /// What of commits and tags was verified.
        var verified: [String] = []
        /// Whom the verifier trusts.
        var verifier = "alice"
        var verifierTrouble: Trouble?
        var checkedOut: CommitID?

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

    func fetchRevision() async throws -> Tip {
        try life.spend()
        return try with { state in
            if let trouble = state.trouble { throw trouble }
            guard let tip = state.tip.flatMap({ id in state.commits.first { $0.id == id } }) ?? state.commits.last
            else {
                throw Trouble(reason: .branchMissing, message: "no branch")
            }
            return Tip(commit: tip, tag: state.tag)
        }
    }

    func history(of commit: CommitID, after base: CommitID, atMost count: Int) async throws -> [CommitID] {
        with { state in
            var ids: [CommitID] = []
            var next: CommitID? = commit
            while let id = next, id != base, ids.count < count {
                ids.append(id)
                next = state.commits.first { $0.id == id }?.parents.first
            }
            return ids
        }
    }

    func checkedOutCommit() async throws -> CommitID? { with { $0.checkedOut } }

    func verifier(_ settings: VerificationSettings) async throws -> any SignatureVerifier {
        if let trouble = with({ $0.verifierTrouble }) { throw trouble }
        return Verifier(source: self, id: with { $0.verifier })
    }

    private struct Verifier: SignatureVerifier {
        var source: SourceStandIn
        var id: String

        func state(of commit: CommitID) async throws -> SignatureState { state(commit.hex, "commit \(commit.short)") }
        func state(of tag: Tag, at commit: CommitID) async throws -> SignatureState {
            state(tag.object, "tag \(tag.name)")
        }

        private func state(_ object: String, _ name: String) -> SignatureState {
            source.with { state in
                state.verified.append(object)
                return state.signatures[object] ?? .refused(SignatureFault(.unsigned, name))
            }
        }
    }

    func commit(named revision: String) async throws -> Commit? {
        with { state in revision.count < 4 ? nil : state.commits.first { $0.id.hex.hasPrefix(revision) } }
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
