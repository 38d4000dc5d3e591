import Compose
import Deploy
import FoundationEssentials
import Reconcile
import Subprocess
import SystemPackage
import Testing

@testable import DockerEngine

/// The same file, deployed by docker compose 2.40.3 and by watcher, gives containers that the engine describes alike.
@Suite(.timeLimit(.minutes(15))) struct ComposeParityTests {
    private static let file = """
        services:
          db:
            image: busybox:1
            command: sleep 600
            init: true
            volumes: [data:/data, /anonymous]
            healthcheck: {test: [CMD, "true"], interval: 1s, retries: 2, start_period: 3s}
            stop_grace_period: 1s
            stop_signal: SIGUSR1
          web:
            image: busybox:1
            hostname: www
            domainname: example.test
            user: "0:0"
            working_dir: /var
            tty: true
            stdin_open: true
            depends_on: [db]
            entrypoint: ["sleep"]
            command: ["600"]
            environment: {A: "1", B: , C: "x y"}
            labels: {mine: "yes"}
            networks: {default: , front: {priority: 10, aliases: [www], ipv4_address: 10.213.78.9}}
            ports: ["127.0.0.1::80", "127.0.0.1::53/udp"]
            expose: ["3000"]
            restart: on-failure:3
            cap_add: [NET_ADMIN]
            cap_drop: [MKNOD]
            security_opt: ["no-new-privileges:true", "label=disable"]
            sysctls: {net.ipv4.ip_forward: 1}
            ulimits: {nofile: 1024, nproc: {soft: 10, hard: 20}}
            dns: [1.1.1.1]
            dns_search: [example.test]
            dns_opt: [ndots:1]
            extra_hosts: ["a:1.2.3.4", "h:host-gateway"]
            tmpfs: ["/run:size=1m"]
            shm_size: 32m
            mem_limit: 64m
            cpus: 0.3
            pids_limit: 50
            group_add: ["5"]
            devices: ["/dev/null:/dev/nothing"]
            read_only: true
            logging: {driver: json-file, options: {max-size: 1m}}
            links: ["db:data"]
            volumes:
              - ./here:/here:ro
              - data:/data
              - {type: tmpfs, target: /scratch, tmpfs: {size: 1024}}
              - {type: bind, source: ., target: /strict, bind: {create_host_path: false, propagation: rprivate}}
              - {type: volume, source: data, target: /copy, volume: {nocopy: true}}
            configs: [app]
            secrets: [key]
            deploy: {resources: {limits: {cpus: "0.3", memory: 64m, pids: 50}, reservations: {memory: 16m}}}
          side:
            image: busybox:1
            command: sleep 600
            network_mode: service:db
            pid: service:db
            volumes_from: [db:ro]
          off:
            image: busybox:1
            network_mode: none
            restart: "no"
            healthcheck: {disable: true}
            privileged: true
            ipc: private
        networks:
          front: {ipam: {config: [{subnet: 10.213.78.0/24}]}, labels: {a: b}}
        volumes: {data: {labels: {v: w}}}
        configs: {app: {file: ./app.ini}}
        secrets: {key: {file: ./key}}
        """

    /// Services that only newer engines can make, with the API version each needs.
    private static let newer: [(version: APIVersion, service: String)] = [
        (APIVersion(1, 42), "strict: {volumes: [{type: bind, source: ., target: /a, bind: {propagation: rslave}}]}"),
        (APIVersion(1, 43), "annotated: {annotations: {org.example.a: b}}"),
        (APIVersion(1, 44), "slow: {healthcheck: {test: [CMD, 'true'], start_period: 9s, start_interval: 2s}}"),
        (
            .endpointsAtCreate,
            """
            addressed: {mac_address: '02:42:ac:11:65:41', networks: {default: {priority: 9}, \
            front: {mac_address: '02:42:ac:11:65:42', ipv4_address: 10.213.79.9, aliases: [www]}}}
            """
        ),
        (
            APIVersion(1, 44),
            """
            deep: {volumes: [{type: bind, source: ./here, target: /a, read_only: true, \
            bind: {recursive: readonly, propagation: rprivate}}, {type: bind, source: ./here, target: /b, \
            read_only: true, bind: {recursive: writable}}, \
            {type: bind, source: ./here, target: /c, bind: {recursive: disabled}}]}
            """
        ),
        (APIVersion(1, 45), "part: {volumes: [{type: volume, source: data, target: /a, volume: {subpath: b}}]}"),
        (
            APIVersion(1, 48),
            "pictured: {volumes: [{type: image, source: busybox:1, target: /a, image: {subpath: bin}}]}"
        ),
        (APIVersion(1, 48), "routed: {networks: {default: , front: {gw_priority: 7}}}"),
        (.enableIPv4, "six: {networks: [six]}"),
        (APIVersion(1, 49), "named: {networks: {default: {interface_name: web0}}}"),
    ]

    static let disk = FileAccess(
        kind: { path in
            var isDirectory = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else { return nil }
            return isDirectory ? .directory : .file
        },
        read: { path in [UInt8](try Data(contentsOf: URL(filePath: path))) })

    @Test func `the engine describes both alike, and compose has nothing to do`() async throws {
        try await EngineScenario.run { scenario in
            try await compare(Self.file, services: ["db", "off", "side", "web"], scenario)
        }
    }

    @Test(.enabled("needs an engine above API 1.41: `make engines`") { try await Self.version() > .oldest })
    func `what only newer engines can do is described alike`() async throws {
        try await EngineScenario.run { scenario in
            let version = try await scenario.client.connection.version()
            let services = Self.newer.filter { $0.version <= version }.map(\.service)
            let six = "  six: {enable_ipv4: false, enable_ipv6: true, ipam: {config: [{subnet: 'fd00:213:79::/64'}]}}\n"
            let file =
                "services:\n"
                + services.map { "  " + $0.replacing(": {", with: ": {image: busybox:1, ", maxReplacements: 1) + "\n" }
                .joined()
                    + """
                    networks:
                      default:
                      front: {enable_ipv6: false, ipam: {config: [{subnet: 10.213.79.0/24, ip_range: 10.213.79.0/25}]}}
                    \(version < .enableIPv4 ? "" : six)
                    volumes: {data: }

                    """
            let names = services.map { String($0.prefix { $0 != ":" }) }
            try await compare(file, services: names.sorted(), scenario)
        }
    }

    private static func version() async throws -> APIVersion {
        let client = EngineClient(endpoint: try EngineScenario.endpoint(), dockerConfigDirectory: nil)
        do {
            let version = try await client.connection.version()
            await client.shutdown()
            return version
        } catch {
            await client.shutdown()
            throw error
        }
    }

    private func compare(_ file: String, services: [String], _ scenario: EngineScenario) async throws {
        let compose = try #require(
            ProcessInfo.processInfo.environment["WATCHER_TEST_COMPOSE"], "run the tests with `make test`")
        let directory = "/tmp/watcher-parity-\(scenario.name)"
        try FileManager.default.createDirectory(atPath: directory + "/here", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        for (name, text) in [("compose.yaml", file), ("app.ini", "a"), ("key", "k")] {
            try Data(text.utf8).write(to: URL(filePath: "\(directory)/\(name)"))
        }
        try await run(compose, ["create"], in: directory, scenario)
        let theirs = try await descriptions(scenario)
        try await run(compose, ["down", "-v"], in: directory, scenario)

        let project = try load(directory, scenario)
        try await create(project, services, scenario)
        let ours = try await descriptions(scenario)
        #expect(ours.keys.sorted() == theirs.keys.sorted() && ours.count == services.count)
        for (name, description) in theirs.sorted(by: { $0.key < $1.key }) {
            for line in description where ours[name]?.contains(line) != true {
                Issue.record("\(name): only compose has \(line)")
            }
            for line in ours[name] ?? [] where !description.contains(line) {
                Issue.record("\(name): only watcher has \(line)")
            }
        }
        let before = try await ids(scenario)
        try await run(compose, ["create"], in: directory, scenario)
        #expect(try await ids(scenario) == before)
    }

    private func load(_ directory: String, _ scenario: EngineScenario) throws -> Project {
        var request = ProjectLoader.Request(workingDirectory: directory)
        request.projectName = scenario.name
        return try ProjectLoader(files: Self.disk).load(request).project.resolvingEnvironment(files: Self.disk)
    }

    private func create(_ project: Project, _ services: [String], _ scenario: EngineScenario) async throws {
        try await scenario.createSurroundings(project)
        let image = try #require(try await scenario.client.imageDetails(of: "busybox:1"))
        var made: [String: ContainerID] = [:]
        for name in services {
            let service = try #require(project.services[name])
            let references = made.filter { service.referencedServices.contains($0.key) }
            made[name] = try await scenario.create(name, of: project) { facts in
                facts.imageID = image.id
                facts.name = service.containerName(in: project, number: 1)
                facts.references = references
                for link in service.links.map({ String($0.prefix { $0 != ":" }) }) {
                    facts.linked[link] = project.services[link].map { [$0.containerName(in: project, number: 1)] }
                }
            }
        }
    }

    private func ids(_ scenario: EngineScenario) async throws -> [ContainerID] {
        try await scenario.client.observe(ObservationQuery(project: scenario.name)).containers.map(\.id)
    }

    private func run(
        _ compose: String, _ arguments: [String], in directory: String, _ scenario: EngineScenario
    ) async throws {
        let endpoint = try EngineScenario.endpoint()
        let result = try await Subprocess.run(
            .path(FilePath(compose)), arguments: Arguments(["-p", scenario.name] + arguments),
            environment: .inherit.updating(["DOCKER_HOST": endpoint.description]),
            workingDirectory: FilePath(directory),
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        try #require(result.terminationStatus.isSuccess, "\(result.standardError)")
    }

    /// What the engine says of each container, one line a value, without what differs from one to the next.
    private func descriptions(_ scenario: EngineScenario) async throws -> [String: [String]] {
        let containers = try await scenario.client.observe(ObservationQuery(project: scenario.name)).containers
        let byID = Dictionary(containers.map { ($0.id.hex, "<\($0.name)>") }) { first, _ in first }
        var result: [String: [String]] = [:]
        for container in containers {
            let answer = try await scenario.client.connection.send(
                .get("/containers/\(container.id.hex)/json", to: "describe"))
            var lines: [String] = []
            try JSONDecoder().decode(AnyJSON.self, from: answer.body).flatten("", into: &lines)
            result[container.name] = lines.filter(Self.isComparable).map { line in
                byID.reduce(line) { $0.replacing($1.key, with: $1.value) }
                    .replacing(/[0-9a-f]{64}/, with: "<id>").replacing(container.id.short, with: "<short>")
            }.sorted()
        }
        return result
    }

    private static func isComparable(_ line: String) -> Bool {
        let different = [
            "Id =", "Created =", "State.", "GraphDriver.", "LogPath =", "ResolvConfPath =", "HostnamePath =",
            "HostsPath =",
            "Config.Labels.watcher.",
        ]
        return !different.contains(where: line.hasPrefix) && !line.contains("NetworkID =")
            && !line.contains("EndpointID =")
            // The engine fills it in at start; compose sends it, too, where the engine does not look.
            && !line.contains(".IPAddress =")
    }
}

/// Any JSON value.
private enum AnyJSON: Decodable {
    case object([String: AnyJSON])
    case list([AnyJSON])
    case leaf(String)

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode([String: AnyJSON].self) {
            self = .object(value)
        } else if let value = try? container.decode([AnyJSON].self) {
            self = .list(value)
        } else if let value = try? container.decode(String.self) {
            self = .leaf(value)
        } else if let value = try? container.decode(Bool.self) {
            self = .leaf("\(value)")
        } else if let value = try? container.decode(Double.self) {
            self = .leaf("\(value)")
        } else {
            self = .leaf("null")
        }
    }

    /// One line for each value; the order of lists counts for nothing.
    func flatten(_ path: String, into lines: inout [String]) {
        switch self {
        case .object(let values):
            for (key, value) in values { value.flatten(path.isEmpty ? key : "\(path).\(key)", into: &lines) }
        case .list(let values): for value in values { value.flatten(path + "[]", into: &lines) }
        // The engine has several words for nothing.
        case .leaf(let text): if !["null", "", "0.0", "false"].contains(text) { lines.append("\(path) = \(text)") }
        }
    }
}
