import Testing
import WatcherTestSupport

/// Submodules and what Git LFS keeps are files of the commit like any other.
@Suite struct ModuleTests {
    @Test func `a service that mounts files of a submodule and of Git LFS gets them, anew when they move, and back`()
        async throws
    {
        try await Scenario.with { scenario in
            let compose = stack(
                service("web", "volumes: ['./vendor/lib/page:/page:ro', './logo.bin:/logo:ro']"), service("db"))
            let library = try await scenario.repository("lib")
            let first = try await library.commit(["page": "one\n"], "begin")
            let repository = try await scenario.repository()
            try await repository.commit(
                [
                    "compose.yaml": compose, ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
                    "logo.bin": try await repository.keepInLFS("logo one\n"),
                ], "begin")
            let good = try await repository.commit(module: "vendor/lib", "../lib.git", at: first)
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            let deployed = Deployed(scenario: scenario, repository: repository, watcher: watcher)
            try await watcher.run("deploy").expecting(0).saying("fetching the submodule vendor/lib")
            #expect(try await deployed.output("cat", "/page", "/logo", of: "web") == "one\nlogo one")
            let before = ids(try await deployed.containers())
            try await watcher.run("deploy").expecting(0).saying("in sync")
            #expect(ids(try await deployed.containers()) == before)

            let second = try await library.commit(["page": "two\n"], "say two")
            try await repository.commit(["logo.bin": try await repository.keepInLFS("logo two\n")], "another logo")
            try await repository.commit(module: "vendor/lib", "../lib.git", at: second)
            try await watcher.run("deploy").expecting(0)
            #expect(try await deployed.output("cat", "/page", "/logo", of: "web") == "two\nlogo two")
            let after = ids(try await deployed.containers())
            #expect(after["web"] != before["web"] && after["db"] == before["db"])

            // What an old deployment needs is fetched again when it was lost.
            try await scenario.run("rm", ["-rf", "\(watcher.stateDirectory)/git/modules"]).expecting(0)
            try await watcher.run("rollback", scenario.id, "--to", String(good.prefix(10))).expecting(0)
            #expect(try await deployed.output("cat", "/page", "/logo", of: "web") == "one\nlogo one")
        }
    }

    @Test func `a submodule's commit that is missing is temporary, a hostile gitmodules is the commit's fault`()
        async throws
    {
        try await Scenario.with { scenario in
            let library = try await scenario.repository("lib")
            let first = try await library.commit(["page": "one\n"], "begin")
            let repository = try await scenario.repository()
            try await repository.commit(compose: stack(service("web")), "begin")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            try await watcher.run("deploy").expecting(0)

            let missing = String(repeating: "1234", count: 10)
            try await repository.commit(module: "lib", "../lib.git", at: missing)
            try await watcher.run("check").expecting(75)
            try await watcher.run("deploy").expecting(75).saying("does not have the commit \(missing)")
            try await watcher.run("skip-list", scenario.id).expecting(0).notSaying(String(missing.prefix(10)))

            try await repository.commit(module: "lib", "ext::sh -c id", at: first)
            try await watcher.run("check").expecting(65).saying("the submodule \"lib\" is refused")
            try await watcher.run("deploy").expecting(65)
            try await repository.commit(module: "lib", "../lib.git", at: first)
            try await watcher.run("deploy").expecting(0)
        }
    }
}
