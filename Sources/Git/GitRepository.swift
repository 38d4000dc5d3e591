package import Compose
package import Deploy
import FoundationEssentials
import Glibc
package import Reconcile
import Trust

/// A project's repository: its remote, its cache and its checkout.
///
/// Nothing is opened and libgit2 is not started before the first call. Blocking work runs on threads of its own. The
/// cache may be shared with other projects and processes; the checkout belongs to the holder of the project's lock.
package struct GitRepository: CommitSource {
    package let url: GitRemoteURL
    package let revision: Revision
    package let checkoutPath: String
    let modules: ModuleSettings
    let access: GitAccess
    private let projectDirectory: String
    private let readableOutside: [String]
    private let protected: [ProtectedPath]
    let network: GitNetwork
    private let fetches: SharedFetches
    let stateDirectory: String
    let cacheDirectory: CacheDirectory
    let limits: RepositoryLimits
    let thread = BlockingThread("git")
    let trees = KnownTrees()

    /// - Parameters:
    ///   - stateDirectory: the state directory; the cache is `git/<repository>` in it.
    ///   - projectDirectory: `projects/<name>` in the state directory; the checkout is `tree` in it. Absolute.
    ///   - readableOutside: absolute paths outside of the checkout that the loader may read, such as env files named by
    ///     the configuration; a directory allows what is below it.
    ///   - protected: what must not be read although it may be below `readableOutside`.
    ///   - modules: what of submodules and Git LFS is fetched, and with which credentials.
    ///   - fetches: what is fetched together with other projects of the run.
    ///   - limits: how much a commit may hold.
    package init(
        url: GitRemoteURL, revision: Revision, access: GitAccess = GitAccess(), stateDirectory: String,
        projectDirectory: String, readableOutside: [String] = [], protected: [ProtectedPath] = [],
        modules: ModuleSettings = ModuleSettings(), network: GitNetwork = GitNetwork(),
        fetches: SharedFetches = SharedFetches([]), limits: RepositoryLimits = .standard
    ) {
        self.limits = limits
        self.url = url
        self.revision = revision
        self.access = access
        self.modules = modules
        self.stateDirectory = stateDirectory
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

    /// The repository itself, as its submodules see it.
    var project: ModuleRemote { ModuleRemote(ofProject: url, access) }

    private func request(for revisions: [Revision]) throws -> GitNetworkRequest {
        try request(for: revisions, url, access)
    }

    func request(for revisions: [Revision], _ url: GitRemoteURL, _ access: GitAccess) throws -> GitNetworkRequest {
        let environment = ProcessInfo.processInfo.environment
        let isWeb = url.transport == .http || url.transport == .https
        let password = try (isWeb ? access.password : nil)?.text(for: "git.password", environment: environment)
        try url.checkPrivacy(access)
        let isSSH = url.transport == .ssh
        let key = try (isSSH ? access.sshKey : nil)?.path(for: "git.ssh_key", environment: environment)
        if isSSH, let file = access.knownHosts { try TrustedFile.check(file, as: "git.known_hosts:") }
        if isWeb, let file = access.certificateAuthority { try TrustedFile.check(file, as: "git.ca:") }
        return GitNetworkRequest(
            url: url.text, revisions: revisions, cache: cacheDirectory.path, sshKey: key,
            knownHosts: access.knownHosts, certificateAuthority: access.certificateAuthority, username: access.username,
            password: password,
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
        // Asks no remote: a commit may be looked at before it is known whether it will be deployed.
        return try await inCommit(
            commit, { try await thread.run { try trees[commit] ?? cachedTree(of: commit).tree } }
        ) { tree in
            let files = TreeFiles(
                tree: tree, checkoutPath: checkoutPath, outside: outside,
                damaged: {
                    markModulesDamaged(of: commit)
                    directory.markDamaged()
                }
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
        let settings = modules
        return try await withTree(of: commit) { try $0.omissions(settings) }
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

    /// Calls `body` with the commit's whole tree, submodules and contents of Git LFS included; what is missing of those is
    /// fetched. Damaged caches are filled again, and `body` is called once more.
    func withTree<R: Sendable>(
        of commit: CommitID, progress: @escaping @Sendable (String) -> Void = { _ in },
        _ body: @escaping @Sendable (CommitTree) throws -> R
    ) async throws -> R {
        try await inCommit(commit, { try await completeTree(of: commit, progress: progress) }, body)
    }

    /// Calls `body` with the tree. When the cache lacks the commit or is damaged, the commit is fetched again, into a new
    /// cache if need be, and `body` called once more.
    private func inCommit<R: Sendable>(
        _ commit: CommitID, _ tree: @escaping @Sendable () async throws -> CommitTree,
        _ body: @escaping @Sendable (CommitTree) throws -> R
    ) async throws -> R {
        let directory = cacheDirectory
        let attempt: @Sendable () async throws -> R = {
            let tree = try await tree()
            return try await thread.run { try body(tree) }
        }
        let wasKnown = trees[commit] != nil
        do { return try await attempt() } catch is LibGit2.Failure where wasKnown {
            // Another run may have renewed the cache since it was opened.
            trees.removeAll()
        } catch let failure as LibGit2.Failure {
            try await markDamaged(failure, commit)
        }
        if wasKnown {
            do { return try await attempt() } catch let failure as LibGit2.Failure {
                try await markDamaged(failure, commit)
            }
        }
        let missing = Revision.commit(commit.hex)
        _ = try await network.perform(request(for: [missing])).tip(of: missing)
        do { return try await attempt() } catch let failure as LibGit2.Failure {
            throw GitError(.stateUnusable, "the cache \(directory.path) stays damaged: \(failure.text)")
        }
    }

    private func markDamaged(_ failure: LibGit2.Failure, _ commit: CommitID) async throws {
        trees.removeAll()
        let isThere = (try? await self.commit(named: commit.hex)) != nil
        guard isThere || !failure.isNotFound else { return }
        try await thread.run {
            markModulesDamaged(of: commit)
            cacheDirectory.markDamaged()
        }
    }
}
