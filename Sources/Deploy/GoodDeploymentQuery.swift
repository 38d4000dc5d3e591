package import Reconcile

/// Which of a project's deployments that succeeded are looked for; every condition that is set must hold.
package struct GoodDeploymentQuery: Sendable, Equatable {
    package var project: String
    /// Only those with a lower number.
    package var before: Int?
    /// Only those of a commit whose id begins with this, in upper or lower case.
    package var commitPrefix: String?
    /// Not those of this commit.
    package var excludingCommit: CommitID?
    /// Not those of a commit on the project's skip list.
    package var excludesSkipped = false

    package init(
        project: String, before: Int? = nil, commitPrefix: String? = nil, excludingCommit: CommitID? = nil,
        excludesSkipped: Bool = false
    ) {
        self.project = project
        self.before = before
        self.commitPrefix = commitPrefix
        self.excludingCommit = excludingCommit
        self.excludesSkipped = excludesSkipped
    }
}
