package import Reconcile

/// How an attempt ended, and all that follows from it; the store records it in one transaction.
package struct Closing: Sendable, Equatable {
    /// The attempt as it ended. A repetition of an earlier one has that one's id, and counts in `attempts`.
    package var deployment: Deployment
    /// Goes on the skip list. For a commit that is listed, the reason, code and time are replaced, and a failure (with a
    /// code) counts one more.
    package var skip: SkippedCommit?
    /// Comes off the skip list, before `skip` goes on it.
    package var unskip: CommitID?
    /// Replaces the project's suspension; nil leaves it as it is.
    package var suspension: Suspension?
    /// The record that was opened for a repetition of an earlier deployment: it goes, and its events take the place of those
    /// of `deployment`, so that only those of the last try are kept. The id may be of no record.
    package var replaces: DeploymentID?

    package init(
        _ deployment: Deployment, skip: SkippedCommit? = nil, unskip: CommitID? = nil, suspension: Suspension? = nil,
        replaces: DeploymentID? = nil
    ) {
        self.deployment = deployment
        self.skip = skip
        self.unskip = unskip
        self.suspension = suspension
        self.replaces = replaces
    }
}
