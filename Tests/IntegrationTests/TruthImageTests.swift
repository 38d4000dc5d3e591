import FoundationEssentials
import Testing
import WatcherTestSupport

/// What a failed deployment built or pulled leaves no trace in the names of images.
@Suite struct TruthImageTests {
    // Case 13
    @Test(arguments: [true, false])
    func `after an undone build the tag names the image that runs`(isNamed: Bool) async throws {
        try await Scenario.with { scenario in
            let reference = isNamed ? "\(scenario.id)-own:7" : "\(scenario.id)-web"
            func compose(_ more: String...) -> String {
                let image = isNamed ? "    image: '\(reference)'\n" : ""
                return
                    "services:\n  web:\n    build: {context: app}\n    init: true\n    command: [sleep, '1000']\n\(image)"
                    + more.map { "    \($0)\n" }.joined()
            }
            func tagged() async throws -> String {
                try await scenario.engine.json("GET", "/images/\(reference)/json")["Id"].text ?? ""
            }
            scenario.atEnd("remove the image") {
                _ = try? await scenario.engine.request("DELETE", "/images/\(reference)", query: ["force": "1"])
            }
            let files = ["app/Dockerfile": "FROM busybox:1\nCOPY . /app\n", "app/file": "one"]
            let deployed = try await Deployed(compose(), files: files, in: scenario)
            let before = try await deployed.container("web")
            #expect(try await tagged() == before.imageID)
            // The image is rebuilt, and its container fails.
            try await deployed.repository.commit(
                ["compose.yaml": compose(neverHealthy), "app/file": "two"], "break")
            try await deployed.watcher.run("deploy").expecting(20)
            let after = try await deployed.container("web")
            #expect(after.id == before.id && after.isRunning)
            #expect(try await tagged() == before.imageID)
            try await deployed.stays(12)

            // docker compose finds nothing to do, and rebuilds nothing that it would recreate for.
            let tree = "\(deployed.watcher.stateDirectory)/projects/\(deployed.project)/tree"
            try await scenario.run(
                try TestEnvironment.compose(),
                ["--project-name", deployed.project, "--file", "\(tree)/compose.yaml", "up", "--detach"],
                environment: ["DOCKER_HOST": try TestEnvironment.dockerHost()]
            ).expecting(0)
            #expect(try await deployed.container("web").id == before.id)

            // A rollback runs what it goes back to by its id; the name stays with the newest build.
            try await deployed.repository.commit(["compose.yaml": compose(), "app/file": "three"], "mend")
            try await deployed.watcher.run("deploy").expecting(0)
            #expect(try await tagged() == deployed.container("web").imageID)
            try await deployed.watcher.run("rollback", deployed.project).expecting(0)
            #expect(try await deployed.container("web").imageID == before.imageID)
            try await deployed.stays(12)
        }
    }

    // Case 13
    @Test func `a build of a first deployment that fails leaves nothing that a later one would take for built`()
        async throws
    {
        try await Scenario.with { scenario in
            func compose(_ more: String...) -> String {
                "services:\n  web:\n    build: {context: app}\n    init: true\n    command: [sleep, '1000']\n"
                    + more.map { "    \($0)\n" }.joined()
            }
            let files = ["app/Dockerfile": "FROM busybox:1\nCOPY . /app\n", "app/file": "one"]
            let deployed = try await Deployed.prepared(compose(neverHealthy), files: files, in: scenario)
            try await deployed.watcher.run("deploy").expecting(21)
            try await deployed.repository.commit(["compose.yaml": compose(), "app/file": "two"], "mend")
            try await deployed.watcher.run("deploy").expecting(0)
            #expect(try await deployed.output("cat", "/app/file", of: "web") == "two")
            try await deployed.stays(0)
        }
    }
}
