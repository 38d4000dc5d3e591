/// Why something ended as it did: stable codes shared by errors, history and JSON.
package enum Reason: String, Sendable, Codable, CaseIterable {
    // The commit's own fault, once containers were touched: it goes on the skip list.
    case unhealthy
    case crashed
    case exitedNonZero = "exited-non-zero"
    case timedOut = "health-timed-out"
    /// Two services of the project want the same port or address.
    case portConflict = "port-conflict"
    case nameConflict = "name-conflict"
    case invalidContainer = "invalid-container"
    case dependencyFailed = "dependency-failed"
    /// What a commit says to build cannot be built; nothing was touched.
    case buildFailed = "build-failed"
    // Trouble that passes: nothing is skip-listed.
    case remoteUnreachable = "remote-unreachable"
    case registryUnreachable = "registry-unreachable"
    case imageNotFound = "image-not-found"
    case rateLimited = "rate-limited"
    case locked
    /// The run took longer than the project's `deadline`.
    case deadlineExceeded = "deadline-exceeded"
    case engineUnreachable = "engine-unreachable"
    case engineFailed = "engine-failed"
    /// The engine went away or was restarted while the deployment was under way.
    case engineRestarted = "engine-restarted"
    /// Somebody else removed a container of the deployment while it was under way.
    case containerRemoved = "container-removed"
    /// A container that is not the project's has the name that the project wants.
    case nameTaken = "name-taken"
    /// The host has no address pool or subnet left for a network.
    case networkUnavailable = "network-unavailable"
    /// Something outside of the project holds a port or address that the project wants.
    case portTaken = "port-taken"
    case stateUnusable = "state-unusable"
    case diskFull = "disk-full"
    /// A hook that has to succeed before anything is touched did not.
    case hookFailed = "hook-failed"
    // Refusals.
    case authenticationFailed = "authentication-failed"
    case hostKeyUnknown = "host-key-unknown"
    case hostKeyChanged = "host-key-changed"
    case registryAuthenticationFailed = "registry-authentication-failed"
    case permissions
    /// The project asks for something that the project's policy denies.
    case policy
    /// The commit or tag is not signed as the configuration demands.
    case signature
    /// The command line names a deployment, commit or service that there is not.
    case usage
    // About the commit and the project.
    case invalidProject = "invalid-project"
    case branchMissing = "branch-missing"
    case commitMissing = "commit-missing"
    case branchRewritten = "branch-rewritten"
    case skipListed = "skip-listed"
    case bindSourceMissing = "bind-source-missing"
    /// A network or volume that is declared as external does not exist.
    case externalMissing = "external-missing"
    /// A container that the deployment leaves as it is does not fulfil what a dependant waits for.
    case dependencyNotReady = "dependency-not-ready"
    case suspended
    case invalidConfiguration = "invalid-configuration"
    case interrupted
    case unexpected

    /// The run was ended before it was done, by a person or by its deadline.
    package var isInterruption: Bool { self == .interrupted || self == .deadlineExceeded }

    /// The commit itself is at fault, so it is not tried again by itself.
    package var isCommitsFault: Bool {
        switch self {
        case .unhealthy, .crashed, .exitedNonZero, .timedOut, .portConflict, .nameConflict, .invalidContainer,
            .dependencyFailed, .buildFailed:
            true
        default: false
        }
    }
}
