internal import Deploy
internal import Reconcile

extension ExitStatus {
    init(_ result: RunResult) { self.init(result.outcome, result.failure?.reason) }

    /// One line of the table in help texts.
    var meaning: String {
        switch self {
        case .success: "in sync, deployed, or the request was carried out"
        case .unexpected: "unexpected internal failure"
        case .changesPending: "check: changes are pending"
        case .drift: "check: what runs differs from what was deployed"
        case .skipListed: "the tip is on the skip list; the last good deployment runs and works"
        case .suspended: "deploys are suspended, or something new waits for a deploy window"
        case .branchRewritten: "the branch was rewritten and that is not allowed"
        case .notWorking: "what runs is what was deployed, and something of it does not work"
        case .restored: "the deployment failed; the previous one was restored and works"
        case .failed: "the deployment failed and there was nothing to restore; nothing good runs"
        case .restoreFailed: "restoring failed too, or what was restored does not work"
        case .usage: "usage"
        case .invalidProject: "the Compose project is invalid or unsupported"
        case .engineUnreachable: "the Docker Engine cannot be reached"
        case .stateUnusable: "the state directory cannot be read or written"
        case .temporary: "temporary: remote or registry unreachable, timed out, or locked"
        case .refused: "refused: authentication, host key, signature, policy or permissions"
        case .invalidConfiguration: "the configuration is invalid"
        case .interrupted: "interrupted by SIGINT"
        case .terminated: "interrupted by SIGTERM"
        }
    }

    /// The part of a command's help that says what its statuses mean.
    static func help(_ statuses: [ExitStatus], example: String) -> String {
        let lines = statuses.map { status in
            let number = String(status.rawValue)
            return "  \(number)\(String(repeating: " ", count: max(5 - number.count, 1)))\(status.meaning)"
        }
        return "EXIT STATUS:\n\(lines.joined(separator: "\n"))\n  The whole table is in watcher(1).\n\n"
            + "EXAMPLE:\n  \(example)"
    }
}

/// Ends a command with a status after everything was said.
struct ExitError: Error {
    var status: ExitStatus
}
