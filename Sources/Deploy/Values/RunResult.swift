package import Reconcile

/// What one run did for one project: the value text, JSON and the exit status are made from.
package struct RunResult: Sendable, Equatable, Codable {
    package typealias Outcome = Reconcile.Outcome

    package struct Failure: Sendable, Equatable, Codable {
        package var reason: Reason
        package var stage: Event.Stage
        package var message: String
        package var advice: String
        package var service: String?
        /// The last lines of the failing container's log.
        package var logLines: [String]
        /// What its health check printed last.
        package var probe: String?

        private enum CodingKeys: String, CodingKey {
            case reason, stage, message, advice, service, probe
            case logLines = "log_lines"
        }
    }

    package var project: String
    package var outcome: Outcome
    /// The tip of the branch, when it was seen.
    package var tip: Commit?
    /// Who signed the commit that the run was about; nil when that was not verified.
    package var signature: Signer?
    /// The commit that is deployed now (the last good one), when there is one.
    package var deployed: Commit?
    /// The deployment this run made.
    package var deployment: DeploymentID?
    package var changes: [Plan.Change] = []
    package var warnings: [String] = []
    /// One sentence for people: what was done, or what is running now.
    package var summary: String
    /// What a person may want to know or do next, a sentence each.
    package var next: [String] = []
    /// Why deploys of the project do nothing from now on; nil when they are not suspended.
    package var suspended: Suspension?
    package var failure: Failure?
    /// How what should run is doing, as the engine said after the run; nil when it was not asked.
    package var standing: Standing?
    /// Milliseconds the run took.
    package var milliseconds: Int = 0

    package init(project: String, outcome: Outcome, summary: String) {
        self.project = project
        self.outcome = outcome
        self.summary = summary
    }
}
