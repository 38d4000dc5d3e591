import Testing
import WatcherTestSupport

/// The checkout that containers bind-mount: one stable path, new content, nothing from outside.
@Suite struct CheckoutTests {
    private let site = stack(service("web", "volumes: ['./site:/site:ro']"), service("db"))

    // F6
    @Test func `a service whose mounted file changed is recreated and sees the new content`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            try await repository.commit(["compose.yaml": site, "site/index.html": "one\n"], "begin")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            try await watcher.run("deploy").expecting(0)
            let before = try await scenario.engine.containers(project: scenario.id)
            let web = try await scenario.engine.container("web", in: scenario.id)
            #expect(try await scenario.engine.output(of: ["cat", "/site/index.html"], in: web.id) == "one\n")

            try await repository.commit(["site/index.html": "two\n"], "say two")
            try await watcher.run("check").expecting(10).saying("web")
            try await watcher.run("deploy").expecting(0)
            let changed = try await scenario.engine.container("web", in: scenario.id)
            #expect(changed.id != web.id)
            #expect(changed.mounts["/site"] == web.mounts["/site"])
            #expect(try await scenario.engine.output(of: ["cat", "/site/index.html"], in: changed.id) == "two\n")
            let db = try await scenario.engine.container("db", in: scenario.id)
            #expect(before.contains(db))
        }
    }

    @Test func `a failed deployment puts the mounted files back too`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            try await repository.commit(["compose.yaml": site, "site/index.html": "one\n"], "begin")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            try await watcher.run("deploy").expecting(0)
            let web = try await scenario.engine.container("web", in: scenario.id)
            let broken = site.replacing("volumes:", with: "\(neverHealthy)\n    volumes:")
            try await repository.commit(["compose.yaml": broken, "site/index.html": "two\n"], "break")
            try await watcher.run("deploy").expecting(20)
            let restored = try await scenario.engine.container("web", in: scenario.id)
            #expect(restored.id == web.id)
            #expect(try await scenario.engine.output(of: ["cat", "/site/index.html"], in: restored.id) == "one\n")
        }
    }

    @Test func `a mounted path that the commit lacks is refused before anything is touched`() async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(stack(service("web")), in: scenario)
            let before = try await stack.containers()
            try await stack.repository.commit(compose: site, "mount what is not there")
            try await stack.watcher.run("deploy").expecting(65).saying("site", "compose.yaml")
            #expect(try await stack.containers() == before)
        }
    }

    @Test func `files that are not Git's stay where they are`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            let writable = site.replacing(":ro", with: "")
            try await repository.commit(["compose.yaml": writable, "site/index.html": "one\n"], "begin")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            try await watcher.run("deploy").expecting(0)
            let web = try await scenario.engine.container("web", in: scenario.id)
            _ = try await scenario.engine.output(of: ["sh", "-c", "echo own > /site/upload"], in: web.id)
            try await repository.commit(["site/index.html": "two\n"], "say two")
            try await watcher.run("deploy").expecting(0)
            let after = try await scenario.engine.container("web", in: scenario.id)
            let upload = try await scenario.engine.output(of: ["cat", "/site/upload"], in: after.id)
            #expect(upload == "own\n")
        }
    }
}
