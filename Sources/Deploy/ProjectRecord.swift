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
    /// The newest tip that was accepted of each revision that was ever followed, against which later ones are judged; the
    /// newest first.
    package var accepted: [FollowedTip] = []
    package var skipped: [SkippedCommit] = []
    package var suspension: Suspension?
    /// The number the next deployment gets.
    package var nextNumber: Int = 1

    package init() {}

    /// The newest tip that was accepted of any revision.
    package var followed: FollowedTip? { accepted.first }

    /// The newest tip that was accepted of the revision, else of any: another revision is another line of commits.
    package func accepted(of revision: String) -> FollowedTip? {
        accepted.first { $0.revision == revision } ?? followed
    }
}

extension [FollowedTip] {
    /// How many revisions are remembered.
    private static var mostRevisions: Int { 100 }

    /// With a tip that was accepted now.
    package func accepting(_ tip: FollowedTip) -> [FollowedTip] {
        Array(([tip] + filter { $0.revision != tip.revision }).prefix(Self.mostRevisions))
    }
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
