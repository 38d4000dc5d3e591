import Compose
import Testing
import WatcherTestSupport

@testable import Reconcile

@Suite struct PortConflictTests {
    private static let stranger = PortHolder.container(ContainerID(hex: "e1"), name: "proxy", project: "edge")

    /// The problems of making an engine run `to` which runs `from`, its ports held as told.
    private func problems(
        from: String = "", to: String, held: [HostPort: PortHolder] = [:]
    ) throws -> [PortProblem] {
        var world = World()
        if !from.isEmpty { try world.deploy(from) }
        world.engine.state.portHolders = held
        let project = try FileTree.project(to)
        return try world.plan(project).portProblems(of: project, world.engine.state)
    }

    @Test func `a container of another project that holds a port is named, and not the commit's fault`() throws {
        let problems = try problems(
            to: "services: {web: {image: 'web:1', ports: ['127.0.0.1:8080:80']}}",
            held: [HostPort(ip: "127.0.0.1", port: 8080): Self.stranger])
        #expect(problems.map(\.reason) == [.portTaken])
        #expect(
            problems.map(\.message) == [
                #"web: port 127.0.0.1:8080 is held by container "proxy" of project "edge""#
            ])
    }

    @Test func `a process that holds a port is named`() throws {
        let problems = try problems(
            to: "services: {web: {image: 'web:1', ports: ['53:53/udp']}}",
            held: [HostPort(port: 53, proto: "udp"): .process(812, name: "dnsmasq")])
        #expect(problems.map(\.message) == ["web: port 53/udp is held by process dnsmasq (pid 812)"])
        #expect(problems.map(\.reason) == [.portTaken])
    }

    @Test func `the containers that the plan replaces give their ports up`() throws {
        let old = "services: {web: {image: 'web:1', ports: ['8080:80']}}"
        let new = "services: {web: {image: 'web:2', ports: ['8080:80']}}"
        var world = World()
        try world.deploy(old)
        let web = world.engine.state.containers[0]
        world.engine.state.portHolders[HostPort(port: 8080)] = .container(web.id, name: web.name, project: "shop")
        let project = try FileTree.project(new)
        #expect(try world.plan(project).portProblems(of: project, world.engine.state).isEmpty)
    }

    @Test func `a service that is renamed takes over the port`() throws {
        var world = World()
        try world.deploy("services: {web: {image: 'web:1', ports: ['8080:80']}}")
        let old = world.engine.state.containers[0]
        world.engine.state.portHolders[HostPort(port: 8080)] = .container(old.id, name: old.name, project: "shop")
        let project = try FileTree.project("services: {front: {image: 'web:1', ports: ['8080:80']}}")
        #expect(try world.plan(project).portProblems(of: project, world.engine.state).isEmpty)
    }

    @Test func `a container of the project that is left alone is the commit's own conflict`() throws {
        var world = World()
        try world.deploy("services: {web: {image: 'web:1', ports: ['8080:80']}}")
        let old = world.engine.state.containers[0]
        world.engine.state.portHolders[HostPort(port: 8080)] = .container(old.id, name: old.name, project: "shop")
        let project = try FileTree.project("services: {front: {image: 'web:1', ports: ['8080:80']}}")
        var target = try world.target(project)
        target.prunesOrphans = false
        let problems = Reconciler.plan(target, world.engine.state).portProblems(of: project, world.engine.state)
        #expect(problems.map(\.reason) == [.portConflict])
        #expect(problems.first?.message == "front: port 8080 is held by container \"\(old.name)\" of project \"shop\"")
    }

    @Test(arguments: [
        ("8080:80", "8080:81", 1), ("127.0.0.1:8080:80", "8080:81", 1), ("127.0.0.1:8080:80", "192.0.2.1:8080:81", 0),
        ("8080:80", "8080:80/udp", 0), ("8080:80", "8081:80", 0), ("80", "80", 0), ("8080-8081:80", "8080:80", 0),
    ])
    func `two services that publish one port are at odds with each other`(
        _ one: String, _ other: String, _ count: Int
    ) throws {
        let problems = try problems(
            to: """
                services:
                  a: {image: 'web:1', ports: ['\(one)']}
                  b: {image: 'web:1', ports: ['\(other)']}
                """)
        #expect(problems.map(\.reason) == Array(repeating: .portConflict, count: count))
        #expect(problems.allSatisfy { $0.message == "b: port \(other.prefix(4)) is published by service a, too" })
    }

    @Test func `two replicas cannot have one port`() throws {
        let problems = try problems(to: "services: {web: {image: 'web:1', scale: 2, ports: ['8080:80']}}")
        #expect(
            problems.map(\.message) == [
                "web: port 8080 can be published by one container, and the service has 2"
            ])
    }

    @Test func `ports of what the plan leaves alone do not matter`() throws {
        let yaml = "services: {web: {image: 'web:1', ports: ['8080:80']}}"
        #expect(try problems(from: yaml, to: yaml, held: [HostPort(port: 8080): Self.stranger]).isEmpty)
    }

    @Test func `without a network of its own a container publishes nothing`() throws {
        let project = try FileTree.project("services: {web: {image: 'web:1', network_mode: host, ports: ['8080:80']}}")
        #expect(project.hostPorts.isEmpty)
    }

    @Test(arguments: [
        ("", "", true), ("", "127.0.0.1", true), ("", "::1", true), ("0.0.0.0", "127.0.0.1", true),
        ("0.0.0.0", "::1", false), ("::", "::1", true), ("::", "127.0.0.1", false), ("127.0.0.1", "192.168.1.1", false),
        ("127.0.0.1", "127.0.0.1", true), ("0.0.0.0", "::", false), ("", "::", true),
    ])
    func `ports overlap as addresses do`(_ one: String, _ other: String, _ overlap: Bool) {
        let (first, second) = (HostPort(ip: one, port: 80), HostPort(ip: other, port: 80))
        #expect(first.overlaps(second) == overlap && second.overlaps(first) == overlap)
        #expect(!first.overlaps(HostPort(ip: one, port: 81)))
        #expect(!first.overlaps(HostPort(ip: one, port: 80, proto: "udp")))
    }
}
