/// One line of a deployment's story: streamed while it happens, stored, and shown again by `history show --events`.
package struct Event: Sendable, Equatable, Codable {
    package enum Kind: String, Sendable, Codable { case progress, status, log }

    /// The stages of a deployment, in the order in which they come.
    package enum Stage: String, Sendable, Codable, CaseIterable {
        case fetch, verify, checkout, build, load, plan, pull, apply, health, record, rollback
    }

    package enum State: String, Sendable, Codable { case started, running, succeeded, failed, skipped, warning }

    /// Nil for a run that had nothing to deploy, as far as known when the event was made.
    package var deploymentID: DeploymentID?
    package var kind: Kind
    package var stage: Stage
    package var state: State
    package var service: String?
    /// One line of text without control characters or secrets.
    package var line: String
    /// Unix milliseconds.
    package var at: Int

    package init(
        deploymentID: DeploymentID?, kind: Kind, stage: Stage, state: State, service: String?, line: String, at: Int
    ) {
        self.deploymentID = deploymentID
        self.kind = kind
        self.stage = stage
        self.state = state
        self.service = service
        self.line = line
        self.at = at
    }

    private enum CodingKeys: String, CodingKey {
        case deploymentID = "deployment_id"
        case kind, stage, state, service, line, at
    }
}
