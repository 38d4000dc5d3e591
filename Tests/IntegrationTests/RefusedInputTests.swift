import Foundation
import Testing
import WatcherTestSupport

/// Configuration and Compose files that are wrong: refused with the place, before anything is touched.
@Suite struct RefusedInputTests {
    private func refusedCommit(_ compose: String, saying texts: [String]) async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(stack(service("web")), in: scenario)
            let before = try await stack.containers()
            let commit = try await stack.repository.commit(compose: compose, "break")
            let refused = try await stack.watcher.run("deploy").expecting(65)
            for text in texts + [String(commit.prefix(7))] { refused.saying(text) }
            #expect(try await stack.containers() == before)
            try await stack.watcher.run("check").expecting(65)
            try await stack.repository.commit(compose: fixed, "fix")
            try await stack.watcher.run("deploy").expecting(0)
            #expect(try await stack.container("web").environment.contains("FIXED=yes"))
        }
    }

    private let fixed = stack(service("web", "environment: {FIXED: 'yes'}"))

    @Test func `an unknown key in the configuration is refused with its place and the nearest key`() async throws {
        try await Scenario.with { scenario in
            let watcher = try scenario.watcher(
                configuration: """
                    projects:
                      shop:
                        repositry: file:///srv/infra.git
                        branch: main
                    """)
            try await watcher.run("check").expecting(78).saying("config.yaml:3:5", "repositry", "repository")
        }
    }

    @Test func `a configuration that is not there is refused by name`() async throws {
        try await Scenario.with { scenario in
            let watcher = try scenario.watcher(configuration: "projects: {}\n")
            try await watcher.run("check", "--config", "/nonexistent/config.yaml").expecting(78)
                .saying("/nonexistent/config.yaml")
        }
    }

    @Test func `a configuration that is no YAML is refused with its place`() async throws {
        try await Scenario.with { scenario in
            let watcher = try scenario.watcher(configuration: "projects:\n  shop: [\n")
            try await watcher.run("deploy").expecting(78).saying("config.yaml:")
        }
    }

    @Test func `an unknown key in a Compose file is refused with its place`() async throws {
        try await refusedCommit(
            "services:\n  web:\n    image: busybox:1\n    comand: [sleep, '900']\n",
            saying: ["compose.yaml:4:5", "comand", "command"])
    }

    @Test func `a Compose file that is no YAML is refused with its place`() async throws {
        try await refusedCommit("services:\n  web: [\n", saying: ["compose.yaml:"])
    }

    @Test func `a required variable that is not set is refused with its message`() async throws {
        try await refusedCommit(
            "services:\n  web:\n    image: busybox:${TAG:?say which}\n", saying: ["compose.yaml:3:12", "say which"])
    }

    @Test func `a malformed interpolation is refused with its place`() async throws {
        try await refusedCommit("services:\n  web:\n    image: busybox:${TAG\n", saying: ["compose.yaml:3:12"])
    }

    // C9
    @Test func `a dependency cycle is refused by the names in it`() async throws {
        try await refusedCommit(
            stack(service("web", "depends_on: [db]"), service("db", "depends_on: [web]")),
            saying: ["web", "db", "cycl"])
    }

    // C9
    @Test func `a dependency on a service that does not exist is refused`() async throws {
        try await refusedCommit(stack(service("web", "depends_on: [ghost]")), saying: ["web", "ghost"])
    }

    @Test func `a directory without a Compose file is refused by name`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            try await repository.commit(["README": "nothing here\n"], "begin")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            try await watcher.run("deploy").expecting(65).saying("compose.yaml")
        }
    }

    @Test func `a file outside of the checkout is refused`() async throws {
        try await refusedCommit(
            stack(service("web", "env_file: ../../../../../../etc/hostname")), saying: ["web", "hostname"])
    }

    @Test(arguments: [
        ("volumes: ['../../../watcher.db:/db']", 65, "leads out of the checkout"),
        ("secrets: [s]", 65, "leads out of the checkout"),
        ("volumes: ['./link:/x']", 65, "leads out of the checkout"),
        ("env_file: /etc/hostname", 65, "`host_files`"), ("volumes: ['STATE:/state:ro']", 77, "is the state directory"),
        ("volumes: ['STATE/watcher.db:/db']", 77, "is in the state directory"),
        ("volumes: ['/:/host:ro']", 77, "`policy: {bind_sources: [/]}`"),
        ("volumes: ['/proc/1/rootSTATE:/x']", 77, "the state directory"),
        ("volumes: ['DIRECTORY/config.yaml:/x']", 77, "is the configuration"),
        ("volumes: [{type: volume, source: bound, target: /x}]", 77, "is the state directory"),
    ])
    func `a path of the host that no project may have is refused before anything is touched`(
        attribute: String, status: Int, words: String
    ) async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            let state = "\(scenario.directory)/state"
            func placed(_ text: String) -> String {
                text.replacing("STATE", with: state).replacing("DIRECTORY", with: scenario.directory)
            }
            var compose = stack(service("web", placed(attribute)))
            if attribute.contains("secrets") { compose += "secrets: {s: {file: ../../x}}\n" }
            if attribute.contains("bound") {
                compose += "volumes: {bound: {driver_opts: {type: none, o: bind, device: \(state)}}}\n"
            }
            try await repository.commit(compose: compose, "begin")
            if attribute.contains("link") { try await repository.link("link", to: "/etc") }
            let watcher = try scenario.watcher(
                ConfiguredProject(
                    scenario.id, repository: repository.fileURL, settings: ["project_name: \(scenario.id)"]))
            try await watcher.run("deploy").expecting(status).saying("compose.yaml:", words)
            #expect(try await scenario.engine.containers(project: scenario.id).isEmpty)
        }
    }

    @Test func `absolute paths that are no project's secret are mounted, and read where host_files names them`()
        async throws
    {
        try await Scenario.with { scenario in
            let env = try scenario.write("GREETING=hello\n", to: "app/web.env")
            let deployed = try await Deployed(
                stack(
                    service(
                        "web", "env_file: \(env)",
                        "volumes: ['/var/run/docker.sock:/s', '\(scenario.directory)/app:/a:ro']")),
                in: scenario, settings: ["host_files: ['\(scenario.directory)/app']"])
            #expect(try await deployed.container("web").environment.contains("GREETING=hello"))
            try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: env)
            try await deployed.watcher.run("check").expecting(77).saying("Run `chmod go-w \(env)`")
        }
    }

    @Test func `a configuration or state directory that others can change is refused`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(service("web")), in: scenario)
            _ = try await scenario.run("chmod", ["0666", deployed.watcher.configuration])
            try await deployed.watcher.run("check").expecting(77).saying("chmod go-w \(deployed.watcher.configuration)")
            _ = try await scenario.run("chmod", ["0600", deployed.watcher.configuration])
            _ = try await scenario.run("chmod", ["0777", deployed.watcher.stateDirectory])
            for command in ["check", "deploy", "history", "status"] {
                try await deployed.watcher.run(command).expecting(77).saying(
                    "chmod go-w \(deployed.watcher.stateDirectory)")
            }
        }
    }

    @Test func `a command line that makes no sense is a usage error`() async throws {
        try await Scenario.with { scenario in
            let watcher = try scenario.watcher(configuration: "projects: {}\n")
            try await watcher.run("deploy", "--no-such-option").expecting(64).saying("--no-such-option")
            try await watcher.run("no-such-command").expecting(64)
        }
    }

    @Test func `a state directory that cannot be used is refused by name`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            try await repository.commit(compose: stack(service("web")), "begin")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            let file = try scenario.write("not a directory\n", to: "file")
            try await watcher.run("deploy", "--state-dir", file).expecting(74).saying(file)
            #expect(try await scenario.engine.containers(project: scenario.id).isEmpty)
        }
    }
}
