import Compose
import Reconcile
import Testing
import WatcherTestSupport

/// Every rule of a policy: what it allows and what it denies, in each spelling that Compose has for it.
@Suite struct PolicyTests {
    /// A rule, a project, and the paths of what is denied.
    struct Row: Sendable, CustomTestStringConvertible {
        var rule: @Sendable (inout Policy) -> Void
        var yaml: String
        var denied: [String]
        var testDescription: String { yaml }

        /// - Parameter attributes: of the service `web`.
        init(_ attributes: String, _ denied: [String] = [], _ rule: @escaping @Sendable (inout Policy) -> Void) {
            self.init(
                whole: "services: {web: {image: 'registry.example.com/web:1', \(attributes)}}",
                denied.map { "services.web.\($0)" }, rule)
        }

        init(whole yaml: String, _ denied: [String] = [], _ rule: @escaping @Sendable (inout Policy) -> Void) {
            self.rule = rule
            self.yaml = yaml
            self.denied = denied
        }
    }

    static func denied(
        _ yaml: String, _ facts: PolicyFacts? = nil, _ rule: (inout Policy) -> Void
    ) throws -> [ComposeError.Problem] {
        var policy = Policy(name: "policy")
        rule(&policy)
        let project = try FileTree.project(yaml)
        return [policy].violations(of: project, facts ?? PolicyFacts(checkout: project.workingDirectory))
    }

    private static let privileges: [Row] = [
        Row("privileged: true", ["privileged"]) { $0.privileged = false },
        Row("privileged: false") { $0.privileged = false },
        Row("post_start: [{command: [a], privileged: true}, {command: [b]}]", ["post_start[0].privileged"]) {
            $0.privileged = false
        },
        Row("pre_stop: [{command: [a], privileged: true}]", ["pre_stop[0].privileged"]) { $0.privileged = false },
        Row("build: {context: ., privileged: true}", ["build.privileged"]) { $0.privileged = false },
        Row("build: {context: ., entitlements: [security.insecure, network.host]}", ["build.entitlements[0]"]) {
            $0.privileged = false
        },
        // Whatever is privileged has what the other rules deny.
        Row("privileged: true", ["privileged"]) { $0.capabilities = [] },
        Row("privileged: true", ["privileged"]) { $0.devices = [] },
        Row("privileged: true", ["privileged"]) { $0.securityOptions = [] },
        Row("privileged: true") { $0.capabilities = ["ALL"] },
        Row("cap_add: [SYS_ADMIN, CAP_NET_ADMIN, net_raw, ALL]", ["cap_add[0]", "cap_add[3]"]) {
            $0.capabilities = ["NET_ADMIN", "NET_RAW"]
        },
        Row("cap_add: [cap_sys_ptrace], cap_drop: [ALL]", ["cap_add[0]"]) { $0.capabilities = [] },
        Row("cap_add: [SYS_ADMIN]") { $0.capabilities = ["ALL"] },
        Row(
            "security_opt: ['seccomp:unconfined', apparmor=unconfined, 'label:disable', systempaths=unconfined]",
            ["security_opt[0]", "security_opt[1]", "security_opt[2]", "security_opt[3]"]
        ) { $0.securityOptions = [] },
        Row("security_opt: ['no-new-privileges:false', 'label=type:spc_t']", ["security_opt[0]", "security_opt[1]"]) {
            $0.securityOptions = []
        },
        Row("security_opt: [no-new-privileges, 'no-new-privileges:true', seccomp=builtin]") { $0.securityOptions = [] },
        Row("security_opt: ['seccomp:unconfined']") { $0.securityOptions = ["seccomp=unconfined"] },
    ]

    private static let namespaces: [Row] = [
        Row("network_mode: host", ["network_mode"]) { $0.hostNamespaces = false },
        Row(
            "pid: host, ipc: host, uts: host, userns_mode: host, cgroup: host",
            ["cgroup", "ipc", "pid", "userns_mode", "uts"]
        ) {
            $0.hostNamespaces = false
        },
        Row("pid: 'container:x', ipc: 'container:x'", ["ipc", "pid"]) { $0.hostNamespaces = false },
        Row("network_mode: 'container:x'", ["network_mode"]) { $0.hostNamespaces = false },
        Row("network_mode: none, ipc: shareable, cgroup: private") { $0.hostNamespaces = false },
        Row("build: {context: ., network: host}", ["build.network"]) { $0.hostNamespaces = false },
        Row("build: {context: ., network: 'container:x'}", ["build.network"]) { $0.hostNamespaces = false },
        Row("build: {context: ., entitlements: [network.host]}", ["build.entitlements[0]"]) {
            $0.hostNamespaces = false
        },
        Row(
            whole: """
                services: {web: {image: w, network_mode: 'service:db', pid: 'service:db'}, db: {image: d}}
                """
        ) { $0.hostNamespaces = false },
        // The name of the main network becomes the network mode.
        Row(
            whole: "services: {web: {image: w, networks: [n]}}\nnetworks: {n: {external: true, name: host}}",
            ["networks.n"]
        ) { $0.hostNamespaces = false },
        Row(
            whole: "services: {web: {image: w, networks: [n]}}\nnetworks: {n: {external: true, name: 'container:x'}}",
            ["networks.n"]
        ) { $0.hostNamespaces = false },
        Row("sysctls: {net.core.somaxconn: 1024, kernel.shmmax: 1}", ["sysctls.kernel.shmmax"]) {
            $0.sysctls = ["net.core.somaxconn"]
        },
        Row("runtime: nvidia", ["runtime"]) { $0.runtimes = ["runc"] },
        Row("runtime: runc") { $0.runtimes = ["runc"] },
        Row("cgroup_parent: x.slice", ["cgroup_parent"]) { $0.hostResources = false },
        Row("oom_kill_disable: true, oom_score_adj: -500", ["oom_kill_disable", "oom_score_adj"]) {
            $0.hostResources = false
        },
        Row("cpu_rt_runtime: 950000", ["cpu_rt_runtime"]) { $0.hostResources = false },
        Row("oom_score_adj: 500, mem_limit: 1g") { $0.hostResources = false },
    ]

    private static let devices: [Row] = [
        Row("devices: [/dev/sda, '/dev/dri/card0:/dev/x:r', vendor.com/net=a]", ["devices[0]", "devices[2]"]) {
            $0.devices = ["/dev/dri"]
        },
        Row("devices: [/dev/dri/../sda]", ["devices[0]"]) { $0.devices = ["/dev/dri"] },
        Row("devices: [vendor.com/net=a]") { $0.devices = ["vendor.com/net=a"] },
        Row("device_cgroup_rules: ['c 1:3 rwm', 'a *:* rwm']", ["device_cgroup_rules[1]"]) {
            $0.devices = ["c 1:3 rwm"]
        },
        Row("gpus: all", ["gpus[0]"]) { $0.devices = [] },
        Row("gpus: all") { $0.devices = ["gpu"] },
        Row(
            "deploy: {resources: {reservations: {devices: [{driver: nvidia, capabilities: [gpu]}]}}}",
            ["deploy.resources.reservations.devices[0]"]
        ) { $0.devices = ["gpu"] },
        Row("deploy: {resources: {reservations: {devices: [{driver: nvidia, capabilities: [gpu]}]}}}") {
            $0.devices = ["nvidia"]
        },
    ]

    private static let mounts: [Row] = [
        Row("volumes: [/etc:/x, '/srv/a:/a', ./own:/own, data:/data]", ["volumes[0]"], volumes: "data: {}") {
            $0.bindSources = ["/srv"]
        },
        Row(
            "volumes: ['/srvx:/a', '/srv/../etc:/b', {type: bind, source: /srv, target: /c}]",
            ["volumes[0]", "volumes[1]"]
        ) {
            $0.bindSources = ["/srv"]
        },
        Row("volumes: [/var/run/docker.sock:/s]", ["volumes[0]"]) { $0.bindSources = ["/var/run"] },
        Row("volumes: [/run:/s]", ["volumes[0]"]) { $0.bindSources = ["/"] },
        Row("volumes: [/run/user/1000/podman/podman.sock:/s]", ["volumes[0]"]) { $0.bindSources = ["/run/user"] },
        Row("volumes: [/var/run/docker.sock:/s]") { $0.bindSources = ["/var/run/docker.sock"] },
        Row("use_api_socket: true", ["use_api_socket"]) { $0.bindSources = [] },
        Row("volumes_from: ['container:x:ro']", ["volumes_from[0]"]) { $0.bindSources = [] },
        Row("tmpfs: [/tmp], volumes: [/anonymous, {type: tmpfs, target: /t}]") { $0.bindSources = [] },
        Row("volumes: [vol:/x]", volumes: "vol: {driver_opts: {type: none, o: bind, device: /etc}}") { _ in },
        Row(
            "volumes: [vol:/x]", ["driver_opts.device"],
            volumes: "vol: {driver_opts: {type: none, o: bind, device: /etc}}"
        ) {
            $0.bindSources = ["/srv"]
        },
        Row("volumes: [vol:/x]", volumes: "vol: {driver_opts: {type: none, o: 'bind,ro', device: /srv/a}}") {
            $0.bindSources = ["/srv"]
        },
        Row("volumes: [vol:/x]", ["driver_opts.device"], volumes: "vol: {driver_opts: {type: ext4, device: /dev/sda1}}")
        {
            $0.bindSources = ["/srv", "/dev"]
        },
        Row(
            "volumes: [vol:/x]", ["driver_opts.device"],
            volumes:
                "vol: {driver_opts: {type: overlay, device: /srv, o: 'lowerdir=/etc,upperdir=/srv/u,workdir=/srv/w'}}"
        ) { $0.bindSources = ["/srv"] },
        Row("volumes: [vol:/x]", volumes: "vol: {driver_opts: {type: tmpfs, device: tmpfs}}") { $0.bindSources = [] },
        Row(
            "volumes: [vol:/x]", ["driver_opts.device"],
            volumes: "vol: {driver_opts: {type: nfs, o: addr=h, device: ':/e'}}"
        ) {
            $0.bindSources = []
        },
        Row("volumes: [vol:/x]", volumes: "vol: {driver_opts: {type: nfs, o: addr=h, device: ':/e'}}") {
            $0.bindSources = [":/e"]
        },
        Row("volumes: [vol:/x]", ["driver"], volumes: "vol: {driver: sshfs}") { $0.bindSources = [] },
        Row("volumes: [vol:/x]", volumes: "vol: {driver: sshfs}") {
            $0.bindSources = []
            $0.volumeDrivers = ["sshfs"]
        },
        Row("volumes: [vol:/x]", ["driver"], volumes: "vol: {driver: sshfs}") { $0.volumeDrivers = [] },
        Row(
            whole: """
                services: {web: {image: w, secrets: [s, own], configs: [c]}}
                secrets: {s: {file: /etc/shadow}, own: {file: ./own}}
                configs: {c: {content: x}}
                """, ["secrets.s.file"]
        ) { $0.bindSources = [] },
    ]

    private static let others: [Row] = [
        Row(
            whole: """
                services: {web: {image: w, networks: [a, b], volumes: ['vol:/v'], external_links: [db:x, cache]}}
                networks: {a: {external: true, name: edge}, b: {external: true}}
                volumes: {vol: {external: true, name: theirs}}
                """, ["services.web.external_links[0]", "networks.b", "volumes.vol"]
        ) { $0.external = ["edge", "cache"] },
        Row("volumes_from: ['container:x'], pid: 'container:y'", ["volumes_from[0]", "pid"]) { $0.external = [] },
        Row("volumes_from: ['container:x']") { $0.external = ["x"] },
        Row("network_mode: other_default, build: {context: ., network: theirs}", ["build.network", "network_mode"]) {
            $0.external = []
        },
        Row("network_mode: bridge") { $0.external = ["bridge"] },
        Row("network_mode: none, build: {context: ., network: host}") { $0.external = [] },
        Row(
            whole: """
                services: {web: {image: w, networks: [lan, own]}}
                networks: {lan: {driver: macvlan, driver_opts: {parent: eth0}}, own: {driver: bridge}}
                """, ["networks.lan.driver"]
        ) { $0.networkDrivers = [] },
    ]

    private static let images: [Row] = [
        Row(whole: "services: {web: {image: registry.example.com/a}, db: {image: postgres}}", ["services.db.image"]) {
            $0.registries = ["registry.example.com"]
        },
        Row(whole: "services: {a: {image: postgres}, b: {image: docker.io/x/y}, c: {image: index.docker.io/x/y}}") {
            $0.registries = ["docker.io"]
        },
        Row(whole: "services: {a: {image: acme/web}, b: {image: acmex/web}}", ["services.b.image"]) {
            $0.registries = ["docker.io/acme"]
        },
        Row(whole: "services: {a: {image: 'localhost:5000/x'}}", ["services.a.image"]) {
            $0.registries = ["localhost"]
        },
        Row("volumes: [{type: image, source: evil.example/x, target: /x}]", ["volumes[0]"]) {
            $0.registries = ["registry.example.com"]
        },
        Row(whole: "services: {web: {build: .}}", ["services.web.build"]) { $0.registries = ["docker.io"] },
        Row(whole: "services: {web: {build: .}, job: {image: shop-web}}") {
            $0.registries = ["registry.example.com"]
            $0.allowsBuilds = true
        },
        Row(whole: "services: {web: {build: ., image: x/y, pull_policy: always}}", ["services.web.image"]) {
            $0.registries = ["registry.example.com"]
            $0.allowsBuilds = true
        },
        Row("init: true", ["image"]) { $0.pinned = true },
        Row(whole: "services: {a: {image: 'x:1@sha256:\(String(repeating: "a", count: 64))'}}") { $0.pinned = true },
        Row(whole: "services: {a: {image: 'sha256:\(String(repeating: "a", count: 64))'}}") { $0.pinned = true },
        Row(whole: "services: {a: {image: 'sha256:\(String(repeating: "a", count: 64))'}}", ["services.a.image"]) {
            $0.registries = ["docker.io"]
        },
    ]

    private static let ports: [Row] = [
        Row("ports: ['127.0.0.1:80:80', '80:80', '127.0.0.1::80', '0.0.0.0:81:81']", ["ports[1]", "ports[3]"]) {
            $0.ports = rules("127.0.0.1:*")
        },
        Row("ports: ['443:443', '10.0.0.1:443:443', '80:80', '443']", ["ports[2]", "ports[3]"]) {
            $0.ports = rules("*:443")
        },
        Row("ports: ['8000-8002:80-82', '8002-8004:80-82']", ["ports[5]"]) { $0.ports = rules("8000-8003") },
        Row("ports: ['8000-8004:80-84']") { $0.ports = rules("*:8000-8002", "8003-8004") },
        Row("ports: ['[::1]:53:53/udp', '53:53/tcp']", ["ports[1]"]) { $0.ports = rules("*:53/udp") },
        Row("ports: [{target: 80, published: '80', mode: host}]", ["ports[0]"]) { $0.ports = [] },
        Row("expose: ['80']") { $0.ports = [] },
        Row("network_mode: host", ["network_mode"]) { $0.ports = [] },
        Row(
            whole: """
                services: {web: {image: w, networks: [n]}}
                networks: {n: {driver_opts: {com.docker.network.bridge.gateway_mode_ipv6: routed}}}
                """, ["networks.n.driver_opts.com.docker.network.bridge.gateway_mode_ipv6"]
        ) { $0.ports = rules("*:*") },
    ]

    private static func rules(_ texts: String...) -> [PortRule] { texts.compactMap(PortRule.init) }

    @Test(arguments: privileges + namespaces + devices + mounts + others + images + ports)
    func `a rule denies everything but what it names`(_ row: Row) throws {
        let denied = try Self.denied(row.yaml, nil, row.rule)
        #expect(denied.map(\.path).sorted() == row.denied.sorted(), "\(denied)")
    }

    @Test func `without a rule nothing is denied`() throws {
        for row in Self.privileges + Self.namespaces + Self.devices + Self.mounts + Self.others + Self.images
            + Self.ports
        {
            #expect(try Self.denied(row.yaml, nil, { _ in }).isEmpty)
        }
    }

    @Test func `the message says what is denied and by which key`() throws {
        let denied = try Self.denied("services: {web: {image: w, volumes: ['/etc:/x']}}") { $0.bindSources = ["/srv"] }
        #expect(
            denied.map(\.description) == [
                "services.web.volumes[0]: mounts /etc of the host (not allowed by `policy.bind_sources`)"
            ])
    }

    @Test func `where a link leads is what counts, for the source and for the rule`() throws {
        let yaml = "services: {web: {image: w, volumes: ['/srv/link:/x', '/data/a:/y', '/opt/l:/z']}}"
        var facts = PolicyFacts(checkout: "/checkout")
        facts.resolved = [
            "/srv/link": "/etc", "/srv": "/mnt/srv", "/data/a": "/mnt/srv/a", "/opt/l": "/run/docker.sock",
        ]
        let denied = try Self.denied(yaml, facts) { $0.bindSources = ["/srv", "/run", "/opt"] }
        #expect(denied.map(\.path) == ["services.web.volumes[0]", "services.web.volumes[2]"])
        #expect(denied.first?.message.contains("/srv/link (/etc)") == true)
        var policy = Policy(name: "policy")
        policy.bindSources = ["/srv"]
        let project = try FileTree.project(yaml)
        #expect(
            [policy].pathsToResolve(of: project, checkout: "/checkout") == [
                "/srv", "/checkout", "/srv/link", "/data/a", "/opt/l",
            ])
    }

    @Test func `the socket of the project's engine is allowed only by its own name`() throws {
        let yaml = "services: {web: {image: w, volumes: ['/srv/engine:/x', '/srv/engine/api:/y', '/srv/a:/z']}}"
        var facts = PolicyFacts(checkout: "/checkout")
        facts.engineSocket = "/srv/engine/api"
        let denied = try Self.denied(yaml, facts) { $0.bindSources = ["/srv"] }
        #expect(denied.map(\.path) == ["services.web.volumes[0]", "services.web.volumes[1]"])
        #expect(try Self.denied(yaml, facts) { $0.bindSources = ["/srv", "/srv/engine", "/srv/engine/api"] }.isEmpty)
    }

    @Test func `the age of an image is judged where the engine has it`() throws {
        let day = 86_400_000
        var facts = PolicyFacts(checkout: "/checkout")
        facts.now = 100 * day
        let yaml = "services: {a: {image: 'a:1'}, b: {image: 'b:1'}, c: {image: 'c:1'}, d: {image: 'd:1'}}"
        #expect(try Self.denied(yaml, facts) { $0.minimumImageAge = .seconds(3 * 86_400) }.isEmpty)
        var images = ["a:1": ObservedState.Image(id: "a"), "b:1": .init(id: "b"), "c:1": .init(id: "c")]
        images["a:1"]?.createdAt = 97 * day
        images["b:1"]?.createdAt = 97 * day + 1
        facts.images = images
        let denied = try Self.denied(yaml, facts) { $0.minimumImageAge = .seconds(3 * 86_400) }
        #expect(denied.map(\.path) == ["services.b.image", "services.c.image"])
        #expect(denied.first?.message.contains("was made 2d ago, and 3d is the least") == true)
    }

    @Test func `all policies have to be fulfilled, and every violation is told`() throws {
        var all = Policy(name: "policy")
        all.privileged = false
        var own = Policy(name: "projects.shop.policy")
        own.ports = []
        let project = try FileTree.project(
            "services: {a: {image: a, privileged: true, ports: ['80:80']}, b: {image: b, privileged: true}}")
        let denied = [all, own].violations(of: project, PolicyFacts(checkout: "/checkout"))
        #expect(denied.map(\.path) == ["services.a.privileged", "services.b.privileged", "services.a.ports[0]"])
        #expect(denied.last?.message.contains("`projects.shop.policy.ports`") == true)
    }

    @Test func `only the services that are asked about are judged, with what they use`() throws {
        var facts = PolicyFacts(checkout: "/checkout")
        facts.services = ["b"]
        let yaml = """
            services: {a: {image: a, privileged: true, secrets: [s]}, b: {image: b}}
            secrets: {s: {file: /etc/x}}
            """
        let denied = try Self.denied(yaml, facts) {
            $0.privileged = false
            $0.bindSources = []
        }
        #expect(denied.isEmpty)
    }

    @Test(arguments: [
        ("127.0.0.1:*", true), ("*:443", true), ("[::1]:8000-8100", true), ("8080/udp", true), ("*:*", true),
        ("*", true),
        ("", false), ("127.0.0.1", false), ("localhost:80", false), ("80-79", false), ("0", false), ("70000", false),
        ("1-2-3", false), ("[127.0.0.1]:80", false), ("80/icmp", false), (":80", false),
    ])
    func `a rule for ports is an address and ports`(_ text: String, _ isRule: Bool) {
        #expect((PortRule(text) != nil) == isRule)
    }
}

extension PolicyTests.Row {
    /// - Parameter volumes: the project's volumes; then `denied` is about the volume `vol`, or else about the service.
    fileprivate init(
        _ attributes: String, _ denied: [String] = [], volumes: String,
        _ rule: @escaping @Sendable (inout Policy) -> Void
    ) {
        let isOfVolume = denied.contains { $0.hasPrefix("driver") }
        self.init(
            whole: "services: {web: {image: 'registry.example.com/web:1', \(attributes)}}\nvolumes: {\(volumes)}",
            denied.map { (isOfVolume ? "volumes.vol." : "services.web.") + $0 }, rule)
    }
}
