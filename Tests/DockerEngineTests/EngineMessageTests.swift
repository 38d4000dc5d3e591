import Compose
import Deploy
import FoundationEssentials
import Reconcile
import Testing

@testable import DockerEngine

/// What the user reads when the engine refuses, on whichever engine this is.
@Suite(.timeLimit(.minutes(5))) struct EngineMessageTests {
    /// A project that fails, when, and how.
    struct Failure: Sendable, CustomTestStringConvertible {
        var name: String
        var reason: Reason
        /// `create container` or `start container` …: `NAME` is the scenario's; engines differ in when they notice.
        var operations: [String]
        /// What the engine's message has to be about, in the words of one engine or another.
        var words: [String]
        var change: @Sendable (inout Service, inout Project) -> Void
        var testDescription: String { name }
    }

    private static func mount(_ change: @escaping @Sendable (inout Mount) -> Void)
        -> @Sendable (inout Service, inout Project) -> Void
    {
        { service, project in
            var mount = Mount(kind: .bind, source: "/no/such/\(project.name)", target: "/data")
            change(&mount)
            service.volumes = [mount]
        }
    }

    static let failures: [Failure] = [
        Failure(
            name: "a program that is not there", reason: .invalidContainer, operations: ["start container NAME-web-1"],
            words: ["no-such-program"], change: { service, _ in service.command = ["no-such-program"] }),
        Failure(
            name: "a working directory that is a file", reason: .invalidContainer,
            operations: ["start container NAME-web-1", "create container NAME-web-1"], words: ["/bin/busybox"],
            change: { service, _ in service.workingDir = "/bin/busybox" }),
        Failure(
            name: "a bind source that is not there", reason: .invalidContainer,
            operations: ["create container NAME-web-1", "start container NAME-web-1"], words: ["/no/such/"],
            change: mount { mount in
                var bind = Mount.Bind()
                bind.createHostPath = false
                mount.bind = bind
            }),
        Failure(
            name: "a device that is not there", reason: .invalidContainer,
            operations: ["create container NAME-web-1", "start container NAME-web-1"], words: ["/dev/no-such-device"],
            change: { service, _ in
                service.devices = [
                    DeviceMapping(source: "/dev/no-such-device", target: "/dev/x", permissions: "rwm")
                ]
            }),
        Failure(
            name: "a user that is not there", reason: .invalidContainer,
            operations: ["create container NAME-web-1", "start container NAME-web-1"], words: ["no-such-user"],
            change: { service, _ in service.user = "no-such-user" }),
        Failure(
            name: "a memory limit that is too small", reason: .invalidContainer,
            operations: ["create container NAME-web-1", "start container NAME-web-1"], words: ["memory"],
            change: { service, _ in service.memLimit = 1 }),
        Failure(
            name: "an address outside of the network", reason: .invalidContainer,
            operations: ["create container NAME-web-1", "start container NAME-web-1"], words: ["192.0.2.9"],
            change: { service, project in
                var pool = Network.Pool()
                pool.subnet = "10.213.81.0/24"
                project.networks["default"]?.ipam.config = [pool]
                var place = NetworkAttachment()
                place.ipv4Address = "192.0.2.9"
                service.networks["default"] = place
            }),
        Failure(
            name: "a host port of an address that is not this host's", reason: .invalidContainer,
            operations: ["start container NAME-web-1"], words: ["192.0.2.99"],
            change: { service, _ in
                var port = Port(target: 80)
                port.published = "8765"
                port.hostIP = "192.0.2.99"
                service.ports = [port]
            }),
        Failure(
            name: "a logging driver with nobody listening", reason: .invalidContainer,
            operations: ["start container NAME-web-1", "create container NAME-web-1"],
            words: ["connection refused", "log"],
            change: { service, _ in
                var logging = Logging()
                logging.driver = "fluentd"
                logging.options = ["fluentd-address": "127.0.0.1:9"]
                service.logging = logging
            }),
        Failure(
            name: "a bind of a path that nobody can make", reason: .invalidContainer,
            operations: ["create container NAME-web-1", "start container NAME-web-1"], words: ["/sys/nope"],
            change: { service, _ in
                var mount = Mount(kind: .bind, source: "/sys/nope", target: "/data")
                var bind = Mount.Bind()
                bind.createHostPath = true
                mount.bind = bind
                service.volumes = [mount]
            }),
        Failure(
            name: "the network of a container that is not there", reason: .invalidContainer,
            operations: ["create container NAME-web-1", "start container NAME-web-1"], words: ["nosuch"],
            change: { service, _ in
                service.networkMode = "container:nosuch"
                service.networks = [:]
            }),
        Failure(
            name: "a volume whose driver is not there", reason: .invalidContainer,
            operations: ["create volume NAME_data"],
            words: ["no-such-driver"],
            change: { service, project in
                project.volumes["data"] = Volume(name: "\(project.name)_data")
                project.volumes["data"]?.driver = "no-such-driver"
                service.volumes = [Mount(kind: .volume, source: "data", target: "/data")]
            }),
        Failure(
            name: "a network whose driver is not there", reason: .invalidContainer,
            operations: ["create network NAME_default"], words: ["no-such-driver"],
            change: { _, project in project.networks["default"]?.driver = "no-such-driver" }),
        Failure(
            name: "a network that overlaps with another", reason: .networkUnavailable,
            operations: ["create network NAME_zz"], words: ["overlaps", "already used"],
            change: { _, project in
                var pool = Network.Pool()
                pool.subnet = "10.213.82.0/24"
                project.networks["default"]?.ipam.config = [pool]
                project.networks["zz"] = Network(name: "\(project.name)_zz")
                project.networks["zz"]?.ipam.config = [pool]
            }),
        Failure(
            name: "a volume without space", reason: .diskFull,
            operations: ["copy configs and secrets into container NAME-web-1", "start container NAME-web-1"],
            words: ["no space left"],
            change: { service, project in
                project.volumes["small"] = Volume(name: "\(project.name)_small")
                project.volumes["small"]?.driverOpts = ["type": "tmpfs", "device": "tmpfs", "o": "size=64k"]
                service.volumes = [Mount(kind: .volume, source: "small", target: "/data")]
                var config = FileReference(source: "big")
                config.target = "/data/big"
                service.configs = [config]
                var content = FileObject(name: "big")
                content.content = String(repeating: "big ", count: 100_000)
                project.configs["big"] = content
            }),
    ]

    private func check(
        _ error: EngineError, _ reason: Reason, _ operations: [String], _ words: [String], service: String? = "web"
    ) {
        #expect(error.reason == reason, "\(error)")
        #expect(operations.contains { error.message.hasPrefix("cannot \($0): ") }, "\(error)")
        #expect(words.contains { error.detail.lowercased().contains($0.lowercased()) }, "\(error)")
        #expect(error.request != nil && error.status != nil && error.service == service, "\(error)")
        #expect(!error.advice.isEmpty, "\(error)")
    }

    @Test(arguments: failures)
    func `a refusal says what was done, what the engine said and what to do`(_ failure: Failure) async throws {
        try await EngineScenario.run { scenario in
            let project = scenario.project(failure.change)
            // What Podman would ignore is refused before.
            guard project.problems(on: try await scenario.client.connection.traits()).isEmpty else { return }
            let error = try await #require(throws: EngineError.self) {
                _ = try await scenario.createAndStart(project)
            }
            let operations = failure.operations.map { $0.replacing("NAME", with: scenario.name) }
            let isOfService = operations.contains { $0.contains("container") }
            check(error, failure.reason, operations, failure.words, service: isOfService ? "web" : nil)
        }
    }

    @Test func `a network that somebody removed is made by the next run`() async throws {
        try await EngineScenario.run { scenario in
            let project = scenario.project()
            let creation = try sampleCreation(of: project)
            // Between a look at the networks and the creation.
            do {
                let id = try #require(try await scenario.perform(.create(creation)))
                // Docker up to 25 looks for the network when the container is started.
                try await scenario.perform(.start(id))
                Issue.record("a container runs on a network that is not there")
            } catch let error as EngineError {
                let operations = ["create", "start"].map { "\($0) container \(scenario.name)-web-1" }
                check(
                    error, .engineFailed, operations,
                    ["\(scenario.name)_default not found", "\(scenario.name)_default: network not found"])
                #expect(error.advice.contains("next run"), "\(error)")
            }
        }
    }
}
