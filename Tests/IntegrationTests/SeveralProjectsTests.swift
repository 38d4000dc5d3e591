import Foundation
import Testing
import WatcherTestSupport

/// Several projects in one run: each gets its own result, the most serious one is the exit status.
@Suite struct SeveralProjectsTests {
    @Test func `every project is deployed, and one by name alone`() async throws {
        try await Scenario.with { scenario in
            let (shop, blog) = ("\(scenario.id)-shop", "\(scenario.id)-blog")
            let infra = try await scenario.repository()
            try await infra.commit(
                ["shop/compose.yaml": stack(service("web")), "blog/compose.yaml": stack(service("app"))], "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(shop, repository: infra.fileURL, settings: ["directory: shop"]),
                ConfiguredProject(blog, repository: infra.fileURL, settings: ["directory: blog"]))
            try await watcher.run("deploy", blog).expecting(0)
            #expect(try await scenario.engine.containers(project: shop).isEmpty)
            #expect(try await scenario.engine.container("app", in: blog).isRunning)
            try await watcher.run("check").expecting(10)
            try await watcher.run("deploy").expecting(0)
            #expect(try await scenario.engine.container("web", in: shop).isRunning)
            try await watcher.run("check").expecting(0).saying(shop, blog)
        }
    }

    @Test func `an invalid project does not keep the others from being deployed`() async throws {
        try await Scenario.with { scenario in
            let (bad, good) = ("\(scenario.id)-bad", "\(scenario.id)-good")
            let infra = try await scenario.repository()
            try await infra.commit(
                ["bad/compose.yaml": "services:\n  web: {imagee: x}\n", "good/compose.yaml": stack(service("app"))],
                "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(bad, repository: infra.fileURL, settings: ["directory: bad"]),
                ConfiguredProject(good, repository: infra.fileURL, settings: ["directory: good"]))
            try await watcher.run("deploy").expecting(65).saying(bad, "imagee")
            #expect(try await scenario.engine.container("app", in: good).isRunning)
            #expect(try await scenario.engine.containers(project: bad).isEmpty)
        }
    }

    @Test func `a slow project keeps nobody waiting, and results come as they are there`() async throws {
        try await Scenario.with { scenario in
            let (slow, quick) = ("\(scenario.id)-slow", "\(scenario.id)-quick")
            let infra = try await scenario.repository()
            // It becomes healthy when the other one runs.
            let flag = "\(scenario.directory)/flag"
            try FileManager.default.createDirectory(atPath: flag, withIntermediateDirectories: true)
            let waiting = service(
                "app", "volumes: ['\(flag):/flag']",
                "healthcheck: {test: [CMD, test, -f, /flag/ready], interval: 1s, timeout: 2s, retries: 60}")
            try await infra.commit(
                ["slow/compose.yaml": stack(waiting), "quick/compose.yaml": stack(service("web"))], "begin")
            let hook = "hooks: {post_deploy: {shell: 'touch \(flag)/ready'}}"
            let watcher = try scenario.watcher(
                ConfiguredProject(slow, repository: infra.fileURL, settings: ["directory: slow"]),
                ConfiguredProject(quick, repository: infra.fileURL, settings: ["directory: quick", hook]))
            let text = try await watcher.run("deploy", "--jobs", "2").expecting(0)
            let heads = text.output.split(separator: "\n").filter { !$0.hasPrefix(" ") }
            #expect(heads.map { String($0.prefix { $0 != ":" }) } == [quick, slow])
            // In JSON the projects are in the configuration's order.
            let json = try await watcher.run("deploy", "--format", "json", environment: ["WATCHER_JOBS": "2"])
                .expecting(0)
            let last = try JSONValue(parsing: String(try #require(json.output.split(separator: "\n").last)))
            #expect(last["projects"].elements.map { $0["project"].text } == [slow, quick])
        }
    }

    @Test func `a project that is configured no more is listed, and can be stopped and taken down`() async throws {
        try await Scenario.with { scenario in
            let (left, kept) = ("\(scenario.id)-left", "\(scenario.id)-kept")
            let infra = try await scenario.repository()
            try await infra.commit(
                ["compose.yaml": stack(service("web", "command: [sh, -c, 'echo hello; exec sleep 900']"))], "begin")
            let first = ConfiguredProject(left, repository: infra.fileURL)
            let second = ConfiguredProject(kept, repository: infra.fileURL)
            try await scenario.watcher(first, second).run("deploy").expecting(0)
            let watcher = try scenario.watcher(second)
            try await watcher.run("status").expecting(0).saying(kept, left, "no longer configured")
            try await watcher.run("logs", left).expecting(0).saying("hello")
            try await watcher.run("deploy", left).expecting(78)
            try await watcher.run("stop", left).expecting(0)
            try await watcher.run("down", left).expecting(0)
            #expect(try await scenario.engine.containers(project: left).isEmpty)
            #expect(try await scenario.engine.container("web", in: kept).isRunning)
            try await watcher.run("status").expecting(0).notSaying("no longer configured")
        }
    }
}
