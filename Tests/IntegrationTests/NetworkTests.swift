import FoundationEssentials
import Testing
import WatcherTestSupport

/// Networks: as docker compose makes them, made anew when their definition changes, never taken from others.
@Suite struct NetworkTests {
    private func network(_ name: String, _ scenario: Scenario) async throws -> JSONValue {
        try await scenario.engine.json("GET", "/networks/\(scenario.id)_\(name)")
    }

    /// Makes a network that is nobody's or another project's, and removes it at the end.
    private func make(_ name: String, labels: [String: String] = [:], in scenario: Scenario) async throws -> String {
        let all = labels.map { "\(quoted($0)):\(quoted($1))" }.joined(separator: ",")
        let id =
            try await scenario.engine.json(
                "POST", "/networks/create", body: "{\"Name\":\(quoted(name)),\"Labels\":{\(all)}}")["Id"].text ?? ""
        let engine = scenario.engine
        scenario.atEnd("remove network \(name)") { try await engine.request("DELETE", "/networks/\(id)") }
        return id
    }

    // D1
    @Test func `a project without networks gets one with docker compose's name and labels`() async throws {
        try await Scenario.with { scenario in
            _ = try await Deployed(stack(service("web")), in: scenario)
            let labels = try await network("default", scenario)["Labels"].members.compactMapValues(\.text)
            #expect(labels["com.docker.compose.project"] == scenario.id)
            #expect(labels["com.docker.compose.network"] == "default")
            #expect(labels["com.docker.compose.version"] == "2.40.3")
            #expect(labels["com.docker.compose.config-hash"]?.count == 64)
        }
    }

    // D2
    @Test func `a network whose definition changes is made anew around its containers`() async throws {
        try await Scenario.with { scenario in
            func compose(_ front: String, _ back: String) -> String {
                stack(
                    service("web", "networks: [front, back]"), service("db", "networks: [back]"), service("other"))
                    + "networks:\n  front: {\(front)}\n  back: {\(back)}\n"
            }
            let deployed = try await Deployed(compose("", "labels: {tier: one}"), in: scenario)
            let before = try await deployed.containers()
            let networks = [try await network("front", scenario)["Id"], try await network("back", scenario)["Id"]]
            let slow = "driver_opts: {com.docker.network.bridge.enable_icc: 'true'}"
            try await deployed.deploy(compose(slow, "labels: {tier: two}"))
            let after = try await deployed.containers()
            #expect(ids(after) == ids(before) && allRun(after))
            #expect(after.first { $0.service == "other" } == before.first { $0.service == "other" })
            for (name, id) in zip(["front", "back"], networks) {
                #expect(try await network(name, scenario)["Id"] != id)
            }
            #expect(try await network("back", scenario)["Labels"]["tier"].text == "two")
            #expect(
                after.first { $0.service == "web" }?.networks == ["\(scenario.id)_back", "\(scenario.id)_front"])
            try await deployed.watcher.run("check").expecting(0)
        }
    }

    // D3, D4
    @Test func `a network that left the file is removed, unless others are in it`() async throws {
        try await Scenario.with { scenario in
            func compose(_ names: String) -> String {
                stack(service("web", "networks: [\(names)]"))
                    + "networks:\n" + names.split(separator: ",").map { "  \($0):\n" }.joined()
            }
            let deployed = try await Deployed(compose("a,b,c"), in: scenario)
            let before = try await deployed.container("web")
            try await deployed.deploy(compose("a,b"))
            let after = try await deployed.container("web")
            #expect(after.id != before.id && after.networks == ["\(scenario.id)_a", "\(scenario.id)_b"])
            #expect(try await scenario.engine.networks(project: scenario.id) == after.networks)

            let guest = try await scenario.engine.start(
                name: "\(scenario.id)-guest",
                body: "{\"Image\":\"busybox:1\",\"Cmd\":[\"sleep\",\"900\"],"
                    + "\"HostConfig\":{\"NetworkMode\":\"\(scenario.id)_b\"}}")
            scenario.atEnd("remove the guest") { try await scenario.engine.remove(container: guest) }
            try await deployed.deploy(compose("a")).saying("\(scenario.id)_b")
            #expect(try await scenario.engine.networks(project: scenario.id) == before.networks.dropLast())
            #expect(try await scenario.engine.container(guest).isRunning)
        }
    }

    // D5
    @Test func `a container that was disconnected by hand is recreated`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(service("web"), service("db")), in: scenario)
            let before = try await deployed.containers()
            let web = try await deployed.container("web")
            try await scenario.engine.request(
                "POST", "/networks/\(scenario.id)_default/disconnect", body: "{\"Container\":\"\(web.id)\"}")
            try await deployed.watcher.run("check").expecting(11).saying("\(scenario.id)_default")
            try await deployed.watcher.run("deploy").expecting(0)
            let after = try await deployed.containers()
            #expect(ids(after)["db"] == ids(before)["db"] && ids(after)["web"] != web.id)
            #expect(after.allSatisfy { $0.networks == ["\(scenario.id)_default"] })
        }
    }

    // D6
    @Test func `an external network has to be there when it is used`() async throws {
        try await Scenario.with { scenario in
            let outside = "networks: {outside: {name: \(scenario.id)-outside, external: true}}\n"
            let deployed = try await Deployed(
                stack(service("web"), service("tool", "profiles: [tools]", "networks: [outside]")) + outside,
                in: scenario)
            let before = try await deployed.containers()
            let using = stack(service("web", "networks: [outside]")) + outside
            try await deployed.deploy(using, expecting: 75).saying("\(scenario.id)-outside", "external")
            #expect(try await deployed.containers() == before)
            // Nothing was wrong with the commit: once the network is there it is deployed.
            let id = try await make("\(scenario.id)-outside", in: scenario)
            try await deployed.watcher.run("deploy").expecting(0)
            let web = try await deployed.container("web")
            #expect(web.networks == ["\(scenario.id)-outside"])
            try await scenario.engine.remove(container: web.id)
            #expect(try await scenario.engine.json("GET", "/networks/\(id)")["Id"].text == id)
        }
    }

    // D7
    @Test func `a network that others made is used with a warning, one that is meant otherwise refused`() async throws {
        try await Scenario.with { scenario in
            let (theirs, nobodys, wrong) = ("\(scenario.id)-theirs", "\(scenario.id)-nobodys", "\(scenario.id)-wrong")
            let prefix = "com.docker.compose"
            let id = try await make(
                theirs,
                labels: [
                    "\(prefix).project": "other", "\(prefix).network": "shared", "\(prefix).config-hash": "another",
                ],
                in: scenario)
            _ = try await make(nobodys, in: scenario)
            _ = try await make(
                wrong, labels: ["\(prefix).project": "other", "\(prefix).network": "back"], in: scenario)
            let web = service("web", "networks: [shared, plain]")
            let networks = "networks:\n  shared: {name: \(theirs)}\n  plain: {name: \(nobodys)}\n"
            let deployed = try await Deployed(stack(web) + networks, in: scenario)
            try await deployed.watcher.run("check").expecting(0).saying(theirs, "other", nobodys)
            #expect(try await scenario.engine.json("GET", "/networks/\(theirs)")["Id"].text == id)
            let before = try await deployed.containers()
            try await deployed.deploy(
                stack(web) + networks.replacing(nobodys, with: wrong), expecting: 75
            ).saying(wrong, "back", "plain")
            #expect(try await deployed.containers() == before)
            try await deployed.watcher.run("down", deployed.project).expecting(0)
            #expect(try await scenario.engine.json("GET", "/networks/\(theirs)")["Id"].text == id)
        }
    }

    // D8
    @Test func `aliases, links, services and containers are found by name`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(
                stack(
                    service("db", "networks: {default: {aliases: [store]}}"),
                    service("web", "links: ['db:data']")), in: scenario)
            for name in ["db", "store", "data", "\(scenario.id)-db-1"] {
                let said = try await deployed.output("ping", "-c", "1", "-W", "5", name, of: "web")
                #expect(said.contains("1 packets received"), "\(name): \(said)")
            }
        }
    }

    // D9, D10, D13
    @Test func `addresses, priorities and options of networks are as the file says`() async throws {
        try await Scenario.with { scenario in
            let subnet = "10.\(Int.random(in: 100..<200)).\(Int.random(in: 0..<250))"
            func compose(_ address: String) -> String {
                stack(
                    service(
                        "web", "mac_address: '02:42:ac:11:65:43'",
                        "networks: {a: {}, z: {priority: 1000, ipv4_address: \(address)}, inside: {}}"))
                    + "networks:\n  a:\n  inside: {internal: true, driver_opts: {com.docker.network.bridge.name: "
                    + "\(scenario.id.prefix(12))i}}\n  z: {ipam: {config: [{subnet: \(subnet).0/24}]}}\n"
            }
            let deployed = try await Deployed(compose("\(subnet).77"), in: scenario)
            let json = try await scenario.engine.json("GET", "/containers/\(deployed.container("web").id)/json")
            #expect(json["HostConfig"]["NetworkMode"].text == "\(scenario.id)_z")
            let endpoint = json["NetworkSettings"]["Networks"]["\(scenario.id)_z"]
            #expect(endpoint["IPAddress"].text == "\(subnet).77")
            #expect(endpoint["MacAddress"].text == "02:42:ac:11:65:43")
            let inside = try await network("inside", scenario)
            #expect(inside["Internal"].isTrue == true)
            #expect(inside["Options"]["com.docker.network.bridge.name"].text == "\(scenario.id.prefix(12))i")
            let before = try await deployed.containers()
            try await deployed.deploy(compose("10.99.250.9"), expecting: 20).saying("web", "10.99.250.9")
            #expect(ids(try await deployed.containers()) == ids(before))
            #expect(allRun(try await deployed.containers()))
        }
    }

    // D11
    @Test func `a network is known by its whole name, not by the beginning of another's name or id`() async throws {
        try await Scenario.with { scenario in
            let other = try await make("\(scenario.id)_a-2-more", in: scenario)
            let short = String(other.prefix(8))
            let deployed = try await Deployed(
                stack(service("web", "networks: [a, a-2, short]"))
                    + "networks:\n  a:\n  a-2:\n  short: {name: '\(short)'}\n", in: scenario)
            let wanted = ["\(scenario.id)_a", "\(scenario.id)_a-2", short].sorted()
            #expect(try await scenario.engine.networks(project: scenario.id) == wanted)
            #expect(try await deployed.container("web").networks == wanted)
            try await deployed.watcher.run("check").expecting(0)
            try await deployed.watcher.run("down", deployed.project).expecting(0)
            #expect(try await scenario.engine.networks(project: scenario.id).isEmpty)
        }
    }

    // D12, A26
    @Test func `who shares a namespace follows its owner, and only then`() async throws {
        try await Scenario.with { scenario in
            func compose(_ value: String) -> String {
                stack(
                    service("db", "ipc: shareable", "environment: {V: \(value)}"),
                    service("net", "network_mode: 'service:db'"), service("pid", "pid: 'service:db'"),
                    service("ipc", "ipc: 'service:db'"), service("other"))
            }
            let deployed = try await Deployed(compose("1"), in: scenario)
            let before = try await deployed.containers()
            let since = Date()
            try await deployed.watcher.run("deploy").expecting(0)
            #expect(try await scenario.engine.writes(to: scenario.id, since: since) == [])
            try await deployed.deploy(compose("2"))
            let after = try await deployed.containers()
            #expect(allRun(after) && after.count == before.count)
            #expect(ids(after).filter { ids(before)[$0.key] == $0.value }.keys.sorted() == ["other"])
            let db = try await deployed.container("db").id
            let mode = try await scenario.engine.json("GET", "/containers/\(deployed.container("net").id)/json")
            #expect(mode["HostConfig"]["NetworkMode"].text == "container:\(db)")
            try await deployed.watcher.run("check").expecting(0)
            // The owner is gone: it is made anew, and so are those that shared with it.
            try await scenario.engine.remove(container: db)
            try await deployed.watcher.run("deploy").expecting(0)
            #expect(allRun(try await deployed.containers()))
            #expect(try await deployed.containers().count == before.count)
        }
    }
}
