import Compose
import Foundation
import Testing
import WatcherTestSupport

/// Records of the model that were written before it had all its fields.
@Suite struct EarlierRecordsTests {
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

    /// The value without the keys whose values are what a field holds by default.
    private func pruned(_ value: Any) -> Any {
        if let object = value as? [String: Any] {
            return object.filter { !isEmpty($0.value) }.mapValues(pruned)
        }
        return (value as? [Any])?.map(pruned) ?? value
    }

    private func isEmpty(_ value: Any) -> Bool {
        switch value {
        case let object as [String: Any]: object.isEmpty
        case let list as [NSNumber]: list.allSatisfy { $0 == 0 }  // no time at all is [0, 0]
        case let list as [Any]: list.isEmpty
        case let number as NSNumber: number == 0
        default: false
        }
    }

    @Test func `what a record lacks is empty, wherever in the project it is`() throws {
        var request = ProjectLoader.Request(workingDirectory: "/srv/shop")
        request.projectDirectory = "/srv/shop"
        let files = FileTree(["/srv/shop/compose.yaml": compose, "/srv/shop/app.env": "", "/srv/shop/t": ""])
        let project = try ProjectLoader(files: files.access).load(request).project
        let written = try JSONEncoder().encode(project)
        let earlier = try JSONSerialization.data(withJSONObject: pruned(JSONSerialization.jsonObject(with: written)))
        #expect(earlier.count < written.count / 2)
        #expect(try JSONDecoder().decode(Project.self, from: earlier) == project)
    }

    @Test func `what every record has stays required`() {
        let record = Data(#"{"workingDirectory": "/srv/shop", "configFiles": []}"#.utf8)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(Project.self, from: record) }
    }
}
