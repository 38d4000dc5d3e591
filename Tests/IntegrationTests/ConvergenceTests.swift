import Testing
import WatcherTestSupport

/// What a new commit makes of containers that run: recreated, restarted, or left alone.
@Suite struct ConvergenceTests {
    /// Each service says in its name what becomes of it.
    private func many(_ changed: Bool) -> String {
        func pick(_ before: String, _ after: String) -> String { changed ? after : before }
        return stack(
            service("label-new", "labels: {tier: \(pick("one", "two"))}"),
            service("restart-new", "restart: \(pick("'no'", "always"))"),
            service("command-new", "command: [sleep, '\(pick("900", "901"))']"),
            service("memory-new", "mem_limit: \(pick("64m", "65m"))"),
            service("health-new", "healthcheck: {test: [CMD, 'true'], interval: \(pick("1s", "2s"))}"),
            service("hook-new", "pre_stop: [{command: [echo, \(pick("one", "two"))]}]"),
            service("network-new", "networks: [default\(pick("", ", more"))]"),
            service("values-new", "env_file: values.env"),
            service("comment-same", "env_file: comment.env"),
            service("pull-same", "pull_policy: \(pick("missing", "never"))"),
            service("order-same", pick("environment: {}", "depends_on: [label-new]")),
            service("profile-same", pick("environment: {}", "profiles: [prod]")),
            service("scale-same", "scale: \(pick("1", "2"))"),
            service("always-same", "profiles: [prod]"),
            service("nothing-same", "environment: {A: b}")) + "networks: {more: {}}\n"
    }

    // A1, A5, A6, A7, A8, A19, D3
    @Test func `only containers whose configuration changed are recreated`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            try await repository.commit(
                ["compose.yaml": many(false), "values.env": "A=1\n", "comment.env": "A=1\n"], "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(scenario.id, repository: repository.fileURL, settings: ["profiles: [prod]"]))
            try await watcher.run("deploy").expecting(0)
            let before = ids(try await scenario.engine.containers(project: scenario.id))
            try await watcher.run("deploy").expecting(0)
            #expect(ids(try await scenario.engine.containers(project: scenario.id)) == before)

            try await repository.commit(
                ["compose.yaml": many(true), "values.env": "A=2\n", "comment.env": "# why\nA=1\n"], "change")
            try await watcher.run("deploy").expecting(0)
            let all = try await scenario.engine.containers(project: scenario.id)
            #expect(allRun(all))
            let after = ids(all.filter { $0.labels["com.docker.compose.container-number"] == "1" })
            let same = before.keys.filter { after[$0] == before[$0] }
            // The content of an env file is a file of the commit; a comment in it changes nothing that runs.
            #expect(same.sorted() == before.keys.filter { $0.hasSuffix("-same") }.sorted())
            #expect(all.filter { $0.service == "scale-same" }.count == 2)
        }
    }

    private func chain(_ db: String, _ api: String, _ web: String) -> String {
        stack(
            service("db", "environment: {V: \(db)}"), service("api", "environment: {V: \(api)}", "depends_on: [db]"),
            service("web", "environment: {V: \(web)}", "depends_on: [api]"),
            service("follower", "depends_on: {db: {condition: service_started, restart: true}}"))
    }

    // A2, A3, A4
    @Test func `a dependant is left alone when its dependency is recreated, and restarted when it asks for it`()
        async throws
    {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(chain("1", "1", "1"), in: scenario)
            var last = try await deployed.containers()
            for (compose, changed) in [
                (chain("1", "1", "2"), "web"), (chain("1", "2", "2"), "api"), (chain("2", "2", "2"), "db"),
            ] {
                try await deployed.deploy(compose)
                let now = try await deployed.containers()
                #expect(allRun(now))
                let others = ids(now).filter { $0.key != changed }
                #expect(others == ids(last).filter { $0.key != changed })
                #expect(ids(now)[changed] != ids(last)[changed])
                let restarted = now.filter { container in
                    last.contains { $0.id == container.id && $0.startedAt != container.startedAt }
                }
                #expect(restarted.map(\.service) == (changed == "db" ? ["follower"] : []))
                last = now
            }
        }
    }

    // A9, A10
    @Test func `a tag that names another image now recreates its container once, an image given by id is deployed`()
        async throws
    {
        try await Scenario.with { scenario in
            let engine = scenario.engine
            let tag = "\(scenario.id):1"
            try await engine.request("POST", "/images/busybox:1/tag", query: ["repo": scenario.id, "tag": "1"])
            // Gone already when it was made of one of the project's containers.
            scenario.atEnd("remove image \(tag)") {
                _ = try? await engine.request("DELETE", "/images/\(tag)", query: ["force": "1"])
            }
            let id = try await engine.json("GET", "/images/busybox:1/json")["Id"].text ?? ""
            let compose = stack(
                service("tagged", "image: '\(tag)'", "pull_policy: never"),
                service("bare", "image: '\(id)'", "pull_policy: never"))
            let deployed = try await Deployed(compose, in: scenario)
            let before = try await deployed.containers()
            #expect(allRun(before))
            try await engine.request(
                "POST", "/commit", query: ["container": before[0].id, "repo": scenario.id, "tag": "1"], body: "{}")
            try await deployed.watcher.run("check").expecting(11).saying("image")
            try await deployed.watcher.run("deploy").expecting(0)
            let after = try await deployed.containers()
            #expect(ids(after)["tagged"] != ids(before)["tagged"])
            #expect(ids(after)["bare"] == ids(before)["bare"])
            try await deployed.watcher.run("check").expecting(0)
        }
    }

    // A11, A12
    @Test func `a container gets its new name and loses the old one, and one name is for one container`() async throws {
        try await Scenario.with { scenario in
            let (one, two) = ("\(scenario.id)-one", "\(scenario.id)-two")
            let deployed = try await Deployed(stack(service("web", "container_name: \(one)")), in: scenario)
            try await deployed.deploy(stack(service("web", "container_name: \(two)")))
            #expect(try await deployed.containers().map(\.name) == [two])
            let before = try await deployed.containers()
            try await deployed.deploy(stack(service("web", "container_name: \(two)", "scale: 2")), expecting: 65)
            try await deployed.deploy(
                stack(service("web", "container_name: \(two)"), service("db", "container_name: \(two)")), expecting: 65)
            #expect(try await deployed.containers() == before)
        }
    }

    // A13, A14, A15, A16, A17
    @Test func `what was renamed, removed, stopped or paused by hand is put right, the rest left alone`() async throws {
        try await Scenario.with { scenario in
            let engine = scenario.engine
            let deployed = try await Deployed(
                stack(
                    service("renamed"), service("removed"), service("stopped"), service("paused"), service("broken"),
                    service("left")), in: scenario)
            let before = try await deployed.containers()
            let id = ids(before)
            func act(_ service: String, _ what: String, _ query: [String: String] = [:]) async throws {
                try await engine.request("POST", "/containers/\(id[service] ?? "")/\(what)", query: query)
            }
            try await act("renamed", "rename", ["name": "\(scenario.id)-by-hand"])
            try await engine.remove(container: id["removed"] ?? "")
            try await act("stopped", "stop")
            try await act("paused", "pause")
            try await act("broken", "rename", ["name": "0123456789ab_\(scenario.id)-broken-1"])
            try await deployed.watcher.run("check").expecting(15).saying("removed", "stopped", "paused", "broken")
            try await deployed.watcher.run("deploy").expecting(0)
            let after = try await deployed.containers()
            #expect(allRun(after))
            #expect(ids(after).filter { $0.key != "removed" } == id.filter { $0.key != "removed" })
            #expect(after.count == before.count)
            let names = Dictionary(after.map { ($0.service, $0.name) }) { $1 }
            #expect(names["broken"] == "\(scenario.id)-broken-1")
            #expect(names["renamed"] == "\(scenario.id)-by-hand")
            #expect(after.first { $0.service == "left" } == before.first { $0.service == "left" })
            #expect(
                after.first { $0.service == "paused" }?.startedAt == before.first { $0.service == "paused" }?.startedAt)
            try await deployed.watcher.run("check").expecting(0)
        }
    }

    // A18
    @Test func `a long job nobody waits for runs once, and a job that is changed runs again`() async throws {
        try await Scenario.with { scenario in
            func job(_ word: String) -> String {
                // It is still at work when the deployment is verified.
                stack(
                    service("job", #"command: [sh, -c, "while ! test -e /done; do sleep 0.1; done; echo \#(word)"]"#),
                    service("web"))
            }
            let deployed = try await Deployed(job("one"), in: scenario)
            let running = try await deployed.container("job")
            #expect(running.isRunning)
            _ = try await scenario.engine.output(of: ["touch", "/done"], in: running.id)
            try await scenario.engine.request(
                "POST", "/containers/\(running.id)/wait", query: ["condition": "not-running"])
            try await deployed.watcher.run("check").expecting(0)
            try await deployed.watcher.run("deploy").expecting(0)
            try await deployed.watcher.run("deploy").expecting(0)
            let ended = try await deployed.container("job")
            #expect(ended.id == running.id)
            #expect(ended.startedAt == running.startedAt)
            #expect(ended.state == "exited")

            try await deployed.deploy(job("two"))
            let again = try await deployed.container("job")
            #expect(again.id != running.id)
            #expect(again.isRunning)
        }
    }

    // A24, A25, A27, A28
    @Test func `services that left the file or their profile are removed, one-off and foreign containers stay`()
        async throws
    {
        try await Scenario.with { scenario in
            let both = stack(service("web"), service("gone"), service("debug", "profiles: [debug]"))
            let repository = try await scenario.repository()
            try await repository.commit(compose: both, "begin")
            func watcher(_ profiles: String) throws -> WatcherProgram {
                try scenario.watcher(
                    ConfiguredProject(scenario.id, repository: repository.fileURL, settings: ["profiles: \(profiles)"]))
            }
            try await watcher("[debug]").run("deploy").expecting(0)
            let before = try await scenario.engine.containers(project: scenario.id)
            #expect(before.map(\.service) == ["debug", "gone", "web"])
            for (name, service, oneOff) in [("run", "web", "True"), ("foreign", "other", "False")] {
                let labels = [
                    "project": scenario.id, "service": service, "oneoff": oneOff, "config-hash": "x",
                    "container-number": "1",
                ].map { "\(quoted("com.docker.compose.\($0)")):\(quoted($1))" }.joined(separator: ",")
                _ = try await scenario.engine.start(
                    name: "\(scenario.id)-\(name)",
                    body: "{\"Image\":\"busybox:1\",\"Cmd\":[\"sleep\",\"900\"],\"Labels\":{\(labels)}}")
            }
            let web = stack(service("web"), service("debug", "profiles: [debug]"))
            try await repository.commit(compose: web, "drop one")
            try await watcher("[]").run("deploy").expecting(0)
            let after = try await scenario.engine.containers(project: scenario.id)
            #expect(after.map(\.name) == ["foreign", "run", "web-1"].map { "\(scenario.id)-\($0)" })
            #expect(allRun(after))
            #expect(before.contains { $0.id == after.last?.id && $0.startedAt == after.last?.startedAt })
        }
    }
}
