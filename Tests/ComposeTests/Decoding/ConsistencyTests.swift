import Testing

@testable import Compose

struct ConsistencyTests {
    @Test(arguments: [
        ("{}", "services.a: the service has neither an image nor a build context"),
        (#"{"image": "i", "networks": {"n": null}}"#, "services.a.networks.n: there is no network \"n\""),
        (
            #"{"image": "i", "volumes": [{"type": "volume", "source": "v", "target": "/v"}]}"#,
            "services.a.volumes: there is no volume \"v\""
        ),
        (#"{"image": "i", "secrets": [{"source": "s"}]}"#, "services.a.secrets: there is no secret \"s\""),
        (#"{"image": "i", "configs": [{"source": "c"}]}"#, "services.a.configs: there is no config \"c\""),
        (#"{"image": "i", "models": {"m": null}}"#, "services.a.models.m: there is no model \"m\""),
        (#"{"image": "i", "depends_on": {"b": {}}}"#, "services.a.depends_on.b: there is no service \"b\""),
        (#"{"image": "i", "network_mode": "service:b"}"#, "services.a.network_mode: there is no service \"b\""),
        (
            #"{"image": "i", "network_mode": "host", "networks": {"default": null}}"#,
            "services.a.network_mode: network_mode and networks exclude each other"
        ),
        (#"{"image": "i", "scale": -1}"#, "services.a.scale: the number of replicas must not be negative"),
        (#"{"image": "i", "scale": 1, "deploy": {"replicas": 2}}"#, "services.a.scale: scale and deploy.replicas"),
        (#"{"image": "i", "scale": 2, "container_name": "x"}"#, "services.a.container_name: a container's name"),
        (
            #"{"image": "i", "cpus": 1, "deploy": {"resources": {"limits": {"memory": "1g"}}}}"#,
            "services.a.cpus: cpus and deploy.resources.limits.cpus"
        ),
        (
            #"{"image": "i", "mem_limit": 1, "deploy": {"resources": {"limits": {"memory": 2}}}}"#,
            "services.a.mem_limit: mem_limit and deploy.resources.limits.memory"
        ),
        (
            #"{"image": "i", "tmpfs": ["/t:size=1"], "volumes": [{"type": "bind", "source": "/", "target": "/t"}]}"#,
            "services.a.volumes: something is already mounted at /t"
        ),
        (#"{"image": "i", "healthcheck": {"test": ["curl"]}}"#, "services.a.healthcheck.test: the list must start"),
        (
            #"{"build": {"context": "/", "dockerfile": "D", "dockerfile_inline": "FROM x"}}"#,
            "services.a.build: dockerfile and dockerfile_inline exclude each other"
        ),
        (
            #"{"platform": "linux/arm64", "build": {"context": "/", "platforms": ["linux/amd64"]}}"#,
            "services.a.build.platforms: the platforms must include"
        ),
        (#"{"image": "i", "depends_on": {"a": {}}}"#, "services.a.depends_on: the services depend on each other"),
    ])
    func `a rule that the project breaks is named with its place`(service: String, problem: String) throws {
        let json = #"{"services": {"a": \#(service)}, "networks": {"default": {"name": "p_default"}}}"#
        let found = try problems(json: json)
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix(problem) == true, "\(found)")
    }

    @Test func `a container's name cannot be given twice`() throws {
        let json = """
            {"services": {"a": {"image": "i", "container_name": "x"}, "b": {"image": "i", "container_name": "x"}}}
            """
        #expect(
            try problems(json: json) == [
                "services.b.container_name: the container name \"x\" is already used by the service \"a\""
            ])
    }

    @Test func `services nobody enables are not held to the rules`() throws {
        #expect(try problems(json: #"{"services": {"a": {"profiles": ["p"], "networks": {"n": null}}}}"#).isEmpty)
    }

    @Test func `a circle of dependencies is named in full`() throws {
        let json = """
            {"services": {"a": {"image": "i", "depends_on": {"b": {}}}, "b": {"image": "i", "depends_on": {"c": {}}},
                "c": {"image": "i", "depends_on": {"b": {}}}}}
            """
        #expect(
            try problems(json: json) == [
                "services.b.depends_on: the services depend on each other in a circle: b → c → b"
            ])
    }
}
