import Testing
import YAML

@testable import Compose

struct ConsistencyTests {
    @Test(arguments: [
        ("web: {}", "2:8: services.web: has neither an image nor a build"),
        ("web: {image: $UNSET}", "2:16: services.web.image: is empty, and there is no build"),
        (
            "web: {image: x, networks: [fornt]}\nnetworks: {front: }",
            "2:30: services.web.networks: undefined network \"fornt\"; did you mean \"front\"?"
        ),
        (
            "web: {image: x, volumes: [\"data:/d\"]}",
            "2:29: services.web.volumes[0]: undefined volume \"data\""
        ),
        (
            "web: {image: x, secrets: [s], configs: [c]}",
            "2:43: services.web.configs[0]: undefined config \"c\"\n"
                + "/p/compose.yaml:2:29: services.web.secrets[0]: undefined secret \"s\""
        ),
        ("web: {image: x, depends_on: [db]}", "2:32: services.web.depends_on: undefined service \"db\""),
        (
            "web: {image: x, network_mode: \"service:db\"}",
            "2:33: services.web.depends_on: undefined service \"db\""
        ),
        (
            "web: {image: x, network_mode: host, networks: [default]}",
            "2:50: services.web.networks: undefined network \"default\"\n"
                + "/p/compose.yaml:2:33: services.web: network_mode and networks are mutually exclusive"
        ),
        (
            "web: {image: x, container_name: same}\n  db: {image: y, container_name: same}",
            "3:34: services.db.container_name: \"same\" is already the container of service \"web\""
        ),
        (
            "web: {image: x, container_name: one, scale: 2}",
            "2:35: services.web.container_name: 2 containers cannot share one name"
        ),
        (
            "web: {image: x, scale: 2, deploy: {replicas: 3}}",
            "2:26: services.web: scale and deploy.replicas must not differ"
        ),
        (
            "web: {image: x, tmpfs: /d, volumes: [/d]}",
            "2:40: services.web.volumes[0]: \"/d\" is already mounted, at /p/compose.yaml:2:26"
        ),
        (
            "web: {image: x, healthcheck: {test: [curl, a]}}",
            "2:40: services.web.healthcheck.test: a list must start with NONE, CMD or CMD-SHELL"
        ),
        (
            "web: {build: {context: ., dockerfile_inline: x, dockerfile: y}}",
            "2:48: services.web.build: dockerfile and dockerfile_inline are mutually exclusive"
        ),
        (
            "web: {image: x, platform: a, build: {platforms: [b]}}",
            "2:52: services.web.build.platforms: must include the service's platform \"a\""
        ),
        ("web: {image: x}\nsecrets: {s: {file: \"\"}}", ""),
        (
            "a: {image: x, depends_on: [b]}\n  b: {image: x, links: [c]}\n  c: {image: x, volumes_from: [a]}",
            "4:32: services.c.depends_on: dependency cycle: a -> b -> c -> a"
        ),
    ])
    func `Parts that do not fit together are told with their place`(services: String, problem: String) {
        let found = problems("services:\n  \(services)\n")
        #expect(found == (problem.isEmpty ? "" : "/p/compose.yaml:" + problem))
    }

    @Test func `Only enabled services count`() throws {
        let files = MemoryFiles([
            "compose.yaml": """
            services:
              web: {image: x, depends_on: [db]}
              db: {image: y, profiles: [data], networks: [none]}
            """
        ])
        #expect(
            files.problems()
                == "/p/compose.yaml:2:32: services.web.depends_on: service \"db\" is not enabled by the active profiles"
        )
        #expect(files.problems { $0.profiles = ["data"] }.contains("undefined network \"none\""))
    }
}

struct NormalizationTests {
    @Test func `Services without networks share the default network`() throws {
        let tree = try tree(
            "services: {web: {image: x}, host: {image: x, network_mode: host}, n: {image: x, networks: [n]}}\nnetworks: {n: }"
        )
        #expect(tree.web("networks") == "{default: null}")
        #expect(tree.root["networks"]?.flow == "{n: {name: \"p_n\"}, default: {name: \"p_default\"}}")
        #expect(tree.root.descendant("services", "host", "networks") == nil)
    }

    @Test func `No service uses the default network, no default network`() throws {
        let tree = try tree("services: {web: {image: x, network_mode: host}}")
        #expect(tree.root["networks"] == nil)
    }

    @Test func `Resources are named after the project unless they are external or named`() throws {
        let tree = try tree(
            "services: {web: {image: x}}\nvolumes: {a: , b: {external: true}, c: {name: own}, d: {external: {name: e}}}"
        )
        #expect(
            tree.root["volumes"]?.flow
                == "{a: {name: \"p_a\"}, b: {external: true, name: \"b\"}, c: {name: \"own\"}, "
                + "d: {external: true, name: \"e\"}}")
    }

    @Test func `Links, shared namespaces and volumes imply dependencies`() throws {
        let tree = try tree(
            """
            services:
              web: {image: x, links: ["a:alias"], ipc: "service:b", volumes_from: ["c:ro", "container:z"], depends_on: [c]}
              a: {image: x}
              b: {image: x}
              c: {image: x}
            """)
        #expect(
            tree.web("depends_on")
                == "{c: {condition: \"service_started\", required: true}, "
                + "a: {condition: \"service_started\", required: true, restart: true}, "
                + "b: {condition: \"service_started\", required: true, restart: true}}")
    }

    @Test func `Keys without value take the variable's`() throws {
        let tree = try tree(
            "services: {web: {build: {context: ., args: {A: , B: }}, environment: {A: , B: }}, l: {image: x, environment: [A, B]}}",
            environment: ["A": "1"])
        #expect(tree.web("environment") == "{A: \"1\", B: null}")
        #expect(tree.web("build").contains("args: {A: \"1\"}"))
        #expect(tree.root.descendant("services", "l", "environment")?.flow == "[\"A=1\", \"B\"]")
    }
}

struct PathTests {
    @Test(arguments: [
        ("/a/../b/./c/", "/b/c"), ("a/../../b", "../b"), ("", "."), ("/..", "/"), ("//a//b", "/a/b"), ("a/..", "."),
    ])
    func `Paths are cleaned`(path: String, expected: String) { #expect(CleanPath.cleaned(path) == expected) }

    @Test func `Home is expanded where it is known`() throws {
        let files = MemoryFiles(["compose.yaml": "services: {web: {image: x, volumes: [\"~/a:/a\"]}}\n"])
        #expect(try files.tree { $0.home = "/home/u" }.web("volumes").contains("source: \"/home/u/a\""))
        #expect(try files.tree().web("volumes").contains("source: \"/p/~/a\""))
    }

    @Test(arguments: [
        ("1.2.3.4", true), ("::1", true), ("::", true), ("fe80::1:2", true), ("::ffff:1.2.3.4", true),
        ("1:2:3:4:5:6:7:8", true), ("1.2.3", false), ("1.2.3.256", false), ("01.2.3.4", false), (":::", false),
        ("1::2::3", false), ("1:2:3:4:5:6:7:8:9", false), ("g::", false), ("localhost", false), ("", false),
    ])
    func `IP addresses are told from other text`(text: String, expected: Bool) {
        #expect(IPAddress.isValid(text) == expected)
    }
}
