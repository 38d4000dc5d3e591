import FoundationEssentials
import Testing
import WatcherTestSupport

/// Several projects side by side, and what a project is called, read from and left behind as.
@Suite struct TruthProjectsTests {
    // Case 9
    @Test func `two projects with one name on one engine are refused before anything is read`() async throws {
        try await Scenario.with { scenario in
            let name = "\(scenario.id)-shared"
            let infra = try await scenario.repository()
            try await infra.commit(
                ["a/compose.yaml": stack(sleeper("web")), "b/compose.yaml": stack(sleeper("app"))], "begin")
            scenario.atEnd("remove the project") { try await scenario.engine.removeProject(name) }
            let both = try scenario.watcher(
                ConfiguredProject(
                    "\(scenario.id)-a", repository: infra.fileURL,
                    settings: ["directory: a", "project_name: \(name)"]),
                ConfiguredProject(
                    "\(scenario.id)-b", repository: infra.fileURL,
                    settings: ["directory: b", "project_name: \(name)"]))
            for command in ["check", "deploy", "deploy", "status"] {
                try await both.run(command).expecting(78).saying(name, "\(scenario.id)-a", "\(scenario.id)-b")
            }
            #expect(try await scenario.engine.containers(project: name).isEmpty)
        }
    }

    // Case 9
    @Test func `a key that is another project's name is the same name`() async throws {
        try await Scenario.with { scenario in
            let infra = try await scenario.repository()
            try await infra.commit(
                ["a/compose.yaml": stack(sleeper("web")), "b/compose.yaml": stack(sleeper("app"))], "begin")
            let other = "\(scenario.id)-b"
            let both = try scenario.watcher(
                ConfiguredProject(
                    "\(scenario.id)-a", repository: infra.fileURL,
                    settings: ["directory: a", "project_name: \(other)"]),
                ConfiguredProject(other, repository: infra.fileURL, settings: ["directory: b"]))
            let finished = try await both.run("deploy")
            #expect(finished.status == 78, "\(finished)")
            for _ in 0..<2 { _ = try await both.run("deploy") }
            // Whatever was said: the services of one are not removed for the other's.
            let services = Set(try await scenario.engine.containers(project: other).map(\.service))
            #expect(services.count < 2 || services == ["app", "web"])
        }
    }

    // Case 9
    @Test func `names that two commits give are refused when they are known, and nothing of the other is removed`()
        async throws
    {
        try await Scenario.with { scenario in
            let name = "\(scenario.id)-shared"
            let infra = try await scenario.repository()
            try await infra.commit(
                [
                    "a/compose.yaml": "name: \(name)\n" + stack(sleeper("web")),
                    "b/compose.yaml": "name: \(name)\n" + stack(sleeper("app"), sleeper("db")),
                ], "begin")
            scenario.atEnd("remove the project") { try await scenario.engine.removeProject(name) }
            let (a, b) = ("\(scenario.id)-a", "\(scenario.id)-b")
            let both = try scenario.watcher(
                ConfiguredProject(a, repository: infra.fileURL, settings: ["directory: a"]),
                ConfiguredProject(b, repository: infra.fileURL, settings: ["directory: b"]))
            try await both.run("deploy", a).expecting(0)
            let before = untouched(try await scenario.engine.containers(project: name))
            #expect(before.count == 1)
            for _ in 0..<2 {
                let finished = try await both.run("deploy", b)
                #expect(finished.status != 0, "\(finished)")
                finished.saying(name, a)
                let all = try await scenario.engine.containers(project: name)
                #expect(untouched(all.filter { $0.labels["watcher.project"] == a }) == before)
            }
            try await both.run("deploy", a).expecting(0)
        }
    }

    // Case 9
    @Test func `what another watcher deployed under the same name is never removed`() async throws {
        try await Scenario.with { scenario in
            let name = "\(scenario.id)-shared"
            let infra = try await scenario.repository()
            try await infra.commit(
                ["a/compose.yaml": stack(sleeper("web")), "b/compose.yaml": stack(sleeper("app"))], "begin")
            scenario.atEnd("remove the project") { try await scenario.engine.removeProject(name) }
            let (a, b) = ("\(scenario.id)-a", "\(scenario.id)-b")
            let first = try scenario.watcher(
                ConfiguredProject(a, repository: infra.fileURL, settings: ["directory: a", "project_name: \(name)"]))
            try await first.run("deploy").expecting(0)
            let before = untouched(try await scenario.engine.containers(project: name))
            // The same configuration file, but another key: the first one is not known to it.
            let second = try scenario.watcher(
                ConfiguredProject(b, repository: infra.fileURL, settings: ["directory: b", "project_name: \(name)"]))
            for _ in 0..<2 {
                _ = try await second.run("deploy")
                let all = try await scenario.engine.containers(project: name)
                #expect(untouched(all.filter { $0.labels["watcher.project"] == a }) == before)
            }
            _ = try await second.run("down", b)
            let left = try await scenario.engine.containers(project: name)
            #expect(untouched(left.filter { $0.labels["watcher.project"] == a }) == before)
        }
    }

    // Case 16
    @Test func `a credential is read when fetching and only then`() async throws {
        try await Scenario.with { scenario in
            let server = try await scenario.sshServer()
            let repository = try await scenario.repository()
            try await repository.commit(compose: stack(sleeper("web")), "begin")
            let settings = [
                "git: {ssh_key: {credential: deploy-key}, known_hosts: '\(server.knownHosts)'}"
            ]
            let watcher = try scenario.watcher(
                ConfiguredProject(scenario.id, repository: server.url(of: repository), settings: settings))
            try await scenario.run("mkdir", ["-m", "0700", "credentials"]).expecting(0)
            try await scenario.run("install", ["-m", "0600", server.clientKey, "credentials/deploy-key"]).expecting(0)
            let given = ["CREDENTIALS_DIRECTORY": "\(scenario.directory)/credentials"]
            try await watcher.run("deploy", environment: given).expecting(0)
            try await repository.commit(compose: stack(sleeper("web", "environment: {A: b}")), "change")
            try await watcher.run("deploy", environment: given).expecting(0)

            let project = scenario.id
            for command in ["check", "deploy"] {
                let finished = try await watcher.run(command)
                #expect([77, 78].contains(finished.status), "\(finished)")
                finished.saying("deploy-key", "LoadCredential")
            }
            #expect(allRun(try await scenario.engine.containers(project: project)))
            for words in [["status"], ["logs", project], ["history"], ["skip-list"]] {
                try await run(watcher, words).expecting(0)
            }
            try await watcher.run("status", "--exit-code").expecting(0)
            try await watcher.run("stop", project).expecting(0)
            try await watcher.run("start", project).expecting(0)
            try await watcher.run("rollback", project).expecting(0)
            let web = try await scenario.engine.container("web", in: project)
            #expect(web.isRunning && !web.environment.contains("A=b"))
            try await watcher.run("suspend", project, "--reason", "x").expecting(0)
            try await watcher.run("resume", project).expecting(0)
            try await watcher.run("down", project).expecting(0)
        }
    }

    private func run(_ watcher: WatcherProgram, _ words: [String]) async throws -> FinishedProcess {
        words.count == 1 ? try await watcher.run(words[0]) : try await watcher.run(words[0], words[1])
    }

    // Case 17
    @Test func `hooks and messages have the bare name of the branch`() async throws {
        try await Scenario.with { scenario in
            let place = scenario.directory
            let hooks =
                "hooks: {pre_deploy: {shell: 'echo \"$WATCHER_BRANCH\" > \(place)/branch; cat > \(place)/hook.json'}}"
            let deployed = try await Deployed(stack(sleeper("web")), in: scenario, settings: [hooks])
            #expect(try await scenario.run("cat", ["branch"]).output == "main\n")
            let json = try JSONValue(parsing: try await scenario.run("cat", ["hook.json"]).output)
            #expect(json["branch"].text == "main", "\(json)")
            let missing = try await deployed.watcher.run("deploy", deployed.project, "--commit", "deadbeef")
            missing.saying("deadbeef", "branch main").notSaying("branch branch")
            #expect([64, 78].contains(missing.status), "\(missing)")

            let gone = try scenario.watcher(
                ConfiguredProject(
                    scenario.id, repository: deployed.repository.fileURL, settings: ["branch: gone", hooks]))
            try await gone.run("deploy").expecting(78).saying("gone").notSaying("branch branch")
        }
    }

    // Case 20
    @Test func `projects are deployed side by side, and each result comes when it is there`() async throws {
        try await Scenario.with { scenario in
            let (slow, fast) = ("\(scenario.id)-a", "\(scenario.id)-b")
            let infra = try await scenario.repository()
            let go = "\(scenario.directory)/go"
            try await scenario.run("mkdir", [go]).expecting(0)
            let waiting = sleeper(
                "web", "volumes: ['\(go):/go']",
                "healthcheck: {test: [CMD, test, -e, /go/now], interval: 500ms, timeout: 2s, retries: 200}")
            try await infra.commit(
                ["a/compose.yaml": stack(waiting), "b/compose.yaml": stack(sleeper("app"))], "begin")
            let health = "health: {timeout: 90s, settle: 0s}"
            let watcher = try scenario.watcher(
                ConfiguredProject(slow, repository: infra.fileURL, settings: ["directory: a", health]),
                ConfiguredProject(fast, repository: infra.fileURL, settings: ["directory: b", health]))
            let output = "\(scenario.directory)/output"
            let script = #"exec "$1" deploy --jobs 2 --config "$2" --state-dir "$3" > "$4" 2> "$4.errors""#
            let finished = try await scenario.run(
                "sh",
                [
                    "-c", script, "sh", try TestEnvironment.binary(), watcher.configuration, watcher.stateDirectory,
                    output,
                ], deadline: .seconds(120)
            ) { running in
                // The result of the fast one, while the slow one still waits for what only this test does.
                let seen = try await scenario.run(
                    "sh",
                    ["-c", #"until grep -q "^$1: deployed" "$2" 2>/dev/null; do sleep 0.1; done"#, "sh", fast, output],
                    deadline: .seconds(40))
                #expect(seen.status == 0)
                #expect(try await scenario.run("grep", ["-c", "^\(slow): deployed", output]).output == "0\n")
                try scenario.write("", to: "go/now")
            }
            #expect(finished.status == 0, "\(finished)")
            let text = try await scenario.run("cat", [output]).output
            #expect(
                text.components(of: "\(slow): deployed") == 1 && text.components(of: "\(fast): deployed") == 1,
                "\(text)")
            #expect(try await scenario.engine.container("web", in: slow).health == "healthy")
            try await watcher.run("deploy").expecting(0)
            try await watcher.run("check", "--jobs", "1").expecting(0)
        }
    }

    // Case 20
    @Test func `the most serious status of projects side by side wins, and JSON carries each`() async throws {
        try await Scenario.with { scenario in
            let names = ["a", "b", "c"].map { "\(scenario.id)-\($0)" }
            let infra = try await scenario.repository()
            try await infra.commit(
                [
                    "a/compose.yaml": stack(sleeper("web")), "b/compose.yaml": stack(sleeper("web", neverHealthy)),
                    "c/compose.yaml": "services:\n  web: {imagee: x}\n",
                ], "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(names[0], repository: infra.fileURL, settings: ["directory: a"]),
                ConfiguredProject(names[1], repository: infra.fileURL, settings: ["directory: b"]),
                ConfiguredProject(names[2], repository: infra.fileURL, settings: ["directory: c"]))
            for _ in 0..<2 {
                let json = try await watcher.json("deploy", expecting: 21)
                let statuses = json["projects"].elements.map { "\($0["project"].text ?? "") \($0["exit_status"])" }
                #expect(statuses.sorted() == ["\(names[0]) 0.0", "\(names[1]) 21.0", "\(names[2]) 65.0"])
            }
            try await watcher.run("status", "--exit-code").expecting(21)
            try await watcher.run("status", names[0], "--exit-code").expecting(0)
        }
    }

    // Case 23
    @Test func `a project removed from the configuration is listed, and down works on what is recorded`() async throws {
        try await Scenario.with { scenario in
            let (old, kept) = ("\(scenario.id)-old", "\(scenario.id)-kept")
            let infra = try await scenario.repository()
            try await infra.commit(
                [
                    "a/compose.yaml": stack(sleeper("web")) + "networks: {default: {}}\n",
                    "b/compose.yaml": stack(sleeper("app")),
                ],
                "begin")
            let settings = (["directory: a", "project_name: \(old)-named"], ["directory: b"])
            scenario.atEnd("remove the project") { try await scenario.engine.removeProject("\(old)-named") }
            let both = try scenario.watcher(
                ConfiguredProject(old, repository: infra.fileURL, settings: settings.0),
                ConfiguredProject(kept, repository: infra.fileURL, settings: settings.1))
            try await both.run("deploy").expecting(0)
            let one = try scenario.watcher(
                ConfiguredProject(kept, repository: infra.fileURL, settings: settings.1))
            try await one.run("status").expecting(0).saying(kept, old, "no longer configured", "web")
            try await one.run("status", old).expecting(0).saying("no longer configured", "web")
            try await one.run("deploy").expecting(0)
            #expect(try await scenario.engine.containers(project: "\(old)-named").count == 1)
            try await one.run("down", old).expecting(0)
            #expect(try await scenario.engine.containers(project: "\(old)-named").isEmpty)
            #expect(try await scenario.engine.networks(project: "\(old)-named") == [])
            #expect(try await scenario.engine.container("app", in: kept).isRunning)
            // A name nobody knows is still one.
            for command in ["down", "status"] {
                let finished = try await one.run(command, "nobody")
                #expect([64, 78].contains(finished.status), "\(finished)")
            }
        }
    }
}
