import Testing
import WatcherTestSupport

/// Replicas: which are made, which go, and which are left alone.
@Suite struct ScaleTests {
    private func web(_ count: Int, _ lines: String...) -> String {
        "services:\n" + service("web", "scale: \(count)") + lines.map { "    \($0)\n" }.joined()
    }

    // B1, B2, B3, B6
    @Test func `replicas are added and taken away from the end, and all are recreated under their own numbers`()
        async throws
    {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(web(1), in: scenario)
            func names() async throws -> [String: String] {
                let all = try await deployed.containers()
                #expect(allRun(all))
                return Dictionary(all.map { (String($0.name.dropFirst(scenario.id.count + 1)), $0.id) }) { $1 }
            }
            let one = try await names()
            try await deployed.deploy(web(3))
            let three = try await names()
            #expect(three.keys.sorted() == ["web-1", "web-2", "web-3"])
            #expect(three["web-1"] == one["web-1"])
            try await deployed.deploy(web(2))
            #expect(try await names() == three.filter { $0.key != "web-3" })
            try await deployed.deploy(web(2, "environment: {A: b}"))
            let changed = try await names()
            #expect(changed.keys.sorted() == ["web-1", "web-2"])
            #expect(Set(changed.values).isDisjoint(with: three.values))
            try await scenario.engine.request("POST", "/containers/\(changed["web-2"] ?? "")/kill")
            try await deployed.deploy(web(3, "environment: {A: b}"))
            #expect(try await names().filter { $0.key != "web-3" } == changed)
            try await deployed.deploy(
                web(0, "environment: {A: b}") + service("next", "depends_on: [web]"))
            #expect(try await names().keys.sorted() == ["next-1"])
        }
    }

    // B4, B5
    @Test func `a replica removed by hand is made anew, and an obsolete one goes before one that is right`()
        async throws
    {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(web(3), in: scenario)
            let before = try await deployed.containers()
            try await scenario.engine.remove(container: before[1].id)
            try await deployed.watcher.run("check").expecting(11)
            try await deployed.watcher.run("deploy").expecting(0)
            let after = try await deployed.containers()
            #expect(after.count == 3)
            // As docker compose does: one above the highest number.
            #expect(after.map { $0.name.suffix(1) } == ["1", "3", "4"])
            #expect(after.prefix(2).map(\.id) == [before[0].id, before[2].id])

            // The first replica becomes one that another configuration made.
            let first = after[0]
            try await scenario.engine.remove(container: first.id)
            let labels = first.labels.merging(["com.docker.compose.config-hash": "another"]) { $1 }
                .map { "\(quoted($0)):\(quoted($1))" }.joined(separator: ",")
            _ = try await scenario.engine.start(
                name: first.name, body: "{\"Image\":\"busybox:1\",\"Cmd\":[\"sleep\",\"900\"],\"Labels\":{\(labels)}}")
            try await deployed.deploy(web(1))
            #expect(try await deployed.containers().map(\.id) == [after[1].id])
        }
    }

    // B7, B9, B8, C12
    @Test func `replicas share a range of host ports, and a port for one is not given to two`() async throws {
        try await Scenario.with { scenario in
            let port = Int.random(in: 30_000..<32_000)
            let compose =
                web(3, "ports: ['127.0.0.1:\(port)-\(port + 4):80']") + service("any", "ports: ['80']")
                + service("other", "ports: ['80']")
            let deployed = try await Deployed(compose, in: scenario)
            let before = try await deployed.containers()
            var taken: Set<String> = []
            for container in before {
                let json = try await scenario.engine.json("GET", "/containers/\(container.id)/json")
                let bindings = json["NetworkSettings"]["Ports"]["80/tcp"].elements
                let published = bindings.first?["HostPort"].text ?? ""
                #expect(taken.insert(published).inserted)
                let isInRange = (port...port + 4).contains(Int(published) ?? 0)
                #expect(isInRange == (container.service == "web"))
            }
            try await deployed.deploy(web(2, "ports: ['127.0.0.1:\(port + 9):80']"), expecting: 20)
            #expect(ids(try await deployed.containers()) == ids(before))
            #expect(allRun(try await deployed.containers()))
        }
    }
}
