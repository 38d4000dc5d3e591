import Compose
import Reconcile
import Testing
import WatcherTestSupport

/// What holds for every plan, whatever it is for.
@Suite struct PlanProperties {
    @Test(arguments: Scenario.all) func `steps only follow earlier ones, each named once`(_ scenario: Scenario) throws {
        let plan = try scenario.world().plan(try scenario.project())
        for (position, step) in plan.steps.enumerated() {
            #expect(step.id == position + 1)
            #expect(step.after.allSatisfy { $0 >= 1 && $0 < step.id })
            #expect(step.after == Set(step.after).sorted())
        }
    }

    @Test(arguments: Scenario.all) func `the same state always gives the same plan`(_ scenario: Scenario) throws {
        let world = try scenario.world()
        let plan = try world.plan(try scenario.project())
        #expect(try plan == world.plan(try scenario.project()))
        var reversed = world
        reversed.engine.state.containers.reverse()
        #expect(try Set(plan.changes.map(\.name)) == Set(reversed.plan(try scenario.project()).changes.map(\.name)))
    }

    @Test(arguments: Scenario.all)
    func `the engine accepts the steps in any order the graph allows, and then all is done`(
        _ scenario: Scenario
    ) throws {
        let project = try scenario.project()
        for seed in 1...12 {
            var world = try scenario.world()
            let plan = try world.plan(project)
            world.deployment += 1
            var random = Dice(seed: UInt64(seed))
            try world.perform(plan.shuffled(&random))
            world.previous = .init(project: project, contentHashes: [:], contents: [:], completed: [])
            #expect(try world.plan(project).isEmpty, "seed \(seed)")
        }
    }

    @Test(arguments: Scenario.all) func `nothing that runs is touched before everything new exists`(
        _ scenario: Scenario
    ) throws {
        let world = try scenario.world()
        let plan = try world.plan(try scenario.project())
        let renewed = plan.steps.contains { if case .removeNetwork = $0.operation { true } else { false } }
        guard !renewed else { return }
        let creations = Set(plan.steps.filter { if case .create = $0.operation { true } else { false } }.map(\.id))
        for step in plan.steps where step.phase == .apply && step.touchesExisting {
            #expect(plan.ancestors(of: step.id).isSuperset(of: creations), "\(plan)")
        }
    }

    @Test(arguments: Scenario.all) func `nothing is removed before cleanup`(_ scenario: Scenario) throws {
        let plan = try scenario.world().plan(try scenario.project())
        for step in plan.steps {
            if case .remove = step.operation { #expect(step.phase == .cleanup) }
        }
    }

    @Test(arguments: Scenario.all) func `undo after any number of steps gives back what ran before`(
        _ scenario: Scenario
    ) throws {
        let project = try scenario.project()
        let start = try scenario.world()
        let plan = try start.plan(project)
        let steps = plan.steps.filter { $0.phase == .apply }
        for seed in 0...3 {
            var random = Dice(seed: UInt64(seed))
            let order = seed == 0 ? steps : plan.shuffled(&random).filter { $0.phase == .apply }
            for count in 0...order.count {
                var world = start
                world.deployment += 1
                try world.perform(order.prefix(count))
                let model = start.previous?.project ?? project
                let undo = world.undo(to: start, model)
                world.deployment += 1
                try world.perform(undo.shuffled(&random))
                #expect(
                    world.essence == start.essence, "seed \(seed), \(count) steps, undone by:\n\(undo)\nof\n\(plan)")
                #expect(world.undo(to: start, model).isEmpty, "\(world.undo(to: start, model))")
            }
        }
    }

    @Test(.timeLimit(.minutes(15))) func `hundreds of services are planned in no time`() throws {
        let services = (1...400).map { number in
            let before = number > 1 ? ", depends_on: [s\(number - 1)]" : ""
            return "  s\(number): {image: web:1, ports: [\"\(10_000 + number):80\"]\(before)}"
        }
        let yaml = "services:\n" + services.joined(separator: "\n")
        let project = try FileTree.project(yaml)
        var world = World()
        try world.deploy(project)
        #expect(try world.plan(project).isEmpty)
        let next = try FileTree.project(yaml.replacing("web:1", with: "web:2"))
        #expect(try world.plan(next).changes.count == 400)
    }

    @Test(arguments: Scenario.all) func `an interrupted undo is finished by the next one`(_ scenario: Scenario) throws {
        let project = try scenario.project()
        let start = try scenario.world()
        let model = start.previous?.project ?? project
        var broken = start
        broken.deployment += 1
        try broken.perform(start.plan(project).steps.filter { $0.phase == .apply })
        let undo = broken.undo(to: start, model)
        for count in 0...undo.steps.count {
            var world = broken
            try world.perform(undo.steps.prefix(count))
            try world.perform(world.undo(to: start, model).steps)
            #expect(world.essence == start.essence, "\(count) steps of\n\(undo)")
        }
    }
}

extension World {
    func undo(to start: World, _ model: Project) -> Plan {
        UndoPlanner.plan(
            .init(number: start.deployment + 1, label: "shop/\(start.deployment + 1)"), before: start.engine.state,
            observed: engine.state, model: model, settle: .seconds(1), timeout: .seconds(10))
    }

    /// What undo promises to give back: the same containers under the same names, doing the same, in the same networks.
    var essence: [String] {
        engine.state.containers.sorted { $0.id.hex < $1.id.hex }.map { container in
            let isUp = [.running, .restarting, .paused].contains(container.state)
            let networks = container.networks.keys.sorted().joined(separator: " ")
            let isConnected = container.networks.allSatisfy { !isUp || engine.state.networks[$0.key]?.id == $0.value }
            return "\(container.id.short) \(container.name) \(isUp ? "up" : "down") \(networks) \(isConnected)"
        } + engine.state.networks.values.map { "\($0.name) \($0.labels.sorted { $0.key < $1.key })" }.sorted()
    }
}

extension Plan {
    func ancestors(of id: Int) -> Set<Int> {
        var found: Set<Int> = []
        for step in steps[..<id].reversed() where step.id == id || found.contains(step.id) {
            found.formUnion(step.after)
        }
        return found
    }

    /// The steps in another order that the graph allows; cleanup last.
    func shuffled(_ random: inout Dice) -> [Step] {
        var done: Set<Int> = []
        var order: [Step] = []
        for phase in [Phase.apply, .cleanup] {
            var left = steps.filter { $0.phase == phase }
            while !left.isEmpty {
                let ready = left.indices.filter { left[$0].after.allSatisfy(done.contains) }
                guard let pick = ready.randomElement(using: &random) else { return order }
                done.insert(left[pick].id)
                order.append(left.remove(at: pick))
            }
        }
        return order
    }
}

extension Plan.Step {
    /// Whether it changes a container that was there before the plan.
    var touchesExisting: Bool {
        switch operation {
        case .rename(.existing, _), .stop(.existing), .remove(.existing, _), .disconnect(.existing, _): true
        default: false
        }
    }
}

/// Pseudo-random numbers that are the same in every run (SplitMix64).
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
