import FoundationEssentials
import Testing
import WatcherTestSupport

/// Going back: further each time, never silently to something else, and never longer or shorter than said.
@Suite struct TruthRollbackTests {
    private func compose(_ version: Int) -> String { stack(sleeper("web", "environment: {V: 'v\(version)'}")) }

    /// Deploys versions 1 to `count`; returns their commits.
    private func deployed(_ count: Int, in scenario: Scenario) async throws -> (Deployed, [String]) {
        let deployed = try await Deployed(compose(1), in: scenario)
        var commits = [try await deployed.repository.tip()]
        for version in 2...max(count, 2) where version <= count {
            try await deployed.deploy(compose(version))
            commits.append(try await deployed.repository.tip())
        }
        return (deployed, commits)
    }

    private func runs(_ version: Int, _ deployed: Deployed) async throws -> Bool {
        let web = try await deployed.container("web")
        return web.isRunning && web.environment.contains("V=v\(version)")
    }

    // Case 4
    @Test func `each rollback goes further back, until there is nothing to go back to`() async throws {
        try await Scenario.with { scenario in
            let (deployed, commits) = try await deployed(4, in: scenario)
            let (watcher, project) = (deployed.watcher, deployed.project)
            let short = commits.map { String($0.prefix(7)) }
            try await watcher.run("rollback", project).expecting(0)
                .saying(short[3], short[2], "skip list", "skip-list remove \(project)", "next commit")
            #expect(try await runs(3, deployed))
            #expect(try await deployed.skipped() == [commits[3]])
            try await watcher.run("rollback", project).expecting(0).saying(short[2], short[1])
            #expect(try await runs(2, deployed))
            #expect(try await deployed.skipped() == [commits[2], commits[3]].sorted())
            try await watcher.run("rollback", project).expecting(0)
            #expect(try await runs(1, deployed))
            let last = try await deployed.containers()
            try await watcher.run("rollback", project).expecting(64).saying("to go back to")
            #expect(try await deployed.containers() == last)
            #expect(try await deployed.skipped() == commits[1...].sorted())
            try await deployed.stays(12)
            #expect(try await runs(1, deployed))
            // As the output said: the next commit is deployed.
            try await deployed.deploy(compose(5))
            #expect(try await runs(5, deployed))
        }
    }

    // Case 4
    @Test func `what was rolled back returns the way that the output says`() async throws {
        try await Scenario.with { scenario in
            let (deployed, commits) = try await deployed(2, in: scenario)
            let (watcher, project) = (deployed.watcher, deployed.project)
            try await watcher.run("rollback", project).expecting(0)
            try await watcher.run("skip-list", "remove", project, String(commits[1].prefix(10))).expecting(0)
            try await watcher.run("deploy", project).expecting(0)
            #expect(try await runs(2, deployed))
            // Now that it is good again, a rollback leaves it once more.
            try await watcher.run("rollback", project).expecting(0)
            #expect(try await runs(1, deployed))
            #expect(try await deployed.skipped() == [commits[1]])
        }
    }

    // Case 4
    @Test func `a deployment that failed is a target only when forced`() async throws {
        try await Scenario.with { scenario in
            let (deployed, commits) = try await deployed(2, in: scenario)
            let (watcher, project) = (deployed.watcher, deployed.project)
            try await deployed.deploy(stack(sleeper("web", neverHealthy)), expecting: 20)
            let bad = try await deployed.repository.tip()
            let before = try await deployed.containers()
            for target in ["3", "\(project)/3", bad] {
                try await watcher.run("rollback", project, "--to", target).expecting(64)
                    .saying("\(project)/3", "--force")
            }
            #expect(try await deployed.containers() == before)
            #expect(try await deployed.statuses() == ["succeeded", "succeeded", "restored"])
            try await watcher.run("rollback", project, "--to", "3", "--force").expecting(20).saying("unhealthy")
            #expect(try await deployed.stillRuns(before))
            // Without a target the failed one is no step on the way.
            try await watcher.run("rollback", project).expecting(0).saying(String(commits[0].prefix(7)))
            #expect(try await runs(1, deployed))
        }
    }

    // Case 4
    @Test func `a rollback that fails releases nothing and skips nothing`() async throws {
        try await Scenario.with { scenario in
            let refusing = sleeper(
                "web", "command: [sh, -c, 'test ! -e /data/v2 || exit 9; exec sleep 1000']", "volumes: ['data:/data']")
            let migrating = sleeper(
                "web", "command: [sh, -c, 'touch /data/v2; exec sleep 1000']", "volumes: ['data:/data']")
            let volumes = "volumes: {data: {}}\n"
            let deployed = try await Deployed(stack(refusing) + volumes, in: scenario)
            try await deployed.deploy(stack(migrating) + volumes)
            let before = try await deployed.containers()
            try await deployed.watcher.run("rollback", deployed.project).expecting(20).saying("web", "exit")
            #expect(try await deployed.stillRuns(before))
            #expect(try await deployed.skipped() == [])
            try await deployed.stays(0)
        }
    }

    // Case 4
    @Test func `a rollback that holds lasts longer than the next commit`() async throws {
        try await Scenario.with { scenario in
            let (deployed, commits) = try await deployed(2, in: scenario)
            let (watcher, project) = (deployed.watcher, deployed.project)
            try await watcher.run("rollback", project, "--hold").expecting(0)
                .saying("suspended", "watcher resume \(project)", String(commits[1].prefix(7)))
            try await deployed.repository.commit(compose: compose(3), "push")
            for _ in 0..<2 { try await watcher.run("deploy").expecting(13).saying("hold") }
            #expect(try await runs(1, deployed))
            try await watcher.run("status", "--exit-code").expecting(13).saying("suspended")
            try await watcher.run("resume", project).expecting(0)
            try await watcher.run("deploy").expecting(0)
            #expect(try await runs(3, deployed))
        }
    }

    // Case 4
    @Test func `an earlier commit that is deployed by hand lasts until the next run, and the output says so`()
        async throws
    {
        try await Scenario.with { scenario in
            let (deployed, commits) = try await deployed(2, in: scenario)
            let (watcher, project) = (deployed.watcher, deployed.project)
            try await watcher.run("deploy", project, "--commit", commits[0]).expecting(0)
                .saying("next run", "tip", "--hold")
            #expect(try await runs(1, deployed))
            try await watcher.run("deploy").expecting(0)
            #expect(try await runs(2, deployed))
            try await watcher.run("deploy", project, "--commit", commits[0], "--hold").expecting(0)
                .saying("watcher resume \(project)")
            for _ in 0..<2 { try await watcher.run("deploy").expecting(13) }
            #expect(try await runs(1, deployed))
            #expect(try await deployed.skipped() == [])
            try await watcher.run("resume", project).expecting(0)
            try await watcher.run("deploy").expecting(0)
            #expect(try await runs(2, deployed))
        }
    }

    // Case 4
    @Test func `record, skip and release of a rollback are written together or not at all`() async throws {
        try await Scenario.with { scenario in
            let (deployed, commits) = try await deployed(2, in: scenario)
            let table = try await deployed.sql(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'skip%'"
            )
            .trimming()
            try await deployed.sql(
                "CREATE TRIGGER stop_it BEFORE INSERT ON \(table) BEGIN SELECT RAISE(ABORT, 'tired'); END")
            let failed = try await deployed.watcher.run("rollback", deployed.project)
            #expect([1, 74].contains(failed.status), "\(failed)")
            let statuses = try await deployed.history().compactMap { $0["status"].text }
            #expect(statuses.filter { $0 == "succeeded" }.count == 2, "\(statuses)")
            try await deployed.sql("DROP TRIGGER stop_it")
            // Whatever is taken up again: what runs, the record and the skip list agree.
            _ = try await deployed.watcher.run("deploy")
            let isBack = try await runs(1, deployed)
            #expect(try await deployed.skipped() == (isBack ? [commits[1]] : []))
            #expect(allRun(try await deployed.containers()))
            #expect(try await deployed.containers().count == 1)
        }
    }

    // Case 28
    @Test func `a pruned image is never replaced by another one of the same tag`() async throws {
        try await Scenario.with { scenario in
            let reference = try await scenario.image("LABEL version=one")
            func compose(_ value: String) -> String {
                stack(
                    sleeper(
                        "web", "image: '\(reference)'", "pull_policy: never", "environment: {V: '\(value)'}"))
            }
            let deployed = try await Deployed(compose("one"), in: scenario)
            let first = try await deployed.container("web")
            _ = try await scenario.image("LABEL version=two")
            try await deployed.deploy(compose("two"))
            let second = try await deployed.container("web")
            #expect(second.imageID != first.imageID)
            _ = try? await scenario.engine.request("DELETE", "/images/\(first.imageID)", query: ["force": "1"])
            let finished = try await deployed.watcher.run("rollback", deployed.project)
            #expect(![0, 1].contains(finished.status), "\(finished)")
            finished.saying("web", reference)
            let after = try await deployed.container("web")
            #expect(after.id == second.id && after.isRunning)
            #expect(try await deployed.skipped() == [])
            try await deployed.stays(0)
        }
    }
}

extension String {
    /// Without line breaks and spaces around it.
    func trimming() -> String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
