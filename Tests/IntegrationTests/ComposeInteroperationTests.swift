import FoundationEssentials
import Testing
import WatcherTestSupport

/// watcher and docker compose on the same project: each finds the other's containers as its own would be.
@Suite struct ComposeInteroperationTests {
    /// Something of everything that counts for whether a container is the same.
    private let file =
        stack(
            service(
                "web", "environment: {GREETING: one}", "networks: {front: {aliases: [shop]}, back: {priority: 9}}",
                "depends_on: {db: {condition: service_healthy}, job: {condition: service_completed_successfully}}",
                "labels: {tier: web}", "configs: [{source: conf, target: /etc/conf}]", "secrets: [key]",
                "env_file: web.env", "ports: ['127.0.0.1::80']", "scale: 2"),
            service("db", "volumes: ['data:/d', /anonymous]", "networks: [back]", alwaysHealthy, "init: true"),
            service("job", "command: ['true']", "networks: [back]"),
            service("side", "network_mode: 'service:db'", "pid: 'service:db'", "volumes_from: [db]"))
            + """
            networks: {front: {labels: {a: b}}, back: {internal: true}}
            volumes: {data: {labels: {a: b}}}
            configs: {conf: {content: "a=b"}}
            secrets: {key: {file: ./key}}

            """

    private var files: [String: String] { ["compose.yaml": file, "web.env": "A=b\n", "key": "secret"] }

    @discardableResult
    private func compose(
        _ arguments: String..., project: String, in scenario: Scenario
    ) async throws -> FinishedProcess {
        try await scenario.run(
            try TestEnvironment.compose(), ["--project-name", project] + arguments,
            environment: ["DOCKER_HOST": try TestEnvironment.dockerHost()]
        ).expecting(0)
    }

    // J1
    @Test func `a project started by docker compose is adopted without touching it`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            try await repository.commit(files, "begin")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            // Where watcher's checkout is going to be: paths of mounts are part of the configuration's hash.
            let tree = "\(watcher.stateDirectory)/projects/\(scenario.id)/tree"
            for (name, text) in files { try scenario.write(text, to: "\(tree)/\(name)") }
            try await compose("--file", "\(tree)/compose.yaml", "up", "--detach", project: scenario.id, in: scenario)
            let before = try await scenario.engine.containers(project: scenario.id)
            let since = Date()
            try await watcher.run("deploy").expecting(0)
            try await watcher.run("deploy").expecting(0)
            #expect(try await scenario.engine.writes(to: scenario.id, since: since) == [])
            #expect(try await scenario.engine.containers(project: scenario.id) == before)

            try await repository.commit(compose: file.replacing("one", with: "two"), "greet twice")
            try await watcher.run("deploy").expecting(0)
            let after = try await scenario.engine.containers(project: scenario.id)
            #expect(ids(after).filter { $0.key != "web" } == ids(before).filter { $0.key != "web" })
            #expect(Set(after.filter { $0.service == "web" }.map(\.id)).isDisjoint(with: before.map(\.id)))
        }
    }

    // J1, J2
    @Test func `docker compose leaves alone what watcher deployed, shows it and takes it down`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            try await repository.commit(files, "begin")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            try await watcher.run("deploy").expecting(0)
            let before = try await scenario.engine.containers(project: scenario.id)
            let path = "\(watcher.stateDirectory)/projects/\(scenario.id)/tree/compose.yaml"
            let since = Date()
            try await compose("--file", path, "up", "--detach", project: scenario.id, in: scenario)
            // The job runs again: docker compose starts whatever does not run.
            let job = before.first { $0.service == "job" }?.name ?? ""
            let writes = try await scenario.engine.writes(to: scenario.id, since: since)
            #expect(writes.filter { !$0.hasSuffix(job) && !$0.contains("network ") } == [])
            let after = try await scenario.engine.containers(project: scenario.id)
            #expect(after.filter { $0.service != "job" } == before.filter { $0.service != "job" })
            #expect(ids(after) == ids(before))

            let shown = try await compose("ps", "--all", "--format", "{{.Name}}", project: scenario.id, in: scenario)
            #expect(shown.output.split(separator: "\n").map(String.init).sorted() == before.map(\.name))
            let logs = try await compose("logs", "--no-color", "web", project: scenario.id, in: scenario)
            #expect(logs.errorOutput.isEmpty)
            try await compose("--file", path, "down", project: scenario.id, in: scenario)
            #expect(try await scenario.engine.containers(project: scenario.id).isEmpty)
            #expect(try await scenario.engine.networks(project: scenario.id).isEmpty)
        }
    }

    // J3
    @Test func `what an older docker compose made is recreated once`() async throws {
        try await Scenario.with { scenario in
            let labels = [
                "project": scenario.id, "service": "web", "oneoff": "False", "container-number": "1",
                "version": "1.29.2", "config-hash": String(repeating: "5", count: 64),
            ].map { "\(quoted("com.docker.compose.\($0)")):\(quoted($1))" }.joined(separator: ",")
            let old = try await scenario.engine.start(
                name: "\(scenario.id)_web_1",
                body:
                    "{\"Image\":\"busybox:1\",\"Cmd\":[\"sleep\",\"900\"],\"StopSignal\":\"SIGKILL\",\"Labels\":{\(labels)}}"
            )
            let deployed = try await Deployed(stack(service("web")), in: scenario)
            let web = try await deployed.container("web")
            #expect(web.id != old && web.name == "\(scenario.id)-web-1" && web.isRunning)
            let since = Date()
            try await deployed.watcher.run("deploy").expecting(0)
            #expect(try await scenario.engine.writes(to: scenario.id, since: since) == [])
        }
    }

    @Test func `config prints what docker compose config prints`() async throws {
        try await Scenario.with { scenario in
            for (name, text) in files { try scenario.write(text, to: "shop/\(name)") }
            let path = "\(scenario.directory)/shop/compose.yaml"
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
