import Compose
import Reconcile
import Testing
import WatcherTestSupport

/// Plans as text, to be read like prose.
@Suite struct ReconcilerTests {
    @Test func `a first deployment starts each container once it is created, in the order of dependencies`() throws {
        try expect(
            World().plan(Scenario.shop),
            is: """
                [1] create network shop_default — network shop_default is missing
                [2] create volume shop_data — volume shop_data is missing
                [3] create shop-db-1 from db:1 after 1, 2 — the service has no container
                [4] create shop-job-1 from job:1 after 1, 2 — the service has no container
                [5] create shop-web-1 from web:1 after 1, 2 — the service has no container
                [6] start container of 3 after 3 — new container
                [7] wait until db (container of 3) is verified after 6 — the deployment counts only when its services work
                [8] wait until db (container of 3) is healthy after 6 — service_healthy
                [9] start container of 4 after 4, 8 — new container
                [10] wait until job (container of 4) is completed after 9 — the deployment counts only when its services work
                [11] start container of 5 after 5, 10 — new container
                [12] wait until web (container of 5) is verified after 11 — the deployment counts only when its services work
                """)
    }

    @Test func `a container is created after those it links to`() throws {
        let plan = try World().plan("services: {web: {image: web:1, links: ['db:data']}, db: {image: db:1}}")
        #expect(
            plan.description.hasPrefix(
                """
                [1] create network shop_default — network shop_default is missing
                [2] create shop-db-1 from db:1 after 1 — the service has no container
                [3] create shop-web-1 from web:1 after 2 — the service has no container

                """))
    }

    @Test func `nothing is done when nothing changed`() throws {
        for scenario in [Scenario.pair, Scenario.sharing, Scenario.networked] {
            try expect(World(running: scenario).plan(scenario), is: "nothing to do")
        }
        var world = World()
        world.engine.behaviours["job"] = .exits(0)
        try world.deploy(Scenario.shop)
        try expect(world.plan(Scenario.shop), is: "nothing to do")
    }

    @Test func `only the changed service is recreated, and it waits for what it depends on`() throws {
        var world = World()
        world.engine.behaviours["job"] = .exits(0)
        try world.deploy(Scenario.shop)
        try expect(
            world.plan(Scenario.shop.replacing("web:1", with: "web:2")),
            is: """
                [1] create c00000000004_shop-web-1 for shop-web-1 from web:2 replacing c00000000004 — image web:1 → 2
                [2] wait until db (c00000000002) is healthy, as it is after 1 — service_healthy
                [3] wait until job (c00000000003) is completed, as it is after 1 — service_completed_successfully
                [4] rename c00000000004 to shop-web-1.parked-2 after 2, 3 — image web:1 → 2
                [5] stop c00000000004 after 4 — image web:1 → 2
                [6] remove c00000000004 after 5 — parked and no longer needed (cleanup)
                [7] rename container of 1 to shop-web-1 after 4 — image web:1 → 2
                [8] start container of 1 after 5, 7 — image web:1 → 2
                [9] wait until web (container of 1) is verified after 8 — the deployment counts only when its services work
                """)
    }

    @Test func `a changed dependency is recreated without its dependants`() throws {
        let world = try World(running: Scenario.pair)
        try expect(
            world.plan(Scenario.pair.replacing("db:1", with: "db:2")),
            is: """
                [1] create c00000000002_shop-db-1 for shop-db-1 from db:2 replacing c00000000002 — image db:1 → 2
                [2] rename c00000000002 to shop-db-1.parked-2 after 1 — image db:1 → 2
                [3] stop c00000000002 after 2 — image db:1 → 2
                [4] remove c00000000002 after 3 — parked and no longer needed (cleanup)
                [5] rename container of 1 to shop-db-1 after 2 — image db:1 → 2
                [6] start container of 1 after 3, 5 — image db:1 → 2
                [7] wait until db (container of 1) is verified after 6 — the deployment counts only when its services work
                """)
    }

    @Test func `a dependant does not overtake a changed dependency of its unchanged dependency`() throws {
        let chain = """
            services:
              web: {image: web:1, depends_on: [proxy]}
              proxy: {image: proxy:1, depends_on: {db: {condition: service_healthy}}}
              db: {image: db:1, healthcheck: {test: ["CMD", "true"]}}
            """
        let world = try World(running: chain)
        let changed = chain.replacing("web:1", with: "web:2").replacing("db:1", with: "db:2")
        try expect(
            world.plan(changed),
            is: """
                [1] create c00000000002_shop-db-1 for shop-db-1 from db:2 replacing c00000000002 — image db:1 → 2
                [2] create c00000000004_shop-web-1 for shop-web-1 from web:2 replacing c00000000004 — image web:1 → 2
                [3] rename c00000000002 to shop-db-1.parked-2 after 1, 2 — image db:1 → 2
                [4] stop c00000000002 after 3 — image db:1 → 2
                [5] remove c00000000002 after 4 — parked and no longer needed (cleanup)
                [6] rename container of 1 to shop-db-1 after 3 — image db:1 → 2
                [7] start container of 1 after 4, 6 — image db:1 → 2
                [8] wait until db (container of 1) is verified after 7 — the deployment counts only when its services work
                [9] wait until db (container of 1) is healthy after 7 — service_healthy
                [10] rename c00000000004 to shop-web-1.parked-2 after 9 — image web:1 → 2
                [11] stop c00000000004 after 10 — image web:1 → 2
                [12] remove c00000000004 after 11 — parked and no longer needed (cleanup)
                [13] rename container of 2 to shop-web-1 after 10 — image web:1 → 2
                [14] start container of 2 after 11, 13 — image web:1 → 2
                [15] wait until web (container of 2) is verified after 14 — the deployment counts only when its services work
                """)
    }

    @Test func `attributes outside of the config hash recreate nothing`() throws {
        let world = try World(running: "services: {web: {image: web:1}, db: {image: db:1}}")
        let changed = """
            services:
              web: {image: web:1, depends_on: [db], pull_policy: missing, profiles: [all], scale: 1}
              db: {image: db:1, scale: 1}
            """
        try expect(world.plan(changed, profiles: ["all"]), is: "nothing to do")
    }

    @Test func `an image that moved under its tag is recreated`() throws {
        var world = try World(running: Scenario.pair)
        world.engine.setImage("web:1", id: "sha256:0123456789abcdef")
        try expect(
            world.plan(Scenario.pair),
            is: """
                [1] create c00000000003_shop-web-1 for shop-web-1 from web:1 replacing c00000000003 — image web:1 is now 0123456789ab, was web1
                [2] rename c00000000003 to shop-web-1.parked-2 after 1 — image web:1 is now 0123456789ab, was web1
                [3] stop c00000000003 after 2 — image web:1 is now 0123456789ab, was web1
                [4] remove c00000000003 after 3 — parked and no longer needed (cleanup)
                [5] rename container of 1 to shop-web-1 after 2 — image web:1 is now 0123456789ab, was web1
                [6] start container of 1 after 3, 5 — image web:1 is now 0123456789ab, was web1
                [7] wait until web (container of 1) is verified after 6 — the deployment counts only when its services work
                """)
    }

    @Test func `a missing image is pulled, each once; one that is always pulled may be the local one`() throws {
        let plan = try World().plan(
            """
            services:
              web: {image: nginx:1.27, pull_policy: always}
              db: {image: nginx:1.27}
              job: {image: job:1, pull_policy: always}
            """)
        #expect(
            plan.pulls.map(\.description) == [
                "pull job:1 for job, else use the local one", "pull nginx:1.27 for db, web",
            ])
    }

    @Test func `changed files of a service recreate it and are named`() throws {
        let project = try FileTree.project(Scenario.pair)
        var world = World()
        try world.deploy(project, hashes: ["web": "1"])
        world.previous?.contents = ["web": ["nginx.conf": "a", "site/index.html": "b", "gone": "c"]]
        var target = try world.target(project, hashes: ["web": "2"])
        target.contents = ["web": ["nginx.conf": "a", "site/index.html": "B"]]
        let plan = Reconciler.plan(target, world.engine.state)
        #expect(plan.changes.map(\.causes) == [["gone changed", "site/index.html changed"]])
        #expect(plan.changes.first?.details?.map(\.file) == ["gone", "site/index.html"])
        let commit = CommitID(hex: "3f2a1c9d0e00000000000000000000000000beef")
        target.fileCommits = ["site/index.html": commit]
        let told = try #require(Reconciler.plan(target, world.engine.state).changes.first)
        #expect(told.causes == ["gone changed", "site/index.html changed in 3f2a1c9d0e"])
        #expect(told.details?.last?.commit == commit)
        world.previous?.contents = [:]
        target.previous = world.previous
        #expect(Reconciler.plan(target, world.engine.state).changes.map(\.causes) == [["its files changed"]])
    }

    @Test func `a file that was changed on the host recreates who has it mounted read-only`() throws {
        let project = try FileTree.project(
            """
            services:
              web: {image: web:1, volumes: ["./file:/file:ro", "./dir:/dir:ro"]}
              db: {image: db:1, volumes: ["./file:/file"]}
              proxy: {image: proxy:1, secrets: [key]}
            secrets: {key: {file: ./file}}
            """)
        var world = World()
        try world.deploy(project, hashes: ["web": "1", "db": "1", "proxy": "1"])
        var target = try world.target(project, hashes: ["web": "1", "db": "1", "proxy": "1"])
        target.contents = ["web": ["file": "a", "dir": "b"], "db": ["file": "a"], "proxy": ["file": "a"]]
        #expect(Reconciler.plan(target, world.engine.state).isEmpty)
        target.restored = ["dir/file"]
        #expect(Reconciler.plan(target, world.engine.state).isEmpty)
        target.restored = ["file"]
        let changes = Reconciler.plan(target, world.engine.state).changes
        #expect(changes.map(\.name) == ["proxy", "web"])
        #expect(Set(changes.map(\.causes)) == [["file was changed on the host"]])
    }

    @Test func `containers that docker compose made stay although they have no content hash`() throws {
        let project = try FileTree.project(Scenario.pair)
        var world = try World(running: Scenario.pair)
        world.forgetWatcher()
        #expect(try Reconciler.plan(world.target(project, hashes: ["web": "2"]), world.engine.state).isEmpty)
    }

    @Test func `scaling up numbers on from the highest and leaves the others alone`() throws {
        var world = try World(running: Scenario.pair.replacing("web:1", with: "web:1, scale: 3"))
        world.engine.remove("shop-web-2")
        try expect(
            world.plan(Scenario.pair.replacing("web:1", with: "web:1, scale: 3")),
            is: """
                [1] create shop-web-4 from web:1 — a replica is missing
                [2] start container of 1 after 1 — new container
                [3] wait until web (container of 1) is verified after 2 — the deployment counts only when its services work
                """)
    }

    @Test func `scaling down parks the highest numbers, obsolete ones first`() throws {
        var world = try World(running: Scenario.pair.replacing("web:1", with: "web:1, scale: 3"))
        try world.engine.change("shop-web-1") { $0.labels[ComposeLabels.configHash] = "old" }
        try expect(
            world.plan(Scenario.pair),
            is: """
                [1] rename c00000000005 to shop-web-3.parked-2 — more replicas than wanted
                [2] stop c00000000005 after 1 — more replicas than wanted
                [3] remove c00000000005 after 2 — parked and no longer needed (cleanup)
                [4] rename c00000000003 to shop-web-1.parked-2 — more replicas than wanted
                [5] stop c00000000003 after 4 — more replicas than wanted
                [6] remove c00000000003 after 5 — parked and no longer needed (cleanup)
                """)
    }

    @Test func `a removed service is parked when watcher made it`() throws {
        let world = try World(running: Scenario.pair)
        try expect(
            world.plan("services: {db: {image: db:1}}"),
            is: """
                [1] rename c00000000003 to shop-web-1.parked-2 — the service is no longer in the project
                [2] stop c00000000003 after 1 — the service is no longer in the project
                [3] remove c00000000003 after 2 — parked and no longer needed (cleanup)
                """)
    }

    @Test func `a removed service is left alone when watcher did not make it or may not prune`() throws {
        var world = try World(running: Scenario.pair)
        let project = try FileTree.project("services: {db: {image: db:1}}")
        var target = try world.target(project)
        target.prunesOrphans = false
        let text =
            "warning: container shop-web-1 belongs to service web, which the project does not have; it is left alone"
        try expect(Reconciler.plan(target, world.engine.state), is: text)
        world.forgetWatcher()
        try expect(world.plan(project), is: text)
    }

    @Test func `a service whose profile is no longer active is parked when watcher made it, else left in peace`() throws
    {
        let yaml = "services: {web: {image: web:1, profiles: [all]}, db: {image: db:1}}"
        var world = World()
        try world.deploy(try FileTree.project(yaml, profiles: ["all"]))
        try expect(
            world.plan(yaml),
            is: """
                [1] rename c00000000003 to shop-web-1.parked-2 — its profile is not active
                [2] stop c00000000003 after 1 — its profile is not active
                [3] remove c00000000003 after 2 — parked and no longer needed (cleanup)
                """)
        world.forgetWatcher()
        try expect(world.plan(yaml), is: "nothing to do")
    }
}
