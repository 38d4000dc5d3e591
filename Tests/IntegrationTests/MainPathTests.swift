import Testing
import WatcherTestSupport

/// The main job: a branch says what runs, a failure is undone, a fix is deployed.
@Suite struct MainPathTests {
    private func three(_ greeting: String, health: String = alwaysHealthy) -> String {
        stack(
            service("web", "environment: {GREETING: \(greeting)}", health), service("worker", "depends_on: [db]"),
            service("db", "volumes: ['data:/data']")) + "volumes:\n  data:\n"
    }

    @Test func `a branch is deployed, a bad commit is undone and skipped, a fix is deployed and rolled back`()
        async throws
    {
        try await Scenario.with { scenario in
            let first = try await Deployed(three("one"), in: scenario)
            let (watcher, project) = (first.watcher, first.project)
            let begin = try await first.repository.tip()
            let original = try await first.containers()
            #expect(original.map(\.service).sorted() == ["db", "web", "worker"])
            #expect(allRun(original))
            #expect(Set(original.map { $0.labels["watcher.commit"] ?? "" }) == [begin])
            #expect(Set(original.map { $0.labels["watcher.project"] ?? "" }) == [project])
            #expect(Set(original.map(\.name)) == ["\(project)-db-1", "\(project)-web-1", "\(project)-worker-1"])

            // One of three services changes: only that one is recreated.
            let second = try await first.repository.commit(compose: three("two"), "greet twice")
            try await watcher.run("deploy").expecting(0)
            let changed = try await first.containers()
            #expect(ids(changed)["db"] == ids(original)["db"])
            #expect(ids(changed)["worker"] == ids(original)["worker"])
            #expect(ids(changed)["web"] != ids(original)["web"])
            #expect(changed.count == 3)
            let web = try await first.container("web")
            #expect(web.environment.contains("GREETING=two"))
            #expect(web.labels["watcher.commit"] == second)

            // A commit that never becomes healthy: the very containers that ran before run again.
            let bad = try await first.repository.commit(compose: three("three", health: neverHealthy), "greet badly")
            try await watcher.run("deploy").expecting(20).saying("web", String(bad.prefix(7)))
            let restored = try await first.containers()
            #expect(ids(restored) == ids(changed))
            #expect(allRun(restored))
            #expect(try await first.container("web").name == "\(project)-web-1")
            try await watcher.run("skip-list", project).expecting(0).saying(String(bad.prefix(7)))

            // The next tick touches nothing.
            let before = try await first.containers()
            try await watcher.run("deploy").expecting(12).saying(String(bad.prefix(7)))
            #expect(try await first.containers() == before)

            // A fix is deployed.
            let fix = try await first.repository.commit(compose: three("four"), "greet well")
            try await watcher.run("deploy").expecting(0)
            #expect(try await first.container("web").environment.contains("GREETING=four"))
            #expect(try await first.container("db").id == ids(original)["db"])
            try await watcher.run("history", project).expecting(0)
                .saying("begin", "greet twice", "greet badly", "greet well", String(fix.prefix(7)))

            // Rolled back: what ran before the fix, not the failed one; the fix is not deployed again by itself.
            try await watcher.run("rollback", project).expecting(0)
            #expect(try await first.container("web").environment.contains("GREETING=two"))
            try await watcher.run("skip-list", project).expecting(0).saying(String(fix.prefix(7)))
            let rolledBack = try await first.containers()
            try await watcher.run("deploy").expecting(12)
            #expect(try await first.containers() == rolledBack)
        }
    }

    @Test func `deploying the same commit twice touches nothing`() async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(three("one"), in: scenario)
            let before = try await stack.containers()
            try await stack.watcher.run("deploy").expecting(0)
            #expect(try await stack.containers() == before)
        }
    }

    @Test func `a dry run says what would be done and does nothing`() async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(three("one"), in: scenario)
            let before = try await stack.containers()
            try await stack.repository.commit(compose: three("two"), "greet twice")
            try await stack.watcher.run("deploy", "--dry-run").saying("web", "GREETING")
            #expect(try await stack.containers() == before)
            try await stack.watcher.run("check").expecting(10)
        }
    }

    @Test func `a commit named by hand is deployed instead of the tip`() async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(three("one"), in: scenario)
            let begin = try await stack.repository.tip()
            try await stack.repository.commit(compose: three("two"), "greet twice")
            try await stack.watcher.run("deploy").expecting(0)
            try await stack.watcher.run("deploy", stack.project, "--commit", begin).expecting(0)
            #expect(try await stack.container("web").environment.contains("GREETING=one"))
        }
    }

    @Test func `rolling back to a recorded commit runs what it ran`() async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(three("one"), in: scenario)
            let begin = try await stack.repository.tip()
            for greeting in ["two", "three"] {
                try await stack.repository.commit(compose: three(greeting), "greet \(greeting)")
                try await stack.watcher.run("deploy").expecting(0)
            }
            try await stack.watcher.run("rollback", stack.project, "--to", begin).expecting(0)
            #expect(try await stack.container("web").environment.contains("GREETING=one"))
        }
    }

    @Test func `named volumes and their content outlive deployments and rollbacks`() async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(three("one"), in: scenario)
            _ = try await scenario.engine.output(
                of: ["sh", "-c", "echo precious > /data/file"], in: try await stack.container("db").id)
            let changed = three("one").replacing("['data:/data']", with: "['data:/data']\n    environment: {A: b}")
            try await stack.repository.commit(compose: changed, "change db")
            try await stack.watcher.run("deploy").expecting(0)
            let content = try await scenario.engine.output(
                of: ["cat", "/data/file"], in: try await stack.container("db").id)
            #expect(content == "precious\n")
            try await stack.watcher.run("rollback", stack.project).expecting(0)
            let after = try await scenario.engine.output(
                of: ["cat", "/data/file"], in: try await stack.container("db").id)
            #expect(after == "precious\n")
            #expect(try await scenario.engine.volumes(project: stack.project) == ["\(stack.project)_data"])
        }
    }

    @Test func `what is taken off the skip list is deployed again`() async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(three("one"), in: scenario)
            let tip = try await stack.repository.commit(compose: three("two"), "greet twice")
            try await stack.watcher.run("skip-list", "add", stack.project, tip, "--reason", "not today").expecting(0)
            try await stack.watcher.run("deploy").expecting(12)
            #expect(try await stack.container("web").environment.contains("GREETING=one"))
            try await stack.watcher.run("skip-list", stack.project).expecting(0).saying("not today")
            try await stack.watcher.run("skip-list", "remove", stack.project, tip).expecting(0)
            try await stack.watcher.run("deploy").expecting(0)
            #expect(try await stack.container("web").environment.contains("GREETING=two"))
        }
    }

    @Test func `history show tells one deployment with its Compose file`() async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(three("one"), in: scenario)
            let tip = try await stack.repository.tip()
            try await stack.watcher.run("history", "show", "\(stack.project)/1").expecting(0)
                .saying("begin", String(tip.prefix(7)), "Ada Lovelace")
            try await stack.watcher.run("history", "show", "\(stack.project)/1", "--compose").expecting(0)
                .saying("GREETING: one")
        }
    }

    @Test func `status names every service and the commit that runs`() async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(three("one"), in: scenario)
            let tip = try await stack.repository.tip()
            try await stack.watcher.run("status").expecting(0)
                .saying("web", "worker", "db", "busybox:1", String(tip.prefix(7)))
        }
    }
}
