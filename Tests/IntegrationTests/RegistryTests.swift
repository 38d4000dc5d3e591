import Testing
import WatcherTestSupport

/// Images from registries that want a login, refuse, or are asked again after a time.
@Suite struct RegistryTests {
    private func image(_ reference: String, _ scenario: Scenario) async throws -> JSONValue {
        try await scenario.engine.json("GET", "/images/\(reference)/json")
    }

    private func forget(_ reference: String, _ scenario: Scenario) async throws {
        do {
            try await scenario.engine.request("DELETE", "/images/\(reference)", query: ["force": "1"])
        } catch let refusal as EngineObserver.Refusal where refusal.status == 404 {
            // It is not there already.
        }
    }

    /// An image of its own, by committing a container; returns its reference.
    private func newImage(_ number: Int, _ scenario: Scenario) async throws -> String {
        let id = try await scenario.engine.start(
            name: "\(scenario.id)-maker-\(number)", body: #"{"Image":"busybox:1","Cmd":["sleep","900"]}"#)
        try await scenario.engine.request(
            "POST", "/commit",
            query: [
                "container": id, "repo": scenario.id, "tag": "\(number)",
                "changes": "LABEL number=\(number) com.docker.compose.project=\(scenario.id)",
            ], body: #"{"Cmd":["sleep","900"],"StopSignal":"SIGKILL"}"#)
        try await scenario.engine.remove(container: id)
        return "\(scenario.id):\(number)"
    }

    @Test func `a login is found in config json and from helpers, and told to nobody`() async throws {
        try await Scenario.with { scenario in
            let registry = try await scenario.privateRegistry()
            let reference = try await registry.push(try await newImage(1, scenario), as: "shop/web")
            let repository = try await scenario.repository()
            try await repository.commit(
                compose: stack(service("web", "image: \(reference)", "pull_policy: always")), "begin")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            func deploy(_ configuration: String, path: String = "") async throws -> FinishedProcess {
                try await forget(reference, scenario)
                let directory = try registry.dockerConfiguration(configuration)
                let helper = try scenario.write(
                    """
                    #!/bin/sh
                    echo "$@" >> \(scenario.directory)/asked
                    read -r registry
                    echo "$registry" >> \(scenario.directory)/asked
                    echo '{"ServerURL":"x","Username":"ada","Secret":"\(registry.password)"}'

                    """, to: "bin/docker-credential-test", mode: 0o755)
                let bin = String(helper.dropLast("/docker-credential-test".count))
                return try await watcher.run(
                    "deploy", "-v",
                    environment: ["DOCKER_CONFIG": directory, "PATH": "\(bin):/usr/local/bin:/usr/bin:/bin"])
            }
            let wrong = "bad-\(scenario.id)"
            let refused = [
                "{}", #"{"auths": {"\#(registry.address)": {"username": "ada", "password": "\#(wrong)"}}}"#,
                #"{"credsStore": "absent"}"#,
            ]
            for configuration in refused {
                try await deploy(configuration).expecting(77).saying("docker login").notSaying(wrong)
            }
            #expect(try await scenario.engine.containers(project: scenario.id).isEmpty)
            for configuration in [
                #"{"auths": {"\#(registry.address)": {"auth": "LOGIN"}}}"#,
                #"{"auths": {"https://\#(registry.address)/v1/": {"auth": "LOGIN"}}}"#,
                #"{"credHelpers": {"\#(registry.address)": "test"}}"#, #"{"credsStore": "test"}"#,
            ] {
                try await deploy(configuration).expecting(0).notSaying(registry.password)
            }
            let asked = try await scenario.run("cat", ["\(scenario.directory)/asked"]).output
            #expect(asked == "get\n\(registry.address)\nget\n\(registry.address)\n")
            let dump = try await scenario.run("sqlite3", ["\(watcher.stateDirectory)/watcher.db", ".dump"]).expecting(0)
            dump.notSaying(registry.password, wrong)

            // A build begins with an image of that registry.
            try await forget(reference, scenario)
            try await repository.commit(
                [
                    "compose.yaml": "services:\n  web: {build: ., command: [sleep, '900'], stop_signal: SIGKILL}\n",
                    "Dockerfile": "FROM \(reference)\nLABEL base=private\n",
                ], "build on it")
            try await deploy("{}").expecting(77).saying("docker login")
            #expect(try await scenario.engine.container("web", in: scenario.id).labels["base"] == nil)
            try await deploy(#"{"auths": {"\#(registry.address)": {"auth": "LOGIN"}}}"#).expecting(0)
            #expect(try await scenario.engine.container("web", in: scenario.id).labels["base"] == "private")
        }
    }

    @Test(arguments: [
        ("401", 77, "docker login"), ("403", 77, "docker login"), ("404", 75, "name and tag"),
        ("429", 75, "higher limit"),
        ("html-429", 75, "higher limit"), ("html-403", 77, "docker login"), ("503", 75, "next run tries again"),
    ])
    func `what a registry answers has its own exit status and advice`(
        _ answer: String, _ status: Int, _ advice: String
    ) async throws {
        try await Scenario.with { scenario in
            let registry = try await scenario.refusingRegistry()
            let reference = "\(registry.address)/\(answer)/web:1"
            let repository = try await scenario.repository()
            try await repository.commit(compose: stack(service("web", "image: \(reference)")), "begin")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            try await watcher.run("deploy").expecting(status).saying("web", reference, advice)
            try await watcher.run("skip-list", scenario.id).notSaying("begin")
        }
    }

    // H3
    @Test func `an identity token is traded for access, from config json and from a helper`() async throws {
        try await Scenario.with { scenario in
            let registry = try await scenario.tokenRegistry()
            let (direct, image) = ("\(try TestEnvironment.registry())/\(scenario.id)", try await newImage(1, scenario))
            try await scenario.engine.request("POST", "/images/\(image)/tag", query: ["repo": direct, "tag": "1"])
            try await scenario.run(
                "curl",
                [
                    "--silent", "--fail", "--noproxy", "*", "--unix-socket", try TestEnvironment.dockerSocket(), "-X",
                    "POST", "-H", "X-Registry-Auth: e30=", "http://docker/images/\(direct)/push?tag=1",
                ]
            ).expecting(0).notSaying("errorDetail")
            let reference = "\(registry.address)/\(scenario.id):1"
            let repository = try await scenario.repository()
            try await repository.commit(
                compose: stack(service("web", "image: \(reference)", "pull_policy: always")), "begin")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            let helper = try scenario.write(
                """
                #!/bin/sh
                echo '{"ServerURL":"\(registry.address)","Username":"<token>","Secret":"\(registry.token)"}'

                """, to: "bin/docker-credential-test", mode: 0o755)
            let bin = String(helper.dropLast("/docker-credential-test".count))
            for (number, (configuration, status)) in [
                (#"{"auths": {"\#(registry.address)": {"identitytoken": "wrong"}}}"#, 77), ("{}", 77),
                (#"{"auths": {"\#(registry.address)": {"identitytoken": "\#(registry.token)"}}}"#, 0),
                (#"{"credHelpers": {"\#(registry.address)": "test"}}"#, 0),
            ].enumerated() {
                let path = try scenario.write(configuration, to: "tokens-\(number)/config.json", mode: 0o600)
                let environment = [
                    "DOCKER_CONFIG": String(path.dropLast("/config.json".count)), "PATH": "\(bin):/usr/bin:/bin",
                ]
                try await forget(reference, scenario)
                try await watcher.run("deploy", "-v", environment: environment).expecting(status)
                    .saying(status == 0 ? "pulled" : "docker login").notSaying(registry.token)
            }
            try await forget("\(direct):1", scenario)
        }
    }

    @Test func `always asks every time, once for all services; missing and never go by what is here`() async throws {
        try await Scenario.with { scenario in
            let registry = try await scenario.privateRegistry()
            let login = try registry.dockerConfiguration(#"{"auths": {"\#(registry.address)": {"auth": "LOGIN"}}}"#)
            let reference = try await registry.push(try await newImage(1, scenario), as: "app")
            try await forget(reference, scenario)
            let repository = try await scenario.repository()
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            func deploy(_ policy: String, login: String = login, _ status: Int = 0) async throws -> FinishedProcess {
                let services = ["a", "b"].map { service($0, "image: \(reference)", "pull_policy: \(policy)") }
                try await repository.commit(compose: stack(services.joined()), policy)
                return try await watcher.run("deploy", environment: ["DOCKER_CONFIG": login]).expecting(status)
            }
            func numbers() async throws -> [String?] {
                try await scenario.engine.containers(project: scenario.id).map { $0.labels["number"] }
            }
            func pulls(_ run: FinishedProcess) -> Int { run.everything.ranges(of: "pulled \(reference)").count }
            #expect(pulls(try await deploy("missing")) == 1)
            try await registry.push(try await newImage(2, scenario), as: "app")
            // Pushing gave the tag to the new image here; now it is the old one's again.
            let old = try await scenario.engine.containers(project: scenario.id)[0].imageID
            try await scenario.engine.request(
                "POST", "/images/\(old)/tag", query: ["repo": "\(registry.address)/app", "tag": "1"])
            for policy in ["missing", "never"] {
                #expect(pulls(try await deploy(policy)) == 0)
                #expect(try await numbers() == ["1", "1"])
            }
            #expect(pulls(try await deploy("always")) == 1)
            #expect(try await numbers() == ["2", "2"])
            // Nobody is let in any more: what is here goes on.
            let before = try await scenario.engine.containers(project: scenario.id)
            let nobody = try registry.dockerConfiguration("{}")
            try await watcher.run("deploy", environment: ["DOCKER_CONFIG": nobody]).expecting(0)
                .saying("the local image is used")
            #expect(try await scenario.engine.containers(project: scenario.id) == before)
            // What is not here and must not be asked for is missing.
            try await repository.commit(
                compose: stack(service("a", "image: \(registry.address)/other:1", "pull_policy: never")), "other")
            try await watcher.run("deploy", environment: ["DOCKER_CONFIG": login]).expecting(75)
                .saying("\(registry.address)/other:1", "pull policy forbids")
            #expect(try await scenario.engine.containers(project: scenario.id) == before)
        }
    }

    @Test func `an image for another platform is not what was asked for`() async throws {
        try await Scenario.with { scenario in
            let registry = try await scenario.privateRegistry()
            let docker = [
                "DOCKER_CONFIG": try registry.dockerConfiguration(
                    #"{"auths": {"\#(registry.address)": {"auth": "LOGIN"}}}"#)
            ]
            let reference = try await registry.push(try await newImage(1, scenario), as: "app")
            let own = try #require(try await image(reference, scenario)["Architecture"].text)
            let other = own == "amd64" ? "arm64" : "amd64"
            try await forget(reference, scenario)
            let repository = try await scenario.repository()
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            try await repository.commit(
                compose: stack(service("web", "image: \(reference)", "platform: linux/\(other)")), "begin")
            try await watcher.run("deploy", environment: docker).expecting(75)
                .saying("it is there for linux/\(own) only, and linux/\(other) is asked for")
            #expect(try await scenario.engine.containers(project: scenario.id).isEmpty)
            try await repository.commit(
                compose: stack(service("web", "image: \(reference)", "platform: linux/\(own)")), "correct it")
            try await watcher.run("deploy", environment: docker).expecting(0)
            let first = try await scenario.engine.container("web", in: scenario.id)
            try await watcher.run("deploy", environment: docker).expecting(0).notSaying("pulled")
            #expect(try await scenario.engine.container("web", in: scenario.id) == first)
        }
    }

    @Test func `a policy with a period goes by the time of the last pull`() async throws {
        try await Scenario.with { scenario in
            let registry = try await scenario.privateRegistry()
            let reference = try await registry.push(try await newImage(1, scenario), as: "app")
            let docker = [
                "DOCKER_CONFIG": try registry.dockerConfiguration(
                    #"{"auths": {"\#(registry.address)": {"auth": "LOGIN"}}}"#)
            ]
            try await forget(reference, scenario)
            let repository = try await scenario.repository()
            try await repository.commit(
                compose: stack(service("web", "image: \(reference)", "pull_policy: every_12h")), "begin")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            try await watcher.run("deploy", environment: docker).expecting(0).saying("pulled \(reference)")
            let before = try await scenario.engine.container("web", in: scenario.id)
            try await watcher.run("deploy", environment: docker).expecting(0).notSaying("pulled")
            // The registry has a newer one, but it is not asked yet.
            try await registry.push(try await newImage(2, scenario), as: "app")
            try await scenario.engine.request(
                "POST", "/images/\(before.imageID)/tag", query: ["repo": "\(registry.address)/app", "tag": "1"])
            try await watcher.run("deploy", environment: docker).expecting(0).notSaying("pulled")
            #expect(try await scenario.engine.container("web", in: scenario.id) == before)
            // Now its time has come.
            try await repository.commit(
                compose: stack(service("web", "image: \(reference)", "pull_policy: every_1ms")), "every tick")
            try await watcher.run("deploy", environment: docker).saying("pulled \(reference)").expecting(0)
            #expect(try await scenario.engine.container("web", in: scenario.id).labels["number"] == "2")
        }
    }

    @Test func `a rollback gets the image that ran by its digest when the engine has lost it`() async throws {
        try await Scenario.with { scenario in
            let registry = try await scenario.privateRegistry()
            let docker = [
                "DOCKER_CONFIG": try registry.dockerConfiguration(
                    #"{"auths": {"\#(registry.address)": {"auth": "LOGIN"}}}"#)
            ]
            let reference = try await registry.push(try await newImage(1, scenario), as: "app")
            try await forget(reference, scenario)
            let repository = try await scenario.repository()
            try await repository.commit(
                compose: stack(service("web", "image: \(reference)", "pull_policy: always")), "begin")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            try await watcher.run("deploy", environment: docker).expecting(0)
            let first = try await scenario.engine.container("web", in: scenario.id).imageID
            // The tag moves on, and with the next commit the new image runs.
            try await registry.push(try await newImage(2, scenario), as: "app")
            try await repository.commit(
                compose: stack(
                    service("web", "image: \(reference)", "pull_policy: always", "environment: {A: b}")), "go on")
            try await watcher.run("deploy", environment: docker).expecting(0)
            #expect(try await scenario.engine.container("web", in: scenario.id).imageID != first)
            try await forget(first, scenario)
            try await watcher.run("rollback", scenario.id, environment: docker).expecting(0).saying("@sha256:")
            #expect(try await scenario.engine.container("web", in: scenario.id).imageID == first)
            #expect(try await scenario.engine.container("web", in: scenario.id).labels["number"] == "1")
        }
    }
}
