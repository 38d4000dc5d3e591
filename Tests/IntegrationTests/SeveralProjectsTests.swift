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
}
