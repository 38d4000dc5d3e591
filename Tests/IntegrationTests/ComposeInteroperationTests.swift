import Testing
import WatcherTestSupport

/// watcher and docker compose on the same project: each finds the other's containers as its own would be.
@Suite struct ComposeInteroperationTests {
    private let file =
        stack(
            service("web", "environment: {GREETING: one}", "networks: [front]"), service("db", "volumes: ['data:/d']"))
        + "networks:\n  front:\nvolumes:\n  data:\n"

    private func compose(_ arguments: String..., project: String, in scenario: Scenario) async throws {
        try await scenario.run(
            try TestEnvironment.compose(), ["--project-name", project] + arguments,
            environment: ["DOCKER_HOST": try TestEnvironment.dockerHost()]
        ).expecting(0)
    }

    @Test func `a project started by docker compose is adopted without touching it`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            try await repository.commit(compose: file, "begin")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            let path = try scenario.write(file, to: "by-hand/compose.yaml")
            try await compose("--file", path, "up", "--detach", project: scenario.id, in: scenario)
            let before = try await scenario.engine.containers(project: scenario.id)
            try await watcher.run("deploy").expecting(0)
            #expect(try await scenario.engine.containers(project: scenario.id) == before)

            try await repository.commit(compose: file.replacing("one", with: "two"), "greet twice")
            try await watcher.run("deploy").expecting(0)
            let after = try await scenario.engine.containers(project: scenario.id)
            #expect(ids(after)["db"] == ids(before)["db"])
            #expect(ids(after)["web"] != ids(before)["web"])
        }
    }

    @Test func `docker compose leaves alone what watcher deployed, and takes it down`() async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(file, in: scenario)
            let before = try await stack.containers()
            let path = try scenario.write(file, to: "by-hand/compose.yaml")
            try await compose("--file", path, "up", "--detach", project: scenario.id, in: scenario)
            #expect(try await stack.containers() == before)
            try await compose("--file", path, "down", project: scenario.id, in: scenario)
            #expect(try await stack.containers().isEmpty)
            #expect(try await scenario.engine.networks(project: scenario.id).isEmpty)
        }
    }

    @Test func `config prints what docker compose config prints`() async throws {
        try await Scenario.with { scenario in
            let path = try scenario.write(file, to: "shop/compose.yaml")
            let watcher = try scenario.watcher(configuration: "projects: {}\n")
            let theirs = try await scenario.run(
                try TestEnvironment.compose(), ["--file", path, "config", "--format", "json"]
            ).expecting(0)
            let ours = try await watcher.run("config", "-f", path, "--format", "json").expecting(0)
            let expected = try JSONValue(parsing: theirs.output)
            #expect(try JSONValue(parsing: ours.output) == expected)
        }
    }
}
