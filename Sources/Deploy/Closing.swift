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
    /// Drops the events that were stored for the deployment so far: a repetition keeps only those of its last try.
    package var replacesEvents = false

    package init(
        _ deployment: Deployment, skip: SkippedCommit? = nil, unskip: CommitID? = nil, suspension: Suspension? = nil,
        replacesEvents: Bool = false
    ) {
        self.deployment = deployment
        self.skip = skip
        self.unskip = unskip
        self.suspension = suspension
        self.replacesEvents = replacesEvents
    }
}
