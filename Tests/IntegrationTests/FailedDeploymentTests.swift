import Testing
import WatcherTestSupport

/// Commits that fail once containers are touched: undone, skip-listed, and said in words that help.
@Suite struct FailedDeploymentTests {
    /// Deploys two services, then a commit in which `web` is `broken`; returns what the failing run said.
    private func undone(
        _ broken: String..., in scenario: Scenario, reason: [String]
    ) async throws {
        let stack = try await Deployed(stack(service("web"), service("db")), in: scenario)
        let before = try await stack.containers()
        let web = "  web:\n" + broken.map { "    \($0)\n" }.joined()
        let commit = try await stack.repository.commit(compose: "services:\n\(web)\(service("db"))", "break")
        let failed = try await stack.watcher.run("deploy").expecting(20)
        for text in ["web", String(commit.prefix(7))] + reason { failed.saying(text) }
        let after = try await stack.containers()
        #expect(ids(after) == ids(before))
        #expect(after.map(\.name) == before.map(\.name))
        #expect(allRun(after))
        #expect(after.filter { $0.service == "db" } == before.filter { $0.service == "db" })
        try await stack.watcher.run("skip-list", stack.project).expecting(0).saying(String(commit.prefix(7)))
        try await stack.watcher.run("deploy").expecting(12)
        #expect(try await stack.containers() == after)
    }

    // C1
    @Test func `a health check that never passes`() async throws {
        try await Scenario.with { scenario in
            try await undone(
                "image: busybox:1", "command: [sleep, '900']", "stop_signal: SIGKILL", neverHealthy, in: scenario,
                reason: ["unhealthy"])
        }
    }

    // H2
    @Test func `a command that does not exist`() async throws {
        try await Scenario.with { scenario in
            try await undone("image: busybox:1", "command: [/nonexistent]", in: scenario, reason: ["/nonexistent"])
        }
    }

    // C15
    @Test func `a container that exits at once`() async throws {
        try await Scenario.with { scenario in
            try await undone(
                "image: busybox:1", "command: [sh, -c, 'echo the disk is on fire; exit 3']", in: scenario,
                reason: ["the disk is on fire", "3"])
        }
    }

    // H8
    @Test func `a container that exits again and again fails at once, not at the deadline`() async throws {
        try await Scenario.with { scenario in
            try await undone(
                "image: busybox:1", "command: [sh, -c, 'exit 4']", "restart: always", in: scenario, reason: ["4"])
        }
    }

    // C5
    @Test func `a job that fails keeps its dependants from starting`() async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(stack(service("web"), service("db")), in: scenario)
            let before = try await stack.containers()
            let job = service("migrate", "command: [sh, -c, 'exit 5']")
            let web = service(
                "web", "environment: {A: b}", "depends_on: {migrate: {condition: service_completed_successfully}}")
            try await stack.repository.commit(compose: IntegrationTests.stack(job, web, service("db")), "migrate")
            try await stack.watcher.run("deploy").expecting(20).saying("migrate", "5")
            #expect(try await ids(stack.containers()) == ids(before))
        }
    }

    // B8
    @Test func `a port that is taken`() async throws {
        try await Scenario.with { scenario in
            let port = Int.random(in: 20_000..<30_000)
            let body =
                #"{"Image":"busybox:1","Cmd":["sleep","900"],"ExposedPorts":{"80/tcp":{}},"HostConfig":"#
                + #"{"PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"\#(port)"}]}}}"#
            let taker = try await scenario.engine.start(name: "\(scenario.id)-taker", body: body)
            scenario.atEnd("remove the other container") { try await scenario.engine.remove(container: taker) }
            try await undone(
                "image: busybox:1", "command: [sleep, '900']", "stop_signal: SIGKILL",
                "ports: ['127.0.0.1:\(port):80']",
                in: scenario, reason: ["\(port)"])
            #expect(try await scenario.engine.container(taker).isRunning)
        }
    }

    @Test func `a first deployment that fails has nothing to restore`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            try await repository.commit(compose: stack(service("web", neverHealthy)), "begin badly")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            try await watcher.run("deploy").expecting(21).saying("web", "unhealthy")
            try await watcher.run("deploy").expecting(12)
            try await repository.commit(compose: stack(service("web", alwaysHealthy)), "begin well")
            try await watcher.run("deploy").expecting(0)
            #expect(try await scenario.engine.container("web", in: scenario.id).health == "healthy")
            #expect(try await scenario.engine.containers(project: scenario.id).count == 1)
        }
    }

    @Test func `a failure is left as it is when asked`() async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(stack(service("web")), in: scenario)
            let before = try await stack.container("web")
            try await stack.repository.commit(compose: IntegrationTests.stack(service("web", neverHealthy)), "break")
            try await stack.watcher.run("deploy", "--no-rollback").expecting(21)
            let running = try await stack.containers().filter(\.isRunning)
            #expect(running.map(\.service) == ["web"])
            #expect(running.first?.id != before.id)
        }
    }

    @Test func `services that the failed commit added are gone again`() async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(stack(service("web")), in: scenario)
            let more = IntegrationTests.stack(service("web"), service("extra", neverHealthy))
            try await stack.repository.commit(compose: more, "add extra")
            try await stack.watcher.run("deploy").expecting(20).saying("extra")
            #expect(try await stack.containers().map(\.service) == ["web"])
        }
    }
}
