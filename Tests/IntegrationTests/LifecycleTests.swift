import Foundation
import Testing
import WatcherTestSupport

/// `stop`, `start` and `down`, and what the next deploy makes of them.
@Suite struct LifecycleTests {
    private let compose =
        stack(service("web", "depends_on: [db]", "networks: [front]"), service("db", "volumes: ['data:/d']"))
        + "networks: {front: {}}\nvolumes: {data: {}}\n"

    @Test func `what is stopped stays so until it is started, and is the same then`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(compose, in: scenario)
            let (watcher, project) = (deployed.watcher, deployed.project)
            let before = ids(try await deployed.containers())

            try await watcher.run("stop", project, "--dry-run").expecting(10).saying("web: stop", "db: stop")
            #expect(allRun(try await deployed.containers()))
            let stopped = try await watcher.run("stop", project).expecting(0).errorOutput
            let order = ["web", "db"].compactMap { stopped.range(of: "\($0): stopped container")?.lowerBound }
            #expect(order.count == 2 && order == order.sorted())
            #expect(try await deployed.containers().allSatisfy { $0.state == "exited" })
            try await watcher.run("stop", project).expecting(0)

            // Neither a deploy nor a new commit brings it back.
            try await watcher.run("deploy").expecting(13).saying("stopped by hand")
            try await watcher.run("status").expecting(0).saying("suspended", "exited")
            #expect(try await deployed.containers().allSatisfy { $0.state == "exited" })

            try await watcher.run("start", project, "--dry-run").expecting(10)
            try await watcher.run("start", project).expecting(0)
            #expect(allRun(try await deployed.containers()))
            #expect(ids(try await deployed.containers()) == before)
            try await watcher.run("deploy").expecting(0).saying("in sync")
        }
    }

    @Test func `one service is stopped and started; one that there is not changes nothing`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(compose, in: scenario)
            let (watcher, project) = (deployed.watcher, deployed.project)
            for command in ["stop", "start"] {
                try await watcher.run(command, project, "wbe").expecting(64).saying("no service \"wbe\"", "db, web")
            }
            // A refused stop suspends nothing, nor does one that does not reach the engine.
            try await watcher.run("deploy").expecting(0)
            let lost = try scenario.watcher(
                ConfiguredProject(
                    project, repository: deployed.repository.fileURL,
                    settings: ["engine: {host: 'unix://\(scenario.directory)/none.sock'}"]))
            try await lost.run("stop", project).expecting(69)
            try await lost.run("down", project).expecting(69)
            try await lost.run("status").expecting(69).saying("not known").notSaying("missing", "suspended")
            let again = try scenario.watcher(ConfiguredProject(project, repository: deployed.repository.fileURL))
            try await again.run("deploy").expecting(0)

            try await again.run("stop", project, "web").expecting(0)
            #expect(try await deployed.container("web").state == "exited")
            #expect(try await deployed.container("db").isRunning)
            try await again.run("start", project, "web").expecting(0)
            #expect(allRun(try await deployed.containers()))
            // Other services might still be stopped: only a start of everything ends the suspension.
            try await again.run("deploy").expecting(13)
            try await again.run("start", project).expecting(0)
            try await again.run("deploy").expecting(0)
        }
    }

    @Test func `down removes containers and networks, volumes only when asked, and nothing of others`() async throws {
        try await Scenario.with { scenario in
            let (network, volume) = ("\(scenario.id)-outside", "\(scenario.id)-kept")
            try await scenario.engine.request("POST", "/networks/create", body: "{\"Name\":\"\(network)\"}")
            scenario.atEnd("remove the network") {
                try await scenario.engine.request("DELETE", "/networks/\(network)")
            }
            try await scenario.engine.request("POST", "/volumes/create", body: "{\"Name\":\"\(volume)\"}")
            scenario.atEnd("remove the volume") { try await scenario.engine.request("DELETE", "/volumes/\(volume)") }
            let compose =
                stack(
                    service("web", "networks: [front, outside]", "depends_on: [db]"),
                    service("db", "volumes: ['data:/d', 'kept:/k']"))
                + "networks: {front: {}, outside: {external: true, name: \(network)}}\n"
                + "volumes: {data: {}, kept: {external: true, name: \(volume)}}\n"
            let deployed = try await Deployed(compose, in: scenario)
            let (watcher, project) = (deployed.watcher, deployed.project)
            let db = try await deployed.container("db").id
            _ = try await scenario.engine.output(of: ["sh", "-c", "echo precious > /d/file"], in: db)

            try await watcher.run("down", project, "--dry-run").expecting(10)
            #expect(allRun(try await deployed.containers()))
            try await watcher.run("down", project).expecting(0)
            #expect(try await deployed.containers().isEmpty)
            #expect(try await scenario.engine.networks(project: project).isEmpty)
            #expect(try await scenario.engine.volumes(project: project) == ["\(project)_data"])
            try await watcher.run("down", project).expecting(0).saying("nothing")
            try await watcher.run("deploy").expecting(13)

            try await watcher.run("start", project).expecting(0)
            let new = try await deployed.container("db").id
            #expect(try await scenario.engine.output(of: ["cat", "/d/file"], in: new) == "precious\n")

            try await watcher.run("down", project, "--volumes").expecting(0)
            #expect(try await scenario.engine.volumes(project: project).isEmpty)
            try await scenario.engine.request("GET", "/networks/\(network)")
            try await scenario.engine.request("GET", "/volumes/\(volume)")
        }
    }

    @Test func `status tells what containers use`() async throws {
        try await Scenario.with { scenario in
            let busy = #"command: [sh, -c, "dd if=/dev/zero of=/x bs=1k count=100; while :; do :; done"]"#
            let compose = stack(service("busy", busy, "mem_limit: 64m"), service("idle"))
            let deployed = try await Deployed(compose, in: scenario)
            let status = try await deployed.watcher.json("status", "--stats", expecting: 0)
            func usage(_ service: String) -> JSONValue? {
                status["projects"].elements.first?["services"].elements.first { $0["name"].text == service }?[
                    "containers"
                ].elements.first?["stats"]
            }
            let busyUsage = try #require(usage("busy"))
            #expect(busyUsage["memory_limit"].integer == 64 << 20)
            #expect(try #require(busyUsage["memory_usage"].integer) > 0)
            #expect(try #require(busyUsage["processes"].integer) == 1)
            guard case .number(let percent) = busyUsage["cpu_percent"], percent > 1 else {
                Issue.record("\(busyUsage)")
                return
            }
            for key in ["network_received", "network_sent", "block_read", "block_written"] {
                #expect(busyUsage[key].integer != nil, "\(key)")
            }
            try await deployed.watcher.run("status", "--stats").expecting(0).saying("cpu ", " of 64.0 MiB", "network ")
            try await deployed.watcher.run("status").expecting(0).notSaying("cpu ")
            // What does not run uses nothing.
            try await deployed.watcher.run("stop", deployed.project, "idle").expecting(0)
            try await deployed.watcher.run("status", "--stats").expecting(0).saying("exited (137)").notSaying(
                "unhealthy")
        }
    }
}
