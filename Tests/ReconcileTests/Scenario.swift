import Compose
import Reconcile
import Testing
import WatcherTestSupport

/// A project that runs, what happened to it since, and what it is to become.
struct Scenario: Sendable, CustomTestStringConvertible {
    var name: String
    var from: String
    var to: String
    var profiles: [String] = []
    var isPruning = true
    var change: @Sendable (inout World) throws -> Void = { _ in }

    var testDescription: String { name }

    /// The world before the deployment, with jobs that complete at once.
    func world() throws -> World {
        var world = World()
        world.engine.behaviours["job"] = .exits(0)
        if !from.isEmpty { try world.deploy(try FileTree.project(from, profiles: ["all"])) }
        try change(&world)
        return world
    }

    func project() throws -> Project { try FileTree.project(to, profiles: profiles) }
}

extension Scenario {
    static let shop = """
        services:
          web:
            image: web:1
            ports: ["8080:80"]
            depends_on: {db: {condition: service_healthy}, job: {condition: service_completed_successfully}}
          db:
            image: db:1
            healthcheck: {test: ["CMD", "true"]}
            volumes: ["data:/data"]
          job:
            image: job:1
            depends_on: {db: {condition: service_healthy}}
        volumes: {data: {}}
        """

    static let pair = """
        services:
          web: {image: web:1, depends_on: [db]}
          db: {image: db:1}
        """

    static let sharing = """
        services:
          web: {image: web:1, network_mode: "service:db"}
          db: {image: db:1}
        """

    static let networked = """
        services:
          web: {image: web:1, networks: [front, back]}
          db: {image: db:1, networks: [back]}
          job: {image: job:1, networks: [back]}
          proxy: {image: proxy:1, networks: [front], depends_on: {job: {condition: service_completed_successfully}}}
        networks: {front: {}, back: {}}
        """

    /// A service whose new containers start beside the old ones, one at a time, and one that depends on it.
    static let overlapping = """
        services:
          web: {image: web:1, scale: 3, deploy: {update_config: {order: start-first, delay: 1ms}}}
          proxy: {image: proxy:1, depends_on: [web]}
        """

    static let all: [Scenario] = [
        Scenario(name: "first deployment", from: "", to: shop),
        Scenario(name: "nothing changed", from: shop, to: shop),
        Scenario(name: "one service changed", from: shop, to: shop.replacing("web:1", with: "web:2")),
        Scenario(name: "dependency changed", from: shop, to: shop.replacing("db:1", with: "db:2")),
        Scenario(name: "scaled up", from: pair, to: pair.replacing("web:1", with: "web:1, scale: 3")),
        Scenario(name: "scaled down", from: pair.replacing("web:1", with: "web:1, scale: 3"), to: pair),
        Scenario(name: "start-first", from: overlapping, to: overlapping.replacing("web:1", with: "web:2")),
        Scenario(
            name: "start-first, two at a time and one less", from: overlapping,
            to: overlapping.replacing("web:1", with: "web:2").replacing("delay: 1ms", with: "parallelism: 2")
                .replacing("scale: 3", with: "scale: 2")),
        Scenario(
            name: "start-first, all at once, one more, and its dependant", from: overlapping,
            to: overlapping.replacing("web:1", with: "web:2").replacing("delay: 1ms", with: "parallelism: 0")
                .replacing("scale: 3", with: "scale: 4").replacing("proxy:1", with: "db:1")),
        Scenario(
            name: "start-first while its network is made anew", from: overlapping,
            to: overlapping.replacing("web:1", with: "web:2") + "\nnetworks: {default: {labels: {a: b}}}"),
        Scenario(
            name: "start-first after one replica went", from: overlapping,
            to: overlapping.replacing("web:1", with: "web:2"), change: { $0.engine.remove("shop-web-2") }),
        Scenario(
            name: "stop-first in turns", from: overlapping.replacing("start-first", with: "stop-first"),
            to: overlapping.replacing("start-first", with: "stop-first").replacing("web:1", with: "web:2")),
        Scenario(
            name: "scaled up and changed", from: pair.replacing("web:1", with: "web:1, scale: 2"),
            to: pair.replacing("web:1", with: "web:2, scale: 3")),
        Scenario(name: "scaled to none", from: pair, to: pair.replacing("web:1", with: "web:1, scale: 0")),
        Scenario(name: "service removed", from: pair, to: "services: {db: {image: db:1}}"),
        Scenario(
            name: "service renamed with its port",
            from: "services: {web: {image: web:1, ports: [\"80:80\"]}}",
            to: "services: {proxy: {image: proxy:1, ports: [\"80:80\"]}}"),
        Scenario(
            name: "port moves to another service",
            from: "services: {web: {image: web:1, ports: [\"80:80\"]}}",
            to: """
                services:
                  web: {image: web:1, depends_on: [proxy]}
                  proxy: {image: proxy:1, ports: ["80:80"]}
                """),
        Scenario(
            name: "two services swap their ports",
            from: """
                services:
                  web: {image: web:1, ports: ["80:80"]}
                  db: {image: db:1, ports: ["81:80"], depends_on: [web]}
                """,
            to: """
                services:
                  web: {image: web:1, ports: ["81:80"]}
                  db: {image: db:1, ports: ["80:80"], depends_on: [web]}
                """),
        Scenario(
            name: "two services swap their addresses",
            from: """
                services:
                  web: {image: web:1, networks: {default: {ipv4_address: 10.9.0.2}}}
                  db: {image: db:1, networks: {default: {ipv4_address: 10.9.0.3}}}
                networks: {default: {ipam: {config: [{subnet: 10.9.0.0/24}]}}}
                """,
            to: """
                services:
                  web: {image: web:1, networks: {default: {ipv4_address: 10.9.0.3}}}
                  db: {image: db:1, networks: {default: {ipv4_address: 10.9.0.2}}}
                networks: {default: {ipam: {config: [{subnet: 10.9.0.0/24}]}}}
                """),
        Scenario(
            name: "container name moves to another service",
            from: "services: {web: {image: web:1, container_name: main}, db: {image: db:1, container_name: other}}",
            to: "services: {web: {image: web:1, container_name: other}, db: {image: db:1, container_name: main}}"),
        Scenario(
            name: "container name changed", from: pair,
            to: pair.replacing("web:1", with: "web:1, container_name: front")),
        Scenario(name: "namespace owner changed", from: sharing, to: sharing.replacing("db:1", with: "db:2")),
        Scenario(
            name: "namespace owner stopped", from: sharing, to: sharing,
            change: { try $0.engine.change("shop-db-1") { $0.state = .exited } }),
        Scenario(
            name: "restart with a dependency",
            from:
                "services: {web: {image: web:1, depends_on: {db: {condition: service_started, restart: true}}}, db: {image: db:1}}",
            to:
                "services: {web: {image: web:1, depends_on: {db: {condition: service_started, restart: true}}}, db: {image: db:2}}"
        ),
        Scenario(
            name: "network definition changed", from: networked,
            to: networked.replacing("back: {}", with: "back: {labels: {a: b}}")),
        Scenario(
            name: "network and a service in it changed", from: networked,
            to: networked.replacing("back: {}", with: "back: {labels: {a: b}}").replacing("web:1", with: "web:2")),
        Scenario(
            name: "both networks changed and a service goes", from: networked,
            to: """
                services:
                  web: {image: web:1, networks: [front, back]}
                  db: {image: db:1, networks: [back]}
                networks: {front: {labels: {a: b}}, back: {labels: {a: b}}}
                """),
        Scenario(
            name: "a container left its network", from: networked, to: networked,
            change: { try $0.engine.change("shop-web-1") { $0.networks["shop_back"] = nil } }),
        Scenario(name: "container removed by hand", from: pair, to: pair, change: { $0.engine.remove("shop-web-1") }),
        Scenario(
            name: "container stopped by hand", from: pair, to: pair,
            change: { try $0.engine.change("shop-web-1") { $0.state = .exited } }),
        Scenario(
            name: "container paused by hand", from: pair, to: pair,
            change: { try $0.engine.change("shop-web-1") { $0.state = .paused } }),
        Scenario(
            name: "paused container replaced", from: pair, to: pair.replacing("web:1", with: "web:2"),
            change: { try $0.engine.change("shop-web-1") { $0.state = .paused } }),
        Scenario(
            name: "stopped container replaced", from: pair, to: pair.replacing("web:1", with: "web:2"),
            change: { try $0.engine.change("shop-web-1") { $0.state = .exited } }),
        Scenario(
            name: "failed job", from: shop, to: shop,
            change: { try $0.engine.change("shop-job-1") { $0.exitCode = 1 } }),
        Scenario(
            name: "image moved", from: pair, to: pair, change: { $0.engine.setImage("web:1", id: "sha256:moved") }),
        Scenario(
            name: "recreation broke after the old one went", from: pair, to: pair,
            change: { try $0.engine.change("shop-web-1") { $0.name = "c00000000001_shop-web-1" } }),
        Scenario(
            name: "recreation broke after the new one was created", from: pair, to: pair,
            change: { try $0.leaveBrokenRecreation() }),
        Scenario(
            name: "broken recreation and another change", from: pair, to: pair.replacing("web:1", with: "web:2"),
            change: { try $0.leaveBrokenRecreation() }),
        Scenario(
            name: "profile no longer active",
            from: "services: {web: {image: web:1, profiles: [all]}, db: {image: db:1}}",
            to: "services: {web: {image: web:1, profiles: [all]}, db: {image: db:1}}"),
        Scenario(
            name: "volume added", from: pair,
            to: pair.replacing("db:1}", with: "db:1, volumes: [\"data:/data\"]}") + "\nvolumes: {data: {}}"),
        Scenario(
            name: "network of a one-off container changed", from: networked,
            to: networked.replacing("back: {}", with: "back: {labels: {a: b}}"),
            change: { try $0.runOneOff(of: "shop-db-1") }),
        Scenario(
            name: "made by docker compose", from: shop, to: shop.replacing("web:1", with: "web:2"),
            change: { $0.forgetWatcher() }),
        Scenario(
            name: "parked container left over", from: pair, to: pair.replacing("web:1", with: "web:2"),
            change: { try $0.leaveParked() }),
    ]
}

extension World {
    /// As docker compose leaves it when it is killed between creating the new container and removing the old one: the
    /// new one, of the same project, under a temporary name.
    mutating func leaveBrokenRecreation() throws {
        guard var copy = engine.state.containers.first(where: { $0.name == "shop-web-1" }) else { return }
        try engine.change("shop-web-1") { $0.labels[ComposeLabels.configHash] = "old" }
        copy.name = "\(copy.id.short)_shop-web-1"
        copy.id = ContainerID(hex: engine.nextID("d"))
        copy.state = .created
        copy.startedAt = nil
        engine.state.containers.append(copy)
    }

    /// A container that an earlier deployment parked and did not remove.
    mutating func leaveParked() throws {
        guard var copy = engine.state.containers.first(where: { $0.name == "shop-web-1" }) else { return }
        copy.name = "shop-web-1.parked-1"
        copy.id = ContainerID(hex: engine.nextID("d"))
        copy.state = .exited
        engine.state.containers.append(copy)
    }

    /// A container of `docker compose run`, which shares the network.
    mutating func runOneOff(of name: String) throws {
        guard var copy = engine.state.containers.first(where: { $0.name == name }) else { return }
        copy.name = "shop-db-run-1"
        copy.id = ContainerID(hex: engine.nextID("d"))
        copy.isOneOff = true
        engine.state.containers.append(copy)
    }

    /// As if docker compose had made everything.
    mutating func forgetWatcher() {
        previous = nil
        for index in engine.state.containers.indices {
            for label in [
                ComposeLabels.watcherProject, ComposeLabels.watcherCommit, ComposeLabels.watcherDeployment,
                ComposeLabels.watcherContentHash,
            ] {
                engine.state.containers[index].labels[label] = nil
            }
        }
    }
}
