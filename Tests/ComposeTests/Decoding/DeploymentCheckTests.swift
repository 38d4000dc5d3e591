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

    @Test func `what this version cannot do is refused, not ignored`() throws {
        let json = """
            {"services": {
                "a": {"image": "i", "build": {"context": "/a"}, "pull_policy": "daily"},
                "b": {"image": "i", "use_api_socket": true, "credential_spec": {"file": "spec.json"}}}}
            """
        #expect(
            try problems(json) == [
                "services.a.build: images cannot be built by this version of watcher",
                "services.a.pull_policy: \"daily\" is not supported; use always, missing or never",
                "services.b.use_api_socket: passing on the engine's socket with credentials is not supported",
                "services.b.credential_spec: credential specs exist only on Windows",
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
