package import Compose
package import Reconcile

// The ports through which the flow meets the slow and the remote. Each has one real implementation in an adapter and
// one stateful stand-in in the tests; everything else is called directly.

/// Where commits come from: a branch of a repository, its local cache and its checkout.
package protocol CommitSource: Sendable {
    /// Asks the remote for what the configured revision names, downloads what is missing and returns it.
    /// Nothing is downloaded when it is in the cache already.
    func fetchRevision() async throws -> Tip
    /// The commit a revision names (full or abbreviated id) in the cache; nil when there is none.
    func commit(named revision: String) async throws -> Commit?
    /// Whether `ancestor` is reachable from `commit`; true when they are the same; false when either is unknown.
    func isAncestor(_ ancestor: CommitID, of commit: CommitID) async throws -> Bool
    /// The commits that `commit` has and `base` has not, newest first, at most so many; all that it has when `base` is
    /// unknown. Throws when `commit` is.
    func history(of commit: CommitID, after base: CommitID, atMost count: Int) async throws -> [CommitID]
    /// The commit whose files lie in the checkout, as far as that is known.
    func checkedOutCommit() async throws -> CommitID?
    /// Reads and checks whom the settings trust. Throws when that cannot be done.
    func verifier(_ settings: VerificationSettings) async throws -> any SignatureVerifier
    /// The newest commit that changed each path (relative to the repository), among those that `commit` has and `base` has
    /// not; a path that none of them changed is missing.
    func newestChanges(of paths: [String], after base: CommitID, upTo commit: CommitID) async throws
        -> [String: CommitID]
    /// The commit's files, with a build's outputs over them, laid virtually over the checkout path (see `FileAccess`).
    func files(of commit: CommitID, _ build: BuildID?) async throws -> FileAccess
    /// What switching the checkout to the commit and a build's outputs would change. Reads only; an untracked file that is in
    /// the way is an error here as it is when staging.
    func compareCheckout(with commit: CommitID, _ build: BuildID?) async throws -> CheckoutDifference
    /// Writes what the commit and a build's outputs change beside the checkout, so that switching is only renames.
    func stageCheckout(of commit: CommitID, _ build: BuildID?) async throws -> any StagedCheckout
    /// Downloads what the commit refers to outside of the repository and is not here yet: submodules, and contents that are
    /// kept by Git LFS. `progress` gets a line for each download.
    ///
    /// Only `fetchTip` and this ask a remote for a commit's sake, and what finds something missing that was here before.
    func provide(_ commit: CommitID, progress: @escaping @Sendable (String) -> Void) async throws
    /// What the commit has and this source does not provide: a sentence each on submodules, and on files whose contents are
    /// kept by Git LFS. Empty for most commits.
    func omissions(of commit: CommitID) async throws -> [String]
    /// The absolute, stable path of the checkout.
    var checkoutPath: String { get }

    /// The builds whose outputs are kept.
    func keptBuilds() async throws -> Set<BuildID>
    /// Writes the commit's files into a fresh directory that only the user can enter (nil: who runs watcher), removing
    /// what an earlier build left, and returns its absolute path.
    func beginBuild(_ build: BuildID, user: String?) async throws -> String
    /// Keeps every file in that directory that the commit does not hold just so as the build's outputs, removes the
    /// directory, and returns how many there are.
    func finishBuild(_ build: BuildID) async throws -> Int
    /// Removes the directory; nothing is kept.
    func abandonBuild() async
    /// Removes the outputs of all other builds, and what a run that died left of one.
    func keepBuilds(_ builds: Set<BuildID>) async throws
}

extension CommitSource {
    package func provide(_ commit: CommitID, progress: @escaping @Sendable (String) -> Void) async throws {}
    package func files(of commit: CommitID) async throws -> FileAccess { try await files(of: commit, nil) }
    package func compareCheckout(with commit: CommitID) async throws -> CheckoutDifference {
        try await compareCheckout(with: commit, nil)
    }
    package func stageCheckout(of commit: CommitID) async throws -> any StagedCheckout {
        try await stageCheckout(of: commit, nil)
    }
}

/// Verifies signatures of commits and tags against those who are trusted.
package protocol SignatureVerifier: Sendable {
    /// What tells those who are trusted from others: the same for the same keys.
    var id: String { get }
    /// What comes of verifying the commit's own signature.
    func state(of commit: CommitID) async throws -> SignatureState
    /// What comes of verifying the signature of an annotated tag, which has to be of this name and lead to this commit.
    func state(of tag: Tag, at commit: CommitID) async throws -> SignatureState
}

/// Runs commands on the host.
package protocol HostCommands: Sendable {
    /// Runs the command to its end; `output` gets whole lines, of standard output and standard error alike, for people.
    /// Nothing that the command started is left when this returns or throws, nor when this process is killed.
    func run(_ command: HostCommand, output: @escaping @Sendable (String) -> Void) async throws -> HostCommandEnd
}

/// How the checkout on disk differs from a commit. Paths are relative to the checkout and sorted.
package struct CheckoutDifference: Sendable, Equatable {
    /// What switching creates, replaces or removes.
    package var changedPaths: [String]
    /// Those of them that somebody changed or removed on disk since they were written. A file that the commit removes is
    /// not among them.
    package var restoredPaths: [String]

    package init(changedPaths: [String] = [], restoredPaths: [String] = []) {
        self.changedPaths = changedPaths
        self.restoredPaths = restoredPaths
    }
}

/// A checkout that is written but not yet in place.
package protocol StagedCheckout: Sendable {
    /// Puts the files in place by renames; only files that differ, never an untracked one.
    func switchOver() async throws
    /// Removes what was staged; nothing else happens.
    func discard() async
}

/// What the flow wants to know of the engine.
package struct ObservationQuery: Sendable, Equatable {
    /// The Compose project name.
    package var project: String
    /// Real names of networks and volumes to look up besides the project's own.
    package var networks: [String] = []
    package var volumes: [String] = []
    /// Image references to look up.
    package var images: [String] = []
    /// Containers of others to look up, by name or id.
    package var containers: [String] = []
    /// Host ports of which to tell what holds them (see `Project.hostPorts`): a container of any project, or a process.
    package var hostPorts: [HostPort] = []
    /// Fixed addresses in networks of which to tell which container outside of the project has them.
    package var fixedAddresses: [NetworkAddress] = []
    /// Enough to see whether anything is to be done: of containers that have run for a minute without a health check the
    /// engine may leave out counts of restarts, start times and restart policies, which saves it a call for each.
    package var isBrief = false

    package init(project: String, networks: [String] = [], volumes: [String] = [], images: [String] = []) {
        self.project = project
        self.networks = networks
        self.volumes = volumes
        self.images = images
    }
}

/// Something that happened to a container: `start`, `die`, `oom`, `health_status`, `destroy` …
package struct ContainerEvent: Sendable, Equatable {
    package var container: ContainerID
    package var action: String

    package init(container: ContainerID, action: String) {
        self.container = container
        self.action = action
    }
}

/// Which deployment made a container, and for which Compose project, by its labels.
package struct ContainerStamp: Sendable, Equatable {
    package var stamp: DeploymentStamp
    package var composeProject: String

    package init(_ stamp: DeploymentStamp, composeProject: String) {
        self.stamp = stamp
        self.composeProject = composeProject
    }

    /// Nil when the labels do not name all of it.
    package init?(labels: [String: String], of project: String) {
        guard labels[ComposeLabels.watcherProject] == project,
            let id = labels[ComposeLabels.watcherDeployment].flatMap(DeploymentID.init),
            let commit = labels[ComposeLabels.watcherCommit], !commit.isEmpty,
            let composeProject = labels[ComposeLabels.project]
        else { return nil }
        self.init(
            DeploymentStamp(project: project, commit: CommitID(hex: commit), deployment: id.number),
            composeProject: composeProject)
    }
}

/// The container engine.
package protocol ContainerEngine: Sendable {
    /// How many operations it takes at once; what is beyond that would wait within its deadline.
    var parallelChanges: Int { get }
    /// What the containers say that watcher made for this project (the configuration's key), whatever their Compose project
    /// is called, and whether they run or not.
    func stamps(of project: String) async throws -> [ContainerStamp]
    /// One round of reads, with a deadline.
    func observe(_ query: ObservationQuery) async throws -> ObservedState
    /// The container as it is now; nil when it is gone.
    func container(_ id: ContainerID) async throws -> ObservedState.Container?
    /// Pulls an image; `progress` gets whole lines for people.
    func pull(_ pull: Plan.ImagePull, progress: @escaping @Sendable (String) -> Void) async throws
    /// Builds an image from the files of a checkout; `log` gets whole lines of the builder's output. `modified` is the time
    /// the files get, in seconds since 1970. An error has the reason `buildFailed` when the files or the build's definition
    /// are at fault; it may be a `ComposeError`.
    func build(
        _ build: ImageBuild, files: FileAccess, modified: Int, log: @escaping @Sendable (String) -> Void
    ) async throws
    /// Performs one operation of a plan (never a wait). Returns the id of the container that it created or started; nil for
    /// one that ran already, and for all other operations.
    func perform(_ operation: Operation<ContainerID>) async throws -> ContainerID?
    /// The project's container events from the moment the call returns. Ends when nothing came for long, and with an error
    /// when the connection broke or the engine ended: then look at the containers again, and call it again.
    func events(project: String) async throws -> AsyncThrowingStream<ContainerEvent, any Error>
    /// Removes the image with this id and all its references; one that is gone is fine. False when it was left alone because
    /// a container, another image or several tags use it.
    func removeImage(_ id: String) async throws -> Bool
    /// The last lines a container wrote, stdout and stderr, control characters removed.
    func lastLines(of id: ContainerID, count: Int) async throws -> [String]
}

/// How much a store remembers at most.
package enum DeploymentStoreLimits {
    /// Verified commits of a project.
    package static let verifiedCommits = 20_000
}

/// The record of deployments. What a writing call stored is on the disk when the call returns, all of it or nothing.
package protocol DeploymentStore: Sendable {
    /// What a run begins with: `lastGood`, `open` and `unresolved` with their snapshots, `latest` without.
    func record(of project: String) async throws -> ProjectRecord
    /// The deployment with its snapshot, what ran before it and what it failed with; nil when there is none.
    func deployment(_ id: DeploymentID) async throws -> Deployment?
    /// The newest deployment that succeeded and that the query does not exclude, with its snapshot; nil when there is none.
    func newestGood(_ query: GoodDeploymentQuery) async throws -> Deployment?
    /// The builds on the host that the newest `count` good deployments used.
    func hostBuilds(of project: String, newest count: Int) async throws -> Set<BuildID>

    /// Records an attempt before its first change, or brings the record of an attempt that stays open up to date.
    func open(_ deployment: Deployment) async throws
    /// Records how an attempt ended, whether it was opened before or not, with all that follows from it. Then drops the
    /// oldest deployments and events beyond what is kept; the last good deployment, open and unresolved ones stay.
    func close(_ closing: Closing) async throws
    /// Moves the deployed commit without a deployment. This holds until another deployment succeeds.
    func advance(_ project: String, to commit: Commit) async throws
    /// Remembers the newest commit that was seen at the remote, and since when (Unix milliseconds), and the tip that later
    /// ones follow; nil leaves that as it was. A commit that is remembered already keeps its time, and nothing is written
    /// when all of it is known.
    func observed(_ tip: Commit, of project: String, at time: Int, accepted: FollowedTip?) async throws
    /// The commits that were verified for the project, and are remembered, by the verifier of this id.
    func verifiedCommits(of project: String, by verifier: String) async throws -> Set<CommitID>
    /// Remembers commits that were verified; what another verifier found is forgotten, and so are the oldest of many.
    func noteVerified(_ commits: [CommitID], of project: String, by verifier: String) async throws
    /// Remembers on which engine the project runs (the configuration's `engine.host`; nil is the default one). Nothing is
    /// written when that is known.
    func noteEngine(_ host: String?, of project: String) async throws
    /// Replaces which services have run to completion in the deployment's snapshot. Nothing is written when that is known,
    /// or when there is no such snapshot.
    func noteCompleted(_ services: Set<String>, of deployment: DeploymentID) async throws
    /// Appends to the deployment's events; an error when there is no such deployment.
    func append(_ events: [Event], to deployment: DeploymentID) async throws

    /// Remembers images that were brought to the engine for the project: reference by id.
    func remember(_ images: [String: String], of project: String) async throws
    /// Of those remembered for the project, the images that none of any project's good deployments of its newest commits ran.
    func unneededImages(of project: String, keeping commits: Int) async throws -> [String: String]
    func forget(_ image: String, of project: String) async throws
}
