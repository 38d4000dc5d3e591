import FoundationEssentials
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
    @Test func `a port that something else holds is not the commit's fault, and who holds it is said`() async throws {
        try await Scenario.with { scenario in
            let port = Int.random(in: 20_000..<30_000)
            let body =
                #"{"Image":"busybox:1","Cmd":["sleep","900"],"ExposedPorts":{"80/tcp":{}},"HostConfig":"#
                + #"{"PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"\#(port)"}]}}}"#
            let stack = try await Deployed(stack(service("web"), service("db")), in: scenario)
            let before = try await stack.containers()
            let taker = try await scenario.engine.start(name: "\(scenario.id)-taker", body: body)
            scenario.atEnd("remove the other container") { try await scenario.engine.remove(container: taker) }
            try await stack.repository.commit(
                compose: IntegrationTests.stack(
                    service("web", "stop_signal: SIGKILL", "ports: ['127.0.0.1:\(port):80']"), service("db")), "publish"
            )
            try await stack.watcher.run("deploy").expecting(75)
                .saying(#"web: "#, #"port 127.0.0.1:\#(port) is held by container "\#(scenario.id)-taker""#)
            #expect(try await ids(stack.containers()) == ids(before))
            #expect(try await allRun(stack.containers()))
            #expect(try await scenario.engine.container(taker).isRunning)
            try await scenario.engine.request("POST", "/containers/\(taker)/kill")
            try await stack.watcher.run("deploy").expecting(0)
        }
    }

    @Test func `a first deployment that fails has nothing to restore`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            try await repository.commit(compose: stack(service("web", neverHealthy)), "begin badly")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            try await watcher.run("deploy").expecting(21).saying("web", "unhealthy")
            try await watcher.run("deploy").expecting(21)
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

    @Test func `the last words of a container that crashes are in the error, the events and the record`() async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(stack(service("web")), in: scenario)
            let crashing = service("web", #"command: [sh, -c, "echo no such table: carts; exit 3"]"#, "restart: always")
            try await stack.repository.commit(compose: IntegrationTests.stack(crashing), "break")
            let failed = try await stack.watcher.json("deploy", expecting: 20)
            let failure = failed["projects"].elements.first?["failure"] ?? .null
            #expect(failure["reason"].text == "crashed")
            #expect(failure["service"].text == "web")
            #expect(failure["log_lines"].elements.last?.text == "no such table: carts")
            let id = "\(stack.project)/2"
            let shown = try await stack.watcher.json("history", "show", id, "--events", expecting: 0)
            #expect(shown["deployment"]["service"].text == "web")
            #expect(shown["deployment"]["log_lines"].elements.last?.text == "no such table: carts")
            let logged = shown["events"].elements.filter { $0["kind"].text == "log" }
            #expect(logged.contains { $0["line"].text == "no such table: carts" && $0["service"].text == "web" })
            try await stack.watcher.run("history", "show", id).expecting(0)
                .saying("Last lines of web:", "| no such table: carts")
        }
    }

    @Test func `a service that is not required may fail, and who waited for it starts all the same`() async throws {
        try await Scenario.with { scenario in
            let optional = service("optional", neverHealthy)
            let web = service("web", "depends_on: {optional: {condition: service_healthy, required: false}}")
            let stack = try await Deployed(stack(service("web")), in: scenario)
            try await stack.deploy(IntegrationTests.stack(optional, web)).saying("optional", "not required")
            #expect(try await stack.container("web").isRunning)
            // The same service is missed by one that cannot do without.
            let demanding = service("api", "depends_on: {optional: {condition: service_healthy}}")
            try await stack.deploy(
                IntegrationTests.stack(service("optional", "environment: {A: b}", neverHealthy), web, demanding),
                expecting: 20
            ).saying("optional", "unhealthy")
            #expect(try await stack.containers().map(\.service) == ["optional", "web"])
        }
    }

    @Test func `a dependant starts when its dependency is healthy or completed, not before`() async throws {
        try await Scenario.with { scenario in
            let db = service(
                "db", #"command: [sh, -c, "rm -f /shared/*; sleep 2; touch /shared/ready; exec sleep 900"]"#,
                "healthcheck: {test: [CMD, test, -f, /shared/ready], interval: 1s, timeout: 2s, retries: 60}",
                "volumes: ['shared:/shared']")
            let job = service(
                "job", #"command: [sh, -c, "test -f /shared/ready || exit 7; sleep 1; touch /shared/done"]"#,
                "volumes: ['shared:/shared']", "depends_on: {db: {condition: service_healthy}}")
            let web = service(
                "web", #"command: [sh, -c, "test -f /shared/done || exit 8; exec sleep 900"]"#,
                "volumes: ['shared:/shared']", "depends_on: {job: {condition: service_completed_successfully}}")
            let stack = try await Deployed(
                stack(web, job, db) + "volumes:\n  shared:\n", in: scenario)
            #expect(try await stack.containers().map(\.state) == ["running", "exited", "running"])
        }
    }

    @Test func `a parked container that somebody removed is made anew from the very image it ran`() async throws {
        try await Scenario.with { scenario in
            let engine = scenario.engine
            let tag = "\(scenario.id):1"
            func retag(_ image: String) async throws {
                try await engine.request("POST", "/images/\(image)/tag", query: ["repo": scenario.id, "tag": "1"])
            }
            try await retag("busybox:1")
            scenario.atEnd("remove image \(tag)") {
                _ = try? await engine.request("DELETE", "/images/\(tag)", query: ["force": "1"])
            }
            func compose(_ lines: String...) -> String {
                let all = ["image: '\(tag)'", "pull_policy: never", "command: [sleep, '900']", "stop_signal: SIGKILL"]
                return "services:\n  web:\n" + (all + lines).map { "    \($0)\n" }.joined()
            }
            let stack = try await Deployed(
                compose("environment: {V: '1'}"), in: scenario, settings: ["health: {timeout: 2m, settle: 1s}"])
            let before = try await stack.container("web")
            // The tag means another image by now.
            try await engine.request(
                "POST", "/commit", query: ["container": before.id, "repo": scenario.id, "tag": "1"], body: "{}")
            // It stays as it is until it is killed.
            let starting = "healthcheck: {test: [CMD, 'false'], interval: 1s, start_period: 10m}"
            try await stack.repository.commit(compose: compose("environment: {V: '2'}", starting), "change")
            let begun = Date()
            let failed = try await stack.watcher.run("deploy") { _ in
                try await engine.waitForEvent("start", project: scenario.id, since: begun)
                let all = try await stack.containers()
                try await engine.remove(container: before.id)
                for container in all where container.id != before.id {
                    try await engine.request("POST", "/containers/\(container.id)/kill")
                }
            }
            try failed.expecting(20)
            let after = try await stack.container("web")
            #expect(after.id != before.id)
            #expect(after.isRunning)
            #expect(after.name == before.name)
            #expect(after.imageID == before.imageID)
            #expect(after.environment.contains("V=1"))
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
