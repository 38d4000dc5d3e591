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

    // F6
    @Test func `a mounted file that was changed by hand is put back, also for the container that has it`() async throws
    {
        try await Scenario.with { scenario in
            let compose =
                stack(
                    service("web", "volumes: ['./ro:/ro:ro', './dir:/dir:ro']"),
                    service("own", "volumes: ['./rw:/rw']"),
                    service("app", "configs: [conf]")) + "configs: {conf: {file: ./conf}}\n"
            let repository = try await scenario.repository()
            let files = ["ro": "1\n", "rw": "1\n", "conf": "1\n", "dir/file": "1\n"]
            try await repository.commit(files.merging(["compose.yaml": compose]) { $1 }, "begin")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            let deployed = Deployed(scenario: scenario, repository: repository, watcher: watcher)
            try await watcher.run("deploy").expecting(0)
            let tree = "\(watcher.stateDirectory)/projects/\(scenario.id)/tree"
            let before = ids(try await deployed.containers())
            for path in files.keys { try await scenario.run("sh", ["-c", "echo 2 > \(tree)/\(path)"]).expecting(0) }
            #expect(try await deployed.output("cat", "/ro", "/dir/file", of: "web") == "2\n2")
            try await watcher.run("deploy").expecting(0).saying("conf was changed on the host")
            let after = ids(try await deployed.containers())
            #expect(try await deployed.output("cat", "/ro", "/dir/file", of: "web") == "1\n1")
            #expect(try await deployed.output("cat", "/conf", of: "app") == "1")
            // What a container may write itself does not recreate it.
            #expect(after["own"] == before["own"] && after["web"] != before["web"] && after["app"] != before["app"])
            try await watcher.run("deploy").expecting(0).saying("in sync")
            #expect(ids(try await deployed.containers()) == after)
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
