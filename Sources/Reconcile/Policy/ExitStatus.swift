/// The statuses a script can act on. This table is frozen: the numbers never change, and the manual page repeats them.
package enum ExitStatus: Int32, Sendable, CaseIterable {
    case success = 0
    case unexpected = 1
    case changesPending = 10
    case drift = 11
    case skipListed = 12
    case suspended = 13
    case branchRewritten = 14
    case notWorking = 15
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
        .usage, .invalidConfiguration, .refused, .invalidProject, .temporary, .branchRewritten, .notWorking,
        .skipListed, .suspended,
        .changesPending, .drift, .success,
    ]

    /// The most serious of several statuses; success when there are none.
    package static func mostSerious(_ statuses: some Sequence<ExitStatus>) -> ExitStatus {
        let present = Set(statuses)
        return bySeriousness.first(where: present.contains) ?? .success
    }

    /// The status of an outcome; `reason` is that of the failure, which decides when the run could not be carried out.
    package init(_ outcome: Outcome, _ reason: Reason? = nil) {
        self =
            switch outcome {
            case .inSync, .deployed, .stopped, .started, .removed: .success
            case .pending: .changesPending
            case .drift: .drift
            case .skipped: .skipListed
            case .suspended, .outsideWindow: .suspended
            case .rewritten: .branchRewritten
            case .restored: .restored
            case .failed: .failed
            case .restoreFailed: .restoreFailed
            case .invalid: .invalidProject
            case .refused: .refused
            case .notWorking: .notWorking
            case .error: reason.map { ExitStatus($0) } ?? .unexpected
            }
    }

    /// The status of a failure that is not a deployment's own.
    package init(_ reason: Reason) {
        self =
            switch reason {
            case .unhealthy, .crashed, .exitedNonZero, .timedOut, .portConflict, .nameConflict, .invalidContainer,
                .dependencyFailed, .buildFailed:
                .failed
            case .remoteUnreachable, .registryUnreachable, .imageNotFound, .rateLimited, .locked, .deadlineExceeded,
                .externalMissing,
                .dependencyNotReady, .hookFailed, .portTaken, .networkUnavailable, .containerRemoved,
                .nameTaken:
                .temporary
            case .engineUnreachable, .engineFailed, .engineRestarted: .engineUnreachable
            case .stateUnusable, .diskFull: .stateUnusable
            case .authenticationFailed, .hostKeyUnknown, .hostKeyChanged, .registryAuthenticationFailed, .permissions,
                .policy, .signature:
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
}
