import Compose
import Reconcile
import Testing
import WatcherTestSupport

// What a policy says of networks and volumes that exist on the engine: they are used as they are.

extension PolicyTests {
    private static let existing = """
        services: {web: {image: w, networks: [n], volumes: ['vol:/v']}}
        networks: {n: {name: net}}
        volumes: {vol: {name: data}}
        """

    /// What exists on the engine is a network `net` and a volume `data`.
    private static func facts(
        owner: String? = "shop", driver: String = "local", _ options: [String: String] = [:]
    ) -> PolicyFacts {
        let labels = owner.map { [ComposeLabels.project: $0] } ?? [:]
        var facts = PolicyFacts(checkout: "/checkout")
        facts.networks["net"] = .init(id: "n", name: "net", labels: labels)
        facts.volumes["data"] = .init(name: "data", driver: driver, labels: labels)
        facts.volumes["data"]?.options = options
        return facts
    }

    @Test(arguments: [nil, "other"])
    func `what others made is not the project's because it has no external`(_ owner: String?) throws {
        let facts = Self.facts(owner: owner)
        let denied = try Self.denied(Self.existing, facts) { $0.external = [] }
        #expect(denied.map(\.path) == ["networks.n.name", "volumes.vol.name"], "\(denied)")
        let made = owner.map { "for project \($0)" } ?? "by others"
        #expect(
            denied.last?.message
                == "uses the volume \"data\", which was made \(made) (not allowed by `policy.external`)")
        #expect(try Self.denied(Self.existing, facts) { $0.external = ["net", "data"] }.isEmpty)
        #expect(try Self.denied(Self.existing, facts) { $0.bindSources = [] }.isEmpty)
        #expect(try Self.denied(Self.existing, Self.facts()) { $0.external = [] }.isEmpty)
        #expect(try Self.denied(Self.existing) { $0.external = [] }.isEmpty)
    }

    @Test func `what others made under a name that nobody wrote is not the project's either`() throws {
        var facts = PolicyFacts(checkout: "/checkout")
        facts.networks["shop_default"] = .init(id: "n", name: "shop_default", labels: [:])
        facts.volumes["shop_vol"] = .init(name: "shop_vol", driver: "local", labels: [:])
        facts.volumes["shop_unused"] = .init(name: "shop_unused", driver: "local", labels: [:])
        let yaml = "services: {web: {image: w, volumes: ['vol:/v']}}\nvolumes: {vol: {}, unused: {}}"
        let denied = try Self.denied(yaml, facts) { $0.external = [] }
        #expect(denied.map(\.path) == ["networks.default", "volumes.vol"], "\(denied)")
    }

    @Test func `a name that is the id of a network is another's`() throws {
        let id = String(repeating: "0a", count: 32)
        let yaml = "services: {web: {image: w, networks: [n]}}\nnetworks: {n: {name: '\(id)'}}"
        #expect(try Self.denied(yaml) { $0.external = [] }.map(\.path) == ["networks.n.name"])
        #expect(try Self.denied(yaml) { $0.external = [id] }.isEmpty)
    }

    /// Options of a volume, and whether they are more than a policy allows that names `/srv`.
    private static let definitions: [([String: String], Bool)] = [
        (["type": "none", "o": "bind", "device": "/etc"], true),
        (["type": "none", "o": "rbind,ro", "device": "/srv/link"], true),
        (["type": "none", "o": "bind", "device": "/srv/a"], false),
        (["type": "ext4", "device": "/dev/sda1"], true),
        (["type": "overlay", "device": "overlay", "o": "lowerdir=/etc,upperdir=/srv/u,workdir=/srv/w"], true),
        (["type": "nfs", "o": "addr=h", "device": ":/e"], true),
        (["type": "tmpfs", "device": "tmpfs"], false), ([:], false),
    ]

    @Test(arguments: definitions)
    func `a volume that exists is judged as it is on the engine`(_ options: [String: String], _ isDenied: Bool) throws {
        let external = Self.existing.replacing("name: data", with: "name: data, external: true")
        for yaml in [Self.existing, external] {
            for owner in ["shop", nil] {
                var facts = Self.facts(owner: owner, options)
                facts.resolved["/srv/link"] = "/etc"
                let denied = try Self.denied(yaml, facts) { $0.bindSources = ["/srv"] }
                #expect(denied.map(\.path) == (isDenied ? ["volumes.vol"] : []), "\(denied)")
                #expect(try Self.denied(yaml, facts) { $0.privileged = false }.isEmpty)
            }
        }
    }

    @Test func `a volume that exists as the model says is denied once`() throws {
        let yaml = """
            services: {web: {image: w, volumes: ['vol:/v']}}
            volumes: {vol: {name: data, driver_opts: {type: none, o: bind, device: /etc}}}
            """
        let facts = Self.facts(["type": "none", "o": "bind", "device": "/etc"])
        let denied = try Self.denied(yaml, facts) { $0.bindSources = [] }
        #expect(denied.map(\.path) == ["volumes.vol.driver_opts.device"])
    }

    @Test func `the driver of a volume that exists counts`() throws {
        let facts = Self.facts(driver: "sshfs")
        #expect(try Self.denied(Self.existing, facts) { $0.bindSources = [] }.map(\.path) == ["volumes.vol"])
        #expect(try Self.denied(Self.existing, facts) { $0.volumeDrivers = [] }.map(\.path) == ["volumes.vol"])
        #expect(try Self.denied(Self.existing, facts) { $0.volumeDrivers = ["sshfs"] }.isEmpty)
    }

    @Test func `where the device of a volume that exists leads is asked`() throws {
        var policy = Policy(name: "policy")
        policy.bindSources = []
        let project = try FileTree.project(Self.existing)
        let facts = Self.facts(["type": "none", "o": "bind", "device": "/srv/../x"])
        #expect([policy].pathsToResolve(of: project, on: facts.volumes, checkout: "/c") == ["/x", "/c"])
    }
}
