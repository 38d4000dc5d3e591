/// How a run ended for one project; each outcome has one exit status (contract, section 3).
package enum Outcome: String, Sendable, Codable, CaseIterable {
    /// Nothing to do, and everything that should run works.
    case inSync = "in-sync"
    /// A deployment, heal or rollback was carried out and verified.
    case deployed
    /// `stop`, `start` of some services, `down`: done.
    case stopped, started, removed
    /// `check`: changes are pending.
    case pending
    /// `check`: no new commit, but what runs differs from what was deployed.
    case drift
    /// What runs is what was deployed, and something of it does not work.
    case notWorking = "not-working"
    /// The tip is on the skip list; the last good deployment runs and works.
    case skipped
    case suspended
    /// Something new waits for a deploy window; the last good deployment runs and works.
    case outsideWindow = "outside-window"
    /// The branch was rewritten and that is not allowed.
    case rewritten
    /// The deployment failed; the previous one is back and works.
    case restored
    /// The deployment failed and there was nothing to restore; the tip is skipped and nothing good runs.
    case failed
    /// The deployment failed, and restoring failed too or what was restored does not work.
    case restoreFailed = "restore-failed"
    /// The commit's Compose project is invalid.
    case invalid
    /// The commit is refused: its signature or the policy of the project says so; what was deployed is kept.
    case refused
    /// The run could not be carried out; the failure's reason says why.
    case error
}

/// What a deployment was for.
package enum DeploymentKind: String, Sendable, Codable {
    /// A new commit, or a changed configuration.
    case deploy
    /// What ran differed from what was deployed.
    case heal
    /// Requested by a person.
    case rollback
}

/// How a deployment is recorded.
package enum DeploymentStatus: String, Sendable, Codable, CaseIterable {
    /// Under way, or left behind by a process that died.
    case open
    case succeeded
    /// Failed; what ran before runs again and works.
    case restored
    /// Failed, and there was nothing to restore (or `--no-rollback`).
    case failed
    /// Failed, and restoring failed too or what was restored does not work.
    case restoreFailed = "restore-failed"
    /// The run was ended from outside; a later run put things right.
    case interrupted
    /// The commit's Compose project is invalid; nothing was touched.
    case invalid
    /// The signature or the policy refused it; nothing was touched.
    case refused
    /// A temporary failure ended it before anything was touched.
    case postponed
}
