import FoundationEssentials
import Testing
import WatcherTestSupport

/// Older commits that come back: after the record was lost, after a rollback, by name.
@Suite struct RewriteTests {
    private func web(_ greeting: String) -> String { stack(service("web", "environment: {GREETING: \(greeting)}")) }

    /// Two commits deployed, and the branch set back to the first.
    private func setBack(
        in scenario: Scenario, settings: [String] = [], name: String = ""
    ) async throws -> (Deployed, first: String, second: String) {
        let deployed = try await Deployed(name + web("one"), in: scenario, settings: settings)
        let first = try await deployed.repository.tip()
        try await deployed.deploy(name + web("two"))
        let second = try await deployed.repository.tip()
        try await deployed.repository.rewind(to: first)
        try await deployed.repository.push()
        return (deployed, first, second)
    }

    private func lose(_ names: String, _ deployed: Deployed) async throws {
        try await deployed.scenario.run("sh", ["-c", "rm -rf \(names)"], in: deployed.watcher.stateDirectory).expecting(
            0)
    }

    @Test(arguments: ["watcher.db*", "watcher.db* git", "watcher.db* git projects"])
    func `a lost database does not let an older commit in`(lost: String) async throws {
        try await Scenario.with { scenario in
            let (deployed, _, second) = try await setBack(in: scenario)
            let before = try await deployed.containers()
            try await lose(lost, deployed)
            try await deployed.watcher.run("check").expecting(14).saying(String(second.prefix(7)))
            try await deployed.watcher.run("deploy").expecting(14).saying(String(second.prefix(7)))
            try await deployed.watcher.run("deploy").expecting(14)
            #expect(try await deployed.containers() == before)
            try await deployed.watcher.run("deploy", "--force").expecting(0)
            #expect(try await deployed.container("web").environment.contains("GREETING=one"))
            try await deployed.watcher.run("deploy").expecting(0)
        }
    }

    @Test func `nor where its project has a name of its own and cannot be loaded any more, or is stopped`() async throws
    {
        try await Scenario.with { scenario in
            let (deployed, first, second) = try await setBack(in: scenario, name: "name: \(scenario.id)-own\n")
            try await deployed.watcher.run("stop", deployed.project).expecting(0)
            try await lose("watcher.db* git", deployed)
            for files in [["compose.yaml": "services: {web: {}}\n"], ["other.yaml": "x: 1\n", "compose.yaml": nil]] {
                try await deployed.repository.rewind(to: first)
                try await deployed.repository.commit(files, "break")
                try await deployed.watcher.run("deploy").expecting(14).saying(String(second.prefix(7)))
            }
            let container = try await scenario.engine.container("web", in: "\(scenario.id)-own")
            #expect(container.environment.contains("GREETING=two"))
            try await deployed.watcher.run("down", deployed.project).expecting(0)
            for left in try await scenario.engine.containers(project: "\(scenario.id)-own") {
                try await scenario.engine.request("DELETE", "/containers/\(left.id)?force=1")
            }
        }
    }

    @Test func `nor does the loss of what is known of the tip, or a backup of the database`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(web("one"), in: scenario)
            let first = try await deployed.repository.tip()
            let database = "\(deployed.watcher.stateDirectory)/watcher.db"
            try await scenario.run("sqlite3", [database, ".backup '\(database).backup'"]).expecting(0)
            try await deployed.deploy(web("two"))
            let second = try await deployed.repository.tip()
            try await deployed.repository.rewind(to: first)
            try await deployed.repository.push()
            try await scenario.run("sqlite3", [database, "DELETE FROM projects"]).expecting(0)
            try await deployed.watcher.run("deploy").expecting(14).saying(String(second.prefix(7)))
            try await scenario.run("sh", ["-c", "rm -f \(database)-*; cp \(database).backup \(database)"]).expecting(0)
            try await deployed.watcher.run("deploy").expecting(14).saying(String(second.prefix(7)))
            try await deployed.watcher.run("status", "--exit-code").expecting(11)
                .saying("\(deployed.project)/2, which the database does not know")
            #expect(try await deployed.container("web").environment.contains("GREETING=two"))
        }
    }

    @Test func `a rewrite is one although neither cache nor server has what is deployed`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(web("one"), in: scenario)
            let first = try await deployed.repository.tip()
            try await deployed.deploy(web("two"))
            try await deployed.repository.rewind(to: first)
            try await deployed.repository.push()
            try await scenario.run(
                "sh", ["-ec", "git reflog expire --expire=now --all; git gc -q --prune=now"],
                in: deployed.repository.path
            ).expecting(0)
            try await scenario.run("rm", ["-rf", "\(deployed.watcher.stateDirectory)/git"]).expecting(0)
            try await deployed.watcher.run("deploy").expecting(14).saying("cannot be compared or healed")
            #expect(try await deployed.container("web").environment.contains("GREETING=two"))
        }
    }

    @Test func `after a rollback an older tip is a rewrite`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(web("one"), in: scenario)
            for greeting in ["two", "three"] { try await deployed.deploy(web(greeting)) }
            let third = try await deployed.repository.tip()
            try await deployed.watcher.run("rollback", deployed.project, "--to", "1").expecting(0)
            try await deployed.repository.rewind(to: "HEAD~1")
            try await deployed.repository.push()
            try await deployed.watcher.run("check").expecting(14)
            try await deployed.watcher.run("deploy").expecting(14).saying(String(third.prefix(7)))
            try await deployed.watcher.run("status").expecting(0).saying("it does not follow \(third.prefix(10))")
            #expect(try await deployed.container("web").environment.contains("GREETING=one"))
        }
    }

    @Test func `a commit of another branch cannot be deployed by name, although another project has it cached`()
        async throws
    {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            let first = try await repository.commit(compose: web("one"), "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(scenario.id, repository: repository.fileURL),
                ConfiguredProject("\(scenario.id)b", repository: repository.fileURL, settings: ["branch: other"]))
            let other = try await repository.commit(compose: web("other"), "other", branch: "other")
            try await watcher.run("check", "\(scenario.id)b").expecting(10)
            try await watcher.run("deploy", scenario.id).expecting(0)
            for name in [other, String(other.prefix(8)), "HEAD", "main@{0}", "refs/heads/other", "origin/other"] {
                try await watcher.run("deploy", scenario.id, "--commit", name).expecting(64)
                    .saying(name.hasPrefix(String(other.prefix(8))) ? String(other.prefix(8)) : name)
                try await watcher.run("deploy", scenario.id, "--commit", name, "--force").expecting(64)
            }
            try await watcher.run("deploy", scenario.id, "--commit", first).expecting(0)
        }
    }
}
