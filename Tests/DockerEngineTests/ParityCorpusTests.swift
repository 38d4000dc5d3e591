import Compose
import Deploy
import FoundationEssentials
import Reconcile
import Subprocess
import SystemPackage
import Testing

@testable import DockerEngine

/// Where the list is; nil when nobody made one.
private let parityCases = ProcessInfo.processInfo.environment["PARITY_CASES"]

/// Creates each project of a list once with docker compose and once with watcher, and writes down what the engine then
/// says; `scripts/engine-conformance` makes the list, compares and reports.
@Suite(.enabled(if: parityCases != nil, "run by `make engine-conformance`"), .serialized)
struct ParityCorpusTests {
    @Test func `what both create of each project is written down`() async throws {
        let path = try #require(parityCases)
        let results = try #require(ProcessInfo.processInfo.environment["PARITY_RESULTS"])
        let cases = try JSONDecoder().decode([ParityCase].self, from: Data(contentsOf: URL(filePath: path)))
        try #require(!cases.isEmpty)
        let client = EngineClient(endpoint: try EngineScenario.endpoint(), dockerConfigDirectory: nil)
        for one in cases {
            let run = ParityRun(one: one, client: client)
            var result: ParityResult?
            // An engine under load may not answer in time; the second attempt begins where the first ended.
            for attempt in 1...3 where result == nil {
                do { result = try await run.result() } catch {
                    if attempt == 3 { Issue.record("\(one.id): \(error)") }
                }
            }
            if let result { try JSONEncoder().encode(result).write(to: URL(filePath: "\(results)/\(one.id).json")) }
        }
        await client.shutdown()
    }
}

/// A project laid out on the disk.
struct ParityCase: Decodable, Sendable {
    var id: String
    /// The project's name, the same for both.
    var name: String
    var directory: String
    var files: [String]
    var environment: [String: String]
    /// Names of networks and volumes to be there before.
    var networks: [String]
    var volumes: [String]
}

/// What came of a project. The answers are the engine's own JSON texts.
struct ParityResult: Encodable {
    var theirs: [String: [String]]?
    var ours: [String: [String]]?
    /// Why docker compose, or watcher, created nothing.
    var theirError: String?
    var ourError: String?
    /// What watcher would change of what docker compose created.
    var takeover: [String] = []
    /// What watcher would change of what it created itself.
    var again: [String] = []
    /// What docker compose changed of what watcher created.
    var giveback: [String] = []
}

struct ParityRun {
    let one: ParityCase
    let client: EngineClient

    func result() async throws -> ParityResult {
        var result = ParityResult()
        try await clean()
        for name in one.networks { try await delete("/networks/\(name.percentEncoded())") }
        for name in one.networks { try await post("/networks/create", ["Name": name]) }
        for name in one.volumes { try await post("/volumes/create", ["Name": name]) }
        if let failure = try await compose("create") {
            result.theirError = failure
        } else {
            result.theirs = try await answers()
            do { result.takeover = try await whatWatcherChanges() } catch { result.takeover = ["\(error)"] }
        }
        try await clean()
        if result.theirs != nil {
            do {
                try await create()
                result.ours = try await answers()
                result.again = try await whatWatcherChanges()
                result.giveback = try await whatComposeChanges()
            } catch { result.ourError = "\(error)" }
            try await clean()
        }
        for name in one.networks { try await delete("/networks/\(name.percentEncoded())") }
        for name in one.volumes { try await delete("/volumes/\(name.percentEncoded())") }
        return result
    }

    private func whatWatcherChanges() async throws -> [String] {
        try await plan().plan.steps.filter(\.changesSomething).map { "\($0.operation)" }
    }

    private func whatComposeChanges() async throws -> [String] {
        let before = try await things()
        if let failure = try await compose("create") { return [failure] }
        let after = try await things()
        return before.subtracting(after).map { "removed \($0)" } + after.subtracting(before).map { "made \($0)" }
    }

    private func things() async throws -> Set<String> {
        let state = try await client.observe(ObservationQuery(project: one.name))
        return Set(
            state.containers.map { "container \($0.name) \($0.id.short)" }
                + state.networks.values.map { "network \($0.name) \($0.id.prefix(12))" })
    }

    private func create() async throws {
        let plan = try await plan().plan
        if let missing = plan.missing.first { throw EngineError(.unexpected, operation: "plan", detail: missing) }
        var created: [Int: ContainerID] = [:]
        for step in plan.steps {
            switch step.operation {
            case .createNetwork, .createVolume, .create, .connect: break
            default: continue
            }
            let operation = try step.operation.map { reference in
                switch reference {
                case .existing(let id): id
                case .created(let step): try #require(created[step])
                }
            }
            created[step.id] = try await client.perform(operation)
        }
    }

    private func plan() async throws -> (project: Project, plan: Plan) {
        var request = ProjectLoader.Request(workingDirectory: one.directory)
        request.files = one.files
        request.projectDirectory = one.directory
        request.environment = one.environment
        request.home = one.environment["HOME"]
        let disk = ComposeParityTests.disk
        let project = try ProjectLoader(files: disk).load(request).project.resolvingEnvironment(files: disk)
            .resolvingSecurityProfiles(files: disk)
        let problems = project.deploymentProblems()
        guard problems.isEmpty else { throw ComposeError(problems) }
        let images = project.services.values.filter { $0.provider == nil }.map { $0.imageName(in: project) }
        let observed = try await client.observe(
            ObservationQuery(
                project: project.name, networks: project.networks.values.map(\.name).sorted(),
                volumes: project.volumes.values.map(\.name).sorted(), images: Set(images).sorted()))
        let traits = try #require(observed.traits)
        let target = Target(try DeployableProject(project, on: traits), stamp: sampleStamp)
        return (project, Reconciler.plan(target, observed))
    }

    /// Runs docker compose on the project; its last words when it fails.
    private func compose(_ arguments: String...) async throws -> String? {
        let compose = try #require(ProcessInfo.processInfo.environment["WATCHER_TEST_COMPOSE"])
        let files = one.files.flatMap { ["-f", $0] }
        let result = try await Subprocess.run(
            .path("/usr/bin/timeout"),
            arguments: Arguments(
                ["-k", "5", "60", compose] + files + ["--project-directory", one.directory] + arguments),
            environment: .custom(
                Dictionary(
                    uniqueKeysWithValues: one.environment.map { (Environment.Key(stringLiteral: $0.key), $0.value) })),
            workingDirectory: FilePath(one.directory), output: .discarded, error: .string(limit: 1 << 20))
        if result.terminationStatus.isSuccess { return nil }
        let lines = (result.standardError).split(separator: "\n").filter { !$0.contains("level=warning") }
        return "\(result.terminationStatus): " + lines.suffix(2).joined(separator: " | ")
    }

    /// What the engine says of the project's containers, networks and volumes.
    private func answers() async throws -> [String: [String]] {
        let state = try await client.observe(ObservationQuery(project: one.name))
        return [
            "containers": try await texts(state.containers.map { "/containers/\($0.id.hex)/json" }),
            "networks": try await texts(state.networks.values.map { "/networks/\($0.id)" }),
            "volumes": try await texts(state.volumes.keys.map { "/volumes/\($0.percentEncoded())" }),
        ]
    }

    private func texts(_ paths: [String]) async throws -> [String] {
        var texts: [String] = []
        for path in paths.sorted() {
            texts.append(
                String(decoding: try await client.connection.send(.get(path, to: "inspect")).body, as: UTF8.self))
        }
        return texts
    }

    private func clean() async throws {
        let state = try await client.observe(ObservationQuery(project: one.name))
        for container in state.containers { try await delete("/containers/\(container.id.hex)") }
        for network in state.networks.values { try await delete("/networks/\(network.id)") }
        for volume in state.volumes.keys { try await delete("/volumes/\(volume.percentEncoded())") }
    }

    private func post(_ path: String, _ body: [String: String]) async throws {
        _ = try await client.connection.send(.post(path, to: "prepare").sending(body))
    }

    private func delete(_ path: String) async throws {
        var request = EngineRequest(.delete, path, to: "clean up").expecting(404)
        if path.hasPrefix("/containers/") { request = request.adding("force", "1").adding("v", "1") }
        _ = try await client.connection.send(request)
    }
}

extension Plan.Step {
    /// Containers that were only created are started; nothing else is to be done for what is as it should be.
    fileprivate var changesSomething: Bool {
        switch operation {
        case .start, .wait: false
        default: true
        }
    }
}
