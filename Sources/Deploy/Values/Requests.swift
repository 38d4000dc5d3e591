/// What `deploy` and `check` are asked for beyond the ordinary step.
package struct DeployRequest: Sendable, Equatable, Codable {
    /// Deploy this revision instead of the tip.
    package var commit: String?
    /// Ignore the skip list and a rewritten branch.
    package var force = false
    /// Leave a failed deployment as it is.
    package var keepsFailed = false
    /// Suspend the project once the deployment has succeeded.
    package var hold: Suspension?

    package init() {}
}

/// What `rollback` is asked for.
package struct RollbackRequest: Sendable, Equatable {
    /// Where a rollback goes.
    package enum Target: Sendable, Equatable {
        /// The newest good deployment of another commit older than the current one, whose commit is not skipped.
        case previous
        case deployment(DeploymentID)
        /// A commit id or its first digits, at least four.
        case commit(String)
    }

    package var target: Target
    /// Accept a deployment that failed.
    package var force = false
    /// Suspend the project once the rollback has succeeded.
    package var hold: Suspension?

    package init(to target: Target) { self.target = target }
}
