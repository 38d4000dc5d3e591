package import Reconcile

/// What one run did for one project: the value text, JSON and the exit status are made from.
package struct RunResult: Sendable, Equatable, Codable {
    /// How the run ended; each has one exit status (contract, section 3).
    package enum Outcome: String, Sendable, Codable, CaseIterable {
        /// Nothing to do.
        case inSync = "in-sync"
        /// A deployment, heal or rollback was carried out and verified.
        case deployed
        /// `stop`, `start` of some services, `down`: done.
        case stopped, started, removed
        /// `check`: changes are pending.
        case pending
        /// `check`: no new commit, but what runs differs from what was deployed.
        case drift
        /// The tip is on the skip list.
        case skipped
        case suspended
        /// The branch was rewritten and that is not allowed.
        case rewritten
        /// Failed and restored.
        case restored
        /// Failed, nothing to restore.
        case failed
        /// Failed, and restoring failed.
        case restoreFailed = "restore-failed"
        /// The commit's Compose project is invalid.
        case invalid
        /// Could not be carried out; `error.reason` says which class of trouble.
        case error
    }

    package struct Failure: Sendable, Equatable, Codable {
        package var reason: Reason
        package var stage: Event.Stage
        package var message: String
        package var advice: String
        package var service: String?
        package var logLines: [String]

        private enum CodingKeys: String, CodingKey {
            case reason, stage, message, advice, service
            case logLines = "log_lines"
        }
    }

    package var project: String
    package var outcome: Outcome
    /// The tip of the branch, when it was seen.
    package var tip: Commit?
    /// The commit that is deployed now (the last good one), when there is one.
    package var deployed: Commit?
    /// The deployment this run made.
    package var deployment: DeploymentID?
    package var changes: [Plan.Change] = []
    package var warnings: [String] = []
    /// One sentence for people: what was done, or what is running now.
    package var summary: String
    package var failure: Failure?
    /// Milliseconds the run took.
    package var milliseconds: Int = 0

    package init(project: String, outcome: Outcome, summary: String) {
        self.project = project
        self.outcome = outcome
        self.summary = summary
    }
}
