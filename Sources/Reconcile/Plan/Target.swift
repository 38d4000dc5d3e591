package import Compose

/// What should run, and the facts about the past that planning goes by.
package struct Target: Sendable {
    /// The model, with env files folded in, on the engine it is for.
    package var deployable: DeployableProject
    /// The deployment that will carry the plan out: on labels, and in the names of parked containers.
    package var stamp: DeploymentStamp
    /// Hash of the versioned files each service uses; services without such files have none.
    package var contentHashes: [String: String] = [:]
    /// The object id of each such file, by service and path, for naming what changed.
    package var contents: [String: [String: String]] = [:]
    /// The newest commit that changed a file since the last good deployment, by path, as far as it is known.
    package var fileCommits: [String: CommitID] = [:]
    /// Such files that somebody changed on the host and that are put back as the commit has them.
    package var restored: Set<String> = []
    /// What each service that is built is built from.
    package var builds: [String: BuildFingerprint] = [:]
    /// Image ids that a recorded deployment ran, by service; empty when the references decide.
    package var pinnedImages: [String: String] = [:]
    /// Where registries have those images, `repository@sha256:…`, as far as known.
    package var pinnedDigests: [String: String] = [:]
    /// Commands on the host make a part of the files.
    package var hasHostBuild = false
    /// The wall clock, in Unix milliseconds: tells which images were pulled long ago.
    package var now = 0
    /// What the last good deployment recorded; explains causes.
    package var previous: Previous?
    /// How long a service without a health check must run.
    package var settle: Duration = .seconds(3)
    /// The longest wait for a service; nil derives it.
    package var healthTimeout: Duration?
    /// Remove containers of services that are no longer there, if watcher created them.
    package var prunesOrphans = true

    package struct Previous: Sendable {
        package var project: Project
        package var contentHashes: [String: String]
        package var contents: [String: [String: String]]
        package var builds: [String: BuildFingerprint]
        /// Services that had run to completion.
        package var completed: Set<String>
        package var hasHostBuild = false

        package init(
            project: Project, contentHashes: [String: String], contents: [String: [String: String]],
            builds: [String: BuildFingerprint] = [:], completed: Set<String>
        ) {
            self.project = project
            self.contentHashes = contentHashes
            self.contents = contents
            self.builds = builds
            self.completed = completed
        }
    }

    package init(_ deployable: DeployableProject, stamp: DeploymentStamp) {
        self.deployable = deployable
        self.stamp = stamp
    }

    package var project: Project { deployable.project }
}
