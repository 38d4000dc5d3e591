internal import Deploy
internal import Reconcile

/// The statuses a script can act on. This table is frozen: the numbers never change, and the manual page repeats them.
enum ExitStatus: Int32, CaseIterable {
    case success = 0
    case unexpected = 1
    case changesPending = 10
    case drift = 11
    case skipListed = 12
    case suspended = 13
    case branchRewritten = 14
    case restored = 20
    case failed = 21
    case restoreFailed = 22
    case usage = 64
    case invalidProject = 65
    case engineUnreachable = 69
    case stateUnusable = 74
    case temporary = 75
    case refused = 77
    case invalidConfiguration = 78
    case interrupted = 130
    case terminated = 143

    /// With several projects the most serious status is the process's.
    private static let bySeriousness: [ExitStatus] = [
        .terminated, .interrupted, .restoreFailed, .failed, .restored, .unexpected, .stateUnusable, .engineUnreachable,
        .usage, .invalidConfiguration, .refused, .invalidProject, .temporary, .branchRewritten, .skipListed, .suspended,
        .changesPending, .drift, .success,
    ]

    /// The most serious of several statuses; success when there are none.
    static func mostSerious(_ statuses: some Sequence<ExitStatus>) -> ExitStatus {
        let present = Set(statuses)
        return bySeriousness.first(where: present.contains) ?? .success
    }

    init(_ result: RunResult) {
        self =
            switch result.outcome {
            case .inSync, .deployed, .stopped, .started, .removed: .success
            case .pending: .changesPending
            case .drift: .drift
            case .skipped: .skipListed
            case .suspended: .suspended
            case .rewritten: .branchRewritten
            case .restored: .restored
            case .failed: .failed
            case .restoreFailed: .restoreFailed
            case .invalid: .invalidProject
            case .error: result.failure.map { ExitStatus($0.reason) } ?? .unexpected
            }
    }

    init(_ reason: Reason) {
        self =
            switch reason {
            case .unhealthy, .crashed, .exitedNonZero, .timedOut, .portConflict, .nameConflict, .invalidContainer,
                .dependencyFailed, .buildFailed:
                .failed
            case .remoteUnreachable, .registryUnreachable, .imageNotFound, .rateLimited, .locked, .externalMissing,
                .dependencyNotReady, .hookFailed, .portTaken:
                .temporary
            case .engineUnreachable, .engineFailed, .engineRestarted: .engineUnreachable
            case .stateUnusable, .diskFull: .stateUnusable
            case .authenticationFailed, .hostKeyUnknown, .hostKeyChanged, .registryAuthenticationFailed, .permissions,
                .policy:
                .refused
            case .usage: .usage
            case .invalidProject, .bindSourceMissing: .invalidProject
            case .branchMissing, .commitMissing, .invalidConfiguration: .invalidConfiguration
            case .branchRewritten: .branchRewritten
            case .skipListed: .skipListed
            case .suspended: .suspended
            case .interrupted: .interrupted
            case .unexpected: .unexpected
            }
    }

    /// One line of the table in help texts.
    var meaning: String {
        switch self {
        case .success: "in sync, deployed, or the request was carried out"
        case .unexpected: "unexpected internal failure"
        case .changesPending: "check: changes are pending"
        case .drift: "check: what runs differs from what was deployed"
        case .skipListed: "the tip is on the skip list; nothing new was deployed"
        case .suspended: "suspended"
        case .branchRewritten: "the branch was rewritten and that is not allowed"
        case .restored: "the deployment failed and the previous one was restored"
        case .failed: "the deployment failed and there was nothing to restore"
        case .restoreFailed: "the deployment failed and restoring failed too"
        case .usage: "usage"
        case .invalidProject: "the Compose project is invalid or unsupported"
        case .engineUnreachable: "the Docker Engine cannot be reached"
        case .stateUnusable: "the state directory cannot be read or written"
        case .temporary: "temporary: remote or registry unreachable, timed out, or locked"
        case .refused: "refused: authentication, host key, policy or permissions"
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
