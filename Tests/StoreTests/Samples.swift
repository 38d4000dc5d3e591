import Compose
import Deploy
import Reconcile

extension DeploymentStore {
    /// Records the deployment as it is, open or closed.
    func save(_ deployment: Deployment) async throws {
        if deployment.status == .open { try await open(deployment) } else { try await close(Closing(deployment)) }
    }
}

extension Commit {
    /// A commit whose id is the digit repeated.
    static func sample(_ digit: Character = "a", subject: String = "Raise the limit") -> Commit {
        Commit(
            id: CommitID(hex: String(repeating: digit, count: 40)), parents: [CommitID(hex: "0123456789")],
            author: "Ann Ö. <ann@example.com>", subject: subject, time: 1_700_000_000)
    }
}

extension Deployment {
    static func sample(
        _ number: Int, _ status: Status = .succeeded, project: String = "shop", commit: Commit = .sample(),
        reason: Reason? = nil
    ) -> Deployment {
        var deployment = Deployment(
            id: DeploymentID(project: project, number: number), kind: .deploy, commit: commit, status: status,
            startedAt: 1_700_000_000_000 + number)
        deployment.reason = reason
        if status != .open { deployment.finishedAt = deployment.startedAt + 500 }
        return deployment
    }

    /// One with every field filled, texts with quotes, line breaks and other scripts among them.
    static func full(_ number: Int, _ status: Status) -> Deployment {
        var deployment = sample(number, status, commit: .sample("b", subject: "It's «new»; DROP TABLE x; \u{1F433}"))
        deployment.kind = .rollback
        deployment.reason = .unhealthy
        deployment.message = "web: unhealthy\nafter 3 probes"
        deployment.attempts = 3
        deployment.changes = [
            Plan.Change(kind: "service", name: "web", action: .scaleDown, causes: ["image a → b", "\"quoted\""])
        ]
        deployment.snapshot = .sample()
        deployment.before = .sample()
        return deployment
    }

    /// As lists show it.
    var summary: Deployment {
        var summary = self
        summary.snapshot = nil
        summary.before = nil
        summary.service = nil
        summary.logLines = []
        summary.signature = nil
        return summary
    }
}

extension Snapshot {
    static func sample() -> Snapshot {
        var service = Service(name: "web")
        service.command = ["sh", "-c", "echo \"a\\b\""]
        service.cpus = 0.1
        var project = Project(name: "shop", workingDirectory: "/srv/shop", configFiles: ["/srv/shop/compose.yaml"])
        project.services["web"] = service
        project.extensions["x-any"] = .list([
            .float(.infinity), .float(0.1), .int(.max), .null, .map(["k": .bool(true)]),
        ])
        var snapshot = Snapshot(
            composeFiles: ["compose.yaml": "services:\n  web:\n    image: \"a\"\n# ünï\n"], project: project,
            imageIDs: ["web": "sha256:1"], contentHashes: ["web": "h"], completed: ["setup", "migrate"])
        snapshot.contents = ["web": ["./conf/a b": "4b825dc6"]]
        return snapshot
    }
}

extension ObservedState {
    static func sample() -> ObservedState {
        var container = Container(
            id: ContainerID(hex: String(repeating: "c", count: 64)), name: "shop-web-1", service: "web", number: 1,
            state: .running)
        container.labels = ["com.docker.compose.project": "shop"]
        container.mounts = [.init(type: "volume", name: "data", source: "/var/lib", target: "/data")]
        var state = ObservedState()
        state.containers = [container]
        state.networks = ["shop_default": Network(id: "n", name: "shop_default", labels: [:])]
        state.apiVersion = "1.41"
        return state
    }
}

extension SkippedCommit {
    static func failure(_ digit: Character, since: Int = 1000, code: Reason = .unhealthy) -> SkippedCommit {
        SkippedCommit(
            commit: Commit.sample(digit).id, reason: "web: unhealthy", code: code, since: since, failures: 1,
            subject: "Raise the limit")
    }

    static func manual(_ digit: Character, since: Int = 1000) -> SkippedCommit {
        SkippedCommit(
            commit: Commit.sample(digit).id, reason: "not on a Friday", code: nil, since: since, failures: 0,
            subject: nil)
    }
}

extension Event {
    static func sample(_ id: DeploymentID?, _ line: String, service: String? = "web") -> Event {
        Event(
            deploymentID: id, kind: .progress, stage: .apply, state: .running, service: service, line: line,
            at: 1_700_000_000_123)
    }
}
