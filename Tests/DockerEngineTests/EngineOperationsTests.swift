import Compose
import Deploy
import FoundationEssentials
import Reconcile
import Testing

@testable import DockerEngine

/// Against the real engine.
@Suite(.timeLimit(.minutes(15))) struct EngineOperationsTests {
    @Test func `what is made is what is observed`() async throws {
        try await EngineScenario.run { scenario in
            let project = scenario.project { service, project in
                project.networks["front"] = Network(name: "\(scenario.name)_front")
                project.volumes["data"] = Volume(name: "\(scenario.name)_data")
                project.volumes["data"]?.driverOpts = ["type": "tmpfs", "device": "tmpfs"]
                var place = NetworkAttachment()
                place.priority = 1
                service.networks["front"] = place
                service.volumes = [Mount(kind: .volume, source: "data", target: "/data")]
                var port = Port(target: 80)
                port.hostIP = "127.0.0.1"
                service.ports = [port]
                service.restart = "unless-stopped"
            }
            let id = try await scenario.create(project)
            #expect(try await scenario.container(id).state == .created)
            #expect(try await scenario.container(id).startedAt == nil)
            try await scenario.perform(.start(id))

            let query = ObservationQuery(
                project: scenario.name, networks: ["bridge", "no such network"], volumes: ["no such volume"],
                images: ["busybox:1", "no/such:image"])
            let state = try await scenario.client.observe(query)
            let container = try #require(state.containers.first)
            #expect(state.containers.count == 1)
            #expect(container.id == id && container.name == "\(scenario.name)-web-1")
            #expect(container.service == "web" && container.number == 1 && !container.isOneOff)
            #expect(
                container.state == .running && container.health == nil && container.restartPolicy == "unless-stopped")
            #expect((container.startedAt ?? 0) > 1_700_000_000_000)
            #expect(container.labels["watcher.content-hash"] == "c0ffee")
            #expect(
                container.mounts.map { "\($0.type) \($0.name ?? "") \($0.target)" } == [
                    "volume \(scenario.name)_data /data"
                ])
            #expect(container.ports.count == 1 && container.ports[0].hasPrefix("127.0.0.1:"))
            // Podman finds its own network under no name.
            let engines = state.isPodman == true ? [] : ["bridge"]
            #expect(
                Set(state.networks.keys) == Set(["\(scenario.name)_default", "\(scenario.name)_front"] + engines))
            for name in ["\(scenario.name)_default", "\(scenario.name)_front"] {
                #expect(container.networks[name] == state.networks[name]?.id)
            }
            #expect(state.volumes.keys.sorted() == ["\(scenario.name)_data"])
            #expect(state.volumes.values.map(\.options) == [["type": "tmpfs", "device": "tmpfs"]])
            #expect(state.images.keys.sorted() == ["busybox:1"])
            #expect(state.images["busybox:1"]?.id == container.imageID)
            #expect(APIVersion(state.apiVersion) != nil)

            var brief = query
            brief.isBrief = true
            // A container that was just started may be one that keeps crashing, so it is looked at.
            #expect(try await scenario.client.observe(brief) == state)
        }
    }

    @Test func `a brief look tells of health and of ends like a full one`() async throws {
        try await EngineScenario.run { scenario in
            let project = scenario.project { service, _ in
                var check = Healthcheck()
                check.test = ["CMD", "true"]
                service.healthcheck = check
            }
            let id = try await scenario.create(project)
            try await scenario.perform(.start(id))
            var brief = ObservationQuery(project: scenario.name)
            brief.isBrief = true
            let running = try #require(try await scenario.client.observe(brief).containers.first)
            #expect(running.health != nil && running.startedAt != nil)
            try await scenario.perform(.stop(id))
            #expect(try await scenario.client.observe(brief).containers == [try await scenario.container(id)])
        }
    }

    @Test func `a replacement takes over the anonymous volume, and both can be put back`() async throws {
        try await EngineScenario.run { scenario in
            let project = scenario.project { service, _ in
                service.volumes = [Mount(kind: .volume, target: "/keep")]
                service.command = ["sh", "-c", "echo again >> /keep/f; cat /keep/f; exec sleep 600"]
            }
            let old = try await scenario.createAndStart(project)
            let new = try await scenario.create(project, replaces: old)
            try await scenario.perform(.stop(old))
            try await scenario.perform(.rename(old, to: "\(scenario.name)-parked"))
            try await scenario.perform(.rename(new, to: "\(scenario.name)-web-1"))
            try await scenario.perform(.start(new))
            let mounts = try await (scenario.container(old).mounts, scenario.container(new).mounts)
            #expect(mounts.0.map(\.name) == mounts.1.map(\.name))
            #expect(try await scenario.container(new).labels["com.docker.compose.replace"] == "web-1")
            #expect(try await scenario.container(old).state == .exited)

            try await scenario.perform(.stop(new))
            try await scenario.perform(.remove(new, volumes: true))
            try await scenario.perform(.start(old))
            #expect(try await scenario.client.container(new) == nil)
            try await scenario.perform(.stop(old))
            #expect(try await scenario.client.lastLines(of: old, count: 3) == ["again", "again", "again"].suffix(3))
        }
    }

    @Test func `inline configs and environment secrets are there before the first start`() async throws {
        try await EngineScenario.run { scenario in
            let project = scenario.project { service, project in
                var text = FileObject(name: "text")
                text.content = "hello"
                project.configs["text"] = text
                var key = FileObject(name: "key")
                key.environment = "KEY"
                key.content = "s3cret"
                project.secrets["key"] = key
                var use = FileReference(source: "key")
                use.target = "/run/secrets/deep/key"
                use.uid = "1005"
                use.gid = "1006"
                use.mode = 0o440
                service.secrets = [use]
                service.configs = [FileReference(source: "text")]
                service.user = "1005:1006"
                service.command = [
                    "sh", "-c", "ls -ln /run/secrets/deep/key /text | cut -c1-30; cat /text /run/secrets/deep/key",
                ]
            }
            let id = try await scenario.createAndStart(project)
            let lines = try await scenario.output(of: id)
            #expect(lines.count == 3)
            #expect(lines.first { $0.hasPrefix("-r--r-----") }?.contains("1005     1006") == true, "\(lines)")
            #expect(lines.contains { $0.hasPrefix("-r--r--r--") && $0.contains("0        0") }, "\(lines)")
            #expect(lines.last == "hellos3cret")
        }
    }

    @Test func `hooks run in the container, and one that fails says what it wrote`() async throws {
        try await EngineScenario.run { scenario in
            var good = Hook()
            good.command = ["sh", "-c", "echo $WORD-$PWD > /tmp/hook"]
            good.environment = ["WORD": "hi"]
            good.workingDir = "/var"
            var bad = Hook()
            bad.command = ["sh", "-c", "cat /tmp/hook; echo broken >&2; exit 3"]
            let id = try await scenario.create(scenario.project())
            #expect(try await scenario.perform(.start(id)) == id)
            try await scenario.perform(.runHook(id, HookRun(.postStart, good, service: "web")))
            let failing = HookRun(.postStart, bad, service: "web")
            let error = try await #require(throws: EngineError.self) {
                try await scenario.perform(.runHook(id, failing))
            }
            #expect(error.reason == .exitedNonZero)
            let said = error.detail.split(separator: "\n")
            #expect(said.first == "it exited with status 3" && Set(said.dropFirst()) == ["hi-/var", "broken"])
            #expect(error.message.contains("post_start hook of service web"))
            #expect(try await scenario.container(id).state == .running)
            // Running already: no start, so that no hook follows.
            #expect(try await scenario.perform(.start(id)) == nil)
            try await scenario.perform(.stop(id))
            #expect(try await scenario.container(id).state == .exited)
            // There is nothing to run a hook in.
            try await scenario.perform(.runHook(id, failing))
        }
    }

    @Test func `a hook whose program is missing is the service's fault`() async throws {
        try await EngineScenario.run { scenario in
            var hook = Hook()
            hook.command = ["no-such-program"]
            let missing = hook
            let id = try await scenario.createAndStart(scenario.project())
            let error = try await #require(throws: EngineError.self) {
                try await scenario.perform(.runHook(id, HookRun(.postStart, missing, service: "web")))
            }
            #expect(error.reason.isCommitsFault, "\(error)")
            #expect(error.service == "web")
        }
    }

    @Test func `networks are connected and taken away as the service says`() async throws {
        try await EngineScenario.run { scenario in
            let project = scenario.project { service, project in
                var network = Network(name: "\(scenario.name)_back")
                var pool = Network.Pool()
                pool.subnet = "10.213.77.0/24"
                network.ipam.config = [pool]
                network.internalOnly = true
                network.labels = ["mine": "yes"]
                project.networks["back"] = network
            }
            let id = try await scenario.createAndStart(project)
            #expect(try await scenario.container(id).networks.keys.sorted() == ["\(scenario.name)_default"])
            var place = Endpoint(network: "\(scenario.name)_back", aliases: ["web"])
            place.addresses = .init(ipv4: "10.213.77.7")
            try await scenario.perform(.connect(id, place))
            let state = try await scenario.client.observe(ObservationQuery(project: scenario.name))
            let back = try #require(state.networks["\(scenario.name)_back"])
            #expect(back.labels["mine"] == "yes" && back.labels["com.docker.compose.network"] == "back")
            #expect(state.containers.first?.networks["\(scenario.name)_back"] == back.id)
            // Podman takes a network away from a container that was connected after its creation.
            if state.isPodman != true {
                let busy = try await #require(throws: EngineError.self) {
                    try await scenario.perform(.removeNetwork(id: back.id, name: back.name))
                }
                #expect(busy.reason == .engineFailed && busy.message.contains(back.name))
            }
            try await scenario.perform(.disconnect(id, networkID: back.id))
            try await scenario.perform(.removeNetwork(id: back.id, name: back.name))
            // Gone already, or made already: both are what was asked for.
            try await scenario.perform(.removeNetwork(id: back.id, name: back.name))
            let main = try #require(project.networks["default"])
            try await scenario.perform(.createNetwork(.init(main, key: "default", in: project)))
        }
    }

    @Test func `a paused container is unpaused, a running one is not removed`() async throws {
        try await EngineScenario.run { scenario in
            let project = scenario.project()
            let id = try await scenario.createAndStart(project)
            _ = try await scenario.client.connection.send(.post("/containers/\(id.hex)/pause", to: "pause"))
            #expect(try await scenario.container(id).state == .paused)
            try await scenario.perform(.unpause(id))
            #expect(try await scenario.container(id).state == .running)
            await #expect(throws: EngineError.self) {
                try await scenario.perform(.remove(id, volumes: false))
            }
            try await scenario.perform(.stop(id))
            try await scenario.perform(.remove(id, volumes: false))
            try await scenario.perform(.remove(id, volumes: false))
        }
    }

    @Test func `linked and sharing services reach the other container`() async throws {
        try await EngineScenario.run { scenario in
            var project = scenario.project()
            var other = Service(name: "job")
            other.image = "busybox:1"
            other.networks = ["default": nil]
            other.links = ["web:data"]
            other.command = ["sh", "-c", "ping -c1 -W2 data >/dev/null && ping -c1 -W2 web-1 >/dev/null && echo both"]
            project.services["job"] = other
            _ = try await scenario.createAndStart(project)
            if try await scenario.client.connection.traits().isPodman { return }
            let linked = ["web": ["\(scenario.name)-web-1"]]
            let id = try await scenario.create("job", of: project) { $0.linked = linked }
            try await scenario.perform(.start(id))
            #expect(try await scenario.output(of: id) == ["both"])
        }
    }
}
