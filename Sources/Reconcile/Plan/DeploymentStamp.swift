import Compose

/// Which deployment makes a container: what its `watcher.` labels say.
package struct DeploymentStamp: Sendable, Equatable {
    /// The watcher project (the configuration's key), for the `watcher.project` label.
    package var project: String
    package var commit: CommitID
    /// The deployment's number; names parked containers, too.
    package var deployment: Int

    package init(project: String, commit: CommitID, deployment: Int) {
        self.project = project
        self.commit = commit
        self.deployment = deployment
    }

    /// The labels of a container that the deployment makes.
    package var labels: [String: String] {
        [
            ComposeLabels.watcherProject: project, ComposeLabels.watcherCommit: commit.hex,
            ComposeLabels.watcherDeployment: "\(project)/\(deployment)",
        ]
    }
}

extension ObservedState.Container {
    /// Another watcher project whose container it is; nil when it is this one's or nobody's.
    func owner(otherThan project: String) -> String? {
        guard let owner = labels[ComposeLabels.watcherProject], owner != project else { return nil }
        return owner
    }
}
