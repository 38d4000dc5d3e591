import Testing
import WatcherTestSupport

/// Taking a project away: what is its own, in order, and nothing else.
@Suite struct DownTests {
    private func chain(_ more: String...) -> String {
        stack(
            service("web", "depends_on: [db]", "networks: [default, outside]"),
            service("db", "volumes: ['data:/d', 'kept:/k']")) + more.joined()
            + "networks: {outside: {name: WHO-outside, external: true}}\n"
            + "volumes: {data: {}, kept: {name: WHO-kept, external: true}}\n"
    }

    /// A project that uses a network and a volume of others.
    private func deployed(in scenario: Scenario) async throws -> Deployed {
        let engine = scenario.engine
        for (kind, name) in [("networks", "\(scenario.id)-outside"), ("volumes", "\(scenario.id)-kept")] {
            try await engine.request("POST", "/\(kind)/create", body: "{\"Name\":\"\(name)\"}")
            scenario.atEnd("remove \(name)") { try await engine.request("DELETE", "/\(kind)/\(name)") }
        }
        return try await Deployed(chain().replacing("WHO", with: scenario.id), in: scenario)
    }

    // I, E9
    @Test func `containers and networks go, volumes only when asked, what is external never`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await deployed(in: scenario)
            try await deployed.watcher.run("down", deployed.project).expecting(0)
            #expect(try await deployed.containers().isEmpty)
            #expect(try await scenario.engine.networks(project: scenario.id).isEmpty)
            #expect(try await scenario.engine.volumes(project: scenario.id) == ["\(scenario.id)_data"])
            try await deployed.watcher.run("down", deployed.project).expecting(0).saying("nothing")
            try await deployed.watcher.run("start", deployed.project).expecting(0)
            #expect(allRun(try await deployed.containers()))
            try await deployed.watcher.run("down", deployed.project, "--volumes").expecting(0)
            #expect(try await scenario.engine.volumes(project: scenario.id).isEmpty)
            for path in ["/networks/\(scenario.id)-outside", "/volumes/\(scenario.id)-kept"] {
                try await scenario.engine.request("GET", path)
            }
        }
    }

    // I
    @Test func `a network that somebody else is in stays and is told, the rest goes`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(
                stack(service("web", "networks: [a, b]")) + "networks: {a: {}, b: {}}\n", in: scenario)
            let guest = try await scenario.engine.start(
                name: "\(scenario.id)-guest",
                body: "{\"Image\":\"busybox:1\",\"Cmd\":[\"sleep\",\"900\"],"
                    + "\"HostConfig\":{\"NetworkMode\":\"\(scenario.id)_a\"}}")
            scenario.atEnd("remove the guest") { try await scenario.engine.remove(container: guest) }
            try await deployed.watcher.run("down", deployed.project).expecting(0).saying("\(scenario.id)_a")
            #expect(try await deployed.containers().isEmpty)
            #expect(try await scenario.engine.networks(project: scenario.id) == ["\(scenario.id)_a"])
            #expect(try await scenario.engine.container(guest).isRunning)
        }
    }

    // I, A28
    @Test func `labels are enough to take away what docker compose started, and only that project`() async throws {
        try await Scenario.with { scenario in
            let file = stack(service("web", "depends_on: [db]"), service("db", "container_name: \(scenario.id)-own"))
            let path = try scenario.write(file, to: "by-hand/compose.yaml")
            for name in [scenario.id, "\(scenario.id)-more"] {
                let text = file.replacing("\(scenario.id)-own", with: "\(name)-own")
                try scenario.write(text, to: "by-hand/compose.yaml")
                try await scenario.run(
                    try TestEnvironment.compose(), ["--project-name", name, "--file", path, "up", "--detach"],
                    environment: ["DOCKER_HOST": try TestEnvironment.dockerHost()]
                ).expecting(0)
                scenario.atEnd("remove \(name)") { try await scenario.engine.removeProject(name) }
            }
            let watcher = try scenario.watcher(
                ConfiguredProject(scenario.id, repository: "file://\(scenario.directory)/no-repository"))
            try await watcher.run("down", scenario.id).expecting(0)
            #expect(try await scenario.engine.containers(project: scenario.id).isEmpty)
            #expect(try await scenario.engine.networks(project: scenario.id).isEmpty)
            let others = try await scenario.engine.containers(project: "\(scenario.id)-more")
            #expect(others.count == 2 && allRun(others))
        }
    }
}
