import Testing
import WatcherTestSupport

/// A run that is killed at any of its requests to the engine: the next one finds its leftovers and puts things right.
@Suite struct KilledRunTests {
    /// One service that is replaced, one whose containers run side by side meanwhile, and one that stays.
    private func compose(_ version: Int) -> String {
        stack(
            service("web", "environment: {V: '\(version)'}"),
            service("api", "environment: {V: '\(version)'}", "deploy: {update_config: {order: start-first}}"),
            service("db"))
    }

    /// Two creations; rename, stop, rename and start of web; start, rename, stop and rename of api; two removals.
    private static let requests = 12

    @Test(arguments: 1...requests, EngineGate.Place.allCases)
    func `the next run finishes or undoes it, and nothing is left over`(
        _ number: Int, _ place: EngineGate.Place
    ) async throws {
        try await Scenario.with { scenario in
            let health = "health: {timeout: 60s, settle: 0s}"
            let deployed = try await Deployed(compose(1), in: scenario, settings: [health])
            let before = try await deployed.containers()
            try await deployed.repository.commit(compose: compose(2), "change")
            let gate = try await scenario.engineGate(request: number, place)
            let gated = try scenario.watcher(
                ConfiguredProject(
                    scenario.id, repository: deployed.repository.fileURL,
                    settings: [health, "engine: {host: \"\(gate.host)\"}"]))
            try await gated.run("deploy") { running in
                try await gate.reached()
                try running.send(9)
            }.expecting(137)
            let watcher = try scenario.watcher(
                ConfiguredProject(scenario.id, repository: deployed.repository.fileURL, settings: [health]))
            try await watcher.run("deploy").expecting(0)
            let after = try await deployed.containers()
            #expect(after.map(\.name) == ["api", "db", "web"].map { "\(scenario.id)-\($0)-1" })
            #expect(allRun(after))
            #expect(after.filter { $0.service != "db" }.allSatisfy { $0.environment.contains("V=2") })
            #expect(after.filter { $0.service == "db" } == before.filter { $0.service == "db" })
            try await watcher.run("check").expecting(0)
        }
    }

    @Test(arguments: [3, 6, 8, 10])
    func `when the commit cannot be had any more, what ran before runs again`(_ number: Int) async throws {
        try await Scenario.with { scenario in
            let health = "health: {timeout: 60s, settle: 0s}"
            let deployed = try await Deployed(compose(1), in: scenario, settings: [health])
            let before = try await deployed.containers()
            try await deployed.repository.commit(compose: compose(2), "change")
            let gate = try await scenario.engineGate(request: number, .after)
            let gated = try scenario.watcher(
                ConfiguredProject(
                    scenario.id, repository: deployed.repository.fileURL,
                    settings: [health, "engine: {host: \"\(gate.host)\"}"]))
            try await gated.run("deploy") { running in
                try await gate.reached()
                try running.send(9)
            }.expecting(137)
            let lost = try scenario.watcher(
                ConfiguredProject(
                    scenario.id, repository: deployed.repository.fileURL, settings: [health, "branch: gone"]))
            let finished = try await lost.run("deploy")
            #expect([75, 78].contains(finished.status), "\(finished)")
            let after = try await deployed.containers()
            #expect(after.map(\.name) == before.map(\.name))
            #expect(ids(after) == ids(before))
            #expect(allRun(after))
        }
    }
}
