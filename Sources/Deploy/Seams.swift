package import Compose
package import Reconcile

// The doors through which the flow meets the slow and the remote. Each has one real implementation in an adapter and
// one stateful stand-in in the tests; everything else is called directly.

/// Where commits come from: a branch of a repository, its local cache and its checkout.
package protocol CommitSource: Sendable {
    /// Asks the remote for the tip of the configured branch, downloads what is missing and returns the commit.
    /// Nothing is downloaded when the tip is already in the cache.
    func fetchTip() async throws -> Commit
    /// The commit a revision names (full or abbreviated id) in the cache; nil when there is none.
    func commit(named revision: String) async throws -> Commit?
    /// Whether `ancestor` is reachable from `commit`; true when they are the same; false when either is unknown.
    func isAncestor(_ ancestor: CommitID, of commit: CommitID) async throws -> Bool
    /// The newest commit that changed each path (relative to the repository), among those that `commit` has and `base` has
    /// not; a path that none of them changed is missing.
    func newestChanges(of paths: [String], after base: CommitID, upTo commit: CommitID) async throws
        -> [String: CommitID]
    /// The commit's files, with a build's outputs over them, laid virtually over the checkout path (see `FileAccess`).
    func files(of commit: CommitID, _ build: BuildID?) async throws -> FileAccess
    /// Writes what the commit and a build's outputs change beside the checkout, so that switching is only renames.
    func stageCheckout(of commit: CommitID, _ build: BuildID?) async throws -> any StagedCheckout
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
    package func files(of commit: CommitID) async throws -> FileAccess { try await files(of: commit, nil) }
    package func stageCheckout(of commit: CommitID) async throws -> any StagedCheckout {
        try await stageCheckout(of: commit, nil)
    }
}

/// Runs commands on the host.
package protocol HostCommands: Sendable {
    /// Runs the command to its end; `output` gets whole lines, of standard output and standard error alike, for people.
    /// Nothing that the command started is left when this returns or throws, nor when this process is killed.
    func run(_ command: HostCommand, output: @escaping @Sendable (String) -> Void) async throws -> HostCommandEnd
}

/// A checkout that is written but not yet in place.
package protocol StagedCheckout: Sendable {
    /// Paths relative to the checkout that switching creates, replaces or removes.
    var changedPaths: [String] { get }
    /// Those of them that are on disk, but not as they were written: somebody changed them there.
    var restoredPaths: [String] { get }
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
    /// Host ports of which to tell what holds them (see `Project.hostPorts`): a container of any project, or a process.
    package var hostPorts: [HostPort] = []
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

/// Everything a container create call needs beyond the model.
package struct DeploymentStamp: Sendable, Equatable {
    /// The watcher project (the configuration's key), for the `watcher.project` label.
    package var project: String
    package var commit: CommitID
    /// The deployment's number.
    package var deployment: Int

    package init(project: String, commit: CommitID, deployment: Int) {
        self.project = project
        self.commit = commit
        self.deployment = deployment
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

/// The container engine.
package protocol ContainerEngine: Sendable {
    /// How many operations it takes at once; what is beyond that would wait within its deadline.
    var parallelChanges: Int { get }
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
    /// Performs one operation of a plan (never a wait) on the project's model; returns the id of a container it created.
    func perform(_ operation: Operation<ContainerID>, on project: Project, stamp: DeploymentStamp) async throws
        -> ContainerID?
    /// The project's container events from the moment the call returns. Ends when nothing came for long, and with an error
    /// when the connection broke or the engine ended: then look at the containers again, and call it again.
    func events(project: String) async throws -> AsyncThrowingStream<ContainerEvent, any Error>
    /// Removes the image with this id and all its references; one that is gone is fine. False when it was left alone because
    /// a container, another image or several tags use it.
    func removeImage(_ id: String) async throws -> Bool
    /// The last lines a container wrote, stdout and stderr, control characters removed.
    func lastLines(of id: ContainerID, count: Int) async throws -> [String]
}

/// What the store knows about a project when a run begins.
package struct ProjectRecord: Sendable, Equatable {
    /// The newest deployment that succeeded, with its snapshot.
    package var lastGood: Deployment?
    /// The newest deployment of any status.
    package var latest: Deployment?
    /// An attempt that was never closed.
    package var open: Deployment?
    package var skipped: [SkippedCommit] = []
    package var suspension: Suspension?
    /// The number the next deployment gets.
    package var nextNumber: Int = 1

    package init() {}
}

/// A project whose deploys do nothing for now.
package struct Suspension: Sendable, Equatable, Codable {
    package var reason: String
    /// Unix milliseconds.
    package var since: Int
    /// Unix milliseconds; nil means until resumed.
    package var until: Int?

    package init(reason: String, since: Int, until: Int?) {
        self.reason = reason
        self.since = since
        self.until = until
    }
}

/// The record of deployments. Every call is durable when it returns.
package protocol DeploymentStore: Sendable {
    func record(of project: String) async throws -> ProjectRecord
    /// The deployment with its snapshot, or nil.
    func deployment(_ id: DeploymentID) async throws -> Deployment?
    /// Inserts or replaces the deployment's record.
    func save(_ deployment: Deployment) async throws
    /// Adds the commit to the skip list, or counts one more failure of it.
    func skip(_ commit: SkippedCommit, in project: String) async throws
    func unskip(_ commit: CommitID, in project: String) async throws
    /// Remembers images that were brought to the engine for the project: reference by id.
    func remember(_ images: [String: String], of project: String) async throws
    /// Of those remembered for the project, the images that none of any project's good deployments of its newest commits ran.
    func unneededImages(of project: String, keeping commits: Int) async throws -> [String: String]
    func forget(_ image: String, of project: String) async throws
    /// Appends to the deployment's events.
    func append(_ events: [Event], to deployment: DeploymentID) async throws
}
