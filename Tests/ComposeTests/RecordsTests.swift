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

    @Test func `what every record has stays required`() {
        let record = Data(#"{"workingDirectory": "/srv/shop", "configFiles": []}"#.utf8)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(Project.self, from: record) }
    }
}
