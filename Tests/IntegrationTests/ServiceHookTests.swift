import Testing
import WatcherTestSupport

/// `post_start` and `pre_stop`: run when they should be, and never forgotten when they fail.
@Suite struct ServiceHookTests {
    private func hook(_ kind: String, _ script: String, _ more: String = "") -> String {
        "\(kind): [{command: [sh, -c, \(quoted(script))]\(more)}]"
    }

    // G1, G5
    @Test func `a hook runs once after the start, as the user, in the place and with the variables it is given`()
        async throws
    {
        try await Scenario.with { scenario in
            let script = "echo \"$$(id -u) $$PWD $$WHO\" >> /tmp/log"
            let deployed = try await Deployed(
                stack(
                    service(
                        "web", hook("post_start", script, ", user: '1000', working_dir: /tmp, environment: {WHO: me}")),
                    service("job", "command: ['true']", hook("post_start", "sleep 0"))), in: scenario)
            #expect(try await deployed.output("cat", "/tmp/log", of: "web") == "1000 /tmp me")
            try await deployed.watcher.run("deploy").expecting(0)
            #expect(try await deployed.output("cat", "/tmp/log", of: "web") == "1000 /tmp me")
            // A start is a start, whoever stopped the container.
            try await scenario.engine.request("POST", "/containers/\(deployed.container("web").id)/stop")
            try await deployed.watcher.run("deploy").expecting(0)
            #expect(try await deployed.output("cat", "/tmp/log", of: "web") == "1000 /tmp me\n1000 /tmp me")
        }
    }

    // G2
    @Test func `a hook that fails after the start fails the deployment, and is not forgotten`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(service("web")), in: scenario)
            let before = try await deployed.containers()
            let broken = stack(service("web", hook("post_start", "echo no licence; exit 3")))
            try await deployed.deploy(broken, expecting: 20).saying("web", "post_start", "3", "no licence")
            #expect(ids(try await deployed.containers()) == ids(before))
            #expect(allRun(try await deployed.containers()))
            try await deployed.watcher.run("deploy").expecting(12)
            try await deployed.deploy(stack(service("web", hook("post_start", "exit 0"))))
            #expect(ids(try await deployed.containers()) != ids(before))
        }
    }

    // G3, G4
    @Test func `a container's own hook runs before it is stopped, whatever it is stopped for`() async throws {
        try await Scenario.with { scenario in
            try scenario.write("", to: "out/log", mode: 0o666)
            func compose(_ word: String, _ more: String...) -> String {
                stack(
                    service(
                        "web", hook("pre_stop", "echo \(word) >> /out/log"),
                        "volumes: ['\(scenario.directory)/out:/out']",
                        "depends_on: {db: {condition: service_started, restart: true}}"),
                    service("db", "environment: {V: '\(more.count)'}"))
            }
            func log() async throws -> [String] {
                try await scenario.run("cat", ["\(scenario.directory)/out/log"]).output.split(separator: "\n")
                    .map(String.init)
            }
            let deployed = try await Deployed(compose("one"), in: scenario)
            // Recreated: the hook it was deployed with, not the one of its successor.
            try await deployed.deploy(compose("two"))
            #expect(try await log() == ["one"])
            // Restarted with what it depends on.
            try await deployed.deploy(compose("two", "more"))
            #expect(try await log() == ["one", "two"])
            try await deployed.watcher.run("stop", deployed.project).expecting(0)
            try await deployed.watcher.run("start", deployed.project).expecting(0)
            #expect(try await log() == ["one", "two", "two"])
            // The service has left the file.
            try await deployed.deploy(stack(service("db")))
            #expect(try await log() == ["one", "two", "two", "two"])
            #expect(try await deployed.containers().map(\.service) == ["db"])
            try await deployed.deploy(compose("three"))
            try await deployed.watcher.run("down", deployed.project).expecting(0)
            #expect(try await log().last == "three")
        }
    }

    // G3
    @Test func `a hook that fails before a stop is told, and does not keep the container running`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(
                stack(service("web", hook("pre_stop", "echo cannot drain; exit 4"))), in: scenario)
            try await deployed.deploy(stack(service("web"))).saying("pre_stop", "cannot drain", "4")
            #expect(allRun(try await deployed.containers()))
        }
    }
}
