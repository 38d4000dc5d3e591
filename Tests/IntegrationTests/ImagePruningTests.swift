import Testing
import WatcherTestSupport

/// Images that no rollback needs are removed, the others stay where they are.
@Suite struct ImagePruningTests {
    private func files(_ version: String, _ lines: String...) -> [String: String] {
        let web = ["build: ."] + lines + [#"command: [sleep, "900"]"#, "stop_signal: SIGKILL"]
        return [
            "compose.yaml": "services:\n  web:\n" + web.map { "    \($0)\n" }.joined(),
            "Dockerfile": "FROM busybox:1\nLABEL version=\(version)\n",
        ]
    }

    private func isThere(_ image: String, _ scenario: Scenario) async throws -> Bool {
        do {
            try await scenario.engine.request("GET", "/images/\(image)/json")
            return true
        } catch let refusal as EngineObserver.Refusal where refusal.status == 404 {
            return false
        }
    }

    @Test func `images of failed and expired deployments go, and a rollback finds its own`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            let watcher = try scenario.watcher(
                ConfiguredProject(
                    scenario.id, repository: repository.fileURL,
                    settings: ["health: {timeout: 20s, settle: 0s}", "prune: {images: true}"]))
            var images: [String] = []
            func deploy(_ version: String) async throws -> FinishedProcess {
                try await repository.commit(files(version), "version \(version)")
                let finished = try await watcher.run("deploy", "-v").expecting(0)
                images.append(try await scenario.engine.container("web", in: scenario.id).imageID)
                return finished
            }
            _ = try await deploy("1")
            try await repository.commit(files("bad", neverHealthy), "bad")
            try await watcher.run("deploy", "-v").expecting(20).notSaying("removed image")
            _ = try await deploy("2").saying("removed image")
            for version in 3...5 { try await deploy("\(version)").notSaying("removed image") }
            for version in 6...7 { try await deploy("\(version)").saying("removed image") }
            #expect(Set(images).count == 7)
            for (index, image) in images.enumerated() {
                #expect(try await isThere(image, scenario) == (index >= 2), "\(index)")
            }
            #expect(try await isThere("busybox:1", scenario))
            try await watcher.run("rollback", scenario.id, "--to", "\(scenario.id)/4").expecting(0)
                .notSaying("building")
            let web = try await scenario.engine.container("web", in: scenario.id)
            #expect(web.imageID == images[2])
            #expect(web.labels["version"] == "3")
        }
    }
}
