import FoundationEssentials
import Testing
import WatcherTestSupport

/// One run at a time, ended from outside, against a branch that was rewritten.
@Suite struct RunTests {
    private func slow(_ greeting: String) -> String {
        let lines = ["environment: {GREETING: \(greeting)}"] + healthyAfter(seconds: 4)
        return "services:\n  web:\n"
            + (["image: busybox:1", "stop_signal: SIGKILL"] + lines).map { "    \($0)\n" }.joined()
    }

    @Test func `a second run while one holds the lock is told so and touches nothing`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            try await repository.commit(compose: slow("one"), "begin")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            let begun = Date()
            try await watcher.run("deploy") { _ in
                try await scenario.engine.waitForEvent("start", project: scenario.id, since: begun)
                try await watcher.run("deploy").expecting(75).saying("deploy", scenario.id)
            }.expecting(0)
            #expect(try await scenario.engine.container("web", in: scenario.id).health == "healthy")
        }
    }

    @Test(arguments: [15, 9])
    func `a run that is ended from outside is finished or undone by the next`(signal: Int32) async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(slow("one"), in: scenario)
            try await stack.repository.commit(compose: slow("two"), "greet twice")
            let begun = Date()
            let ended = try await stack.watcher.run("deploy") { running in
                try await scenario.engine.waitForEvent("create", project: scenario.id, since: begun)
                try running.send(signal)
            }
            try ended.expecting(128 + Int(signal))
            try await stack.watcher.run("deploy").expecting(0)
            let web = try await stack.container("web")
            #expect(web.isRunning)
            #expect(web.name == "\(stack.project)-web-1")
            #expect(web.environment.contains("GREETING=two"))
            #expect(try await stack.containers().count == 1)
        }
    }

    @Test func `a rewritten branch is refused, unless it is forced or allowed`() async throws {
        try await Scenario.with { scenario in
            let web = { (greeting: String) in stack(service("web", "environment: {GREETING: \(greeting)}")) }
            let deployed = try await Deployed(web("one"), in: scenario)
            let begin = try await deployed.repository.tip()
            try await deployed.repository.commit(compose: web("two"), "greet twice")
            try await deployed.watcher.run("deploy").expecting(0)
            let before = try await deployed.containers()

            try await deployed.repository.rewind(to: begin)
            let rewritten = try await deployed.repository.commit(compose: web("three"), "another past")
            try await deployed.watcher.run("deploy").expecting(14).saying(String(rewritten.prefix(7)), "main")
            #expect(try await deployed.containers() == before)
            try await deployed.watcher.run("check").expecting(14)

            let allowing = try scenario.watcher(
                ConfiguredProject(
                    deployed.project, repository: deployed.repository.fileURL, settings: ["git: {allow_rewrite: true}"])
            )
            try await allowing.run("deploy").expecting(0)
            #expect(try await deployed.container("web").environment.contains("GREETING=three"))
        }
    }
}
