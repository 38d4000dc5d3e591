import Compose
import Reconcile
import Testing
import WatcherTestSupport

/// A simulated engine and the deployments made on it, for tests of plans.
struct World {
    var engine = SimulatedEngine()
    var deployment = 0
    var previous: Target.Previous?

    init(images: [String] = ["web:1", "web:2", "db:1", "db:2", "job:1", "proxy:1"]) {
        for image in images { engine.setImage(image, id: "sha256:" + image.replacing(":", with: "")) }
    }

    /// An engine on which watcher has deployed the project.
    init(running yaml: String) throws {
        self.init()
        try deploy(try FileTree.project(yaml))
    }

    func target(_ project: Project, hashes: [String: String] = [:]) throws -> Target {
        let traits = engine.state.traits ?? EngineTraits(version: .newest)
        var target = Target(
            try DeployableProject(project, on: traits),
            stamp: .init(project: "shop", commit: CommitID(hex: "c0ffee"), deployment: deployment + 1))
        target.contentHashes = hashes
        target.previous = previous
        return target
    }

    func plan(_ yaml: String, profiles: [String] = []) throws -> Plan {
        try plan(try FileTree.project(yaml, profiles: profiles))
    }

    func plan(_ project: Project) throws -> Plan { Reconciler.plan(try target(project), engine.state) }

    /// Carries out a plan's steps in the plan's order.
    mutating func perform(_ steps: some Sequence<Plan.Step>) throws {
        var created: [Int: ContainerID] = [:]
        for step in steps {
            let operation = step.operation.map { reference in
                switch reference {
                case .existing(let id): id
                case .created(let step): created[step] ?? ContainerID(hex: "")
                }
            }
            created[step.id] = try engine.perform(operation)
        }
    }

    /// A whole deployment, cleanup included.
    mutating func deploy(_ project: Project, hashes: [String: String] = [:]) throws {
        let target = try self.target(project, hashes: hashes)
        deployment += 1
        try perform(Reconciler.plan(target, engine.state).steps)
        previous = Target.Previous(project: project, contentHashes: hashes, contents: [:], completed: [])
    }

    mutating func deploy(_ yaml: String) throws { try deploy(try FileTree.project(yaml)) }
}

/// Compares a plan with its text.
func expect(_ plan: Plan, is text: String, _ location: SourceLocation = #_sourceLocation) throws {
    if text == "@" { print("GOLDEN \(location.line)\n\(plan)\nNEDLOG") }
    #expect(plan.description == text, sourceLocation: location)
}
