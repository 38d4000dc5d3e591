package import Compose
package import Deploy
import FoundationEssentials
import Glibc
package import Reconcile
import Synchronization
import Trust

/// A project's repository: its remote, its cache and its checkout.
///
/// Nothing is opened and libgit2 is not started before the first call. Blocking work runs on threads of its own. The
/// cache may be shared with other projects and processes; the checkout belongs to the holder of the project's lock.
package struct GitRepository: CommitSource {
    package let url: GitRemoteURL
    package let revision: Revision
    package let checkoutPath: String
    private let access: GitAccess
    private let projectDirectory: String
    private let readableOutside: [String]
    private let protected: [ProtectedPath]
    private let network: GitNetwork
    private let fetches: SharedFetches
    private let cacheDirectory: CacheDirectory
    private let limits: RepositoryLimits
    private let recent = RecentTree()
    private let thread = BlockingThread("git")

    /// - Parameters:
    ///   - stateDirectory: the state directory; the cache is `git/<repository>` in it.
    ///   - projectDirectory: `projects/<name>` in the state directory; the checkout is `tree` in it. Absolute.
    ///   - readableOutside: absolute paths outside of the checkout that the loader may read, such as env files named by
    ///     the configuration; a directory allows what is below it.
    ///   - protected: what must not be read although it may be below `readableOutside`.
    ///   - fetches: what is fetched together with other projects of the run.
    ///   - limits: how much a commit may hold.
    package init(
        url: GitRemoteURL, revision: Revision, access: GitAccess = GitAccess(), stateDirectory: String,
        projectDirectory: String, readableOutside: [String] = [], protected: [ProtectedPath] = [],
        network: GitNetwork = GitNetwork(),
        fetches: SharedFetches = SharedFetches([]), limits: RepositoryLimits = .standard
    ) {
        self.limits = limits
        self.url = url
        self.revision = revision
        self.access = access
        self.projectDirectory = projectDirectory
        self.readableOutside = readableOutside
        self.protected = protected
        self.network = network
        self.fetches = fetches
        checkoutPath = projectDirectory + "/tree"
        cacheDirectory = CacheDirectory(path: "\(stateDirectory)/git/\(url.cacheName)")
    }

    package func fetchRevision() async throws -> Tip {
        let fetched = try await fetch()
        return Tip(commit: fetched.commit, tag: fetched.tag)
    }

    package func fetchTip() async throws -> Commit { try await fetch().commit }

    /// Like `fetchTip`, and says under which branch or tag the commit was found and whether it was downloaded.
    package func fetch() async throws -> FetchedTip { try await shared() }

    /// Makes the network step, or takes what it has found already, for a project that another process works on.
    package func answer() async -> GitNetworkAnswer {
        do { return .tip(try await shared()) } catch let error as GitError { return .failure(error) } catch {
            return .failure(GitError(.unexpected, "the network step failed: \(error)"))
        }
    }

    private func shared() async throws -> FetchedTip {
        try await fetches.fetch(revision, of: url, access) { try await network.perform(request(for: $0)) }
    }

    private func request(for revisions: [Revision]) throws -> GitNetworkRequest {
        let environment = ProcessInfo.processInfo.environment
        let isWeb = url.transport == .http || url.transport == .https
        let password = try (isWeb ? access.password : nil)?.text(for: "git.password", environment: environment)
        try url.checkPrivacy(access)
        let isSSH = url.transport == .ssh
        let key = try (isSSH ? access.sshKey : nil)?.path(for: "git.ssh_key", environment: environment)
        if isSSH, let file = access.knownHosts { try TrustedFile.check(file, as: "git.known_hosts:") }
        return GitNetworkRequest(
            url: url.text, revisions: revisions, cache: cacheDirectory.path, sshKey: key,
            knownHosts: access.knownHosts, username: access.username, password: password,
            allowsInsecureHTTP: access.allowsInsecureHTTP, isSafeDirectory: access.isSafeDirectory, seconds: 0,
            limits: limits)
    }

    package func commit(named revision: String) async throws -> Commit? {
        try await inCache(orElse: nil) { try $0.commit(named: revision) }
    }

    package func isAncestor(_ ancestor: CommitID, of commit: CommitID) async throws -> Bool {
        let limits = limits
        return try await inCache(orElse: false) { try $0.isAncestor(ancestor, of: commit, limits) }
    }

    package func history(of commit: CommitID, after base: CommitID, atMost count: Int) async throws -> [CommitID] {
        let (directory, limits) = (cacheDirectory, limits)
        // No answer would be one: that there is nothing to verify.
        return try await thread.run {
            do {
                return try ObjectCache(opening: directory.path).history(
                    of: commit, after: base, atMost: count, limits)
            } catch let failure as LibGit2.Failure {
                directory.markDamaged()
                throw GitError(
                    .stateUnusable, "the cache \(directory.path) is damaged: \(failure.text)",
                    advice: "The next run fetches it again.")
            }
        }
    }

    package func checkedOutCommit() async throws -> CommitID? {
        let checkout = Checkout(projectDirectory: projectDirectory)
        return try await thread.run { try checkout.commit() }
    }

    package func verifier(_ settings: VerificationSettings) async throws -> any SignatureVerifier {
        let path = cacheDirectory.path
        return try await thread.run { try GitSignatureVerifier(settings, cache: path) }
    }

    package func newestChanges(
        of paths: [String], after base: CommitID, upTo commit: CommitID
    ) async throws -> [String: CommitID] {
        try await inCache(orElse: [:]) { try $0.newestChanges(of: paths, after: base, upTo: commit) }
    }

    package func files(of commit: CommitID, _ build: BuildID?) async throws -> FileAccess {
        let directory = cacheDirectory
        let place = BuildPlace(projectDirectory: projectDirectory)
        let outside = OutsideFiles(readable: readableOutside, protected: protected)
        return try await withTree(of: commit) { tree in
            let files = TreeFiles(
                tree: tree, checkoutPath: checkoutPath, outside: outside,
                damaged: { directory.markDamaged() }
            ).access
            guard let build else { return files }
            return BuiltFiles(files: files, build: try place.kept(build), checkoutPath: checkoutPath).access
        }
    }

    package func compareCheckout(with commit: CommitID, _ build: BuildID?) async throws -> CheckoutDifference {
        let checkout = Checkout(projectDirectory: projectDirectory)
        let place = BuildPlace(projectDirectory: projectDirectory)
        return try await withTree(of: commit) { tree in
            try checkout.compare(tree, build.map { try place.kept($0) }).difference
        }
    }

    package func stageCheckout(of commit: CommitID, _ build: BuildID?) async throws -> any StagedCheckout {
        let checkout = Checkout(projectDirectory: projectDirectory)
        let place = BuildPlace(projectDirectory: projectDirectory)
        return try await withTree(of: commit) { tree in
            try checkout.stage(commit, tree, build.map { try place.kept($0) })
        }
    }

    package func omissions(of commit: CommitID) async throws -> [String] {
        try await withTree(of: commit) { try $0.omissions() }
    }

    package func keptBuilds() async throws -> Set<BuildID> {
        let place = BuildPlace(projectDirectory: projectDirectory)
        return try await thread.run { try place.all() }
    }

    package func beginBuild(_ build: BuildID, user: String?) async throws -> String {
        let place = BuildPlace(projectDirectory: projectDirectory)
        return try await withTree(of: build.commit) { tree in try place.begin(tree, user: user) }
    }

    package func finishBuild(_ build: BuildID) async throws -> Int {
        let place = BuildPlace(projectDirectory: projectDirectory)
        return try await withTree(of: build.commit) { tree in try place.finish(build, tree) }
    }

    package func abandonBuild() async {
        let place = BuildPlace(projectDirectory: projectDirectory)
        _ = try? await thread.run { try place.clear() }
    }

    package func keepBuilds(_ builds: Set<BuildID>) async throws {
        let place = BuildPlace(projectDirectory: projectDirectory)
        try await thread.run { try place.keep(builds) }
    }

    /// Asks the open cache; an absent cache answers `otherwise`, and so does a damaged one, which is marked for renewal.
    private func inCache<R: Sendable>(
        orElse otherwise: R, _ body: @escaping @Sendable (ObjectCache) throws -> R
    ) async throws -> R {
        let directory = cacheDirectory
        return try await thread.run {
            guard Glibc.access(directory.path, F_OK) == 0 else { return otherwise }
            do { return try body(ObjectCache(opening: directory.path)) } catch is LibGit2.Failure {
                directory.markDamaged()
                return otherwise
            }
        }
    }

    /// Calls `body` with the commit's tree. When the cache lacks the commit or is damaged, the commit is fetched again,
    /// into a new cache if need be, and `body` called once more.
    private func withTree<R: Sendable>(
        of commit: CommitID, _ body: @escaping @Sendable (CommitTree) throws -> R
    ) async throws -> R {
        let (directory, recent, limits) = (cacheDirectory, recent, limits)
        let attempt: @Sendable () throws -> R = {
            // One that was opened earlier may be of a cache that another process has replaced since.
            if let tree = recent.tree(of: commit), let result = try? body(tree) { return result }
            let tree = try CommitTree(commit, in: ObjectCache(opening: directory.path), limits: limits)
            recent.keep(tree, of: commit)
            return try body(tree)
        }
        do { return try await thread.run(attempt) } catch let failure as LibGit2.Failure {
            let isThere = (try? await self.commit(named: commit.hex)) != nil
            if isThere || !failure.isNotFound { try await thread.run { directory.markDamaged() } }
        }
        let missing = Revision.commit(commit.hex)
        _ = try await network.perform(request(for: [missing])).tip(of: missing)
        do { return try await thread.run(attempt) } catch let failure as LibGit2.Failure {
            throw GitError(.stateUnusable, "the cache \(directory.path) stays damaged: \(failure.text)")
        }
    }
}

/// The tree that was looked through last: the steps of a run ask for the same one.
private final class RecentTree: Sendable {
    private let kept = Mutex<(commit: CommitID, tree: CommitTree)?>(nil)

    func tree(of commit: CommitID) -> CommitTree? { kept.withLock { $0?.commit == commit ? $0?.tree : nil } }

    func keep(_ tree: CommitTree, of commit: CommitID) { kept.withLock { $0 = (commit, tree) } }
}
