import Testing
import WatcherTestSupport

/// What the operator's policy and deploy windows do on a real engine.
@Suite struct OperatorPolicyTests {
    /// The program, configured anew for the repository.
    private func watcher(_ stack: Deployed, _ policy: String...) throws -> WatcherProgram {
        try stack.scenario.watcher(
            ConfiguredProject(
                stack.project, repository: stack.repository.fileURL,
                settings: ["policy:"] + policy.map { "  \($0)" }))
    }

    @Test func `a commit that asks for more than it may is refused with every place, and nothing is touched`()
        async throws
    {
        try await Scenario.with { scenario in
            let stack = try await Deployed(stack(service("web")), in: scenario)
            let before = try await stack.containers()
            let srv = "\(scenario.directory)/srv"
            _ = try await scenario.run("/bin/sh", ["-c", "mkdir -p \(srv)/data && ln -s /etc \(srv)/link"]).expecting(0)
            let watcher = try watcher(
                stack, "privileged: false", "bind_sources: [\(srv)]", "capabilities: [CHOWN]", "ports: ['127.0.0.1:*']")
            try await watcher.run("deploy").expecting(0).saying("in sync")
            try await stack.repository.commit(
                compose: """
                    services:
                      web:
                        image: no-such-registry.invalid/web:1
                        privileged: true
                        cap_add: [CHOWN, SYS_ADMIN]
                        ports:
                          - 8080:80
                        volumes:
                          - \(srv)/data:/data
                          - \(srv)/link:/link
                          - /var/run/docker.sock:/s
                    """, "ask for too much")
            let refused = try await watcher.run("deploy").expecting(77)
            refused.saying(
                "compose.yaml:4:5: services.web.privileged: runs privileged (not allowed by `projects.\(stack.project).policy.privileged`)",
                "compose.yaml:5:22: services.web.cap_add[1]: adds the capability SYS_ADMIN",
                "compose.yaml:7:9: services.web.ports[0]: publishes port 8080 at every address",
                "compose.yaml:10:9: services.web.volumes[1]: mounts \(srv)/link (/etc) of the host",
                "compose.yaml:11:9: services.web.volumes[2]: mounts /var/run/docker.sock")
            refused.notSaying("volumes[0]", "cap_add[0]", "pulling")
            #expect(try await stack.containers() == before)
            try await watcher.run("check").expecting(77).saying("services.web.privileged")
            try await watcher.run("deploy").expecting(77)
            let history = try await watcher.run("history", "--format", "json").expecting(0)
            let deployments = try JSONValue(parsing: history.output)["deployments"].elements
            #expect(deployments.map { $0["status"].text } == ["refused", "succeeded"])
            #expect(deployments.first?["reason"].text == "policy")
            try await watcher.run("status").expecting(0).saying("works, but the tip is not deployed", "it is refused:")
            try await watcher.run("skip-list").expecting(0).notSaying("ask for too much")
        }
    }

    @Test func `what runs is kept when a policy comes, but not made again`() async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(stack(service("web", "cap_add: [SYS_PTRACE]")), in: scenario)
            let before = try await stack.containers()
            let watcher = try watcher(stack, "capabilities: []")
            try await watcher.run("deploy").expecting(0).saying("what runs violates the policy")
            #expect(try await stack.containers() == before)
            try await scenario.engine.remove(container: stack.container("web").id)
            try await watcher.run("deploy").expecting(77).saying("services.web.cap_add[0]")
            try await watcher.run("start", stack.project).expecting(77)
            #expect(try await stack.containers().isEmpty)
        }
    }

    @Test func `what exists on the engine is judged as it is there, whatever a commit calls it`() async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(stack(service("web")), in: scenario)
            let (before, name, engine) = (try await stack.containers(), "\(scenario.id)-theirs", scenario.engine)
            try await engine.request("POST", "/networks/create", body: "{\"Name\":\"\(name)\"}")
            scenario.atEnd("remove the network") { try await engine.request("DELETE", "/networks/\(name)") }
            let data = "\(scenario.directory)/srv/data"
            _ = try await scenario.run("/bin/sh", ["-c", "mkdir -p \(data)"]).expecting(0)
            let options = "{\"type\":\"none\",\"o\":\"bind\",\"device\":\"\(data)\"}"
            try await engine.request(
                "POST", "/volumes/create", body: "{\"Name\":\"\(name)\",\"DriverOpts\":\(options)}")
            scenario.atEnd("remove the volume") { try await engine.request("DELETE", "/volumes/\(name)") }
            let web = service("web", "networks: [n]", "volumes: ['vol:/x:ro']")
            for external in ["", ", external: true"] {
                try await stack.repository.commit(
                    compose: Self.compose(web, "{name: \(name)\(external)}"), "use what is there\(external)")
                try await watcher(stack, "external: []").run("deploy").expecting(77)
                    .saying("uses the network \"\(name)\"", "uses the volume \"\(name)\"")
                try await watcher(stack, "bind_sources: []").run("deploy").expecting(77)
                    .saying("volumes.vol: mounts \(data)", "volume \"\(name)\"")
            }
            #expect(try await stack.containers() == before)
            try await watcher(stack, "external: [\(name)]", "bind_sources: [\(data)]").run("deploy").expecting(0)
            #expect(try await stack.containers() != before)
            try await watcher(stack, "external: []", "bind_sources: []").run("deploy").expecting(0)
                .saying("what runs violates the policy")
            try await stack.watcher.run("down", stack.project).expecting(0)
        }
    }

    private static func compose(_ service: String, _ definition: String) -> String {
        "services:\n\(service)networks: {n: \(definition)}\nvolumes: {vol: \(definition)}\n"
    }

    @Test func `a service of the configuration is judged like a commit's`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            try await repository.commit(["app": "x"], "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(
                    scenario.id, repository: repository.fileURL,
                    settings: [
                        "run:", "  image: busybox:1", "  command: [sleep, '900']", "  privileged: true", "policy:",
                        "  privileged: false",
                    ]))
            try await watcher.run("deploy").expecting(77)
                .saying("config.yaml:", "run.privileged: runs privileged").notSaying("services.")
            #expect(try await scenario.engine.containers(project: scenario.id).isEmpty)
        }
    }

    @Test func `an image is as old as it says, judged before anything is touched`() async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(stack(service("web")), in: scenario)
            let before = try await stack.containers()
            let young = try await scenario.image("LABEL young=yes")
            try await stack.repository.commit(compose: web(young), "use a young image")
            try await watcher(stack, "minimum_image_age: 1h").run("deploy").expecting(77)
                .saying("\(young) was made", "1h is the least", "compose.yaml:3:5")
            #expect(try await stack.containers() == before)
            try await watcher(stack, "minimum_image_age: 1ms").run("deploy").expecting(0)
            #expect(try await stack.container("web").id != before.first?.id)
        }
    }

    private func web(_ image: String) -> String { stack(service("web", "image: \(image)")) }

    @Test func `new commits wait for their window, and what is deployed is healed meanwhile`() async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(stack(service("web")), in: scenario)
            let watcher = try watcher(
                stack, "windows: {allow: {start: '0 0 29 2 *', for: 1m}, timezone: Europe/Berlin}")
            try await watcher.run("deploy").expecting(0).saying("in sync")
            try await stack.repository.commit(compose: web("busybox:1").replacing("900", with: "901"), "change")
            try await scenario.engine.remove(container: stack.container("web").id)
            try await watcher.run("deploy").expecting(13)
                .saying("outside of the deploy windows; the next one opens at", "-02-29 00:00 CET")
            #expect(try await stack.container("web").isRunning)
            try await watcher.run("check").expecting(13).saying("command")
            try await watcher.run("status", "--exit-code").expecting(13).saying("it waits for a deploy window")
            let status = try JSONValue(
                parsing: try await watcher.run("status", "--format", "json").expecting(0).output)["projects"].elements
            #expect(
                status.first?["tip"]["state"].text == "waiting" && status.first?["outcome"].text == "outside-window")
            let before = try await stack.containers()
            try await watcher.run("deploy", "--force").expecting(0)
            #expect(try await stack.containers() != before)
            try await watcher.run("deploy").expecting(0)
        }
    }

    @Test func `an image is verified by cosign with the digest that will run and the login of its registry`()
        async throws
    {
        try await Scenario.with { scenario in
            let stack = try await Deployed(stack(service("web")), in: scenario)
            let before = try await stack.containers()
            let registry = try await scenario.privateRegistry()
            let reference = try await registry.push(try await scenario.image("LABEL signed=yes"), as: "shop/web")
            let login = try registry.dockerConfiguration(
                #"{"auths": {"\#(registry.address)": {"username": "ada", "password": "\#(registry.password)"}}}"#)
            let program = try scenario.write(
                """
                #!/bin/sh
                echo "$@" >>\(scenario.directory)/asked
                echo "$DOCKER_CONFIG" >>\(scenario.directory)/asked
                test -e \(scenario.directory)/signed && exit
                echo 'Error: no matching signatures' >&2
                exit 10

                """, to: "bin/cosign", mode: 0o755)
            let bin = String(program.dropLast("/cosign".count))
            try await stack.repository.commit(
                compose: web(reference).replacing("image:", with: "pull_policy: always\n    image:"), "use an image")
            let watcher = try watcher(stack, "cosign: {key: /etc/watcher/cosign.pub}")
            func deploy(path: String) async throws -> FinishedProcess {
                try await watcher.run("deploy", environment: ["DOCKER_CONFIG": login, "PATH": path])
            }
            try await deploy(path: "/usr/bin:/bin").expecting(77).saying("the program `cosign` cannot be run")
            try await deploy(path: "\(bin):/usr/bin:/bin").expecting(77)
                .saying("services.web.image", "is not verified", "no matching signatures")
            #expect(try await stack.containers() == before)
            _ = try scenario.write("", to: "signed")
            try await deploy(path: "\(bin):/usr/bin:/bin").expecting(0)
            let asked = try await scenario.run("/bin/cat", ["\(scenario.directory)/asked"]).expecting(0).output
            #expect(
                asked.contains(
                    "verify --output text --key /etc/watcher/cosign.pub \(registry.address)/shop/web@sha256:"))
            #expect(asked.contains(login))
        }
    }
}
