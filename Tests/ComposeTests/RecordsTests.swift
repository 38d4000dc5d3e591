import Compose
import Foundation
import Testing
import WatcherTestSupport

/// The model in records: those of now, and those that were written before it had all its fields.
@Suite struct RecordsTests {
    private let compose = """
        name: shop
        services:
          web:
            image: a
            build: {context: ., args: [A], additional_contexts: {b: .}}
            command: [sleep, "1"]
            depends_on: {db: {condition: service_healthy, restart: true}}
            deploy:
              replicas: 2
              resources: {limits: {cpus: "0.5", memory: 1m}, reservations: {generic_resources: [{discrete_resource_spec: {kind: gpu, value: 2}}]}}
              update_config: {delay: 3s, order: start-first}
              restart_policy: {condition: any}
              placement: {constraints: [a == b], preferences: [{spread: c}]}
            develop: {watch: [{path: ., action: sync, target: /x, exec: {command: [a]}}]}
            env_file: [{path: app.env, required: false}]
            environment: {A: b}
            healthcheck: {test: [CMD, a], interval: 1s}
            logging: {driver: local, options: {a: b}}
            networks: {front: {aliases: [c]}}
            ports: ["80:80"]
            post_start: [{command: [a]}]
            secrets: [{source: token, target: t}]
            ulimits: {nofile: {soft: 1, hard: 2}}
            volumes: ["data:/data", {type: bind, source: ./x, target: /x, bind: {propagation: rslave}}, "/tmp:/y"]
            blkio_config: {weight: 10, weight_device: [{path: /dev/a, weight: 1}], device_read_bps: [{path: /dev/a, rate: 1}]}
            devices: ["/dev/null:/dev/n"]
            gpus: [{count: 1}]
            tmpfs: [/t]
          db: {image: b}
          other: {image: b, profiles: [rare]}
        networks: {front: {ipam: {config: [{subnet: 10.1.0.0/16}]}}}
        volumes: {data: {driver: local}}
        configs: {c: {content: d}}
        secrets: {token: {file: ./t}}
        """

    private func load(_ compose: String) throws -> Project {
        var request = ProjectLoader.Request(workingDirectory: "/srv/shop")
        request.projectDirectory = "/srv/shop"
        let files = FileTree(["/srv/shop/compose.yaml": compose, "/srv/shop/app.env": "", "/srv/shop/t": ""])
        return try ProjectLoader(files: files.access).load(request).project
    }

    @Test func `what is empty is not written, and what a record lacks is empty`() throws {
        let project = try load(compose)
        let written = try JSONEncoder().encode(project)
        let text = String(decoding: written, as: UTF8.self)
        for key in ["privileged", "dns", "memLimit", "external", "labels"] { #expect(!text.contains("\"\(key)\"")) }
        #expect(try JSONDecoder().decode(Project.self, from: written) == project)
    }

    @Test func `what an earlier version wrote although it is empty is read`() throws {
        let record = Data(
            #"""
            {"workingDirectory": "/srv/shop", "configFiles": [], "name": "shop", "services": {"web": {"name": "web",
            "image": "a", "privileged": false, "dns": [], "memLimit": 0, "labels": {}, "ports": []}}, "volumes": {}}
            """#.utf8)
        let project = try JSONDecoder().decode(Project.self, from: record)
        var web = Service(name: "web")
        web.image = "a"
        #expect(project.services == ["web": web] && project.volumes.isEmpty)
    }

    @Test func `what is empty on purpose comes back empty`() throws {
        let project = try load(
            """
            services:
              web: {image: a, command: [], entrypoint: [], attach: false, init: false, environment: [UNSET], scale: 0}
            networks: {default: {attachable: false}}
            """)
        let service = try #require(project.services["web"])
        #expect(service.command == [] && service.entrypoint == [] && service.initProcess == false)
        let written = try JSONEncoder().encode(project)
        #expect(try JSONDecoder().decode(Project.self, from: written) == project)
    }

    /// A project as it is recorded, every kind of object in it once.
    private static let record = #"""
        {"workingDirectory": "/srv/shop", "name": "shop", "services": {"web": {"name": "web",
        "image": "a", "ports": [{"target": 80}], "volumes": [{"kind": "volume", "target": "/data"}],
        "dependsOn": {"db": {"condition": "service_started"}}, "configs": [{"source": "c"}],
        "devices": [{"source": "/dev/a", "target": "/dev/b", "permissions": "r"}],
        "envFiles": [{"path": "/a"}], "build": {"context": "."}, "provider": {"type": "p"},
        "blkioConfig": {"weightDevice": [{"path": "/dev/a"}]}}},
        "networks": {"front": {"name": "front"}}, "volumes": {"data": {"name": "data"}},
        "configs": {"c": {"name": "c"}}, "secrets": {"s": {"name": "s"}}, "models": {"m": {"model": "m"}}}
        """#

    @Test(arguments: [
        "workingDirectory", "name", "services", "services.web.name", "services.web.ports.0.target",
        "services.web.volumes.0.kind", "services.web.volumes.0.target", "services.web.dependsOn.db.condition",
        "services.web.configs.0.source", "services.web.devices.0.source", "services.web.devices.0.target",
        "services.web.devices.0.permissions", "services.web.envFiles.0.path", "services.web.provider.type",
        "services.web.blkioConfig.weightDevice.0.path", "networks.front.name", "volumes.data.name", "configs.c.name",
        "secrets.s.name", "models.m.model",
    ])
    func `a record without a key that gives the model its meaning is damaged`(path: String) throws {
        let whole = try JSONSerialization.jsonObject(with: Data(Self.record.utf8))
        func decode(_ value: Any) throws -> Project {
            try JSONDecoder().decode(Project.self, from: JSONSerialization.data(withJSONObject: value))
        }
        _ = try decode(whole)
        let keys = path.split(separator: ".").map(String.init)
        let error = #expect(throws: DecodingError.self) { _ = try decode(removing(keys[...], from: whole)) }
        guard case .keyNotFound(let key, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(key.stringValue == keys.last)
    }

    /// The JSON without what the path of keys and indices leads to.
    private func removing(_ path: ArraySlice<String>, from value: Any) -> Any {
        guard let key = path.first else { return value }
        if var members = value as? [String: Any] {
            members[key] = path.count == 1 ? nil : members[key].map { removing(path.dropFirst(), from: $0) }
            return members
        }
        guard var elements = value as? [Any], let index = Int(key) else { return value }
        elements[index] = removing(path.dropFirst(), from: elements[index])
        return elements
    }

    @Test func `a project without a service comes back as such`() throws {
        let project = Project(name: "shop", workingDirectory: "/srv/shop", configFiles: [])
        let written = try JSONEncoder().encode(project)
        #expect(try JSONDecoder().decode(Project.self, from: written) == project)
    }
}
