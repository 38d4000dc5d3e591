import Compose
import Reconcile
import Testing
import WatcherTestSupport

/// What is refused before anything is planned, and what only an engine tells.
@Suite struct DeployableProjectTests {
    private func deployable(_ yaml: String, podman: Bool = false) throws -> DeployableProject {
        try DeployableProject(
            try FileTree.project(yaml), on: EngineTraits(version: .newest, isPodman: podman))
    }

    private func paths(_ yaml: String) throws -> [String] {
        try #require(throws: ComposeError.self) { try deployable(yaml) }.problems.map(\.path)
    }

    @Test(arguments: [
        ("mac_address: '02:42:ac:11:00'", "mac_address"),
        ("networks: {default: {mac_address: 02-42}}", "networks.default.mac_address"),
        ("device_cgroup_rules: ['c 1:3 rwm', 'c 1 rwm']", "device_cgroup_rules[1]"),
        ("device_cgroup_rules: ['x *:* r']", "device_cgroup_rules[0]"),
        ("ipc: 'service:db'", "ipc"),
        ("depends_on: {db: {condition: service_healthy}}", "depends_on.db"),
    ])
    func `what the engine would refuse after the old container was stopped is refused before`(
        _ attribute: String, _ path: String
    ) throws {
        let yaml = "services: {web: {image: web:1, \(attribute)}, db: {image: db:1, healthcheck: {disable: true}}}"
        #expect(try paths(yaml) == ["services.web.\(path)"])
    }

    @Test(arguments: [
        "mac_address: '02:42:AC:11:00:02'", "mac_address: 0242.ac11.0002", "mac_address: 02-42-ac-11-00-02",
        "device_cgroup_rules: ['a *:* rwm', 'b 1:* m']", "ipc: 'service:db'",
    ])
    func `what it takes is not`(_ attribute: String) throws {
        _ = try deployable("services: {web: {image: web:1, \(attribute)}, db: {image: db:1, ipc: shareable}}")
    }

    @Test func `Podman shares the IPC namespace unless it is told not to`() throws {
        _ = try deployable("services: {web: {image: web:1, ipc: 'service:db'}, db: {image: db:1}}", podman: true)
    }

    @Test func `a dependency that is to be healthy needs a health check of its own or of its image`() throws {
        let project = try deployable(
            "services: {web: {image: web:1, depends_on: {db: {condition: service_healthy}}}, db: {image: db:1}}")
        #expect(project.problems(with: [:]).isEmpty)
        #expect(
            project.problems(with: ["db:1": .init(id: "sha256:db1")]).map(\.path) == ["services.web.depends_on.db"])
        #expect(project.problems(with: ["db:1": .init(id: "sha256:db1", hasHealthcheck: true)]).isEmpty)
    }

    @Test func `the container whose namespace is shared has to exist and to share it`() throws {
        let yaml = """
            services:
              web: {image: web:1, network_mode: "container:proxy", ipc: "container:cache"}
              db: {image: db:1, pid: "container:shop-db-2"}
            """
        let project = try deployable(yaml)
        #expect(project.project.sharedContainers == ["cache", "proxy", "shop-db-2"])
        var observed = ObservedState()
        #expect(project.problems(in: observed).isEmpty)
        observed.otherContainers = ["cache": .init(id: ContainerID(hex: "c"), ipcMode: "private")]
        #expect(
            project.problems(in: observed).map(\.path) == [
                "services.db.pid", "services.web.network_mode", "services.web.ipc",
            ])
        observed.otherContainers = [
            "cache": .init(id: ContainerID(hex: "c"), ipcMode: "shareable"),
            "proxy": .init(id: ContainerID(hex: "d"), ipcMode: "private"),
            "shop-db-2": .init(id: ContainerID(hex: "e"), ipcMode: ""),
        ]
        #expect(project.problems(in: observed).isEmpty)
    }

    @Test func `a seccomp profile is read with the project, and part of neither hash nor rendering`() throws {
        let yaml = "services: {web: {image: web:1, security_opt: ['seccomp=profile.json']}}"
        func project(_ text: String) throws -> Project {
            try FileTree.project(yaml, files: ["/checkout/profile.json": text])
        }
        let (one, other) = (try project("{ \"a\": [1] }"), try project("{}"))
        #expect(one.seccompProfiles == ["/checkout/profile.json": #"{"a":[1]}"#])
        let services = try (#require(one.services["web"]), #require(other.services["web"]))
        #expect(ConfigHash.label(of: services.0) == ConfigHash.label(of: services.1))
        #expect(ProjectRendering.yaml(one) == ProjectRendering.yaml(other))
        func hash(_ project: Project, _ text: String) throws -> String? {
            try ContentFingerprint(
                of: services.0, in: project, checkout: "/checkout",
                files: FileTree(["/checkout/profile.json": text]).access
            ).hash
        }
        #expect(try hash(one, "{}") != hash(one, "{ }"))
        for text in ["", "[]", "{\"a\": }", "{\"a\": 1,}", "{\"a\": tru}"] {
            let error = try #require(throws: ComposeError.self) { try project(text) }
            #expect(error.problems.map(\.path) == ["services.web.security_opt[0]"], "\(text)")
        }
        #expect(throws: ComposeError.self) { try FileTree.project(yaml) }
    }
}

@Suite struct ExitAndHealthTests {
    @Test func `what a health check takes is the image's, where the service does not say otherwise`() throws {
        var image = ObservedState.Image(id: "i", hasHealthcheck: true)
        image.healthcheck = .init(interval: .seconds(300), timeout: .seconds(5), startPeriod: .seconds(20), retries: 2)
        var service = Service(name: "web")
        #expect(service.derivedHealthTimeout(image: image) == .seconds(20 + 305 * 3 + 10))
        var check = Healthcheck()
        check.interval = .seconds(10)
        service.healthcheck = check
        #expect(service.derivedHealthTimeout(image: image) == .seconds(20 + 15 * 3 + 10))
        check.disable = true
        service.healthcheck = check
        #expect(service.derivedHealthTimeout(image: image) == .seconds(250))
    }

    @Test(arguments: [("no", 3), ("always", 3), ("on-failure", 3), ("on-failure:2", 3), ("on-failure:10", 11)])
    func `a container loops only when the restarts that its policy allows are used up`(_ policy: String, _ most: Int) {
        var service = Service(name: "web")
        service.restart = policy
        #expect(service.mostRestarts == most)
    }

    @Test func `a server that exits with status 0 has crashed, a job has not`() {
        let id = ContainerID(hex: "ab")
        var container = ObservedState.Container(id: id, name: "web-1", service: "web", number: 1, state: .exited)
        container.exitCode = 0
        func verdict(_ mayComplete: Bool) -> HealthGate.Verdict {
            var gate = HealthGate(
                Wait(
                    service: "web", containers: [id],
                    expectation: .verified(settle: .seconds(3), mayComplete: mayComplete), timeout: .seconds(60)))
            return gate.observe(id, container, at: .zero)
        }
        #expect(verdict(true) == .satisfied)
        let message = "container web-1 exited with status 0, although it should go on running"
        #expect(verdict(false) == .failed(.init(reason: .crashed, message: message, container: id)))
    }

    @Test func `start-first, an exposed port and a health check say that a service goes on running`() throws {
        for attribute in [
            "expose: ['80']", "deploy: {update_config: {order: start-first}}", "healthcheck: {test: [CMD, 'true']}",
        ] {
            let plan = try World().plan("services: {web: {image: web:1, \(attribute)}}")
            let waits = plan.steps.compactMap {
                if case .wait(let wait) = $0.operation { wait.expectation } else { nil }
            }
            #expect(waits == [.verified(settle: .seconds(3), mayComplete: false)], "\(attribute)")
        }
    }
}

@Suite struct StatePlannerTests {
    private static let yaml = """
        services:
          worker: {image: web:1, depends_on: {job: {condition: service_completed_successfully}, once: {condition: service_started}}}
          once: {image: web:1}
          job: {image: job:1}
        """

    private func world() throws -> World {
        var world = World()
        world.engine.behaviours["job"] = .exits(0)
        try world.deploy(Self.yaml)
        for name in ["worker", "once"] {
            try world.engine.change("shop-\(name)-1") {
                $0.state = .exited
                $0.exitCode = 0
            }
        }
        return world
    }

    private func started(_ world: World, _ services: Set<String>, model: Bool = true) throws -> [String?] {
        let plan = StatePlanner.plan(
            .started, of: "shop", owner: "shop", services: services,
            model: model ? try FileTree.project(Self.yaml) : nil, world.engine.state, completed: ["once"])
        return plan.steps.filter { if case .start = $0.operation { true } else { false } }.map(\.service)
    }

    @Test func `a job that is done is not run again unless it is named`() throws {
        let world = try world()
        #expect(try started(world, ["worker"]) == ["worker"])
        #expect(try started(world, ["worker", "once"]) == ["once", "worker"])
        // Without the model, the labels say what is waited for.
        #expect(try started(world, [], model: false) == ["once", "worker"])
        #expect(try started(world, ["job"]) == ["job"])
    }

    @Test func `what another project of watcher made is left alone`() throws {
        var world = try world()
        try world.engine.change("shop-once-1") { $0.labels[ComposeLabels.watcherProject] = "blog" }
        let plan = StatePlanner.plan(
            .absent(volumes: true), of: "shop", owner: "shop", model: nil, world.engine.state)
        #expect(plan.warnings == ["left alone, because watcher's project \"blog\" made it: shop-once-1"])
        #expect(!plan.changes.contains { $0.name == "once" || $0.kind == "network" })
    }
}

@Suite struct ImageTagTests {
    @Test func `tags go back to the images they named, and one that was built anew goes`() throws {
        let yaml = "services: {web: {image: web:1, build: .}, db: {image: db:1}}"
        var start = try World(running: yaml)
        start.engine.state.images["web:2"] = nil
        var world = start
        world.engine.setImage("web:1", id: "sha256:built")
        world.engine.setImage("web:2", id: "sha256:new")
        let attempted = try FileTree.project(
            "services: {web: {image: web:1, build: .}, db: {image: db:1}, new: {image: web:2, build: .}}")
        let plan = UndoPlanner.plan(
            .init(number: 2, label: "shop/2"), before: start.engine.state, observed: world.engine.state,
            model: try FileTree.project(yaml), attempted: attempted, settle: .seconds(1), timeout: .seconds(1))
        #expect(
            plan.steps.map(\.operation) == [
                .tagImage(id: "sha256:web1", reference: "web:1"), .untagImage(reference: "web:2"),
            ])
        #expect(plan.steps.allSatisfy { $0.phase == .cleanup })
        try world.perform(plan.steps)
        #expect(world.engine.state.images["web:1"]?.id == "sha256:web1" && world.engine.state.images["web:2"] == nil)
        #expect(UndoPlanner.imagesToObserve(start.engine.state).contains("sha256:web1"))
    }
}
