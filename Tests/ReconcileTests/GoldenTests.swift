import Compose
import Foundation
import Reconcile
import Testing
import WatcherTestSupport

/// Plans that people review: each directory below `Golden/` is a case. `UPDATE_GOLDEN=1` writes `observed.txt` and
/// `plan.txt` anew.
///
/// `before.yaml` is what was deployed (nothing without it), `events.txt` what happened since, `compose.yaml` what is to be
/// deployed.
@Suite struct GoldenTests {
    private static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")
    private static let isUpdating = ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1"

    static let cases: [String] = {
        let names = try? FileManager.default.contentsOfDirectory(atPath: directory.path)
        return (names ?? []).filter { !$0.hasPrefix(".") }.sorted()
    }()

    @Test func `there are cases`() { #expect(Self.cases.count >= 12) }

    @Test(arguments: cases) func `the plan is the one that was reviewed`(_ name: String) throws {
        let place = Self.directory.appending(path: name)
        func text(_ file: String) -> String? { try? String(contentsOf: place.appending(path: file), encoding: .utf8) }
        var golden = GoldenCase()
        try golden.begin(before: text("before.yaml"), events: text("events.txt") ?? "")
        let plan = try golden.plan(try #require(text("compose.yaml")))
        for (file, now) in [("observed.txt", golden.observed), ("plan.txt", plan)] {
            if Self.isUpdating { try Data(now.utf8).write(to: place.appending(path: file)) }
            #expect(text(file) == now, "\(name)/\(file) differs; UPDATE_GOLDEN=1 writes it anew")
        }
    }
}

/// One case, on its way from what was deployed to the plan.
struct GoldenCase {
    private var world = World()
    /// The deployment whose steps were done when it was killed: how many of them.
    private var killedAfter: Int?
    private var pinned: [String: String] = [:]

    private static let files = ["/checkout/profile.json": #"{"defaultAction": "SCMP_ACT_ALLOW"}"#]

    mutating func begin(before yaml: String?, events: String) throws {
        let lines = events.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        if let api = lines.first(where: { $0.first == "api" }) { world.engine.state.apiVersion = api[1] }
        world.engine.behaviours["job"] = .exits(0)
        if let yaml {
            let project = try Self.project(yaml)
            try world.deploy(project, hashes: try Self.hashes(of: project))
        }
        for line in lines where line.first != "api" { try happen(line[0], Array(line.dropFirst())) }
    }

    private static func project(_ yaml: String) throws -> Project { try FileTree.project(yaml, files: files) }

    private static func hashes(of project: Project) throws -> [String: String] {
        try project.services.compactMapValues {
            try ContentFingerprint(of: $0, in: project, checkout: "/checkout", files: FileTree(files).access).hash
        }
    }

    private mutating func happen(_ event: String, _ names: [String]) throws {
        func name(_ index: Int) throws -> String { try #require(names.count > index ? names[index] : nil) }
        switch event {
        case "stop": try world.engine.change(try name(0)) { $0.stop(exit: 143, byItself: false) }
        case "exit":
            let code = try #require(Int(try name(1)))
            try world.engine.change(try name(0)) { $0.stop(exit: code, byItself: true) }
        case "remove": world.engine.remove(try name(0))
        case "prune-network": world.engine.state.networks[try name(0)] = nil
        case "image": world.engine.setImage(try name(0), id: try name(1))
        case "lose-image": world.engine.state.images[try name(0)] = nil
        case "pin": pinned[try name(0)] = try name(1)
        case "owner":
            let owner = try name(1)
            try world.engine.change(try name(0)) { $0.labels[ComposeLabels.watcherProject] = owner }
        case "anonymous-volume":
            let target = try name(1)
            let volume = String(repeating: "ab", count: 32)
            try world.engine.change(try name(0)) {
                $0.mounts.append(.init(type: "volume", name: volume, source: "", target: target))
            }
        case "killed-after": killedAfter = Int(try name(0))
        default: Issue.record("unknown event \(event)")
        }
    }

    /// The plan as text; of a killed deployment the way back.
    mutating func plan(_ yaml: String) throws -> String {
        let project = try Self.project(yaml)
        var target = try world.target(project, hashes: try Self.hashes(of: project))
        target.pinnedImages = pinned
        let plan = Reconciler.plan(target, world.engine.state)
        guard let killedAfter else { return Self.text(plan) }
        let before = world
        world.deployment += 1
        try world.perform(plan.steps.filter { $0.phase == .apply }.prefix(killedAfter))
        let undo = UndoPlanner.plan(
            .init(number: world.deployment, label: "shop/\(world.deployment)"), before: before.engine.state,
            observed: world.engine.state, model: before.previous?.project ?? project, attempted: project,
            settle: .seconds(3), timeout: .seconds(300))
        return Self.text(undo)
    }

    private static func text(_ plan: Plan) -> String {
        let changes = plan.changes.map(\.description) + plan.changesWithoutEffect.map(\.description)
        return (changes.isEmpty ? "" : changes.joined(separator: "\n") + "\n\n") + "\(plan)\n"
    }

    /// What the engine says, a line each; after a kill, what it says then.
    var observed: String {
        let state = world.engine.state
        var lines = state.networks.values.sorted { $0.name < $1.name }.map { "network \($0.name) \($0.id.prefix(12))" }
        lines += state.volumes.keys.sorted().map { "volume \($0)" }
        lines += state.containers.map { container in
            let exit = container.state == .exited ? " (\(container.exitCode))" : ""
            let image = state.images.first {
                $0.value.id == container.imageID && $0.key.contains(":") && !$0.key.hasPrefix("sha256:")
            }
            let networks = container.networks.sorted { $0.key < $1.key }.map { name, id in
                id.isEmpty || state.networks[name]?.id == id ? name : "\(name) (stale)"
            }
            return "container \(container.id.short) \(container.name): \(container.state)\(exit), image "
                + "\(image?.key ?? container.imageID), networks \(networks.joined(separator: ", "))"
        }
        return lines.isEmpty ? "nothing\n" : lines.joined(separator: "\n") + "\n"
    }
}

extension ObservedState.Container {
    fileprivate mutating func stop(exit code: Int, byItself: Bool) {
        state = .exited
        exitCode = code
        endedByItself = code == 0 ? byItself : nil
        health = nil
        ports = []
    }
}
