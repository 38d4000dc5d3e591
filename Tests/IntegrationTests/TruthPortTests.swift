import FoundationEssentials
import Testing
import WatcherTestSupport

/// Ports and addresses that something else holds: the host's trouble, with the holder's name.
@Suite struct TruthPortTests {
    private let hexadecimal64 = try? Regex("[0-9a-f]{64}")

    private func expectHostsTrouble(
        _ deployed: Deployed, _ before: [EngineObserver.Container], saying words: [String], line: Int = #line
    ) async throws {
        let place = SourceLocation(fileID: #fileID, filePath: #filePath, line: line, column: 1)
        for _ in 0..<4 {
            let finished = try await deployed.watcher.run("deploy")
            #expect(finished.status == 75, "\(finished)", sourceLocation: place)
            for word in words { finished.saying(word, line: line) }
            if let hexadecimal64 {
                #expect(finished.everything.firstMatch(of: hexadecimal64) == nil, "\(finished)", sourceLocation: place)
            }
            let after = try await deployed.containers()
            #expect(ids(after) == ids(before) && allRun(after), "\(after)", sourceLocation: place)
        }
        #expect(try await deployed.skipped() == [], sourceLocation: place)
        let statuses = try await deployed.statuses()
        #expect(statuses.count == 2, "\(statuses)", sourceLocation: place)
    }

    // Case 22
    @Test func `a port of a container of another project`() async throws {
        try await Scenario.with { scenario in
            let port = Int.random(in: 20_000..<30_000)
            let other = "\(scenario.id)-other"
            let body =
                #"{"Image":"busybox:1","Cmd":["sleep","1000"],"ExposedPorts":{"80/tcp":{}},"#
                + #""Labels":{"com.docker.compose.project":"\#(other)","com.docker.compose.service":"proxy"},"#
                + #""HostConfig":{"Init":true,"PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"\#(port)"}]}}}"#
            let taker = try await scenario.engine.start(name: "\(other)-proxy-1", body: body)
            scenario.atEnd("remove the other container") {
                _ = try? await scenario.engine.remove(container: taker)
            }
            let deployed = try await Deployed(stack(sleeper("web"), sleeper("db")), in: scenario)
            let before = try await deployed.containers()
            try await deployed.repository.commit(
                compose: stack(sleeper("web", "ports: ['\(port):80']"), sleeper("db")), "publish")
            try await expectHostsTrouble(deployed, before, saying: ["web", "\(port)", "\(other)-proxy-1"])
            // A container of the engine is known before anything is stopped.
            #expect(untouched(try await deployed.containers()) == untouched(before))
            // The holder gone, the next run deploys by itself.
            try await scenario.engine.remove(container: taker)
            try await deployed.watcher.run("deploy").expecting(0)
            try await deployed.stays(0)
        }
    }

    // Case 22
    @Test func `a port of a process of the host`() async throws {
        try await Scenario.with { scenario in
            let port = Int.random(in: 20_000..<30_000)
            let inside = try TestEnvironment.inEngineNetwork()
            let started = try await scenario.run(
                inside[0],
                Array(inside.dropFirst()) + [
                    "sh", "-c",
                    #"setsid python3 -m http.server "$1" --bind 127.0.0.1 </dev/null >"$2" 2>&1 & echo $!; until curl -so /dev/null --noproxy '*' "http://127.0.0.1:$1/"; do sleep 0.05; done"#,
                    "sh", "\(port)", "\(scenario.directory)/holder.log",
                ]
            ).expecting(0)
            let holder = String(started.output.prefix { $0.isNumber })
            scenario.atEnd("stop the holder") { _ = try await scenario.run("kill", ["-KILL", holder]) }
            let deployed = try await Deployed(stack(sleeper("web")), in: scenario)
            let before = try await deployed.containers()
            try await deployed.repository.commit(
                compose: stack(sleeper("web", "ports: ['127.0.0.1:\(port):80']")), "publish")
            try await expectHostsTrouble(deployed, before, saying: ["web", "\(port)"])
        }
    }

    // Case 22
    @Test func `a fixed address that another container of the network has is no port`() async throws {
        try await Scenario.with { scenario in
            let network = "\(scenario.id)-lan"
            let third = Int.random(in: 1..<250)
            try await scenario.engine.request(
                "POST", "/networks/create",
                body: #"{"Name":"\#(network)","IPAM":{"Config":[{"Subnet":"10.77.\#(third).0/24"}]}}"#)
            scenario.atEnd("remove the network") { try await scenario.engine.request("DELETE", "/networks/\(network)") }
            let address = "10.77.\(third).9"
            let body =
                #"{"Image":"busybox:1","Cmd":["sleep","1000"],"HostConfig":{"Init":true},"NetworkingConfig":"#
                + #"{"EndpointsConfig":{"\#(network)":{"IPAMConfig":{"IPv4Address":"\#(address)"}}}}}"#
            let taker = try await scenario.engine.start(name: "\(scenario.id)-taker", body: body)
            scenario.atEnd("remove the other container") { try await scenario.engine.remove(container: taker) }
            let networks = "networks: {lan: {external: true, name: \(network)}}\n"
            let deployed = try await Deployed(stack(sleeper("web", "networks: [lan]")) + networks, in: scenario)
            let before = try await deployed.containers()
            scenario.atEnd("remove the project first") { try await scenario.engine.removeProject(scenario.id) }
            try await deployed.repository.commit(
                compose: stack(sleeper("web", "networks: {lan: {ipv4_address: \(address)}}")) + networks, "fix")
            let finished = try await deployed.watcher.run("deploy").expecting(75)
            finished.saying("web", address).notSaying(" port ")
            try await expectHostsTrouble(deployed, before, saying: [address, "\(scenario.id)-taker"])
        }
    }

    // Case 22
    @Test func `a port that two services of the commit publish is the commit's`() async throws {
        try await Scenario.with { scenario in
            let port = Int.random(in: 20_000..<30_000)
            let deployed = try await Deployed(stack(sleeper("web"), sleeper("db")), in: scenario)
            let before = try await deployed.containers()
            let both = stack(sleeper("web", "ports: ['\(port):80']"), sleeper("db", "ports: ['\(port):81']"))
            try await deployed.repository.commit(compose: both, "publish twice")
            let failed = try await deployed.watcher.run("deploy")
            #expect([20, 65].contains(failed.status), "\(failed)")
            failed.saying("\(port)")
            #expect(try await deployed.stillRuns(before))
            try await deployed.stays(failed.status == 20 ? 12 : 65)
        }
    }

    // Case 22
    @Test func `a port that moves from one service to another of the project is free in time`() async throws {
        try await Scenario.with { scenario in
            let port = Int.random(in: 20_000..<30_000)
            let deployed = try await Deployed(
                stack(sleeper("web", "ports: ['\(port):80']"), sleeper("db")), in: scenario)
            try await deployed.deploy(stack(sleeper("web"), sleeper("db", "ports: ['\(port):80']")))
            try await deployed.stays(0)
        }
    }
}
