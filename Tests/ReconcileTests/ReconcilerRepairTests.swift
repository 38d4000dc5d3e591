import Compose
import Reconcile
import Testing
import WatcherTestSupport

/// Plans as text, for networks and volumes, for what happened to containers, and for names and ports.
@Suite struct ReconcilerRepairTests {
    @Test func `a changed network is made anew around stopped containers`() throws {
        var world = World()
        world.engine.behaviours["job"] = .exits(0)
        try world.deploy(Scenario.networked)
        try world.runOneOff(of: "shop-db-1")
        try expect(
            world.plan(Scenario.networked.replacing("back: {}", with: "back: {labels: {a: b}}")),
            is: """
                [1] stop c00000000003 — definition of network shop_back changed
                [2] disconnect c00000000003 from network e00000000001 after 1 — definition of network shop_back changed
                [3] disconnect c00000000004 from network e00000000001 — definition of network shop_back changed
                [4] stop c00000000006 — definition of network shop_back changed
                [5] disconnect c00000000006 from network e00000000001 after 4 — definition of network shop_back changed
                [6] disconnect d00000000007 from network e00000000001 — definition of network shop_back changed
                [7] remove network shop_back after 2, 3, 5, 6 — definition of network shop_back changed
                [8] create network shop_back after 7 — definition of network shop_back changed
                [9] connect d00000000007 to network shop_back after 8 — definition of network shop_back changed
                [10] connect c00000000003 to network shop_back after 8 — its network was made anew
                [11] start c00000000003 after 10 — its network was made anew
                [12] wait until db (c00000000003) is verified after 11 — the deployment counts only when its services work
                [13] connect c00000000004 to network shop_back after 8 — its network was made anew
                [14] connect c00000000006 to network shop_back after 8 — its network was made anew
                [15] start c00000000006 after 14 — its network was made anew
                [16] wait until web (c00000000006) is verified after 15 — the deployment counts only when its services work
                """)
    }

    @Test func `a changed volume is kept with its data and a warning`() throws {
        let yaml = "services: {db: {image: db:1, volumes: ['data:/data']}}\nvolumes: {data: {}}"
        let world = try World(running: yaml)
        try expect(
            world.plan(yaml.replacing("data: {}", with: "data: {labels: {a: b}}")),
            is: """
                warning: volume shop_data was made with another definition; it is kept as it is, because making it anew would lose its data
                """)
    }

    @Test func `external networks and volumes that do not exist are missing, those nobody uses are not`() throws {
        let yaml = """
            services: {db: {image: db:1, networks: [outer], volumes: ["data:/data"]}}
            networks: {outer: {external: true, name: outer-net}, unused: {external: true}}
            volumes: {data: {external: true, name: outer-data}, unused: {external: true}}
            """
        #expect(
            try World().plan(yaml).missing == [
                "network outer-net is declared as external, but it does not exist",
                "volume outer-data is declared as external, but it does not exist",
            ])
    }

    @Test func `what others made is used as it is, what is another network is refused`() throws {
        let yaml = """
            services: {db: {image: db:1, networks: [a, b], volumes: ["data:/data"]}}
            networks: {a: {labels: {x: y}}, b: {}}
            volumes: {data: {}}
            """
        var world = try World(running: yaml)
        let labels = [ComposeLabels.project: "other", ComposeLabels.network: "a", ComposeLabels.configHash: "another"]
        world.engine.state.networks["shop_a"]?.labels = labels
        world.engine.state.networks["shop_b"]?.labels = [:]
        world.engine.state.volumes["shop_data"]?.labels = [ComposeLabels.project: "other"]
        let plan = try world.plan(yaml)
        #expect(plan.isEmpty && plan.missing.isEmpty)
        let hint = "it is used as it is (`external: true` says that it should)"
        #expect(
            plan.warnings == [
                "network shop_a was made for project other; \(hint)", "network shop_b was made by others; \(hint)",
                "volume shop_data was made for project other; \(hint)",
            ])
        world.engine.state.networks["shop_b"]?.labels = labels
        #expect(
            try world.plan(yaml).missing == [
                "network shop_b is there, but as network a of project other, not as network b of this one"
            ])
    }

    @Test func `a missing container is created anew`() throws {
        var world = try World(running: Scenario.pair)
        world.engine.remove("shop-web-1")
        try expect(
            world.plan(Scenario.pair),
            is: """
                [1] create shop-web-1 from web:1 — the service has no container
                [2] start container of 1 after 1 — new container
                [3] wait until web (container of 1) is verified after 2 — the deployment counts only when its services work
                """)
    }

    @Test func `a stopped container is started again, and so is one whose namespace it owns`() throws {
        var world = try World(running: Scenario.sharing)
        try world.engine.change("shop-db-1") { $0.state = .exited }
        try expect(
            world.plan(Scenario.sharing),
            is: """
                [1] start c00000000002 — the container has exited (0)
                [2] wait until db (c00000000002) is verified after 1 — the deployment counts only when its services work
                [3] stop c00000000003 after 1 — it shares a namespace with db, which is started again
                [4] start c00000000003 after 3 — it shares a namespace with db, which is started again
                [5] wait until web (c00000000003) is verified after 4 — the deployment counts only when its services work
                """)
    }

    @Test func `a paused container is unpaused`() throws {
        var world = try World(running: Scenario.pair)
        try world.engine.change("shop-web-1") { $0.state = .paused }
        try expect(
            world.plan(Scenario.pair),
            is: """
                [1] unpause c00000000003 — the container is paused
                [2] wait until web (c00000000003) is verified after 1 — the deployment counts only when its services work
                """)
    }

    @Test func `a job that completed is left alone, one that failed is started again`() throws {
        var world = World()
        world.engine.behaviours["job"] = .exits(0)
        try world.deploy(Scenario.shop)
        try expect(world.plan(Scenario.shop), is: "nothing to do")
        try world.engine.change("shop-job-1") { $0.exitCode = 3 }
        try expect(
            world.plan(Scenario.shop),
            is: """
                [1] wait until db (c00000000002) is healthy, as it is — service_healthy
                [2] start c00000000003 after 1 — the container has exited (3)
                [3] wait until job (c00000000003) is completed after 2 — the deployment counts only when its services work
                """)
    }

    @Test func `a service that the last good deployment saw complete is not started again`() throws {
        var world = try World(running: Scenario.pair)
        try world.engine.change("shop-web-1") { $0.state = .exited }
        #expect(!(try world.plan(Scenario.pair).isEmpty))
        world.previous?.completed = ["web"]
        try expect(world.plan(Scenario.pair), is: "nothing to do")
    }

    @Test func `a name that another container holds is taken over after that one is parked`() throws {
        let world = try World(
            running: "services: {web: {image: web:1, container_name: main}, db: {image: db:1}}")
        try expect(
            world.plan(
                "services: {web: {image: web:1}, proxy: {image: proxy:1, container_name: main}, db: {image: db:1}}"),
            is: """
                [1] create 2_main for main from proxy:1 — the service has no container
                [2] create c00000000003_shop-web-1 for shop-web-1 from web:1 replacing c00000000003 — container_name changed
                [3] rename c00000000003 to main.parked-2 after 1, 2 — container_name changed
                [4] stop c00000000003 after 3 — container_name changed
                [5] remove c00000000003 after 4 — parked and no longer needed (cleanup)
                [6] rename container of 1 to main after 4 — the service has no container
                [7] start container of 1 after 6 — new container
                [8] wait until proxy (container of 1) is verified after 7 — the deployment counts only when its services work
                [9] rename container of 2 to shop-web-1 after 4 — container_name changed
                [10] start container of 2 after 9 — container_name changed
                [11] wait until web (container of 2) is verified after 10 — the deployment counts only when its services work
                """)
    }

    @Test func `a port that moves to a dependency is given up before that one starts`() throws {
        let world = try World(running: "services: {web: {image: web:1, ports: ['80:80']}}")
        try expect(
            world.plan(
                """
                services:
                  web: {image: web:1, ports: ["8000:80"], depends_on: {proxy: {condition: service_healthy}}}
                  proxy: {image: proxy:1, ports: ["79-81:80"], healthcheck: {test: ["CMD", "true"]}}
                """),
            is: """
                [1] create shop-proxy-1 from proxy:1 — the service has no container
                [2] create c00000000002_shop-web-1 for shop-web-1 from web:1 replacing c00000000002 — ports changed
                [3] rename c00000000002 to shop-web-1.parked-2 after 1, 2 — ports changed
                [4] stop c00000000002 after 3 — ports changed
                [5] remove c00000000002 after 4 — parked and no longer needed (cleanup)
                [6] start container of 1 after 4 — new container
                [7] wait until proxy (container of 1) is verified after 6 — the deployment counts only when its services work
                [8] wait until proxy (container of 1) is healthy after 6 — service_healthy
                [9] rename container of 2 to shop-web-1 after 8 — ports changed
                [10] start container of 2 after 9 — ports changed
                [11] wait until web (container of 2) is verified after 10 — the deployment counts only when its services work
                """)
    }

    @Test func `a broken recreation ends with one container under the right name`() throws {
        var world = try World(running: Scenario.pair)
        try world.leaveBrokenRecreation()
        try expect(
            world.plan(Scenario.pair),
            is: """
                [1] rename c00000000003 to shop-web-1.parked-2 — more replicas than wanted
                [2] stop c00000000003 after 1 — more replicas than wanted
                [3] remove c00000000003 after 2 — parked and no longer needed (cleanup)
                [4] rename d00000000004 to shop-web-1 after 2 — an interrupted recreation left it as c00000000003_shop-web-1
                [5] start d00000000004 after 2 — the container was never started
                [6] wait until web (d00000000004) is verified after 5 — the deployment counts only when its services work
                """)
        try expect(
            world.plan(Scenario.pair.replacing("web:1", with: "web:2")),
            is: """
                [1] create 2_c00000000003_shop-web-1 for shop-web-1 from web:2 replacing c00000000003 — image web:1 → 2
                [2] rename d00000000004 to c00000000003_shop-web-1.parked-2 after 1 — more replicas than wanted
                [3] remove d00000000004 after 2 — parked and no longer needed (cleanup)
                [4] rename c00000000003 to shop-web-1.parked-2 after 2 — image web:1 → 2
                [5] stop c00000000003 after 4 — image web:1 → 2
                [6] remove c00000000003 after 5 — parked and no longer needed (cleanup)
                [7] rename container of 1 to shop-web-1 after 4 — image web:1 → 2
                [8] start container of 1 after 5, 7 — image web:1 → 2
                [9] wait until web (container of 1) is verified after 8 — the deployment counts only when its services work
                """)
    }

    @Test func `who shares a namespace with a recreated container is recreated`() throws {
        let world = try World(running: Scenario.sharing)
        try expect(
            world.plan(Scenario.sharing.replacing("db:1", with: "db:2")),
            is: """
                [1] create c00000000002_shop-db-1 for shop-db-1 from db:2 replacing c00000000002 — image db:1 → 2
                [2] create c00000000003_shop-web-1 for shop-web-1 from web:1 replacing c00000000003 sharing with db (container of 1) after 1 — it shares a namespace or volumes with db, which is recreated
                [3] rename c00000000002 to shop-db-1.parked-2 after 2 — image db:1 → 2
                [4] stop c00000000002 after 3 — image db:1 → 2
                [5] remove c00000000002 after 4 — parked and no longer needed (cleanup)
                [6] rename container of 1 to shop-db-1 after 3 — image db:1 → 2
                [7] start container of 1 after 4, 6 — image db:1 → 2
                [8] wait until db (container of 1) is verified after 7 — the deployment counts only when its services work
                [9] rename c00000000003 to shop-web-1.parked-2 after 7 — it shares a namespace or volumes with db, which is recreated
                [10] stop c00000000003 after 9 — it shares a namespace or volumes with db, which is recreated
                [11] remove c00000000003 after 10 — parked and no longer needed (cleanup)
                [12] rename container of 2 to shop-web-1 after 9 — it shares a namespace or volumes with db, which is recreated
                [13] start container of 2 after 10, 12 — it shares a namespace or volumes with db, which is recreated
                [14] wait until web (container of 2) is verified after 13 — the deployment counts only when its services work
                """)
    }

    @Test func `a dependant that asks for it is restarted with its dependency`() throws {
        let yaml = """
            services:
              web: {image: web:1, depends_on: {db: {condition: service_started, restart: true}}}
              db: {image: db:1}
            """
        try expect(
            World(running: yaml).plan(yaml.replacing("db:1", with: "db:2")),
            is: """
                [1] create c00000000002_shop-db-1 for shop-db-1 from db:2 replacing c00000000002 — image db:1 → 2
                [2] rename c00000000002 to shop-db-1.parked-2 after 1 — image db:1 → 2
                [3] stop c00000000002 after 2 — image db:1 → 2
                [4] remove c00000000002 after 3 — parked and no longer needed (cleanup)
                [5] rename container of 1 to shop-db-1 after 2 — image db:1 → 2
                [6] start container of 1 after 3, 5 — image db:1 → 2
                [7] wait until db (container of 1) is verified after 6 — the deployment counts only when its services work
                [8] stop c00000000003 after 6 — a service it depends on is recreated
                [9] start c00000000003 after 8 — a service it depends on is recreated
                [10] wait until web (c00000000003) is verified after 9 — the deployment counts only when its services work
                """)
    }

    @Test func `what an earlier deployment parked is removed`() throws {
        var world = try World(running: Scenario.pair)
        try world.leaveParked()
        try expect(
            world.plan(Scenario.pair),
            is: """
                [1] remove d00000000004 — left over from an earlier deployment (cleanup)
                """)
    }

    @Test func `one-off containers are neither counted nor touched`() throws {
        var world = try World(running: Scenario.pair)
        try world.runOneOff(of: "shop-db-1")
        try expect(world.plan(Scenario.pair), is: "nothing to do")
    }

    @Test func `a recorded image is run by its id when its tag has moved on`() throws {
        var world = try World(running: Scenario.pair)
        world.engine.setImage("web:1", id: "sha256:moved")
        var target = try world.target(try FileTree.project(Scenario.pair))
        target.pinnedImages = ["web": "sha256:web1", "db": "sha256:db1"]
        try expect(Reconciler.plan(target, world.engine.state), is: "nothing to do")
        world.engine.remove("shop-web-1")
        try expect(
            Reconciler.plan(target, world.engine.state),
            is: """
                [1] create shop-web-1 from sha256:web1 — the service has no container
                [2] start container of 1 after 1 — new container
                [3] wait until web (container of 1) is verified after 2 — the deployment counts only when its services work
                """)
    }

    @Test func `a recorded image that is gone never gives way to what its tag names now`() throws {
        var world = try World(running: Scenario.pair)
        world.engine.setImage("web:1", id: "sha256:moved")
        world.engine.state.images["sha256:web1"] = nil
        var target = try world.target(try FileTree.project(Scenario.pair))
        target.pinnedImages = ["web": "sha256:web1"]
        // What runs needs no image.
        #expect(Reconciler.plan(target, world.engine.state).description == "nothing to do")
        world.engine.remove("shop-web-1")
        #expect(
            Reconciler.plan(target, world.engine.state).missing == [
                "image web1 (web:1) that service web ran is gone from the engine, and no registry is known to have it"
            ])
        target.pinnedDigests["web"] = "web@sha256:" + String(repeating: "d", count: 64)
        let plan = Reconciler.plan(target, world.engine.state)
        #expect(plan.missing.isEmpty && plan.pulls.map(\.isRequired) == [true])
        let images = plan.steps.compactMap {
            if case .create(let creation) = $0.operation { creation.image } else { nil }
        }
        #expect(images == [target.pinnedDigests["web"]])
    }

    @Test func `a dependency that is not required is waited for without insisting`() throws {
        let yaml = """
            services:
              web: {image: web:1, depends_on: {db: {condition: service_healthy, required: false}}}
              db: {image: db:1, healthcheck: {test: ["CMD", "true"]}}
            """
        try expect(
            World().plan(yaml),
            is: """
                [1] create network shop_default — network shop_default is missing
                [2] create shop-db-1 from db:1 after 1 — the service has no container
                [3] create shop-web-1 from web:1 after 1 — the service has no container
                [4] start container of 2 after 2 — new container
                [5] wait until db (container of 2) is verified, not required after 4 — the deployment counts only when its services work
                [6] wait until db (container of 2) is healthy, not required after 4 — service_healthy
                [7] start container of 3 after 3, 6 — new container
                [8] wait until web (container of 3) is verified after 7 — the deployment counts only when its services work
                """)
    }
}
