import Testing

@testable import Compose

struct DeploymentCheckTests {
    private func problems(_ json: String, environment: [String: String] = [:]) throws -> [String] {
        try Project.from(json: json, environment: environment).deploymentProblems().map { "\($0.path): \($0.message)" }
    }

    @Test func `what only a swarm or docker compose itself can do is named`() throws {
        let found = try problems(
            """
            {"services": {"a": {"image": "NO", "models": {"m": null}, "configs": [{"source": "c"}],
                "secrets": [{"source": "s"}], "healthcheck": {"start_interval": "1s"}}, "b": {"provider": {"type": "x"}}},
             "configs": {"c": {"external": true}}, "secrets": {"s": {"file": "/s", "driver": "d"}},
             "models": {"m": {"model": "ai/x"}}}
            """)
        #expect(
            found == [
                "services.a.models: models need Docker Model Runner",
                "services.a.healthcheck: start_interval needs start_period",
                "services.a.image: \"NO\" is no valid image reference",
                "services.b.provider: providers need docker compose's plugins",
                "configs.c: external configs exist only in a swarm",
                "secrets.s: drivers of secrets exist only in a swarm",
            ])
    }

    @Test func `more containers than an engine can run are refused, and are no trouble before`() throws {
        #expect(
            try problems(
                """
                {"services": {"a": {"image": "i", "deploy": {"replicas": 100000000}}, "b": {"image": "i", "scale": 1001},
                    "c": {"image": "i", "scale": 1000}}}
                """) == [
                    "services.a.deploy.replicas: 100000000 replicas; a service may have at most 1000",
                    "services.b.scale: 1001 replicas; a service may have at most 1000",
                ])
        let services = (0..<8).map { "\"s\($0)\": {\"image\": \"i\", \"scale\": 1000}" }.joined(separator: ",")
        #expect(
            try problems("{\"services\": {\(services)}}") == [
                "services.s5: the project has more than 5000 containers together"
            ])
    }

    @Test func `what is deployed but has no effect is warned of`() throws {
        let project = try Project.from(
            json: """
                {"services": {"a": {"image": "i", "networks": {"n": null}, "volumes_from": ["b", "b:ro"],
                    "configs": [{"source": "c", "mode": 256}],
                    "secrets": [{"source": "s", "uid": "1"}, {"source": "t", "uid": "1"}, {"source": "u"}]},
                    "b": {"image": "i"}},
                 "configs": {"c": {"file": "/c"}}, "networks": {"n": {"ipam": {"options": {"a": "b"}}}},
                 "secrets": {"s": {"file": "/s"}, "t": {"environment": "T"}, "u": {"file": "/u"}}}
                """)
        #expect(
            project.deploymentWarnings().map(\.path) == [
                "services.a.configs[0]", "services.a.secrets[0]", "services.a.volumes_from[1]",
                "networks.n.ipam.options",
            ])
    }

    @Test func `content that must be copied does not go into a read-only service`() throws {
        let json = """
            {"services": {"a": {"image": "i", "read_only": true, "secrets": [{"source": "s"}]}},
             "secrets": {"s": {"environment": "S"}}}
            """
        let readOnly = "services.a.secrets: \"s\" is not a file, so it cannot be put into a read-only service"
        #expect(try problems(json, environment: ["S": "x"]) == [readOnly])
        #expect(
            try problems(json) == [readOnly, "secrets.s: the variable S that holds the content is not set"])
    }

    @Test func `a mount goes to an absolute path`() throws {
        let json = """
            {"services": {"a": {"image": "i", "volumes": [{"type": "volume", "target": "v:/v"},
                {"type": "bind", "source": "/x", "target": "y"}, {"type": "bind", "source": "/x", "target": "/y"}]}}}
            """
        #expect(
            try problems(json) == [
                "services.a.volumes[0]: \"v:/v\" is no absolute path in the container; a name of one letter before a "
                    + "colon is a Windows drive, so use the long syntax",
                "services.a.volumes[1]: \"y\" is no absolute path in the container",
            ])
    }

    @Test func `what no container can be made of is named`() throws {
        let json = """
            {"services": {"a": {"image": "i", "uts": "service:b", "restart": "on-failure:often",
                "security_opt": ["no-new-privileges", "seccomp=unconfined", "label:disable", "privileged"], "volumes": [
                    {"type": "npipe", "source": "x", "target": "y"},
                    {"type": "bind", "source": "/x", "target": "/y", "bind": {"selinux": "z"}},
                    {"type": "bind", "source": "/x", "target": "/z",
                        "bind": {"selinux": "z", "create_host_path": true}}]},
                "b": {"image": "i", "restart": "on-failure:3"}}}
            """
        #expect(
            try problems(json) == [
                "services.a.volumes[0]: named pipes exist only in Windows containers",
                "services.a.volumes[1].bind.selinux: goes only with create_host_path: true and without other options; "
                    + "docker compose drops it",
                "services.a.uts: service:b cannot be shared with a service; the engine knows host and private only",
                "services.a.restart: \"on-failure:often\" has no number after the colon",
                "services.a.security_opt[3]: \"privileged\" is neither no-new-privileges nor name=value",
            ])
    }

    @Test func `what this version cannot do is refused, not ignored`() throws {
        let json = """
            {"services": {
                "a": {"image": "i", "pull_policy": "refresh"}, "c": {"image": "i", "pull_policy": "build"},
                "b": {"image": "i", "use_api_socket": true, "credential_spec": {"file": "spec.json"}}}}
            """
        #expect(
            try problems(json) == [
                "services.b.use_api_socket: passing on the engine's socket with credentials is not supported",
                "services.b.credential_spec: credential specs exist only on Windows",
                "services.a.pull_policy: \"refresh\" is no policy; use always, missing, never, build, daily, weekly or "
                    + "every_<duration>",
                "services.c.pull_policy: \"build\" needs a build section",
            ])
    }

    @Test func `what only BuildKit builds is named, and services that fight for one image`() throws {
        let json = """
            {"services": {
                "a": {"image": "i", "build": {"context": "https://git.example.com/x.git", "secrets": [{"source": "s"}],
                    "ssh": {"default": null}, "additional_contexts": {"x": "/x"}, "cache_to": ["c"],
                    "entitlements": ["e"], "privileged": true, "provenance": "true", "sbom": "false",
                    "platforms": ["linux/amd64", "linux/arm64"], "cache_from": ["img:1", "type=registry,ref=x"],
                    "tags": ["ok", "NO"]}},
                "b": {"image": "i", "build": {"context": "/b"}},
                "c": {"image": "j", "platform": "linux/amd64"}, "d": {"image": "j", "platform": "linux/arm64/v8"}},
             "secrets": {"s": {"file": "/s"}}}
            """
        let paths = try problems(json).map { $0.split(separator: ":")[0] }
        #expect(
            paths == [
                "services.a.build.context", "services.a.build.secrets", "services.a.build.ssh",
                "services.a.build.additional_contexts", "services.a.build.cache_to", "services.a.build.entitlements",
                "services.a.build.privileged", "services.a.build.provenance", "services.a.build.platforms",
                "services.a.build.cache_from[1]", "services.a.build.tags[1]", "services.b.build", "services.d.platform",
            ])
    }

    @Test(arguments: [
        (#""container_name": "main""#, "container_name gives main to one container at a time"),
        (#""network_mode": "host""#, "with network_mode: host both would listen on the same ports"),
        (#""network_mode": "service:b""#, "it shares a namespace with b"),
        (#""pid": "service:b""#, "it shares a namespace with b"),
        (#""ipc": "container:x""#, "it shares the namespace of container:x"),
        (#""mac_address": "02:42:ac:11:00:02""#, "MAC address 02:42:ac:11:00:02 is for one container at a time"),
        (
            #""ports": [{"target": 80}, {"target": 80, "published": "8080"}]"#,
            "host port 8080 can be bound by one container at a time"
        ),
        (
            #""ports": [{"target": 80, "published": "8080-8082"}], "scale": 3"#,
            "host port 8080-8082 can be bound by one container at a time"
        ),
        (
            #""networks": {"default": {"ipv4_address": "10.9.0.2"}}"#,
            "address 10.9.0.2 in network default is for one container at a time"
        ),
    ])
    func `start-first is refused where two containers cannot run side by side`(
        _ attribute: String, _ reason: String
    ) throws {
        func json(_ order: String) -> String {
            let update = #""deploy": {"update_config": {"order": "\#(order)"}}"#
            return #"{"services": {"a": {"image": "i", \#(update), \#(attribute)}, "b": {"image": "i"}}}"#
        }
        #expect(
            try problems(json("start-first")) == [
                "services.a.deploy.update_config.order: start-first is not possible: \(reason); use stop-first"
            ])
        #expect(try problems(json("stop-first")).isEmpty)
    }

    @Test func `start-first is refused for a service whose namespace others share, and allowed elsewhere`() throws {
        let update = #""deploy": {"update_config": {"order": "start-first"}}"#
        #expect(
            try problems(
                #"{"services": {"a": {"image": "i", \#(update)}, "b": {"image": "i", "network_mode": "service:a"}}}"#)
                == [
                    "services.a.deploy.update_config.order: start-first is not possible: b shares its namespace; "
                        + "use stop-first"
                ])
        let fine =
            #""image": "i", "ports": [{"target": 80}, {"target": 81, "published": "8080-8083"}], "scale": 3, "#
            + #""volumes_from": ["b"]"#
        #expect(
            try problems(#"{"services": {"a": {\#(fine), \#(update)}, "b": {"image": "i"}}}"#).isEmpty)
    }

    @Test func `what update_config asks for and does not get is warned of`() throws {
        let json = """
            {"services": {
                "a": {"image": "i", "deploy": {"update_config": {"failure_action": "pause", "max_failure_ratio": 0.5}}},
                "b": {"image": "i", "deploy": {"update_config": {"failure_action": "rollback", "parallelism": 2}}}}}
            """
        #expect(
            try Project.from(json: json).deploymentWarnings().map { "\($0.path): \($0.message)" } == [
                "services.a.deploy.update_config.failure_action: a deployment that fails is undone as a whole, whatever "
                    + "this says",
                "services.a.deploy.update_config.max_failure_ratio: one container that fails is enough for the "
                    + "deployment to fail",
            ])
    }

    @Test func `an ordinary project can be deployed`() throws {
        #expect(
            try problems(
                """
                {"services": {"a": {"image": "nginx", "read_only": true, "configs": [{"source": "c"}]}},
                    "configs": {"c": {"file": "/c"}}}
                """
            ).isEmpty)
    }
}
