import FoundationEssentials
import Testing
import WatcherTestSupport

/// What does not work is said by every command until it does, with why.
@Suite struct TruthVerdictTests {
    /// A health check that fails while `/bad` is there, and says why.
    private let probed =
        "healthcheck: {test: [CMD-SHELL, 'test ! -e /bad || { echo connection to port 5432 refused; exit 1; }'], "
        + "interval: 1s, timeout: 2s, retries: 2}"

    // Case 6
    @Test func `a service that turned unhealthy is not in sync`() async throws {
        try await Scenario.with { scenario in
            let compose = stack(
                sleeper("db", probed), sleeper("web", "depends_on: {db: {condition: service_healthy}}"))
            let deployed = try await Deployed(compose, in: scenario)
            let before = try await deployed.containers()
            _ = try await deployed.output("touch", "/bad", of: "db")
            try await deployed.wait(for: "db") { $0.health == "unhealthy" }
            try await deployed.stays(
                15, saying: "db", "unhealthy", "connection to port 5432 refused", notSaying: "in sync")
            #expect(untouched(try await deployed.containers()) == untouched(before))
            // Since when, for programs and people.
            let status = try await deployed.watcher.json("status", expecting: 0)
            #expect(status.description.contains("connection to port 5432 refused"))
            try await deployed.watcher.run("status").expecting(0).saying("since")
            let json = try await deployed.watcher.json("check", expecting: 15)
            let services = json["projects"].elements.first?["standing"]["services"].elements ?? []
            let db = services.first { $0["name"].text == "db" }
            #expect((db?["since"].integer ?? 0) > 1_600_000_000_000, "\(json)")

            _ = try await deployed.output("rm", "/bad", of: "db")
            try await deployed.wait(for: "db") { $0.health == "healthy" }
            try await deployed.stays(0, notSaying: "refused")
        }
    }

    // Case 6
    @Test func `a server that ended is started again, and what ends again and again is not in sync`() async throws {
        try await Scenario.with { scenario in
            let web = sleeper(
                "web", "command: [sh, -c, 'test ! -e /data/bad || exit 7; exec sleep 1000']", "volumes: ['data:/data']")
            let deployed = try await Deployed(stack(web, sleeper("db")) + "volumes: {data: {}}\n", in: scenario)
            let before = try await deployed.container("web")
            // Once: healed.
            try await scenario.engine.request("POST", "/containers/\(before.id)/kill")
            let check = try await deployed.watcher.run("check")
            #expect([11, 15].contains(check.status), "\(check)")
            check.saying("web", "exited (137)").notSaying("in sync")
            try await deployed.watcher.run("status", "--exit-code").expecting(15).saying("exited (137)")
            try await deployed.watcher.run("deploy").expecting(0)
            #expect(try await deployed.container("web").isRunning)
            #expect(try await deployed.container("web").id == before.id)
            let rows = try await deployed.history().count

            // Again and again: said at every run, one row.
            _ = try await deployed.output("touch", "/data/bad", of: "web")
            try await scenario.engine.request("POST", "/containers/\(before.id)/kill")
            try await deployed.watcher.run("deploy").expecting(15).saying("web", "exited (7)")
            let after = try await deployed.history().count
            #expect(after <= rows + 1)
            try await deployed.stays(15, saying: "web", "exited (7)", notSaying: "in sync")
            #expect(try await deployed.skipped() == [])
            #expect(try await deployed.container("db").isRunning)
        }
    }

    // Case 6
    @Test func `a service that the engine restarts for ever is not in sync`() async throws {
        try await Scenario.with { scenario in
            let web = sleeper(
                "web", "command: [sh, -c, 'test ! -e /data/bad || exit 7; exec sleep 1000']", "volumes: ['data:/data']",
                "restart: always")
            let deployed = try await Deployed(stack(web, sleeper("db")) + "volumes: {data: {}}\n", in: scenario)
            let before = try await deployed.container("web")
            _ = try await deployed.output("sh", "-c", "touch /data/bad; kill -9 -1", of: "web")
            try await deployed.wait(for: "web") { $0.restartCount >= 4 }
            try await deployed.stays(15, saying: "web", "restart", notSaying: "in sync")
            #expect(try await deployed.container("web").id == before.id)
            #expect(try await deployed.skipped() == [])
        }
    }

    // Case 6
    @Test func `a paused container is not in sync`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(sleeper("web"), sleeper("db")), in: scenario)
            let web = try await deployed.container("web")
            try await scenario.engine.request("POST", "/containers/\(web.id)/pause")
            let check = try await deployed.watcher.run("check")
            #expect([11, 15].contains(check.status), "\(check)")
            check.saying("web", "paused").notSaying("in sync")
            try await deployed.watcher.run("status", "--exit-code").expecting(15).saying("paused")
            let finished = try await deployed.watcher.run("deploy")
            let state = try await deployed.container("web").state
            #expect(finished.status == (state == "running" ? 0 : 15), "\(state) \(finished)")
            try await scenario.engine.request("POST", "/containers/\(web.id)/kill")
        }
    }

    // Case 6
    @Test func `a failing service of a skipped tip is told before the skip`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(sleeper("db", probed)), in: scenario)
            try await deployed.deploy(stack(sleeper("db", neverHealthy)), expecting: 20)
            try await deployed.stays(12)
            _ = try await deployed.output("touch", "/bad", of: "db")
            try await deployed.wait(for: "db") { $0.health == "unhealthy" }
            // 12 promises that the last good deployment works.
            try await deployed.stays(15, saying: "db", "unhealthy", "refused")
        }
    }

    // Case 7
    @Test func `what a health check printed is in the failure, the events, the record and the status`() async throws {
        try await Scenario.with { scenario in
            let bad =
                "healthcheck: {test: [CMD-SHELL, 'echo no route to host db; exit 1'], interval: 1s, timeout: 2s, retries: 2}"
            let deployed = try await Deployed(stack(sleeper("web")), in: scenario)
            try await deployed.deploy(stack(sleeper("web", bad)), expecting: 20)
                .saying("web", "unhealthy", "no route to host db")
            let id = "\(deployed.project)/2"
            try await deployed.watcher.run("history", "show", id).expecting(0).saying("no route to host db")
            try await deployed.watcher.run("history", "show", id, "--events").expecting(0)
                .saying("no route to host db")
            let shown = try await deployed.watcher.json("history", "show", id, "--events", expecting: 0)
            #expect(shown["deployment"].description.contains("no route to host db"))
            #expect(shown["events"].description.contains("no route to host db"))
            // Left as it is, it is in the status.
            try await deployed.watcher.run("deploy", "--force", "--no-rollback").expecting(21)
                .saying("no route to host db")
        }
    }

    // Case 7
    @Test func `a health check that cannot run says that`() async throws {
        try await Scenario.with { scenario in
            let bad = "healthcheck: {test: [CMD, curl, -f, localhost], interval: 1s, timeout: 2s, retries: 2}"
            let deployed = try await Deployed(stack(sleeper("web")), in: scenario)
            let json = try await {
                try await deployed.repository.commit(compose: stack(sleeper("web", bad)), "change")
                return try await deployed.watcher.json("deploy", expecting: 20)
            }()
            let failure = json["projects"].elements.first?["failure"] ?? .null
            #expect(failure["reason"].text == "unhealthy")
            #expect(failure["probe"].text?.contains("curl") == true, "\(failure)")
        }
    }

    // Case 19
    @Test func `postponed runs are one record with first and last time, their count and the last events`() async throws
    {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(sleeper("web")), in: scenario)
            let before = untouched(try await deployed.containers())
            let image = "127.0.0.1:1/unreachable:1"
            try await deployed.repository.commit(compose: stack(sleeper("web", "image: '\(image)'")), "another image")
            try await deployed.watcher.run("deploy").expecting(75).saying(image)
            let first = try await deployed.history()
            func events() async throws -> [JSONValue] {
                try await deployed.watcher.json(
                    "history", "show", "\(deployed.project)/2", "--events", expecting: 0)["events"].elements
            }
            let firstEvents = try await events()
            for _ in 0..<3 { try await deployed.watcher.run("deploy").expecting(75) }
            let last = try await deployed.history()
            #expect(last.map { $0["status"].text } == ["postponed", "succeeded"])
            #expect(last.first?["attempts"].integer == 4)
            #expect(last.first?["started_at"] == first.first?["started_at"])
            let ended = try #require(last.first?["finished_at"].integer)
            #expect(ended > (first.first?["finished_at"].integer ?? .max))
            let lastEvents = try await events()
            #expect(lastEvents.count == firstEvents.count, "\(firstEvents.count) \(lastEvents.count)")
            #expect(lastEvents.allSatisfy { ($0["at"].integer ?? 0) > (first.first?["finished_at"].integer ?? .max) })
            try await deployed.watcher.run("history", deployed.project).expecting(0).saying("4 ").notSaying("0.0s")
            try await deployed.watcher.run("history", "show", "\(deployed.project)/2").expecting(0).saying("4")
            #expect(untouched(try await deployed.containers()) == before)
            #expect(try await deployed.skipped() == [])

            // Another commit that fails alike is another record.
            try await deployed.repository.commit(["other": "x"], "more")
            try await deployed.watcher.run("deploy").expecting(75)
            #expect(try await deployed.history().count == 3)
        }
    }

    // Case 24
    @Test func `a killed container with a health check has exited, and a job that did not run is not completed`()
        async throws
    {
        try await Scenario.with { scenario in
            let compose = stack(
                sleeper("web", alwaysHealthy, "depends_on: {job: {condition: service_completed_successfully}}"),
                sleeper("job", "command: ['true']"))
            let deployed = try await Deployed(compose, in: scenario)
            let web = try await deployed.container("web")
            try await scenario.engine.request("POST", "/containers/\(web.id)/kill")
            try await deployed.watcher.run("status").expecting(0).saying("exited (137)")
                .notSaying("unhealthy", "starting")
            try await deployed.watcher.run("deploy").expecting(0)
            let job = try await deployed.container("job")
            try await scenario.engine.remove(container: job.id)
            try await deployed.watcher.run("status").expecting(0).notSaying("completed")
            let json = try await deployed.watcher.json("status", expecting: 0)
            #expect(!json.description.contains("completed"), "\(json)")
        }
    }

    // Case 24
    @Test func `the words of a deployment are said once`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(sleeper("worker"), sleeper("db", alwaysHealthy)), in: scenario)
            let changed = stack(
                sleeper("worker", "environment: {A: b}"), sleeper("db", "environment: {A: b}", alwaysHealthy))
            try await deployed.repository.commit(compose: changed, "change")
            let preview = try await deployed.watcher.run("deploy", "--dry-run").expecting(10)
            #expect(preview.everything.components(of: "worker: recreate") == 1, "\(preview)")
            let finished = try await deployed.watcher.run("deploy").expecting(0)
            finished.notSaying("worker: worker:", "db: db:")
            // One word for one thing.
            #expect(
                !(finished.everything.contains("verified") && finished.everything.contains("healthy")), "\(finished)")
            try await deployed.watcher.run("history", "show", "\(deployed.project)/2", "--events").expecting(0)
                .notSaying("worker: worker:", "db: db:")
        }
    }

    // Case 24
    @Test func `a service that is no longer built is said by name, not by ids`() async throws {
        try await Scenario.with { scenario in
            let built = sleeper("web", "build: {context: app}", "image: '\(scenario.id)-web'")
            let deployed = try await Deployed(
                stack(built), files: ["app/Dockerfile": "FROM busybox:1\n"], in: scenario)
            scenario.atEnd("remove the image") {
                _ = try? await scenario.engine.request(
                    "DELETE", "/images/\(scenario.id)-web", query: ["force": "1"])
            }
            try await deployed.repository.commit(compose: stack(sleeper("web")), "no build")
            let check = try await deployed.watcher.run("check").expecting(10).saying("web", "busybox:1")
            let line = check.everything.split(separator: "\n").first { $0.contains("web:") } ?? ""
            #expect(line.contains("web: recreate"), "\(check)")
            #expect(!check.everything.contains("no service changes"), "\(check)")
            try await deployed.watcher.run("deploy").expecting(0).notSaying("no service changes")
            try await deployed.stays(0)
        }
    }
}

extension String {
    /// How often a text is in this one.
    func components(of text: String) -> Int { ranges(of: text).count }
}
