import Compose
import Deploy
import FoundationEssentials
import Reconcile
import Testing
import WatcherTestSupport

@testable import DockerEngine

/// Who holds a port, before and after it was wanted; on the real engine.
@Suite(.serialized, .timeLimit(.minutes(10))) struct PortHolderTests {
    private func publishing(_ scenario: EngineScenario, _ port: HostPort, service: String = "web") -> Project {
        scenario.project { service, _ in
            var published = Port(target: 80)
            published.published = "\(port.port)"
            published.hostIP = port.ip.isEmpty ? nil : port.ip
            published.proto = port.proto
            service.ports = [published]
        }
    }

    /// The port that the engine chose for a container of the scenario.
    private func running(_ scenario: EngineScenario, host: String? = nil) async throws -> (ContainerID, HostPort) {
        let project = scenario.project { service, _ in
            var port = Port(target: 80)
            port.hostIP = host
            service.ports = [port]
        }
        let id = try await scenario.createAndStart(project)
        let text = try #require(try await scenario.container(id).ports.first)
        let number = try #require(text.split(separator: "-").first?.split(separator: ":").last.flatMap { Int($0) })
        return (id, HostPort(ip: host ?? "", port: number))
    }

    private func holders(_ scenario: EngineScenario, _ ports: HostPort...) async throws -> [HostPort: PortHolder] {
        var query = ObservationQuery(project: scenario.name)
        query.hostPorts = ports
        return try await scenario.client.observe(query).portHolders
    }

    @Test func `a container of another project that holds a port is told before and after`() async throws {
        try await EngineScenario.run { edge in
            let (id, port) = try await running(edge)
            try await EngineScenario.run { scenario in
                let local = HostPort(ip: "127.0.0.1", port: port.port)
                let free = HostPort(port: 1), udp = HostPort(port: port.port, proto: "udp")
                let holder = PortHolder.container(id, name: "\(edge.name)-web-1", project: edge.name)
                #expect(try await holders(scenario, port, local, free, udp) == [port: holder, local: holder])
                #expect(try await scenario.client.observe(ObservationQuery(project: edge.name)).portHolders.isEmpty)

                let error = try await #require(throws: EngineError.self) {
                    _ = try await scenario.createAndStart(publishing(scenario, local))
                }
                #expect(error.reason == .portTaken && error.service == "web", "\(error)")
                #expect(
                    error.message
                        == "cannot start container \(scenario.name)-web-1: port \(local) is held by container "
                        + #""\#(edge.name)-web-1" of project "\#(edge.name)""#)
            }
        }
    }

    @Test func `an address of its own is no conflict`() async throws {
        try await EngineScenario.run { edge in
            let (_, port) = try await running(edge, host: "127.0.0.1")
            let other = HostPort(ip: "127.0.0.2", port: port.port)
            #expect(try await holders(edge, other).isEmpty)
        }
    }

    @Test func `a port that a container of the same project holds is the project's own conflict`() async throws {
        try await EngineScenario.run { scenario in
            let (_, port) = try await running(scenario)
            let project = publishing(scenario, port)
            let second = try await scenario.create(project, finalName: "\(scenario.name)-web-2")
            let error = try await #require(throws: EngineError.self) {
                try await scenario.perform(.start(second))
            }
            #expect(error.reason == .portConflict && !error.advice.isEmpty, "\(error)")
            // Podman writes out that it is at all addresses.
            #expect(error.detail.hasPrefix("port "), "\(error)")
            #expect(error.detail.contains("\(port) is held by container \"\(scenario.name)-web-1\""), "\(error)")
        }
    }

    /// Runs `body` while a process listens in the engine's network.
    private func listening(
        on address: String, _ port: Int, _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let words = try TestEnvironment.inEngineNetwork()
        _ = try await execute(
            words[0], words.dropFirst() + ["busybox", "httpd", "-f", "-h", "/srv", "-p", "\(address):\(port)"],
            environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]
        ) { process in
            var error: (any Error)?
            do {
                let table = words[0...] + ["cat", "/proc/net/tcp"]
                let hex = String(port, radix: 16, uppercase: true)
                while true {
                    let seen = try await execute(
                        table[0], Array(table.dropFirst()), environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
                    if seen.output.contains(":\(String(repeating: "0", count: 4 - hex.count) + hex) ") { break }
                    await Task.yield()
                }
                try await body()
            } catch let trouble { error = trouble }
            try process.send(9)
            if let error { throw error }
        }
    }

    @Test func `a process that holds a port is told before and after`() async throws {
        try await EngineScenario.run { scenario in
            let client = scenario
            try await listening(on: "127.0.0.1", 18_437) {
                let (local, all) = (HostPort(ip: "127.0.0.1", port: 18_437), HostPort(port: 18_437))
                let elsewhere = HostPort(ip: "127.0.0.3", port: 18_437)
                let found = try await holders(client, local, all, elsewhere)
                guard case .process(let id, name: "busybox") = found[local] else {
                    Issue.record("\(found)")
                    return
                }
                #expect(id > 1 && found[all] == found[local] && found[elsewhere] == nil)
                let error = try await #require(throws: EngineError.self) {
                    _ = try await client.createAndStart(publishing(client, all))
                }
                #expect(error.reason == .portTaken, "\(error)")
                #expect(error.detail.hasSuffix("18437 is held by process busybox (pid \(id))"), "\(error)")
            }
        }
    }

    @Test func `a container in the host's network is a container, not a process`() async throws {
        try await EngineScenario.run { scenario in
            let project = scenario.project { service, _ in
                service.networkMode = "host"
                service.networks = [:]
                service.command = ["nc", "-ll", "-p", "18438", "-e", "true"]
            }
            let id = try await scenario.createAndStart(project)
            let port = HostPort(port: 18_438)
            var found: [HostPort: PortHolder] = [:]
            while found.isEmpty, try await scenario.container(id).state == .running {
                found = try await holders(scenario, port)
            }
            #expect(found == [port: .container(id, name: "\(scenario.name)-web-1", project: scenario.name)])
        }
    }

    @Test func `a fixed address that another container has is told with its holder`() async throws {
        try await EngineScenario.run { scenario in
            let project = scenario.project { service, project in
                var pool = Network.Pool()
                pool.subnet = "10.213.83.0/24"
                project.networks["default"]?.ipam.config = [pool]
                var place = NetworkAttachment()
                place.ipv4Address = "10.213.83.9"
                service.networks["default"] = place
            }
            _ = try await scenario.createAndStart(project)
            try await EngineScenario.run { other in
                var theirs = other.project { service, _ in service.networks = project.services["web"]?.networks ?? [:] }
                theirs.networks["default"] = Network(name: "\(scenario.name)_default")
                let id = try await other.create("web", of: theirs)
                let error = try await #require(throws: EngineError.self) {
                    try await other.perform(.start(id))
                }
                #expect(error.reason == .portTaken, "\(error)")
                #expect(error.detail.hasPrefix("address 10.213.83.9 "), "\(error)")
                let holder = #"container "\#(scenario.name)-web-1" of project "\#(scenario.name)""#
                #expect(error.detail.hasSuffix("is held by \(holder)"), "\(error)")
            }
        }
    }

    @Test func `behind a socket that no engine listens on itself, processes are not looked for`() throws {
        let proxy = try ScriptedEngine { _ in nil }
        defer { proxy.end() }
        #expect(HostSockets(ofEngineAt: String(proxy.host.dropFirst("unix://".count))) == nil)
        #expect(HostSockets(ofEngineAt: "/no/such.sock") == nil)
        #expect(HostSockets(ofEngineAt: try TestEnvironment.dockerSocket()) != nil)
    }

    @Test func `the kernel's tables are read`() {
        let head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        func line(_ address: String, _ state: String, _ inode: Int) -> String {
            "   0: \(address) 00000000:0000 \(state) 00000000:00000000 00:00000000 00000000     0        0 \(inode) 1 0 100\n"
        }
        let tcp =
            head + line("0100007F:1F90", "0A", 7) + line("00000000:0050", "0A", 8) + line("0100007F:0051", "01", 9)
        #expect(
            HostSockets.Socket.listening(tcp, "tcp") == [
                .init(port: HostPort(ip: "127.0.0.1", port: 8080), inode: 7),
                .init(port: HostPort(ip: "0.0.0.0", port: 80), inode: 8),
            ])
        let zero = String(repeating: "0", count: 32)
        let tcp6 =
            head + line("\(zero):0050", "0A", 1) + line("\(zero.dropLast(8))01000000:0050", "0A", 2)
            + line("0000000000000000FFFF00000100007F:0050", "0A", 3)
        #expect(HostSockets.Socket.listening(tcp6, "tcp6").map(\.port.ip) == ["", "::1", "127.0.0.1"])
        #expect(HostSockets.Socket.listening(head + line("00000000:0035", "07", 4), "udp").map(\.port.proto) == ["udp"])
        #expect(HostSockets.Socket.listening("nonsense\n x y\n", "tcp").isEmpty)
    }

    @Test(arguments: [
        ("Bind for 0.0.0.0:8081 failed: port is already allocated", HostPort(ip: "0.0.0.0", port: 8081)),
        (
            "Error starting userland proxy: listen tcp4 127.0.0.1:8081: bind: address already in use",
            HostPort(ip: "127.0.0.1", port: 8081)
        ),
        ("listen udp6 [::1]:53: bind: address already in use", HostPort(ip: "::1", port: 53, proto: "udp")),
        (
            "failed to bind host port 0.0.0.0:53/udp: address already in use",
            HostPort(ip: "0.0.0.0", port: 53, proto: "udp")
        ),
        (
            "failed to bind host port for 0.0.0.0:80:172.17.0.2:80/tcp: address already in use",
            HostPort(ip: "0.0.0.0", port: 80)
        ),
        ("rootlessport listen tcp 0.0.0.0:80: bind: address already in use", HostPort(ip: "0.0.0.0", port: 80)),
    ])
    func `the port is read out of what engines say`(_ text: String, _ port: HostPort) {
        #expect(HostPort(told: text) == port)
    }
}
