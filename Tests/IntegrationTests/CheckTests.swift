import Testing
import WatcherTestSupport

/// `check` tells pending changes, drift and peace apart, and changes nothing.
@Suite struct CheckTests {
    private let two = stack(service("web"), service("db"))

    @Test func `check says pending, in sync, drift and pending again`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            try await repository.commit(compose: two, "begin")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            try await watcher.run("check").expecting(10).saying("web", "db")
            #expect(try await scenario.engine.containers(project: scenario.id).isEmpty)
            try await watcher.run("deploy").expecting(0)
            try await watcher.run("check").expecting(0)

            let web = try await scenario.engine.container("web", in: scenario.id)
            let db = try await scenario.engine.container("db", in: scenario.id)
            try await scenario.engine.remove(container: web.id)
            try await watcher.run("check").expecting(11).saying("web")
            try await watcher.run("deploy").expecting(0)
            #expect(try await scenario.engine.container("web", in: scenario.id).isRunning)
            #expect(try await scenario.engine.container("db", in: scenario.id) == db)
            try await watcher.run("check").expecting(0)

            try await repository.commit(compose: stack(service("web", "user: '1'"), service("db")), "drop root")
            try await watcher.run("check").expecting(10).saying("web", "user")
        }
    }

    @Test func `causes name the field, the file and the commit, alike for people and programs`() async throws {
        try await Scenario.with { scenario in
            func compose(_ greeting: String) -> String {
                IntegrationTests.stack(
                    service("web", "environment: {GREETING: \(greeting)}"),
                    service("api", "volumes: ['./conf/api.conf:/api.conf:ro']"))
            }
            let stack = try await Deployed(compose("one"), files: ["conf/api.conf": "1"], in: scenario)
            let changed = try await stack.repository.commit(["conf/api.conf": "2"], "configure")
            try await stack.repository.commit(compose: compose("two"), "greet")
            let lines = [
                "api: recreate: conf/api.conf changed in \(changed.prefix(10))",
                "web: recreate: environment GREETING changed",
            ]
            let check = try await stack.watcher.run("check").expecting(10)
            let dryRun = try await stack.watcher.run("deploy", "--dry-run")
            for line in lines { check.saying(line) }
            #expect(check.output == dryRun.output)
            let result = try await stack.watcher.json("check", expecting: 10)
            let changes = result["projects"].elements.first?["changes"].elements ?? []
            #expect(changes.map { $0["name"].text } == ["api", "web"])
            let details = changes.compactMap { $0["details"].elements.first }
            #expect(details.first?["file"].text == "conf/api.conf")
            #expect(details.first?["commit"].text == changed)
            #expect(details.last?["field"].text == "environment")
            try await stack.watcher.run("deploy").expecting(0).saying(lines[0], lines[1])
        }
    }

    @Test func `a container that was killed is told by check, and started again as it was`() async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(two, in: scenario)
            let web = try await stack.container("web")
            try await scenario.engine.request("POST", "/containers/\(web.id)/kill")
            try await stack.watcher.run("check").expecting(15).saying("web has exited (137)")
            try await stack.watcher.run("deploy").expecting(0)
            let healed = try await stack.container("web")
            #expect(healed.id == web.id)
            #expect(healed.isRunning)
        }
    }

    @Test func `a job that ran to its end is neither drift nor run again`() async throws {
        try await Scenario.with { scenario in
            let job = service("migrate", "command: ['true']")
            let web = service("web", "depends_on: {migrate: {condition: service_completed_successfully}}")
            let stack = try await Deployed(stack(job, web), in: scenario)
            let ran = try await stack.container("migrate")
            #expect(ran.state == "exited")
            try await stack.watcher.run("check").expecting(0)
            try await stack.watcher.run("deploy").expecting(0)
            #expect(try await stack.container("migrate") == ran)
        }
    }

    @Test func `a suspended project is left alone until it is resumed`() async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(two, in: scenario)
            let before = try await stack.containers()
            try await stack.watcher.run("suspend", stack.project, "--reason", "moving house").expecting(0)
            try await stack.repository.commit(compose: IntegrationTests.stack(service("web")), "less")
            try await stack.watcher.run("deploy").expecting(13).saying("moving house")
            #expect(try await stack.containers() == before)
            try await stack.watcher.run("resume", stack.project).expecting(0)
            try await stack.watcher.run("deploy").expecting(0)
            #expect(try await stack.containers().map(\.service) == ["web"])
        }
    }

    @Test func `the result is one JSON object with a schema`() async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(two, in: scenario)
            let result = try await stack.watcher.json("check", expecting: 0)
            #expect(result["schema"] != .null)
            #expect(result.description.contains(stack.project))
        }
    }
}
