import Compose
import Reconcile
import Testing

@Suite struct EngineLimitsTests {
    typealias Change = @Sendable (inout Service, inout Project) -> Void

    /// What is asked for, where it is said to be, and the first API version that has it.
    struct Case: Sendable, CustomTestStringConvertible {
        var path: String
        var needs: APIVersion
        /// Whether Podman does it at that version.
        var podman: Bool
        var change: Change
        var testDescription: String { path }

        init(_ path: String, _ minor: Int, podman: Bool = true, _ change: @escaping Change) {
            self.path = path
            needs = APIVersion(1, minor)
            self.podman = podman
            self.change = change
        }
    }

    private static func place(_ change: @escaping @Sendable (inout NetworkAttachment) -> Void) -> Change {
        { service, _ in
            var place = NetworkAttachment()
            change(&place)
            service.networks["back"] = place
        }
    }

    private static func mount(_ kind: Mount.Kind, _ change: @escaping @Sendable (inout Mount) -> Void = { _ in })
        -> Change
    {
        { service, _ in
            var mount = Mount(kind: kind, source: "x", target: "/x")
            change(&mount)
            service.volumes = [Mount(kind: .volume, target: "/first"), mount]
        }
    }

    static let cases: [Case] = [
        Case("services.web.annotations", 43) { service, _ in service.annotations = ["a": "b"] },
        Case("services.web.healthcheck.start_interval", 44, podman: false) { service, _ in
            var check = Healthcheck()
            check.startInterval = .seconds(1)
            service.healthcheck = check
        },
        Case("services.web.devices[0]", 44, podman: false) { service, _ in
            service.devices = [DeviceMapping(source: "v.com/c=n", target: "v.com/c=n", permissions: "rwm")]
        },
        Case("services.web.volumes[1].type", 42, podman: false, mount(.cluster)),
        Case("services.web.volumes[1].type", 48, mount(.image)),
        Case(
            "services.web.volumes[1].volume.subpath", 45,
            mount(.volume) {
                var options = Mount.VolumeOptions()
                options.subpath = "a"
                $0.volume = options
            }),
        Case(
            "services.web.volumes[1].bind.recursive", 44, podman: false,
            mount(.bind) { $0.bind = recursive("writable") }),
        Case(
            "services.web.volumes[1].bind.recursive", 44, podman: false,
            mount(.bind) { $0.bind = recursive("readonly") }),
        Case(
            "services.web.volumes[1].bind.recursive", 41, podman: false,
            mount(.bind) { $0.bind = recursive("disabled") }),
        Case("services.web.networks.back.mac_address", 44) { service, _ in
            var place = NetworkAttachment()
            place.macAddress = "02:42:ac:11:65:43"
            service.networks = ["back": place, "aa": nil]
        },
        Case("services.web.networks.back.gw_priority", 48, podman: false, place { $0.gwPriority = 1 }),
        Case("services.web.networks.back.interface_name", 49, podman: false, place { $0.interfaceName = "eth7" }),
        Case(
            "services.web.networks.back.driver_opts.com.docker.network.endpoint.sysctls", 46, podman: false,
            place { $0.driverOpts = ["com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.log_martians=1"] }),
        Case(
            "services.web.networks.back.driver_opts.com.docker.network.endpoint.ifname", 49, podman: false,
            place { $0.driverOpts = ["com.docker.network.endpoint.ifname": "eth7"] }),
        Case(
            "services.web.networks.back.link_local_ips", 41, podman: false, place { $0.linkLocalIPs = ["169.254.8.8"] }),
        Case("services.web.gpus[0]", 41, podman: false) { service, _ in service.gpus = [DeviceRequest()] },
        Case("services.web.links[0]", 41, podman: false) { service, _ in service.links = ["db"] },
        Case("services.web.external_links[0]", 41, podman: false) { service, _ in service.externalLinks = ["db"] },
        Case("services.web.domainname", 41, podman: false) { service, _ in service.domainname = "d" },
        Case("services.web.volume_driver", 41, podman: false) { service, _ in service.volumeDriver = "d" },
        Case("services.web.isolation", 41, podman: false) { service, _ in service.isolation = "default" },
        Case("services.web.runtime", 41, podman: false) { service, _ in service.runtime = "runc" },
        Case("services.web.security_opt[1]", 41, podman: false) { service, _ in
            service.securityOpt = ["no-new-privileges", "systempaths=unconfined"]
        },
        Case("networks.back.enable_ipv4", 48, podman: false) { _, project in
            project.networks["back"]?.enableIPv4 = false
        },
        Case("networks.back.driver_opts.com.docker.network.bridge.gateway_mode_ipv4", 46) { _, project in
            project.networks["back"]?.driverOpts = ["com.docker.network.bridge.gateway_mode_ipv4": "routed"]
        },
        Case(
            "services.web.volumes[1].bind.create_host_path", 41, podman: false,
            mount(.bind) {
                var bind = Mount.Bind()
                bind.createHostPath = false
                $0.bind = bind
            }),
        Case("networks.back.ipam.config[0].aux_addresses", 41, podman: false) { _, project in
            var pool = Network.Pool()
            pool.auxAddresses = ["a": "10.1.2.3"]
            project.networks["back"]?.ipam.config = [pool]
        },
    ]

    private static func recursive(_ text: String) -> Mount.Bind {
        var bind = Mount.Bind()
        bind.recursive = text
        return bind
    }

    private func project(_ change: Change) -> Project {
        var project = Project(name: "shop", workingDirectory: "/srv", configFiles: ["/srv/compose.yaml"])
        project.networks["back"] = Network(name: "shop_back")
        var web = Service(name: "web")
        web.image = "busybox:1"
        change(&web, &project)
        project.services["web"] = web
        return project
    }

    private func paths(_ project: Project, _ version: APIVersion, podman: Bool = false) -> [String] {
        project.problems(on: EngineTraits(version: version, isPodman: podman)).map(\.path)
    }

    @Test(arguments: cases)
    func `what an engine does not have is named from the version before on`(_ example: Case) {
        let project = project(example.change)
        #expect(paths(project, example.needs).isEmpty)
        #expect(paths(project, .newest).isEmpty)
        if example.needs > .oldest {
            let before = APIVersion(1, example.needs.minor - 1)
            #expect(paths(project, before) == [example.path])
            let message = project.problems(on: EngineTraits(version: before)).first?.message ?? ""
            #expect(message.contains("needs Engine API \(example.needs) (Docker 2") && message.contains("\(before)"))
        }
        #expect(paths(project, .newest, podman: true).isEmpty == example.podman)
    }

    @Test func `what every engine has is no problem`() {
        let plain = project { service, project in
            service.networks["back"] = nil
            service.devices = [DeviceMapping(source: "/dev/null", target: "/dev/null", permissions: "rwm")]
            service.volumes = [Mount(kind: .bind, source: "/x", target: "/x")]
            service.securityOpt = ["no-new-privileges"]
        }
        #expect(paths(plain, .oldest).isEmpty)
        #expect(paths(plain, APIVersion(1, 44), podman: true).isEmpty)
    }

    @Test func `a network that others made may be as it likes`() {
        let external = project { _, project in
            project.networks["back"]?.external = true
            project.networks["back"]?.enableIPv4 = false
        }
        #expect(paths(external, .oldest).isEmpty)
    }

    @Test func `versions are compared by their numbers`() throws {
        let nine = try #require(APIVersion("1.9"))
        #expect(nine < APIVersion(1, 41))
        #expect(APIVersion("1") == nil && APIVersion("1.x") == nil && APIVersion("v1.41") == nil)
        #expect(APIVersion(1, 44).dockerRelease == "25.0" && APIVersion(1, 99).dockerRelease == nil)
    }
}
