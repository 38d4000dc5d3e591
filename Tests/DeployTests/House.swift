import Compose
import Deploy
import Reconcile
import Synchronization
import WatcherTestSupport

/// A host with one project: an engine, a repository and a record, all in memory, and runs of the real flow on them.
final class House: Sendable {
    let life = Life()
    let engine: EngineStandIn
    let source: SourceStandIn
    let store: StoreStandIn
    let commands = CommandsStandIn()
    private let held = Mutex(Held())

    private struct Held {
        var settings: ProjectSettings
        var events: [Event] = []
        var now = 1_000_000
        var hostFiles = FileTree([:])
        /// Where links of the host lead.
        var links: [String: String] = [:]

        init() {
            settings = ProjectSettings(
                name: "shop", repository: "https://git.example.com/shop", revision: "branch main", branch: "main")
            settings.settle = .milliseconds(2)
            settings.healthTimeout = .seconds(20)
        }
    }

    init(images: [String] = ["web:1", "web:2", "web:3", "db:1", "db:2", "job:1"]) {
        engine = EngineStandIn(life)
        source = SourceStandIn(life)
        store = StoreStandIn(life)
        engine.with { state in
            for image in images { state.engine.setImage(image, id: House.imageID(image)) }
        }
    }

    static func imageID(_ reference: String) -> String { "sha256:" + reference.replacing(":", with: "") }

    func configure(_ change: (inout ProjectSettings) -> Void) { held.withLock { change(&$0.settings) } }
    func pass(_ duration: Duration) { held.withLock { $0.now += Int(duration.components.seconds) * 1000 } }
    func putOnHost(_ files: [String: String], links: [String: String] = [:]) {
        held.withLock { ($0.hostFiles, $0.links) = (FileTree(files), links) }
    }
    var events: [Event] { held.withLock { $0.events } }
    func forgetEvents() { held.withLock { $0.events = [] } }

    var deployer: Deployer {
        let (settings, files, links) = held.withLock { ($0.settings, $0.hostFiles.access, $0.links) }
        var hostFiles = files
        hostFiles.resolve = { links[$0] ?? $0 }
        return Deployer(
            settings: settings, source: source, engine: engine, store: store.port, commands: commands,
            hostFiles: hostFiles,
            emit: { event in self.held.withLock { $0.events.append(event) } },
            now: { self.held.withLock { $0.now } })
    }

    func deploy(_ change: (inout DeployRequest) -> Void = { _ in }) async -> RunResult {
        var request = DeployRequest()
        change(&request)
        return await deployer.deploy(request)
    }

    /// Rolls back to a deployment.
    func rollback(to target: RollbackRequest.Target, _ change: (inout RollbackRequest) -> Void = { _ in }) async
        -> RunResult
    {
        var request = RollbackRequest(to: target)
        change(&request)
        return await deployer.rollback(request)
    }

    /// Commits a Compose file (and others) as the new tip.
    @discardableResult
    func push(_ yaml: String, _ files: [String: String] = [:], onto parent: CommitID? = nil) -> Commit {
        source.commit(
            "Change \(source.with { $0.commits.count } + 1)", files.merging(["compose.yaml": yaml]) { $1 }, onto: parent
        )
    }

    /// Makes every container from that image do this when it is started.
    func makeAll(from image: String, do behaviour: SimulatedEngine.Behaviour) {
        engine.with { $0.engine.behaviours[Self.imageID(image)] = behaviour }
    }

    /// The containers: id, name, image, and whether each is up.
    var containers: [String] {
        engine.with { state in
            state.engine.state.containers.sorted { $0.name < $1.name }.map { container in
                let isUp = container.state == .running || container.state == .restarting
                let image = String(container.imageID.dropFirst("sha256:".count))
                return "\(container.id.short) \(container.name) \(image) \(isUp ? "up" : "down")"
            }
        }
    }

    var names: [String] { containers.map { $0.split(separator: " ").dropFirst().joined(separator: " ") } }
    var writes: Int { engine.with { $0.writes } }
    func deployment(_ number: Int) -> Deployment? { store.with { $0.deployments[number] } }
    var statuses: [String] {
        store.with { state in
            state.deployments.values.sorted { $0.id.number < $1.id.number }.map { "\($0.kind) \($0.status)" }
        }
    }
    var skipped: [SkippedCommit] { store.with { $0.skipped } }
}

let pair = """
    services:
      web: {image: web:1, depends_on: [db]}
      db: {image: db:1, volumes: ["data:/data"]}
    volumes: {data: {}}
    """
