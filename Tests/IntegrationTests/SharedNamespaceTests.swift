import Testing
import WatcherTestSupport

/// Containers that live in another one's namespaces or volumes follow it when it is replaced, and networks that change
/// keep their containers.
@Suite struct SharedNamespaceTests {
    private func sharing(_ version: Int) -> String {
        stack(
            service("owner", "environment: {V: '\(version)'}", "ipc: shareable", "volumes: [/anonymous]"),
            service("net", "network_mode: 'service:owner'"), service("pid", "pid: 'service:owner'"),
            service("ipc", "ipc: 'service:owner'"), service("volumes", "volumes_from: [owner]"), service("none"))
    }

    private func modes(_ service: String, _ deployed: Deployed) async throws -> JSONValue {
        let id = try await deployed.container(service).id
        return try await deployed.scenario.engine.json("GET", "/containers/\(id)/json")["HostConfig"]
    }

    @Test func `who shares namespaces or volumes of a replaced container is replaced with it`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(sharing(1), in: scenario)
            let before = try await deployed.containers()
            try await deployed.deploy(sharing(2))
            let after = try await deployed.containers()
            #expect(allRun(after))
            #expect(after.map(\.name) == before.map(\.name))
            let same = ids(before).filter { ids(after)[$0.key] == $0.value }
            #expect(same.keys.sorted() == ["none"])
            let owner = try await deployed.container("owner")
            #expect(try await modes("net", deployed)["NetworkMode"].text == "container:\(owner.id)")
            #expect(try await modes("pid", deployed)["PidMode"].text == "container:\(owner.id)")
            #expect(try await modes("ipc", deployed)["IpcMode"].text == "container:\(owner.id)")
            let mounts = try await deployed.container("volumes").mounts
            #expect(mounts["/anonymous"] != nil && mounts["/anonymous"] == owner.mounts["/anonymous"])
            try await deployed.watcher.run("check").expecting(0)
        }
    }

    @Test func `an owner that is started again takes its guests along, and a failed replacement brings all back`()
        async throws
    {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(sharing(1), in: scenario)
            let before = try await deployed.containers()
            let owner = try await deployed.container("owner")
            let net = try await deployed.container("net")
            try await scenario.engine.request("POST", "/containers/\(owner.id)/kill")
            try await deployed.watcher.run("deploy").expecting(0)
            #expect(ids(try await deployed.containers()) == ids(before))
            #expect(allRun(try await deployed.containers()))
            #expect(try await deployed.container("net").startedAt != net.startedAt)

            let bad = sharing(2).replacing("ipc: shareable", with: "ipc: shareable\n    \(neverHealthy)")
            try await deployed.deploy(bad, expecting: 20)
            #expect(ids(try await deployed.containers()) == ids(before))
            #expect(allRun(try await deployed.containers()))
            func address(_ service: String) async throws -> String {
                try await scenario.engine.output(
                    of: ["sh", "-c", "ip -o -4 address show eth0 || ip address"],
                    in: try await deployed.container(service).id)
            }
            #expect(try await address("net") == address("owner"))
        }
    }

    private func networked(_ label: String) -> String {
        stack(
            service("web", "networks: [front, back]"), service("db", "networks: [back]"),
            service("proxy", "networks: [front]"))
            + "networks:\n  front: {}\n  back: {labels: {tier: \(label)}}\n"
    }

    @Test func `a network whose definition changed is made anew around the same containers`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(networked("one"), in: scenario)
            let before = try await deployed.containers()
            try await deployed.watcher.run("check").expecting(0)
            try await deployed.deploy(networked("two"))
            let after = try await deployed.containers()
            #expect(ids(after) == ids(before))
            #expect(allRun(after))
            #expect(after.map(\.networks) == before.map(\.networks))
            // Who is in no network that changed is not even restarted.
            #expect(after.first { $0.service == "proxy" } == before.first { $0.service == "proxy" })
            let reached = try await scenario.engine.output(
                of: ["sh", "-c", "ping -c 1 -W 10 db >/dev/null && echo reached"],
                in: try await deployed.container("web").id)
            #expect(reached == "reached\n")
            let label = try await scenario.engine.json("GET", "/networks/\(scenario.id)_back")["Labels"]["tier"].text
            #expect(label == "two")

            // One that fails afterwards gets the old network back.
            let bad = networked("three").replacing("networks: [front]", with: "networks: [front]\n    \(neverHealthy)")
            try await deployed.deploy(bad, expecting: 20)
            #expect(ids(try await deployed.containers()) == ids(before))
            #expect(allRun(try await deployed.containers()))
            let restored = try await scenario.engine.json("GET", "/networks/\(scenario.id)_back")["Labels"]["tier"]
            #expect(restored.text == "two")
        }
    }
}
