package import Reconcile

/// What the store knows about a project when a run begins.
package struct ProjectRecord: Sendable, Equatable {
    /// The newest deployment that succeeded, with its snapshot.
    package var lastGood: Deployment?
    /// The newest deployment of any status.
    package var latest: Deployment?
    /// The newest deployment of a commit of the branch that is over: heals and rollbacks aside.
    package var latestAttempt: Deployment?
    /// An attempt that was never closed.
    package var open: Deployment?
    /// The newest deployment whose undo failed too; nil when a later one succeeded.
    package var unresolved: Deployment?
    /// The deployed commit: the one that `advance` moved to since `lastGood`, else that of `lastGood`.
    package var deployed: Commit?
    /// The newest commit that was seen at the remote.
    package var observedTip: ObservedTip?
    /// The newest tip that was accepted, against which later ones are judged.
    package var followed: FollowedTip?
    package var skipped: [SkippedCommit] = []
    package var suspension: Suspension?
    /// The number the next deployment gets.
    package var nextNumber: Int = 1

    package init() {}
}

/// The tip of a project's branch, as a run saw it.
package struct ObservedTip: Sendable, Equatable {
    package var commit: Commit
    /// When it was seen first, in Unix milliseconds.
    package var since: Int

    package init(commit: Commit, since: Int) {
        self.commit = commit
        self.since = since
    }
}
