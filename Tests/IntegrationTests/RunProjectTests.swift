import Foundation
import Testing
import WatcherTestSupport

/// A service that the configuration describes instead of Compose files.
@Suite struct RunProjectTests {
    private func settings(_ more: String..., host: String) -> [String] {
        [
            "environment: {TAG: '1'}",
            "run:",
            "  image: busybox:${TAG}",
            "  command: [httpd, -f, -p, '8080', -h, html]",
            "  mount: /site",
            "  working_dir: /site",
            "  environment: {GREETING: hello}",
            "  env_files: [app.env, \(host)]",
            "  user: '1000:1000'",
            "  restart: on-failure:3",
            "  ports: ['8080']",
            "  networks: {front: {aliases: [shop]}}",
            "  volumes: ['data:/data']",
            "  cap_drop: [ALL]",
            "  labels: {team: sales}",
            "  hostname: till",
            "  stop_signal: SIGKILL",
            "  healthcheck: {test: [CMD, wget, -q, -O, /dev/null, 'http://127.0.0.1:8080/'], interval: 1s, timeout: 5s}",
        ] + more
    }

    private func compose(_ arguments: String..., in scenario: Scenario) async throws -> String {
        try await scenario.run(
            try TestEnvironment.compose(), ["--project-name", scenario.id] + arguments,
            environment: ["DOCKER_HOST": try TestEnvironment.dockerHost()]
        ).expecting(0).output
    }

    @Test func `run is a Compose project like any other`() async throws {
        try await Scenario.with { scenario in
            let host = try scenario.write("HOST=1\n", to: "host.env")
            let repository = try await scenario.repository()
            try await repository.commit(["html/index.html": "one\n", "app.env": "FILE=1\n"], "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(scenario.id, repository: repository.fileURL, settings: settings(host: host)))
            func container() async throws -> EngineObserver.Container {
                try await scenario.engine.container(scenario.id, in: scenario.id)
            }
            func output(_ command: String...) async throws -> String {
                try await scenario.engine.output(of: command, in: try await container().id)
            }
            func served() async throws -> String { try await output("wget", "-q", "-O", "-", "http://127.0.0.1:8080/") }

            try await watcher.run("deploy").expecting(0)
            let first = try await container()
            #expect(Set(first.environment).isSuperset(of: ["GREETING=hello", "FILE=1", "HOST=1"]))
            #expect(first.health == "healthy" && first.networks == ["\(scenario.id)_front"])
            #expect(first.mounts["/data"] == "\(scenario.id)_data")
            #expect(first.mounts["/site"] == "\(watcher.stateDirectory)/projects/\(scenario.id)/tree")
            #expect(first.labels["team"] == "sales" && first.labels["watcher.project"] == scenario.id)
            #expect(first.labels["com.docker.compose.service"] == scenario.id)
            #expect(try await output("id", "-u") == "1000\n")
            #expect(try await output("hostname") == "till\n")
            #expect(try await served() == "one\n")
            let details = try await scenario.engine.json("GET", "/containers/\(first.id)/json")
            #expect(details["HostConfig"]["RestartPolicy"]["Name"].text == "on-failure")
            #expect(details["HostConfig"]["CapDrop"].elements.map(\.text) == ["ALL"])
            #expect(details["Config"]["WorkingDir"].text == "/site")
            #expect(details["NetworkSettings"]["Ports"]["8080/tcp"].elements.isEmpty == false)

            // docker compose knows it, and nothing is left to do.
            let listed = try JSONValue(parsing: try await compose("ps", "--format", "json", in: scenario))
            #expect(listed["Service"].text == scenario.id && listed["Health"].text == "healthy")
            try await watcher.run("check").expecting(0)
            try await watcher.run("history", "show", "\(scenario.id)/1", "--compose").expecting(0).saying("busybox:1")

            // A file of the commit is part of it; a rollback brings the earlier one back.
            try await repository.commit(["html/index.html": "two\n"], "improve")
            try await watcher.run("check").expecting(10)
            try await watcher.run("deploy").expecting(0)
            #expect(try await served() == "two\n")
            try await watcher.run("rollback", scenario.id).expecting(0)
            #expect(try await served() == "one\n")
        }
    }

    @Test func `what run cannot mean is told where it is written, and touches nothing`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            try await repository.commit(["app.env": ""], "begin")
            let run = "run: {image: 'busybox:1', command: [sleep, '900'], stop_signal: SIGKILL"
            func watcher(_ more: String) throws -> WatcherProgram {
                try scenario.watcher(
                    ConfiguredProject(scenario.id, repository: repository.fileURL, settings: [run + more + "}"]))
            }
            try await watcher("").run("deploy").expecting(0)
            let before = try await scenario.engine.containers(project: scenario.id)
            // The line of run, in which everything is.
            let place = "config.yaml:7:"
            for (more, words) in [
                (", comand: [a]", "run: unknown key \"comand\"; did you mean \"command\"?"),
                (", depends_on: [db]", "run.depends_on"), (", ports: [nonsense]", "run.ports"),
                (", env_files: [none.env]", "run.env_files[0]: none.env does not exist"),
                (", volumes: ['./none:/x']", "none for /x is not in the commit"),
            ] {
                let deploy = try await watcher(more).run("deploy")
                deploy.saying(place, words)
                #expect([65, 78].contains(deploy.status), "\(deploy)")
                #expect(try await scenario.engine.containers(project: scenario.id) == before)
            }
            try await watcher(", profiles: [night]").run("deploy").expecting(78).saying("is not active")
            #expect(try await scenario.engine.containers(project: scenario.id) == before)
        }
    }
}
