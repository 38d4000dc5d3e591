import Compose
import Deploy
import FoundationEssentials
import Glibc
package import Reconcile
import Synchronization

// A commit with everything that it refers to outside of its own repository: submodules, and contents kept by Git LFS.

extension GitRepository {
    /// The complete trees of a run: to find submodules and LFS files anew for each question would cost a walk each.
    final class KnownTrees: Sendable {
        private static let limit = 3
        private let trees = Mutex<[(commit: CommitID, tree: CommitTree)]>([])

        subscript(commit: CommitID) -> CommitTree? {
            trees.withLock { $0.first { $0.commit == commit }?.tree }
        }

        func add(_ tree: CommitTree, of commit: CommitID) {
            trees.withLock { trees in
                trees.removeAll { $0.commit == commit }
                trees.append((commit, tree))
                if trees.count > Self.limit { trees.removeFirst() }
            }
        }

        func removeAll() { trees.withLock { $0 = [] } }
    }

    /// A commit's tree as far as it is here, and what is not.
    struct CachedTree: Sendable {
        let tree: CommitTree
        let modules: ModuleSurvey
        let files: LFSSurvey
    }

    package func provide(
        _ commit: CommitID, progress: @escaping @Sendable (String) -> Void
    ) async throws {
        try await withTree(of: commit, progress: progress) { _ in }
    }

    /// The commit's tree with as much of its submodules as is here; asks no remote.
    ///
    /// Throws `LibGit2.Failure` when the cache lacks the commit or is damaged.
    func cachedTree(of commit: CommitID) throws -> CachedTree {
        let tree = try CommitTree(commit, in: ObjectCache(opening: cacheDirectory.path), limits: limits)
        var survey = ModuleSurvey(tree, project: project, settings: modules, stateDirectory: stateDirectory)
        try survey.run()
        var files = LFSSurvey(project: project, settings: modules, stateDirectory: stateDirectory)
        if modules.fetchesLFS { for place in survey.places { try files.add(place) } }
        guard !survey.roots.isEmpty || !files.contents.isEmpty else {
            return CachedTree(tree: tree, modules: survey, files: files)
        }
        let whole = try CommitTree(
            root: tree.root, in: tree.cache, limits: limits, modules: survey.roots, contents: files.contents)
        return CachedTree(tree: whole, modules: survey, files: files)
    }

    /// The commit's tree with all of its submodules; those that are missing are fetched.
    func completeTree(
        of commit: CommitID, progress: @escaping @Sendable (String) -> Void
    ) async throws -> CommitTree {
        if let known = trees[commit] { return known }
        // Each round can find submodules of those that the last one fetched.
        for _ in 0...ModuleSurvey.depthLimit + 2 {
            let found = try await thread.run { try cachedTree(of: commit) }
            if !found.modules.missing.isEmpty {
                try await fetch(found.modules.missing, progress)
            } else if !found.files.missing.isEmpty {
                try await download(found.files.missing, progress)
            } else {
                trees.add(found.tree, of: commit)
                return found.tree
            }
        }
        throw GitError(.stateUnusable, "what \(commit.short) refers to was fetched and is not there")
    }

    /// Says that the caches of a commit's submodules cannot be trusted.
    func markModulesDamaged(of commit: CommitID) {
        guard let survey = try? cachedTree(of: commit).modules else { return }
        for module in survey.present { module.remote.cache(in: stateDirectory).markDamaged() }
    }

    private func fetch(_ modules: [ModuleSurvey.Module], _ progress: @Sendable (String) -> Void) async throws {
        let groups = Dictionary(grouping: modules) { $0.remote }.values.map { $0.sorted { $0.path < $1.path } }
        for group in groups.sorted(by: { $0[0].path < $1[0].path }) {
            let remote = group[0].remote
            for module in group { progress("fetching the submodule \(module.path) from \(remote.url)") }
            do {
                let answers = try await network.perform(request(for: group.map(\.revision), of: remote))
                for module in group { try module.check(answers) }
            } catch let error as GitError {
                throw error.about(group[0])
            }
        }
    }

    /// Downloads contents that are kept by Git LFS, some hundreds in a step.
    private func download(
        _ missing: [LFSEndpoint: Set<LFSPointer>], _ progress: @Sendable (String) -> Void
    ) async throws {
        for (endpoint, pointers) in missing.sorted(by: { $0.key.remote.url.text < $1.key.remote.url.text }) {
            let all = pointers.sorted { $0.oid < $1.oid }
            let count = "\(all.count) file\(all.count == 1 ? "" : "s")"
            progress("fetching \(count) kept by Git LFS of \(endpoint.remote.url)")
            if case .directory(let path) = endpoint.place {
                let isSafe = access.isSafeDirectory
                try await thread.run {
                    try LocalRepository(path: path, isSafe: isSafe).check()
                    try Self.copy(all, of: path, to: endpoint.store)
                }
                continue
            }
            for start in stride(from: 0, to: all.count, by: LFSRequest.limit) {
                let pointers = Array(all[start..<min(start + LFSRequest.limit, all.count)])
                var request = try request(for: [], of: endpoint.remote)
                var address: String?
                if case .web(let text) = endpoint.place { address = text }
                request.lfs = LFSRequest(endpoint: address, pointers: pointers, store: endpoint.store.directory)
                _ = try await network.allowing(pointers.reduce(0) { $0 + $1.size }).perform(request)
            }
        }
    }

    /// Copies contents from a repository on this host, bare or not.
    private static func copy(_ pointers: [LFSPointer], of repository: String, to store: LFSStore) throws {
        try store.prepare()
        for pointer in pointers {
            let below = "lfs/objects/\(pointer.oid.prefix(2))/\(pointer.oid.dropFirst(2).prefix(2))/\(pointer.oid)"
            if pointer.size == 0 {
                try store.receive(pointer).finish(from: repository)
                continue
            }
            if try store.copy(pointer, from: "\(repository)/\(below)") { continue }
            if try store.copy(pointer, from: "\(repository)/.git/\(below)") { continue }
            throw GitError(
                .remoteUnreachable, "\(repository) does not have the Git LFS object \(pointer.oid.prefix(12))",
                advice: "Push it there (`git lfs push --all`); the next run tries again.")
        }
    }

    private func request(for revisions: [Revision], of remote: ModuleRemote) throws -> GitNetworkRequest {
        var request = try request(for: revisions, remote.url, remote.access)
        request.cache = remote.cache(in: stateDirectory).path
        request.isAnonymous = remote.isAnonymous
        request.takesUnadvertised = true
        return request
    }
}

extension ModuleSurvey.Module {
    fileprivate var revision: Revision { .commit(commit.hex) }

    fileprivate func check(_ answers: FetchAnswers) throws {
        do { _ = try answers.tip(of: revision) } catch let error as GitError where error.reason == .commitMissing {
            // The commit may be pushed there any time, and then this one deploys: it is not recorded as invalid.
            throw GitError(
                .remoteUnreachable, "\(remote.url) does not have the commit \(commit.hex)",
                advice: "Push it there; the next run tries again.")
        }
    }
}

extension GitError {
    /// The error with the submodule that it is about.
    fileprivate func about(_ module: ModuleSurvey.Module) -> GitError {
        let what = "the submodule \(module.path) (commit \(module.commit.short)) cannot be fetched: \(message)"
        // The address is the commit's, not the configuration's; servers say of what we may not see that it is not there.
        guard reason != .invalidConfiguration else {
            return GitError(
                .authenticationFailed, what,
                advice:
                    "Correct .gitmodules, or give the project access; other servers than the repository's own need an "
                    + "entry in git.submodules.")
        }
        guard reason == .authenticationFailed, module.remote.isAnonymous else {
            return GitError(reason, what, advice: advice)
        }
        return GitError(
            reason, what,
            advice: "The project's credentials are not sent to other servers: name this one in git.submodules.")
    }
}
