import Testing
import YAML

@testable import Compose

struct MergeTests {
    private static let base = """
        services:
          web:
            image: x
            command: [a, b]
            environment: {A: 1, B: 2}
            labels: [l=1]
            ports: ["80:80"]
            volumes: ["vol:/a"]
            networks: [n]
            depends_on: [db]
            dns: 1.1.1.1
            extra_hosts: ["h:1.1.1.1"]
            logging: {driver: d, options: {a: b}}
            ulimits: {nofile: 5}
            x-note: {a: 1}
          db: {image: y}
        networks: {n: {ipam: {config: [{subnet: 10.0.0.0/24}]}}}
        volumes: {vol: , wol: }
        """

    private func merged(_ attribute: String, _ over: String) throws -> String {
        let files = MemoryFiles([
            "a.yaml": Self.base, "b.yaml": "services:\n  web:\n    \(over)\n",
        ])
        return try files.tree { $0.files = ["a.yaml", "b.yaml"] }.web(attribute)
    }

    @Test(arguments: [
        ("command", "command: [c]", "[\"c\"]"),
        ("command", "command: null", "null"),
        ("image", "image: null", "\"x\""),
        ("environment", "environment: [B=3, C]", "[\"A=1\", \"B=3\", \"C\"]"),
        ("labels", "labels: {l: 2, m: 1.50}", "[\"l=2\", \"m=1.5\"]"),
        ("dns", "dns: [2.2.2.2, 1.1.1.1]", "[\"1.1.1.1\", \"2.2.2.2\"]"),
        ("extra_hosts", "extra_hosts: [\"g:1.1.1.2\", \"h:1.1.1.1\"]", "[\"h:1.1.1.1\", \"g:1.1.1.2\"]"),
        ("logging", "logging: {options: {c: d}}", "{driver: \"d\", options: {a: \"b\", c: \"d\"}}"),
        ("logging", "logging: {driver: e}", "{driver: \"e\"}"),
        ("ulimits", "ulimits: {nofile: {soft: 1, hard: 2}}", "{nofile: {soft: 1, hard: 2}}"),
        ("networks", "networks: {n: {aliases: [z]}}", "{n: {aliases: [\"z\"]}}"),
        (
            "depends_on", "depends_on: {db: {condition: service_healthy}}",
            "{db: {condition: \"service_healthy\", required: true}}"
        ),
        ("x-note", "x-note: {b: 2}", "{a: 1, b: 2}"),
        ("image", "image: !reset null\n    build: .", ""),
        ("environment", "environment: !override {Z: 1}", "{Z: 1}"),
        ("environment", "environment: {A: !reset null}", "[\"B=2\"]"),
    ])
    func `A later file is laid over an earlier one`(attribute: String, over: String, expected: String) throws {
        #expect(try merged(attribute, over) == expected)
    }

    @Test func `A volume replaces the one at its target, a port never does`() throws {
        let volumes = try merged("volumes", "volumes: [\"wol:/a\", \"wol:/b\"]")
        #expect(volumes.contains("source: \"wol\", target: \"/a\"") && !volumes.contains("\"vol\""))
        #expect(try merged("ports", "ports: [\"80:80\", \"81:80\"]").split(separator: "target").count == 3)
        #expect(try merged("ports", "ports: !override [\"81:80\"]").split(separator: "target").count == 2)
    }

    @Test func `Pools of one subnet become one`() throws {
        let files = MemoryFiles([
            "a.yaml": Self.base,
            "b.yaml":
                "networks: {n: {ipam: {config: [{subnet: 10.0.0.0/24, gateway: 10.0.0.1}, {subnet: 10.1.0.0/24}]}}}",
        ])
        let tree = try files.tree { $0.files = ["a.yaml", "b.yaml"] }
        #expect(
            tree.root.descendant("networks", "n", "ipam", "config")?.flow
                == "[{subnet: \"10.0.0.0/24\", gateway: \"10.0.0.1\"}, {subnet: \"10.1.0.0/24\"}]")
    }

    @Test func `Documents of one file merge like files`() throws {
        let tree = try tree("services: {web: {image: a, tty: true}}\n---\nservices: {web: {image: b}}\n")
        #expect(tree.web("image") == "\"b\"")
        #expect(tree.web("tty") == "true")
    }

    @Test func `Kinds that do not fit are told with both places`() {
        let files = MemoryFiles(["a.yaml": Self.base, "b.yaml": "services:\n  web:\n    ports: 80\n"])
        #expect(
            files.problems { $0.files = ["a.yaml", "b.yaml"] }
                == "/p/b.yaml:3:12: services.web.ports: the number 80 cannot override a list (from /p/a.yaml:7:12)")
    }

    @Test func `Nodes keep the place they came from`() throws {
        let files = MemoryFiles(["a.yaml": Self.base, "b.yaml": "services:\n  web:\n    image: z\n"])
        let tree = try files.tree { $0.files = ["a.yaml", "b.yaml"] }
        #expect(tree.root.descendant("services", "web", "image")?.location.description == "/p/b.yaml:3:12")
        #expect(tree.root.descendant("services", "web", "command")?.location.description == "/p/a.yaml:4:14")
    }
}
