import Testing
import YAML

@testable import Compose

struct SchemaTests {
    @Test func `All problems of a file come at once, in its order, with the nearest known key`() {
        let text = """
            services:
              web:
                imgae: x
                image: 5
                tty: [a]
                depends_on: {db: {condition: service_healty}}
              db:
                image: y
                ports: 80
                healthcheck: {intervall: 5s}
            netwroks: {}
            """
        #expect(
            problems(text) == """
                /p/compose.yaml:3:5: services.web: unknown key "imgae"; did you mean "image"?
                /p/compose.yaml:4:12: services.web.image: expected a string, got the number 5
                /p/compose.yaml:5:10: services.web.tty: expected a boolean or a string, got a list
                /p/compose.yaml:6:34: services.web.depends_on.db.condition: expected one of "service_started", \
                "service_healthy", "service_completed_successfully", got "service_healty"; did you mean "service_healthy"?
                /p/compose.yaml:9:12: services.db.ports: expected a list, got the number 80
                /p/compose.yaml:10:19: services.db.healthcheck: unknown key "intervall"; did you mean "interval"?
                /p/compose.yaml:11:1: unknown key "netwroks"; did you mean "networks"?
                """)
    }

    @Test(arguments: [
        (
            "volumes: [{type: bnid, target: /a}]",
            "4:22: services.web.volumes[0].type: expected one of \"bind\", \"volume\", \"tmpfs\", \"cluster\", \"npipe\", "
                + "\"image\", got \"bnid\"; did you mean \"bind\"?"
        ),
        ("volumes: [{target: /a}]", "4:15: services.web.volumes[0]: the key \"type\" is missing"),
        (
            "environment: {A: [1]}",
            "4:22: services.web.environment.A: expected a string or a number or a boolean or null, got a list"
        ),
        (
            "labels: {since: 2020-01-01}",
            "4:21: services.web.labels.since: expected a string or a number or a boolean or null, got the date "
                + "2020-01-01; quote it"
        ),
        ("cap_add: [{a: b}]", "4:15: services.web.cap_add[0]: expected a string, got a mapping"),
        ("security_opt: [a, a]", "4:23: services.web.security_opt[1]: is already in the list, at line 4"),
        (
            "oom_score_adj: 1001",
            "4:20: services.web.oom_score_adj: expected an integer from -1000 to 1000, got the number 1001"
        ),
        ("ulimits: {nofile: {soft: 1}}", "4:23: services.web.ulimits.nofile: the key \"hard\" is missing"),
        ("restart: no", ""), ("x-anything: {a: [1, {b: c}]}", ""), ("expose: [80, \"81\"]", ""),
        ("cpu_count: 1.0", ""), ("command: null", ""), ("pull_policy: every_5m", ""),
    ])
    func `Attributes have the shape that Compose defines`(attribute: String, problem: String) {
        let found = problems("services:\n  web:\n    image: x\n    \(attribute)\n")
        #expect(found == (problem.isEmpty ? "" : "/p/compose.yaml:" + problem))
    }

    @Test(arguments: [
        ("[]", "1:1: a Compose file must be a mapping, got a list"),
        ("a", "1:1: a Compose file must be a mapping, got a string"),
        (
            "services: {a b: {image: x}}",
            "1:12: services: \"a b\" is not a name of letters, digits, '.', '_' and '-'"
        ),
        ("services: {web: }", "1:17: services.web: expected a mapping, got null"),
        ("services: []", "1:11: services: expected a mapping, got a list"),
        (
            "services: {web: {image: x}, web: {image: y}}",
            "1:29: key \"web\" is already defined at line 1, column 12"
        ),
        (
            "services: {web: {image: x}}\nvolumes: {v: {external: true, driver: d}}",
            "2:31: volumes.v: \"external\" and \"driver\" conflict: an external volume is not created here"
        ),
        (
            "services: {web: {image: x}}\nnetworks: {n: {external: {name: a}, name: b}}",
            "2:33: networks.n: name and external.name conflict; only use name"
        ),
        (
            "services: {web: {image: x}}\nsecrets: {s: {file: a, environment: B}}",
            "2:24: secrets.s: file, environment are mutually exclusive"
        ),
        (
            "services: {web: {image: x}}\nconfigs: {c: {}}",
            "2:14: configs.c: one of file, environment, content must be given"
        ),
        (
            "services: {web: {image: x, gpus: [{count: 1, device_ids: [a]}]}}",
            "1:58: services.web.gpus[0]: count and device_ids are mutually exclusive"
        ),
        (
            "services: {web: {image: x, volumes: [{type: bind, target: /a}]}}",
            "1:38: services.web.volumes[0]: a bind mount needs a source"
        ),
    ])
    func `Files that are none are refused with their place`(text: String, problem: String) {
        #expect(problems(text) == "/p/compose.yaml:" + problem)
    }

    @Test func `The version is dropped with a warning`() throws {
        let tree = try tree("version: \"3\"\nservices: {web: {image: x}}\n")
        #expect(tree.root["version"] == nil)
        #expect(
            tree.warnings.map(\.description)
                == ["/p/compose.yaml:1:1: version: is obsolete and has no effect; remove it"])
    }
}

struct SpellingTests {
    @Test func `Only a near word is proposed`() {
        let words = ["image", "ports", "volumes"]
        #expect(Spelling.nearest(to: "imgae", in: words) == "image")
        #expect(Spelling.nearest(to: "Volume", in: words) == "volumes")
        #expect(Spelling.nearest(to: "healthcheck", in: words) == nil)
    }
}
