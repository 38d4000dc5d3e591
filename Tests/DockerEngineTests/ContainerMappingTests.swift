import Compose
import Reconcile
import Testing

@testable import DockerEngine

@Suite struct ContainerMappingTests {
    @Test func `a plain service becomes the body that docker compose sends`() throws {
        let project = sampleProject { service, project in
            service.environment = ["A": "1", "B": nil]
            service.networks["front"] = {
                var place = NetworkAttachment(); place.priority = 10; place.aliases = ["www"]; return place
            }()
            var port = Port(target: 80)
            port.hostIP = "127.0.0.1"
            port.published = "18480"
            port.proto = "tcp"
            service.ports = [port]
            service.restart = "unless-stopped"
            service.initProcess = true
            project.networks["front"] = Network(name: "shop_front")
        }
        #expect(
            try json(try mapping(project)) == """
                {"AttachStderr":true,"AttachStdout":true,"Cmd":["sleep","600"],"Env":["A=1","B"],"ExposedPorts":{"80/tcp":{}},\
                "HostConfig":{"Init":true,"NetworkMode":"shop_front","PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"18480"}]},\
                "RestartPolicy":{"Name":"unless-stopped"}},"Image":"busybox:1","Labels":{},\
                "NetworkingConfig":{"EndpointsConfig":{"shop_front":{"Aliases":["shop-web-1","web","www"],"IPAMConfig":{}}}},"StopTimeout":1}
                """)
        let service = try #require(project.services["web"])
        let later = try DeployableProject(project, on: EngineTraits(version: .oldest))
            .laterEndpoints(of: service, number: 1, finalName: "shop-web-1", linked: [:])
        #expect(later.map(\.network) == ["shop_default"])
        #expect(try json(EndpointSettings(later[0])) == #"{"Aliases":["shop-web-1","web"]}"#)
    }

    @Test func `from API 1.44 on all networks are part of the creation`() throws {
        let project = sampleProject { service, project in
            service.networks["back"] = {
                var place = NetworkAttachment(); place.ipv4Address = "10.1.0.5"; return place
            }()
            service.macAddress = "02:42:ac:11:00:02"
            project.networks["back"] = Network(name: "shop_back")
        }
        let body = try mapping(project, version: APIVersion(1, 44)).body
        #expect(body.macAddress == nil)
        #expect(body.hostConfig.networkMode == "shop_back")
        #expect(
            try json(body.networkingConfig) == """
                {"EndpointsConfig":{"shop_back":{"Aliases":["shop-web-1","web"],"IPAMConfig":{"IPv4Address":"10.1.0.5"},\
                "MacAddress":"02:42:ac:11:00:02"},"shop_default":{"Aliases":["shop-web-1","web"]}}}
                """)
        #expect(try mapping(project).body.macAddress == "02:42:ac:11:00:02")
    }

    @Test func `labels are compose's and watcher's, over the user's own`() throws {
        let project = sampleProject { service, _ in
            service.labels = ["mine": "1", "com.docker.compose.project": "forged"]
            service.dependsOn = ["db": Dependency(condition: .healthy, restart: true)]
        }
        let labels = try mapping(project) {
            $0.replaced = .init(
                id: ContainerID(hex: "f00"), name: "shop-web-1", service: "web", number: 1, state: .running)
        }.body.labels
        #expect(labels["mine"] == "1")
        #expect(labels["com.docker.compose.project"] == "shop")
        #expect(labels["com.docker.compose.depends_on"] == "db:service_healthy:true")
        #expect(labels["com.docker.compose.replace"] == "web-1")
        #expect(labels["com.docker.compose.image"] == "sha256:abc")
        #expect(labels["com.docker.compose.config-hash"] == ConfigHash.label(of: try #require(project.services["web"])))
        #expect(labels["watcher.project"] == "shop")
        #expect(labels["watcher.commit"] == "0123456789abcdef")
        #expect(labels["watcher.deployment"] == "shop/7")
        #expect(labels["watcher.content-hash"] == nil)
        #expect(try mapping(project).body.labels["com.docker.compose.replace"] == nil)
    }

    @Test func `namespaces of other services become their containers`() throws {
        let project = sampleProject { service, project in
            var db = Service(name: "db")
            db.image = "busybox:1"
            project.services["db"] = db
            service.networks = [:]
            service.networkMode = "service:db"
            service.pid = "service:db"
            service.ipc = "container:other"
            service.volumesFrom = ["db:ro", "container:backup:ro"]
        }
        let body = try mapping(project) { $0.references = ["db": ContainerID(hex: "d0d0")] }.body
        #expect(body.hostConfig.networkMode == "container:d0d0")
        #expect(body.hostConfig.pidMode == "container:d0d0")
        #expect(body.hostConfig.ipcMode == "container:other")
        #expect(body.hostConfig.volumesFrom == ["d0d0", "backup"])
        #expect(body.networkingConfig == nil)
    }

    @Test func `an empty command or entrypoint is sent, a missing one is not`() throws {
        let empty = sampleProject { service, _ in
            service.command = []
            service.entrypoint = []
            service.networks = [:]
            service.networkMode = "none"
        }
        #expect(
            try json(try mapping(empty)) == """
                {"AttachStderr":true,"AttachStdout":true,"Cmd":[],"Entrypoint":[],"HostConfig":{"NetworkMode":"none"},\
                "Image":"busybox:1","Labels":{},"StopTimeout":1}
                """)
        let missing = sampleProject { service, _ in service.command = nil }
        #expect(try mapping(missing).body.cmd == nil)
    }

    @Test func `resources are converted to the engine's units, and deploy wins`() throws {
        let project = sampleProject { service, _ in
            service.networks = [:]
            service.networkMode = "host"
            service.cpus = 0.5
            service.memLimit = 64 << 20
            service.cpuPercent = 0.25
            service.pidsLimit = 10
            service.memswapLimit = -1
            service.ulimits = ["nproc": .pair(soft: 1, hard: 2), "nofile": .single(1024)]
            var deploy = Deploy()
            var limits = Deploy.Resource()
            limits.cpus = 0.1
            deploy.resources.limits = limits
            var gpu = DeviceRequest()
            gpu.capabilities = ["tpu"]
            gpu.count = 2
            var reservations = Deploy.Resource()
            reservations.devices = [gpu]
            reservations.memory = 32 << 20
            deploy.resources.reservations = reservations
            var policy = Deploy.RestartPolicy()
            policy.condition = "on-failure"
            policy.maxAttempts = 3
            deploy.restartPolicy = policy
            service.restart = "always"
            service.deploy = deploy
            service.gpus = [
                {
                    var all = DeviceRequest(); all.count = -1; return all
                }()
            ]
            service.devices = [
                DeviceMapping(source: "/dev/null", target: "/dev/nothing", permissions: "rwm"),
                DeviceMapping(source: "vendor.example/gpu=0", target: "vendor.example/gpu=0", permissions: "rwm"),
            ]
        }
        #expect(
            try json(try mapping(project, version: APIVersion(1, 44)).body.hostConfig) == """
                {"CpuPercent":25,"DeviceRequests":[{"Capabilities":[["tpu"]],"Count":2},{"DeviceIDs":["vendor.example/gpu=0"],"Driver":"cdi"},\
                {"Capabilities":[["gpu"]],"Count":-1}],"Devices":[{"CgroupPermissions":"rwm","PathInContainer":"/dev/nothing","PathOnHost":"/dev/null"}],\
                "Memory":67108864,"MemoryReservation":33554432,"MemorySwap":-1,"NanoCpus":100000000,"NetworkMode":"host","PidsLimit":10,\
                "RestartPolicy":{"MaximumRetryCount":3,"Name":"on-failure"},\
                "Ulimits":[{"Hard":1024,"Name":"nofile","Soft":1024},{"Hard":2,"Name":"nproc","Soft":1}]}
                """)
    }

    @Test func `security options are written as the engine takes them`() throws {
        let project = sampleProject { service, project in
            project.seccompProfiles["/srv/shop/profile.json"] = #"{"a b":[1,2],"q\"":true}"#
            service.securityOpt = [
                "no-new-privileges", "label:disable", "seccomp=profile.json", "systempaths=unconfined",
                "seccomp=unconfined",
            ]
        }
        let host = try mapping(project).body.hostConfig
        #expect(
            host.securityOpt == [
                "no-new-privileges", "label:disable", "seccomp={\"a b\":[1,2],\"q\\\"\":true}", "seccomp=unconfined",
            ])
        #expect(host.maskedPaths == [] && host.readonlyPaths == [])
    }

    @Test func `capabilities are written in full, and conflicts are left to the engine`() throws {
        let project = sampleProject { service, _ in
            service.capAdd = ["net_admin", "CAP_CHOWN", "NET_ADMIN"]
            service.capDrop = ["ALL", "KILL"]
        }
        let host = try mapping(project).body.hostConfig
        #expect(host.capAdd == ["CAP_CHOWN", "CAP_NET_ADMIN"] && host.capDrop == ["ALL", "CAP_KILL"])
    }

    @Test func `IPv4 is only spoken of with engines that know it can be off`() throws {
        var network = Network(name: "n")
        network.enableIPv4 = true
        let specification = NetworkSpecification(network, key: "n", in: sampleProject())
        #expect(NetworkCreateBody(specification, version: APIVersion(1, 47)).enableIPv4 == nil)
        let body = NetworkCreateBody(specification, version: APIVersion(1, 48))
        #expect(body.enableIPv4 == true && body.checkDuplicate == nil)
    }

    @Test func `the options of address management stay with the file, as with docker compose`() throws {
        var network = Network(name: "n")
        network.ipam.options = ["a": "b"]
        let project = sampleProject()
        func ipam() throws -> String {
            try json(NetworkCreateBody(.init(network, key: "n", in: project), version: .oldest).ipam)
        }
        #expect(try ipam() == "null")
        network.ipam.driver = "default"
        #expect(try ipam() == #"{"Driver":"default"}"#)
    }

    @Test func `a health check is given in nanoseconds, or switched off`() throws {
        var check = Healthcheck()
        check.test = ["CMD-SHELL", "true"]
        check.interval = .milliseconds(1500)
        check.retries = 0
        let project = sampleProject { service, _ in service.healthcheck = check }
        #expect(
            try json(try mapping(project).body.healthcheck)
                == #"{"Interval":1500000000,"Retries":0,"Test":["CMD-SHELL","true"]}"#)
        check.disable = true
        let disabled = sampleProject { service, _ in service.healthcheck = check }
        #expect(try mapping(disabled).body.healthcheck?.test == ["NONE"])
    }

    @Test func `links name the container three times, external ones once`() throws {
        let project = sampleProject { service, _ in
            service.links = ["db:data", "cache"]
            service.externalLinks = ["legacy", "old:older"]
        }
        let expected = [
            "shop-db-1:data", "shop-db-1:db-1", "shop-db-1:shop-db-1", "legacy:legacy", "old:older",
        ]
        let body = try mapping(project) { $0.linked = ["db": ["shop-db-1"], "cache": []] }.body
        #expect(body.hostConfig.links == expected)
        #expect(body.networkingConfig?.endpointsConfig["shop_default"]?.links == expected)
    }

    @Test func `proxies of docker's configuration give way to the service's environment`() throws {
        let project = sampleProject { service, _ in service.environment = ["HTTP_PROXY": "http://mine"] }
        let proxies = ["HTTP_PROXY": "http://theirs", "NO_PROXY": "localhost"]
        #expect(try mapping(project, proxies: proxies).body.env == ["HTTP_PROXY=http://mine", "NO_PROXY=localhost"])
    }

    static let inexpressible: [(String, @Sendable (inout Service) -> Void)] = [
        ("annotations", { $0.annotations = ["a": "b"] }),
        (
            "healthcheck.start_interval",
            {
                $0.healthcheck = {
                    var c = Healthcheck(); c.startInterval = .seconds(1); return c
                }()
            }
        ),
        (
            "networks.default.gw_priority",
            {
                $0.networks["default"] = {
                    var n = NetworkAttachment(); n.gwPriority = 1; return n
                }()
            }
        ),
        (
            "networks.default.interface_name",
            {
                $0.networks["default"] = {
                    var n = NetworkAttachment(); n.interfaceName = "e"; return n
                }()
            }
        ),
        ("volumes[0].type", { $0.volumes = [Mount(kind: .image, source: "busybox:1", target: "/i")] }),
        (
            "volumes[0].volume.subpath",
            {
                var mount = Mount(kind: .volume, source: nil, target: "/s")
                mount.volume = Mount.VolumeOptions()
                mount.volume?.subpath = "a"
                $0.volumes = [mount]
            }
        ),
        ("uts", { $0.uts = "service:db" }),
        ("restart", { $0.restart = "on-failure:often" }),
        ("security_opt[0]", { $0.securityOpt = ["harder"] }),
        ("security_opt[0]", { $0.securityOpt = ["seccomp=unread.json"] }),
        ("provider", { $0.provider = Provider(type: "model") }),
        ("use_api_socket", { $0.useAPISocket = true }),
    ]

    @Test(arguments: inexpressible.indices)
    func `what an old engine cannot create is refused before anything is planned`(_ index: Int) throws {
        let (attribute, change) = Self.inexpressible[index]
        let project = sampleProject { service, _ in change(&service) }
        let error = try #require(throws: ComposeError.self) { try mapping(project) }
        #expect(error.problems.map(\.path).contains("services.web.\(attribute)"), "\(error)")
    }
}
