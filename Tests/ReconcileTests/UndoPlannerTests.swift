import Compose
import Reconcile
import Testing
import WatcherTestSupport

@Suite struct UndoPlannerTests {
    /// The world after all steps of a deployment, none cleaned up, and the way back.
    private func undo(from: String, to: String, change: (inout World) throws -> Void = { _ in }) throws -> Plan {
        let start = try World(running: from)
        var world = start
        world.deployment += 1
        let project = try FileTree.project(to)
        try world.perform(start.plan(project).steps.filter { $0.phase == .apply })
        try change(&world)
        return world.undo(to: start, try FileTree.project(from))
    }

    @Test func `what was created goes, then what was parked comes back`() throws {
        let plan = try undo(from: Scenario.pair, to: Scenario.pair.replacing("db:1", with: "db:2"))
        try expect(
            plan,
            is: """
                [1] stop c00000000004 — made by the deployment that is undone
                [2] rename c00000000004 to c00000000004_shop-db-1.parked-2 after 1 — made by the deployment that is undone
                [3] remove c00000000004 and its anonymous volumes after 2 — made by the deployment that is undone (cleanup)
                [4] rename c00000000002 to shop-db-1 after 2 — it had this name before
                [5] start c00000000002 after 4 — it ran before
                [6] wait until db (c00000000002) is verified after 5 — what was put back must work
                """)
    }

    @Test func `what is put back starts in the order of its dependencies, each when they work`() throws {
        let chain = """
            services:
              web: {image: web:1, depends_on: {db: {condition: service_healthy}}}
              db: {image: db:1, healthcheck: {test: ["CMD", "true"]}}
            """
        let plan = try undo(
            from: chain, to: chain.replacing("db:1", with: "db:2").replacing("web:1", with: "web:2"))
        try expect(
            plan,
            is: """
                [1] stop c00000000004 — made by the deployment that is undone
                [2] rename c00000000004 to c00000000004_shop-db-1.parked-2 after 1 — made by the deployment that is undone
                [3] remove c00000000004 and its anonymous volumes after 2 — made by the deployment that is undone (cleanup)
                [4] stop c00000000005 — made by the deployment that is undone
                [5] rename c00000000005 to c00000000005_shop-web-1.parked-2 after 4 — made by the deployment that is undone
                [6] remove c00000000005 and its anonymous volumes after 5 — made by the deployment that is undone (cleanup)
                [7] rename c00000000002 to shop-db-1 after 2, 5 — it had this name before
                [8] rename c00000000003 to shop-web-1 after 2, 5 — it had this name before
                [9] start c00000000002 after 7 — it ran before
                [10] wait until db (c00000000002) is verified after 9 — what was put back must work
                [11] start c00000000003 after 8, 10 — it ran before
                [12] wait until web (c00000000003) is verified after 11 — what was put back must work
                """)
    }

    @Test func `what was unhealthy or restarted before need not work again`() throws {
        var start = try World(running: Scenario.pair)
        try start.engine.change("shop-web-1") { $0.health = .unhealthy }
        try start.engine.change("shop-db-1") { $0.state = .restarting }
        var world = start
        world.deployment += 1
        let project = try FileTree.project(
            Scenario.pair.replacing("db:1", with: "db:2").replacing("web:1", with: "web:2"))
        try world.perform(start.plan(project).steps.filter { $0.phase == .apply })
        let plan = world.undo(to: start, project)
        #expect(plan.steps.filter { if case .start = $0.operation { true } else { false } }.count == 2)
        #expect(!plan.steps.contains { if case .wait = $0.operation { true } else { false } })
    }

    @Test func `only containers of this deployment are removed`() throws {
        let plan = try undo(from: Scenario.pair, to: Scenario.pair.replacing("db:1", with: "db:2")) { world in
            try world.engine.change("shop-db-1") { $0.labels[ComposeLabels.watcherDeployment] = "other/2" }
        }
        #expect(!plan.steps.contains { if case .remove = $0.operation { true } else { false } })
    }

    @Test func `networks of other projects and volumes stay`() throws {
        let yaml =
            Scenario.pair.replacing("db:1}", with: "db:1, volumes: ['data:/data'], networks: [back, outer]}")
            + "\nvolumes: {data: {}}\nnetworks: {back: {}, outer: {external: true, name: outer}}"
        let start = try World(running: Scenario.pair)
        var world = start
        world.engine.state.networks["outer"] = .init(
            id: "1", name: "outer",
            labels: [ComposeLabels.network: "default", ComposeLabels.project: "other"])
        let project = try FileTree.project(yaml)
        let steps = try world.plan(project).steps.filter { $0.phase == .apply }
        world.deployment += 1
        try world.perform(steps)
        let removed = world.undo(to: start, project).steps.compactMap { step -> String? in
            if case .removeNetwork(_, let name) = step.operation { name } else { nil }
        }
        #expect(removed == ["shop_back"])
    }

    @Test func `parked containers come back even when nothing is known of what ran before`() throws {
        let start = try World(running: Scenario.pair)
        var world = start
        world.deployment += 1
        let project = try FileTree.project(Scenario.pair.replacing("db:1", with: "db:2"))
        try world.perform(start.plan(project).steps.filter { $0.phase == .apply })
        for index in world.engine.state.containers.indices
        where world.engine.state.containers[index].labels[ComposeLabels.watcherDeployment] == "shop/1" {
            world.engine.state.containers[index].labels[ComposeLabels.watcherDeployment] = nil
        }
        var blank = start
        blank.engine.state = ObservedState()
        let plan = world.undo(to: blank, project)
        try world.perform(plan.steps)
        #expect(world.essence.filter { $0.contains("shop-db") } == start.essence.filter { $0.contains("shop-db") })
    }
}
