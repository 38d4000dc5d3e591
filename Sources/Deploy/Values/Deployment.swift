package import Compose
package import Reconcile

/// A deployment's identity: the project and its own running number, shown as `shop/42`.
package struct DeploymentID: Hashable, Sendable, Codable, CustomStringConvertible {
    package var project: String
    /// Counted from 1 in each project.
    package var number: Int

    package init(project: String, number: Int) {
        self.project = project
        self.number = number
    }

    /// Reads `project/number`; nil for anything else.
    package init?(_ text: String) {
        guard let slash = text.lastIndex(of: "/"), let number = Int(text[text.index(after: slash)...]), number > 0
        else { return nil }
        self.init(project: String(text[..<slash]), number: number)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = DeploymentID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a deployment id")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    package var description: String { "\(project)/\(number)" }
}

/// The record of one attempt to make a project run as a commit says.
package struct Deployment: Sendable, Equatable, Codable {
    package typealias Kind = DeploymentKind
    package typealias Status = DeploymentStatus

    package var id: DeploymentID
    package var kind: Kind
    package var commit: Commit
    package var status: Status
    package var reason: Reason?
    /// What happened, for people; no secrets, no control characters.
    package var message: String?
    /// The service it failed with, if one is to blame; not in lists of deployments.
    package var service: String?
    /// What its health check printed last, each line after `probeMark`, and the last lines of the failing container's log;
    /// not in lists of deployments.
    package var logLines: [String] = []
    /// Unix milliseconds.
    package var startedAt: Int
    /// Unix milliseconds; nil while open.
    package var finishedAt: Int?
    /// How often the same commit ended the same way in a row without anything touched.
    package var attempts: Int = 1
    package var changes: [Plan.Change] = []
    package var snapshot: Snapshot?
    /// Who signed the commit, as it was verified then; nil when it was not.
    package var signature: Signer?
    /// What ran when the attempt was opened; what undo and recovery go by.
    package var before: ObservedState?

    /// What a line of `logLines` begins with that a health check printed.
    package static let probeMark = "health check: "

    package init(id: DeploymentID, kind: Kind, commit: Commit, status: Status, startedAt: Int) {
        self.id = id
        self.kind = kind
        self.commit = commit
        self.status = status
        self.startedAt = startedAt
    }
}

/// Everything needed to make a deployment run again without its repository.
package struct Snapshot: Sendable, Equatable, Codable {
    /// The Compose files as they were, by path relative to the checkout (absolute when outside of it).
    package var composeFiles: [String: String]
    package var project: Project
    /// The image id of each service.
    package var imageIDs: [String: String]
    /// Where a registry has the image of each service, `repository@sha256:…`; built images are in none.
    package var imageDigests: [String: String] = [:]
    /// What the image of each service that is built was built from.
    package var builds: [String: BuildFingerprint] = [:]
    /// The content hash of each service that has one.
    package var contentHashes: [String: String]
    /// What went into the content hashes: object id by service and path.
    package var contents: [String: [String: String]] = [:]
    /// Services that had run to completion when the deployment was verified.
    package var completed: Set<String>
    /// The build on the host whose outputs lie in the checkout with the commit's files; nil when there is none.
    package var hostBuild: BuildID?

    package init(
        composeFiles: [String: String], project: Project, imageIDs: [String: String], contentHashes: [String: String],
        completed: Set<String> = []
    ) {
        self.composeFiles = composeFiles
        self.project = project
        self.imageIDs = imageIDs
        self.contentHashes = contentHashes
        self.completed = completed
    }
}

/// A commit that is not deployed again by itself.
package struct SkippedCommit: Sendable, Equatable, Codable {
    package var commit: CommitID
    /// Why, for people.
    package var reason: String
    /// The code, when watcher itself put it there.
    package var code: Reason?
    /// Unix milliseconds.
    package var since: Int
    /// How many deployments of it failed.
    package var failures: Int
    package var subject: String?

    package init(commit: CommitID, reason: String, code: Reason?, since: Int, failures: Int, subject: String?) {
        self.commit = commit
        self.reason = reason
        self.code = code
        self.since = since
        self.failures = failures
        self.subject = subject
    }
}
