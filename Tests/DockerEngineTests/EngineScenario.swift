import Compose
import Deploy
import FoundationEssentials
import Reconcile
import Synchronization
import Testing

@testable import DockerEngine

/// One Compose project on the real engine that the tests run against; nothing of it is left afterwards.
struct EngineScenario: Sendable {
    let client: EngineClient
    /// A name nobody else has.
    let name: String
    let warnings: Lines

    /// Collects lines from any thread.
    final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    /// The engine that `make test` provides.
    static func endpoint() throws -> EngineEndpoint {
        let host = try #require(
            ProcessInfo.processInfo.environment["WATCHER_TEST_DOCKER_HOST"], "run the tests with `make test`")
        return try EngineEndpoint(host)
    }

    static func run(
        deadlines: EngineDeadlines = EngineDeadlines(), dockerConfigDirectory: String? = nil,
        _ body: (EngineScenario) async throws -> Void
    ) async throws {
        let warnings = Lines()
        let client = EngineClient(
            endpoint: try endpoint(), dockerConfigDirectory: dockerConfigDirectory, deadlines: deadlines,
            warn: { warnings.add($0) })
        let scenario = EngineScenario(
            client: client, name: "t\(UUID().uuidString.prefix(8).lowercased())", warnings: warnings)
        do {
            try await body(scenario)
        } catch {
            try? await scenario.clean()
            await client.shutdown()
            throw error
        }
        try await scenario.clean()
        await client.shutdown()
    }

    private func clean() async throws {
        let state = try await client.observe(ObservationQuery(project: name))
        for container in state.containers {
            let request = EngineRequest(.delete, "/containers/\(container.id.hex)", to: "clean up")
                .adding("force", "1").adding("v", "1").expecting(404)
            _ = try await client.connection.send(request)
        }
        for network in state.networks.values { try await client.removeNetwork(id: network.id, name: network.name) }
        for volume in state.volumes.keys {
            _ = try await client.connection.send(
                EngineRequest(.delete, "/volumes/\(volume)", to: "clean up").expecting(404))
        }
    }

    /// A project with one service `web` that sleeps.
    func project(_ change: (inout Service, inout Project) -> Void = { _, _ in }) -> Project {
        sampleProject(name, change)
    }

    @discardableResult
    func perform(_ operation: Operation<ContainerID>) async throws -> ContainerID? {
        try await client.perform(operation)
    }

    /// Makes the project's networks and volumes.
    func createSurroundings(_ project: Project) async throws {
        for (key, network) in project.networks.sorted(by: { $0.key < $1.key }) {
            try await perform(.createNetwork(.init(network, key: key, in: project)))
        }
        for (key, volume) in project.volumes.sorted(by: { $0.key < $1.key }) {
            try await perform(.createVolume(.init(volume, key: key, in: project)))
        }
    }

    /// Creates one container of a service, with all of its networks and what is copied into it.
    func create(
        _ service: String, of project: Project, _ change: (inout CreationFacts) -> Void = { _ in }
    ) async throws -> ContainerID {
        let traits = try await client.connection.traits()
        var facts = CreationFacts()
        (facts.version, facts.isPodman) = (traits.version, traits.isPodman)
        change(&facts)
        let creation = try sampleCreation(service, of: project, facts)
        let id = try #require(try await perform(.create(creation)))
        let later = try DeployableProject(project, on: traits).laterEndpoints(
            of: creation.specification.service, number: 1, finalName: creation.finalName, linked: facts.linked)
        for endpoint in later { try await perform(.connect(id, endpoint)) }
        let files = project.copiedFiles(of: creation.specification.service)
        if !files.isEmpty { try await perform(.copyFiles(id, files)) }
        return id
    }

    /// Makes the project's networks and volumes, and one container of `web`.
    func create(_ project: Project, finalName: String? = nil, replaces: ContainerID? = nil) async throws -> ContainerID
    {
        if replaces == nil { try await createSurroundings(project) }
        var replaced: ObservedState.Container?
        if let replaces { replaced = try await container(replaces) }
        let old = replaced
        return try await create("web", of: project) { facts in
            facts.name = finalName
            facts.replaced = old
            facts.contentHash = "c0ffee"
        }
    }

    func createAndStart(_ project: Project) async throws -> ContainerID {
        let id = try await create(project)
        try await perform(.start(id))
        return id
    }

    func container(_ id: ContainerID) async throws -> ObservedState.Container {
        try #require(try await client.container(id))
    }

    /// Everything the container wrote; returns when it has ended.
    func output(of id: ContainerID) async throws -> [String] {
        _ = try await client.connection.send(
            .post("/containers/\(id.hex)/wait", to: "wait").adding("condition", "not-running"))
        var lines: [String] = []
        for try await line in try await client.logs(of: id) { lines.append(line.text) }
        return lines
    }
}
