import Testing
import WatcherTestSupport

/// The container itself: its labels, its variables, its image, and what counts as one that works.
@Suite struct ContainerTests {
    // H5
    @Test func `a container has docker compose's labels, and the one it replaces by name`() async throws {
        try await Scenario.with { scenario in
            func compose(_ value: String) -> String {
                stack(
                    service("db"),
                    service(
                        "web", "labels: {tier: \(value)}",
                        "depends_on: {db: {condition: service_started, restart: true}}"))
            }
            let deployed = try await Deployed(compose("one"), in: scenario)
            let first = try await deployed.container("web")
            let labels = first.labels.filter { $0.key.hasPrefix("com.docker.compose.") || $0.key == "tier" }
            let tree = "\(deployed.watcher.stateDirectory)/projects/\(scenario.id)/tree"
            let wanted = [
                "project": scenario.id, "service": "web", "container-number": "1", "oneoff": "False",
                "version": "2.40.3", "image": first.imageID, "depends_on": "db:service_started:true",
                "project.working_dir": tree, "project.config_files": "\(tree)/compose.yaml",
                "config-hash": first.labels["com.docker.compose.config-hash"] ?? "?",
            ]
            var all = Dictionary(uniqueKeysWithValues: wanted.map { ("com.docker.compose.\($0)", $1) })
            all["tier"] = "one"
            #expect(labels == all)
            try await deployed.deploy(compose("two"))
            #expect(try await deployed.container("web").labels["com.docker.compose.replace"] != nil)
        }
    }

    // H6
    @Test
    func `the configuration's variables win over env files, those over defaults, and what is unset is not passed`()
        async throws
    {
        try await Scenario.with { scenario in
            let env = try scenario.write("A=file\nB=file\n", to: "outside.env")
            let repository = try await scenario.repository()
            let compose = stack(
                service("web", "environment: ['X=${A}', 'B=${B-default}', 'C=${C-default}', UNSET, A]"))
            try await repository.commit(compose: compose, "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(
                    scenario.id, repository: repository.fileURL,
                    settings: ["environment: {A: given}", "env_files: [\(env)]"]))
            try await watcher.run("deploy").expecting(0)
            let web = try await scenario.engine.container("web", in: scenario.id)
            let all = try await scenario.engine.output(of: ["env"], in: web.id).split(separator: "\n").map(String.init)
            let ours = all.filter { $0.contains("=") && "ABCUX".contains($0.prefix(1)) }
            #expect(ours.sorted() == ["A=given", "B=file", "C=default", "X=given"], "\(all)")
        }
    }

    // H1
    @Test func `an image that cannot be pulled keeps every changed service as it is`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(service("web"), service("db")), in: scenario)
            let before = try await deployed.containers()
            let registry = try TestEnvironment.registry()
            try await deployed.deploy(
                stack(
                    service("web", "environment: {A: b}"),
                    service("db", "image: '\(registry)/\(scenario.id)/none:1'")), expecting: 75
            ).saying("\(scenario.id)/none:1")
            #expect(try await deployed.containers() == before)
            try await deployed.watcher.run("skip-list", deployed.project).expecting(0).notSaying("change")
        }
    }

    // H8
    @Test(arguments: ["restart: always", "restart: 'on-failure:2'"])
    func `a container that always exits is a failed deployment, whatever restarts it`(policy: String) async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            try await repository.commit(
                compose: stack(service("web", "command: [sh, -c, 'exit 6']", policy)), "begin badly")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            try await watcher.run("deploy").expecting(21).saying("web", "6")
            try await watcher.run("history", scenario.id).expecting(0).saying("failed")
            #expect(try await scenario.engine.containers(project: scenario.id).isEmpty)
        }
    }

    // H4, A9
    @Test func `a rollback runs the image that was built then, although its name is another's now`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            func dockerfile(_ word: String) -> String { "FROM busybox:1\nRUN echo \(word) > /word\n" }
            let compose = "services:\n" + service("web", "build: .").replacing("    image: busybox:1\n", with: "")
            try await repository.commit(["compose.yaml": compose, "Dockerfile": dockerfile("one")], "one")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            let deployed = Deployed(scenario: scenario, repository: repository, watcher: watcher)
            try await watcher.run("deploy").expecting(0)
            let first = try await deployed.container("web")
            try await repository.commit(["Dockerfile": dockerfile("two")], "two")
            try await watcher.run("deploy").expecting(0)
            let second = try await deployed.container("web")
            #expect(second.imageID != first.imageID)

            try await watcher.run("rollback", scenario.id).expecting(0)
            let back = try await deployed.container("web")
            #expect(back.imageID == first.imageID && back.labels["com.docker.compose.image"] == first.imageID)
            #expect(try await deployed.output("cat", "/word", of: "web") == "one")
            let tagged = try await scenario.engine.json("GET", "/images/\(scenario.id)-web/json")["Id"].text
            #expect(tagged == second.imageID)
            // The tip is on the skip list, and what runs is what was deployed: no drift, and nothing is touched.
            try await watcher.run("check").expecting(12).notSaying("recreate", "image")
            try await watcher.run("deploy").expecting(12)
            #expect(try await deployed.container("web") == back)
            // The branch goes back, too: nothing is left to do.
            try await repository.commit(["Dockerfile": dockerfile("one")], "one again")
            try await watcher.run("deploy").expecting(0)
            #expect(try await deployed.output("cat", "/word", of: "web") == "one")
            try await watcher.run("check").expecting(0)
        }
    }
}
