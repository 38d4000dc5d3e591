import Compose
import Deploy
import Reconcile

@testable import watcher

/// Values that several tests show, with text from outside that tries to steer a terminal.
enum Samples {
    /// 2026-11-21T05:00:00Z in Unix milliseconds.
    static let time = 1_795_237_200_000
    static let commit = Commit(
        id: CommitID(hex: String(repeating: "3f2a1c9b", count: 5)), parents: [], author: "Ada <ada@example.com>",
        subject: "Greet \u{1b}[31mpolitely", time: 1_795_237_000)
    static let change = Plan.Change(
        kind: "service", name: "webApp", action: .recreate, causes: ["image nginx:1.25 → nginx:1.27"])

    /// The project `shop`: `webApp` and `worker` both need `database`.
    static let project: Project = {
        var project = Project(name: "shop", workingDirectory: "/srv/shop", configFiles: [])
        for (name, dependencies) in [("webApp", ["database"]), ("worker", ["database"]), ("database", [])] {
            var service = Service(name: name)
            service.image = "\(name.lowercased()):1"
            service.dependsOn = Dictionary(uniqueKeysWithValues: dependencies.map { ($0, Dependency()) })
            project.services[name] = service
        }
        return project
    }()

    static func deployment(_ number: Int, compose: String = "services: {}\n") -> Deployment {
        var deployment = Deployment(
            id: DeploymentID(project: "shop", number: number), kind: .deploy, commit: commit, status: .succeeded,
            startedAt: time)
        deployment.finishedAt = time + 4_250
        deployment.changes = [change]
        deployment.snapshot = Snapshot(
            composeFiles: ["compose.yaml": compose], project: project, imageIDs: ["webApp": "sha256:ab"],
            contentHashes: [:])
        return deployment
    }

    static func failed(_ number: Int) -> Deployment {
        var deployment = deployment(number)
        deployment.status = .restored
        deployment.reason = .unhealthy
        deployment.message = "webApp: container is unhealthy\nsecond line"
        deployment.attempts = 2
        return deployment
    }

    static func container(
        _ service: String, _ state: ObservedState.Container.State = .running,
        health: ObservedState.Container.Health? = nil
    ) -> ObservedState.Container {
        var container = ObservedState.Container(
            id: ContainerID(hex: String(repeating: "0123456789abcdef", count: 4)), name: "shop-\(service)-1",
            service: service, number: 1, state: state)
        container.health = health
        return container
    }
}
