import Compose
import Reconcile
import Testing
import WatcherTestSupport

/// How many containers of a service are replaced at a time, and in which order.
@Suite struct ReplacingTests {
    private static let web = """
        services:
          web: {image: web:1, deploy: {update_config: {order: start-first}}}
          db: {image: db:1}
        """

    @Test func `with start-first the old container is stopped when everything is verified`() throws {
        let world = try World(running: Self.web)
        try expect(
            world.plan(Self.web.replacing("web:1", with: "web:2").replacing("db:1", with: "db:2")),
            is: """
                [1] create c00000000002_shop-db-1 for shop-db-1 from db:2 replacing c00000000002 — image db:1 → 2
                [2] create c00000000003_shop-web-1 for shop-web-1 from web:2 replacing c00000000003 — image web:1 → 2
                [3] rename c00000000002 to shop-db-1.parked-2 after 1, 2 — image db:1 → 2
                [4] stop c00000000002 after 3 — image db:1 → 2
                [5] remove c00000000002 after 4 — parked and no longer needed (cleanup)
                [6] rename container of 1 to shop-db-1 after 3 — image db:1 → 2
                [7] start container of 1 after 4, 6 — image db:1 → 2
                [8] wait until db (container of 1) is verified after 7 — the deployment counts only when its services work
                [9] start container of 2 after 1, 2 — image web:1 → 2
                [10] wait until web (container of 2) is verified after 9 — the deployment counts only when its services work
                [11] rename c00000000003 to shop-web-1.parked-2 after 8, 10 — image web:1 → 2
                [12] stop c00000000003 after 11 — image web:1 → 2
                [13] remove c00000000003 after 12 — parked and no longer needed (cleanup)
                [14] rename container of 2 to shop-web-1 after 11 — image web:1 → 2
                """)
    }

    @Test func `replicas are replaced so many at a time, with a pause between`() throws {
        let three = Self.web.replacing("order: start-first", with: "order: start-first, parallelism: 2, delay: 5s")
            .replacing("web:1", with: "web:1, scale: 3")
        try expect(
            World(running: three).plan(three.replacing("web:1", with: "web:2")),
            is: """
                [1] create c00000000003_shop-web-1 for shop-web-1 from web:2 replacing c00000000003 — image web:1 → 2
                [2] create c00000000004_shop-web-2 for shop-web-2 from web:2 replacing c00000000004 — image web:1 → 2
                [3] create c00000000005_shop-web-3 for shop-web-3 from web:2 replacing c00000000005 — image web:1 → 2
                [4] start container of 1 after 1, 2, 3 — image web:1 → 2
                [5] start container of 2 after 1, 2, 3 — image web:1 → 2
                [6] wait until web (container of 1, container of 2) is verified, and 5.0 seconds more after 4, 5 — the next replicas are replaced when these work
                [7] rename c00000000003 to shop-web-1.parked-2 after 6 — image web:1 → 2
                [8] stop c00000000003 after 7 — image web:1 → 2
                [9] remove c00000000003 after 8 — parked and no longer needed (cleanup)
                [10] rename container of 1 to shop-web-1 after 7 — image web:1 → 2
                [11] rename c00000000004 to shop-web-2.parked-2 after 6 — image web:1 → 2
                [12] stop c00000000004 after 11 — image web:1 → 2
                [13] remove c00000000004 after 12 — parked and no longer needed (cleanup)
                [14] rename container of 2 to shop-web-2 after 11 — image web:1 → 2
                [15] start container of 3 after 8, 10, 12, 14 — image web:1 → 2
                [16] wait until web (container of 3) is verified after 15 — the deployment counts only when its services work
                [17] rename c00000000005 to shop-web-3.parked-2 after 16 — image web:1 → 2
                [18] stop c00000000005 after 17 — image web:1 → 2
                [19] remove c00000000005 after 18 — parked and no longer needed (cleanup)
                [20] rename container of 3 to shop-web-3 after 17 — image web:1 → 2
                """)
    }

    @Test func `with stop-first each replica has to work before the next is stopped`() throws {
        let two = Self.web.replacing("order: start-first", with: "order: stop-first")
            .replacing("web:1", with: "web:1, scale: 2")
        try expect(
            World(running: two).plan(two.replacing("web:1", with: "web:2")),
            is: """
                [1] create c00000000003_shop-web-1 for shop-web-1 from web:2 replacing c00000000003 — image web:1 → 2
                [2] create c00000000004_shop-web-2 for shop-web-2 from web:2 replacing c00000000004 — image web:1 → 2
                [3] rename c00000000003 to shop-web-1.parked-2 after 1, 2 — image web:1 → 2
                [4] stop c00000000003 after 3 — image web:1 → 2
                [5] remove c00000000003 after 4 — parked and no longer needed (cleanup)
                [6] rename container of 1 to shop-web-1 after 3 — image web:1 → 2
                [7] start container of 1 after 4, 6 — image web:1 → 2
                [8] wait until web (container of 1) is verified after 7 — the next replicas are replaced when these work
                [9] rename c00000000004 to shop-web-2.parked-2 after 8 — image web:1 → 2
                [10] stop c00000000004 after 9 — image web:1 → 2
                [11] remove c00000000004 after 10 — parked and no longer needed (cleanup)
                [12] rename container of 2 to shop-web-2 after 9 — image web:1 → 2
                [13] start container of 2 after 10, 12 — image web:1 → 2
                [14] wait until web (container of 2) is verified after 13 — the deployment counts only when its services work
                """)
    }

    @Test func `monitor is how long a container without a health check is watched`() throws {
        let watched = Self.web.replacing("order: start-first", with: "monitor: 20s")
        var target = try World(running: watched).target(
            try FileTree.project(watched.replacing("web:1", with: "web:2")))
        target.healthTimeout = .seconds(5)
        let waits = Reconciler.plan(target, try World(running: watched).engine.state).steps.compactMap { step in
            if case .wait(let wait) = step.operation { wait } else { nil }
        }
        #expect(waits.map(\.expectation) == [.verified(settle: .seconds(20), mayComplete: true)])
        #expect(waits.map(\.timeout) == [.seconds(30)])
    }

    @Test func `a container that does not run is replaced as with stop-first`() throws {
        var world = try World(running: Self.web)
        try world.engine.change("shop-web-1") { $0.state = .exited }
        let plan = try world.plan(Self.web.replacing("web:1", with: "web:2"))
        let last = try #require(plan.steps.last { $0.phase == .apply })
        guard case .wait = last.operation else {
            Issue.record("\(plan)")
            return
        }
    }

    @Test func `what keeps an old container from running on is said`() throws {
        let world = try World(running: Self.web)
        let plan = try world.plan(
            Self.web.replacing("web:1", with: "web:2") + "\nnetworks: {default: {labels: {a: b}}}")
        #expect(
            plan.warnings == [
                "container shop-web-1 is stopped before its successor starts, although its service says start-first: "
                    + "its network is made anew"
            ])
    }

    @Test func `a failed start-first leaves the old container as it is`() throws {
        let start = try World(running: Self.web)
        let project = try FileTree.project(Self.web.replacing("web:1", with: "web:2"))
        var world = start
        let steps = try world.plan(project).steps.filter { $0.phase == .apply }
        world.deployment += 1
        // As far as the new container is verified.
        let last = try #require(steps.lastIndex { if case .wait = $0.operation { true } else { false } })
        try world.perform(steps.prefix(last))
        let model = try #require(start.previous?.project)
        let undo = world.undo(to: start, model)
        #expect(!undo.steps.isEmpty)
        let old = try #require(start.engine.state.containers.first { $0.service == "web" })
        #expect(world.engine.state.containers.contains(old))
        #expect(!undo.description.contains(old.id.short))
    }
}
