import Testing
import WatcherTestSupport

/// Images that are built from the commit by the real engine.
@Suite struct BuildTests {
    /// One service that is built, with these lines in its `build` section.
    private func compose(_ build: String..., more: String...) -> String {
        "services:\n  web:\n    build:\n" + build.map { "      \($0)\n" }.joined()
            + "    command: [sleep, \"900\"]\n    stop_signal: SIGKILL\n" + more.map { "    \($0)\n" }.joined()
    }

    private func imageID(_ reference: String, _ scenario: Scenario) async throws -> String {
        try await scenario.engine.json("GET", "/images/\(reference)/json")["Id"].text ?? ""
    }

    /// Deploys these files, and removes the images they make at the end.
    private func deployed(
        _ files: [String: String?], in scenario: Scenario, settings: [String] = []
    ) async throws -> (TestRepository, WatcherProgram) {
        let repository = try await scenario.repository()
        try await repository.commit(files, "begin")
        let watcher = try scenario.watcher(
            ConfiguredProject(scenario.id, repository: repository.fileURL, settings: settings))
        try await watcher.run("deploy").expecting(0)
        return (repository, watcher)
    }

    // H4
    @Test func `a service is built from the commit, rebuilt when its files change, and rolled back`() async throws {
        try await Scenario.with { scenario in
            let file = compose(
                "context: app", "target: final", "args: {GREETING: \"${WORD}\"}", "labels: {team: blue}",
                "extra_hosts: ['elsewhere:10.0.0.9']", "ulimits: {nofile: 1234}", "shm_size: 16m", "network: none")
            let dockerfile = """
                FROM busybox:1 AS base
                ARG GREETING
                RUN echo "$GREETING $(ulimit -n)" > /greeting; cat /etc/hosts >> /greeting
                FROM base AS final
                COPY . /app
                FROM base AS other
                RUN false
                """
            let (repository, watcher) = try await deployed(
                [
                    "compose.yaml": file, "app/Dockerfile": dockerfile, "app/.dockerignore": "*.log\n!kept.log\n",
                    "app/file": "one", "app/x.log": "", "app/kept.log": "", "app/deep/below": "", "outside": "",
                ], in: scenario, settings: ["environment: {WORD: hello}"])
            func web() async throws -> EngineObserver.Container {
                try await scenario.engine.container("web", in: scenario.id)
            }
            let first = try await web()
            #expect(first.image == "\(scenario.id)-web")
            #expect(first.labels["team"] == "blue" && first.labels["com.docker.compose.image"] == first.imageID)
            let files = try await scenario.engine.output(of: ["sh", "-c", "cd /app; find . | sort"], in: first.id)
            #expect(
                files.split(separator: "\n") == [
                    ".", "./.dockerignore", "./Dockerfile", "./deep", "./deep/below", "./file", "./kept.log",
                ])
            let greeting = try await scenario.engine.output(of: ["cat", "/greeting"], in: first.id)
            #expect(greeting.hasPrefix("hello 1234\n") && greeting.contains("10.0.0.9"), "\(greeting)")

            // Nothing of the image changes: nothing is built, nothing is touched.
            try await watcher.run("deploy").expecting(0).notSaying("building")
            try await repository.commit(["app/x.log": "more", "outside": "more"], "log")
            try await watcher.run("deploy").expecting(0).notSaying("building")
            #expect(try await web() == first)

            // The context changes: a new image, a new container.
            try await repository.commit(["app/file": "two"], "change the file")
            try await watcher.run("check").expecting(10).saying("its build context changed")
            try await watcher.run("deploy").expecting(0).saying("building \(scenario.id)-web")
            let second = try await web()
            #expect(second.id != first.id && second.imageID != first.imageID)
            #expect(try await scenario.engine.output(of: ["cat", "/app/file"], in: second.id) == "two")

            // A build that fails disturbs nothing and is not tried again.
            let broken = dockerfile.replacing("COPY . /app", with: "RUN echo the compiler is unhappy; exit 3")
            let bad = try await repository.commit(["app/Dockerfile": broken], "break the build")
            let failed = try await watcher.run("deploy").expecting(20)
            failed.saying("the compiler is unhappy", "web", String(bad.prefix(7)))
            try await watcher.run("skip-list", scenario.id).expecting(0).saying(String(bad.prefix(7)))
            try await watcher.run("deploy").expecting(12).notSaying("building")
            #expect(try await web() == second)
            try await watcher.run("history", "show", "\(scenario.id)/3", "--events").expecting(0)
                .saying("the compiler is unhappy")

            // The very image that ran before runs again.
            try await watcher.run("rollback", scenario.id).expecting(0)
            #expect(try await web().imageID == first.imageID)
            let rolledBack = try await web()
            try await watcher.run("deploy").expecting(12)
            #expect(try await web() == rolledBack)
        }
    }

    @Test func `a first build that fails leaves nothing behind`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            try await repository.commit(
                ["compose.yaml": compose("context: ."), "Dockerfile": "FROM busybox:1\nNONSENSE\n"], "begin")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            try await watcher.run("deploy").expecting(21).saying("NONSENSE")
            #expect(try await scenario.engine.containers(project: scenario.id).isEmpty)
            try await watcher.run("deploy").expecting(21)
            try await repository.commit(["Dockerfile": "FROM busybox:1\nLABEL fixed=yes\n"], "fix")
            try await watcher.run("deploy").expecting(0)
            #expect(try await scenario.engine.container("web", in: scenario.id).labels["fixed"] == "yes")
        }
    }

    @Test func `a Dockerfile that prints without end is recorded by its beginning and its end`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            let dockerfile = "FROM busybox:1\nRUN seq 100000; echo the end; exit 4\n"
            try await repository.commit(["compose.yaml": compose("context: ."), "Dockerfile": dockerfile], "begin")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            try await watcher.run("deploy", "--quiet", deadline: .seconds(300)).expecting(21)
            let shown = try await watcher.run("history", "show", "\(scenario.id)/1", "--events").expecting(0)
                .saying("web: 1\n", "web: 1000\n", "lines of output left out here", "web: the end\n")
            #expect(shown.output.utf8.count < 1 << 20)
        }
    }

    @Test func `an inline Dockerfile is built for all services of the image, on every deploy if asked for`()
        async throws
    {
        try await Scenario.with { scenario in
            let file =
                compose(
                    "context: app", "dockerfile_inline: |", "  FROM busybox:1", "  COPY . /app",
                    more: "image: \(scenario.id)-app", "pull_policy: build")
                + service("worker", "image: \(scenario.id)-app")
            let (_, watcher) = try await deployed(["compose.yaml": file, "app/file": "one"], in: scenario)
            let before = try await scenario.engine.containers(project: scenario.id)
            #expect(before.count == 2 && Set(before.map(\.imageID)).count == 1)
            let files = try await scenario.engine.output(of: ["ls", "-A", "/app"], in: before[0].id)
            #expect(files.split(whereSeparator: \.isWhitespace) == ["file"])
            try await watcher.run("deploy").expecting(0).saying("building \(scenario.id)-app", "pull policy")
            #expect(try await scenario.engine.containers(project: scenario.id) == before)
        }
    }

    @Test func `docker compose leaves alone what watcher built, and is left alone`() async throws {
        try await Scenario.with { scenario in
            let files = ["compose.yaml": compose("context: ."), "Dockerfile": "FROM busybox:1\nLABEL a=b\n"]
            let directory = "\(scenario.directory)/by-hand"
            for (name, text) in files { try scenario.write(text, to: "\(directory)/\(name)") }
            func up() async throws {
                try await scenario.run(
                    try TestEnvironment.compose(),
                    ["--project-name", scenario.id, "--file", "\(directory)/compose.yaml", "up", "--detach"],
                    environment: ["DOCKER_HOST": try TestEnvironment.dockerHost(), "DOCKER_BUILDKIT": "0"],
                    deadline: .seconds(120)
                ).expecting(0)
            }
            try await up()
            let theirs = try await scenario.engine.containers(project: scenario.id)
            let (repository, watcher) = try await deployed(files, in: scenario)
            #expect(try await scenario.engine.containers(project: scenario.id) == theirs)
            try await repository.commit(["Dockerfile": "FROM busybox:1\nLABEL a=c\n"], "change the label")
            try await watcher.run("deploy").expecting(0)
            let ours = try await scenario.engine.containers(project: scenario.id)
            #expect(ours.map(\.labels["a"]) == ["c"])
            try await up()
            #expect(try await scenario.engine.containers(project: scenario.id) == ours)
        }
    }

    @Test func `values of build arguments are in no event, error or record`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            let secret = "s3cr3t-\(scenario.id)"
            try await repository.commit(
                [
                    "compose.yaml": compose("context: .", "args: {TOKEN: \"${TOKEN}\"}"),
                    "Dockerfile": "FROM busybox:1\nARG TOKEN\nRUN echo \"token is $TOKEN\"; exit 1\n",
                ], "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(
                    scenario.id, repository: repository.fileURL, settings: ["environment: {TOKEN: \(secret)}"]))
            try await watcher.run("deploy", "--format", "json").expecting(21).saying("token is ***").notSaying(secret)
            try await watcher.run("history", "show", "\(scenario.id)/1", "--events").expecting(0).notSaying(secret)
            let dump = try await scenario.run(
                "sqlite3", ["\(watcher.stateDirectory)/watcher.db", ".dump"]
            ).expecting(0)
            dump.saying("token is ***").notSaying(secret)
        }
    }

    @Test func `what the classic builder cannot do is refused with its place`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            try await repository.commit(
                [
                    "compose.yaml": compose("context: .", "ssh: [default]", "dockerfile: Missing"),
                    "Dockerfile": "FROM busybox:1\n",
                ], "begin")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            try await watcher.run("deploy").expecting(65).saying(
                "compose.yaml:5:", "services.web.build.ssh", "BuildKit")
            try await repository.commit(compose: compose("context: .", "dockerfile: Missing"), "no ssh")
            try await watcher.run("deploy").expecting(65).saying("compose.yaml:5:", "services.web.build.dockerfile")
            try await repository.commit(compose: compose("context: ../.."), "elsewhere")
            try await watcher.run("deploy").expecting(65).saying("compose.yaml:4:", "leads out of the checkout")
        }
    }
}
