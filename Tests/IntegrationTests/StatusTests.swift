import Foundation
import Testing
import WatcherTestSupport

/// `status` on a real engine: one look says how things stand.
@Suite struct StatusTests {
    /// Healthy as long as `/ok` is there; the check says why not.
    private let checked = service(
        "db", #"command: [sh, -c, "touch /ok; exec sleep 900"]"#,
        #"healthcheck: {test: [CMD-SHELL, "test -f /ok || { echo no space left; exit 1; }"], interval: 1s, retries: 1}"#
    )

    // Issue 11, cases 6 and 7
    @Test func `what turned unhealthy is said with the words of its health check, and is status 15`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(service("web"), checked), in: scenario)
            let watcher = deployed.watcher
            try await watcher.run("status", "--exit-code").expecting(0).saying(": works", "is deployed", "healthy")
            let before = Date()
            _ = try await deployed.output("rm", "/ok", of: "db")
            try await scenario.engine.waitForEvent(
                "health_status: unhealthy", project: deployed.project, since: before)
            try await watcher.run("status", "--exit-code").expecting(15)
                .saying("does not work", "db is unhealthy since", "| no space left", "0/1")
            try await watcher.run("status").expecting(0)
            let project = try await watcher.json("status", expecting: 0)["projects"].elements.first
            #expect(project?["outcome"].text == "not-working" && project?["exit_status"].integer == 15)
            let db = project?["services"].elements.first { $0["name"].text == "db" }
            #expect(db?["trouble"]["probe"].text == "no space left")
        }
    }

    // Issue 11, cases 2, 7 and 24
    @Test func `a first deployment that failed stays status 21, and tells what its health check said`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            let failing = #"healthcheck: {test: [CMD-SHELL, "echo not yet; exit 1"], interval: 1s, retries: 1}"#
            try await repository.commit(compose: stack(service("web", failing)), "begin")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            try await watcher.run("status", "--exit-code").expecting(0).saying("not deployed yet")
            try await watcher.run("deploy").expecting(21).saying("health check of web", "| not yet")
            try await watcher.run("status", "--exit-code").expecting(21)
                .saying("no deployment has succeeded", "on the skip list", "last try \(scenario.id)/1")
            try await watcher.run("history", "show", "\(scenario.id)/1").expecting(0)
                .saying("Health check of web:", "| not yet")
        }
    }

    @Test func `a skipped tip is 12, a suspended project 13, and each says so`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(service("web")), in: scenario)
            let (watcher, project) = (deployed.watcher, deployed.project)
            try await deployed.deploy(stack(service("web", "command: ['false']")), expecting: 20)
            try await watcher.run("status", "--exit-code").expecting(12)
                .saying("works, but the tip is not deployed", "on the skip list", "last try \(project)/2", "restored")
            try await watcher.run("suspend", project, "--reason", "a move", "--until", "2h").expecting(0).saying(
                "until")
            try await watcher.run("status", "--exit-code").expecting(13).saying("works, suspended", "a move")
            try await watcher.run("stop", project).expecting(0)
            try await watcher.run("status", "--exit-code").expecting(13).saying("exited (137)").notSaying("unhealthy")
        }
    }

    // Issue 11, case 23
    @Test func `a project that is no longer configured is listed, and taken down by what is recorded`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(service("web")), in: scenario)
            let project = deployed.project
            let watcher = try scenario.watcher(
                ConfiguredProject("\(project)-other", repository: deployed.repository.fileURL))
            try await watcher.run("status").expecting(0).saying("\(project): no longer configured", "watcher down")
            try await watcher.run("status", project).expecting(0).saying("running").notSaying("other")
            try await watcher.run("status", "\(project)-none").expecting(78)
            try await watcher.run("down", project).expecting(0)
            #expect(try await deployed.containers().isEmpty)
            try await watcher.run("status").expecting(0).notSaying("no longer configured")
        }
    }

    // Issue 11, case 4
    @Test func `a rollback says what is skipped, for how long, and how to return`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(service("web")), in: scenario)
            let (watcher, project) = (deployed.watcher, deployed.project)
            try await deployed.deploy(stack(service("web", "labels: {v: '2'}")))
            let tip = try await deployed.repository.tip().prefix(10)
            let result = try await watcher.json("rollback", project, expecting: 0)["projects"].elements.first
            let next = result?["next"].elements.compactMap(\.text) ?? []
            #expect(next.first?.hasPrefix("\(tip) is on the skip list") == true)
            #expect(
                next.last?.contains("`watcher skip-list remove \(project) \(tip)`, `watcher deploy \(project)`") == true
            )
        }
    }
}
