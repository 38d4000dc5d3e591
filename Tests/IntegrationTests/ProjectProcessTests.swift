import Foundation
import Testing
import WatcherTestSupport

/// Each of several projects runs in a process of its own: what goes wrong in one costs the others nothing.
@Suite struct ProjectProcessTests {
    /// Two projects of one repository. What hooks of the first do stands below `directory`.
    private struct Pair {
        let scenario: Scenario
        let repository: TestRepository
        var bad: String { "\(scenario.id)-bad" }
        var good: String { "\(scenario.id)-good" }
        /// A hook makes this file, and then hangs.
        var mark: String { "\(scenario.directory)/mark" }
        var hangs: String { "hooks: {pre_deploy: {shell: 'touch \(mark); exec sleep 600'}}" }

        init(_ scenario: Scenario, _ bad: String = stack(service("web")), _ good: String = stack(service("web")))
            async throws
        {
            self.scenario = scenario
            repository = try await scenario.repository()
            try await commit(bad, good)
        }

        func commit(_ bad: String, _ good: String) async throws {
            try await repository.commit(["bad/compose.yaml": bad, "good/compose.yaml": good], "change")
        }

        func watcher(bad settings: String...) throws -> WatcherProgram {
            try scenario.watcher(
                ConfiguredProject(bad, repository: repository.fileURL, settings: ["directory: bad"] + settings),
                ConfiguredProject(good, repository: repository.fileURL, settings: ["directory: good"]))
        }

        func waitForMark() async throws {
            try await scenario.run("sh", ["-c", #"until test -e "$1"; do sleep 0.02; done"#, "sh", mark])
                .expecting(0)
        }

        /// The process that holds the project's lock.
        func process(of project: String, _ watcher: WatcherProgram) throws -> String {
            let text = try String(contentsOfFile: lock(of: project, watcher), encoding: .utf8)
            return String(try #require(try JSONValue(parsing: text)["pid"].integer))
        }

        func lock(of project: String, _ watcher: WatcherProgram) -> String {
            "\(watcher.stateDirectory)/projects/\(project)/lock"
        }

        func isDeployed(_ project: String, _ version: String? = nil) async throws -> Bool {
            let containers = try await scenario.engine.containers(project: project)
            return containers.count == 1 && allRun(containers)
                && version.map { containers[0].environment.contains("V=\($0)") } ?? true
        }
    }

    private func web(_ version: Int, _ lines: [String] = []) -> String {
        let all =
            ["    image: busybox:1", "    environment: {V: '\(version)'}", "    stop_signal: SIGKILL"]
            + (lines.isEmpty ? [#"command: [sleep, "900"]"#] : lines).map { "    \($0)" }
        return "services:\n  web:\n" + all.joined(separator: "\n") + "\n"
    }

    @Test func `a project that hangs is ended at its deadline, and the other is deployed meanwhile`() async throws {
        try await Scenario.with { scenario in
            let pair = try await Pair(scenario)
            let watcher = try pair.watcher(bad: pair.hangs, "deadline: 4s")
            let ended = try await watcher.run("deploy", "--format", "json", "--jobs", "2").expecting(75)
            #expect(ended.duration < .seconds(40))
            #expect(try await pair.isDeployed(pair.good))
            #expect(try await scenario.engine.containers(project: pair.bad).isEmpty)
            let lines = try ended.output.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
            let results = try #require(lines.last)["projects"].elements
            #expect(results.map { $0["project"].text } == [pair.bad, pair.good])
            #expect(results.map { $0["exit_status"].integer } == [75, 0])
            #expect(results.first?["failure"]["reason"].text == "deadline-exceeded")
            #expect(results.first?["failure"]["message"].text?.contains("did not finish within 4s") == true)
            let told = Set(lines.dropLast().compactMap { $0["project"].text })
            #expect(told == [pair.bad, pair.good])
        }
    }

    @Test func `the deadline holds for one project alone`() async throws {
        try await Scenario.with { scenario in
            let pair = try await Pair(scenario)
            let watcher = try pair.watcher(bad: pair.hangs, "deadline: 3s")
            try await watcher.run("deploy", pair.bad).expecting(75).saying("did not finish within 3s")
            #expect(try await scenario.engine.containers(project: pair.bad).isEmpty)
        }
    }

    @Test func `a deployment that is not healthy by the deadline is undone`() async throws {
        try await Scenario.with { scenario in
            let pair = try await Pair(scenario, web(1), web(1))
            try await pair.watcher().run("deploy").expecting(0)
            try await pair.commit(web(2, healthyAfter(seconds: 600)), web(2))
            let watcher = try pair.watcher(bad: "deadline: 6s", "health: {timeout: 10m}")
            try await watcher.run("deploy").expecting(75).saying("did not finish within 6s")
            #expect(try await pair.isDeployed(pair.bad, "1"))
            #expect(try await pair.isDeployed(pair.good, "2"))
            try await watcher.run("history", pair.bad).expecting(0).saying("restored")
        }
    }

    @Test func `a repository that blocks whoever reads it is ended hard, alone and beside others`() async throws {
        try await Scenario.with { scenario in
            let pair = try await Pair(scenario)
            let trap = try await scenario.repository("trap")
            try await trap.commit(compose: stack(service("web")), "begin")
            let host = try TestEnvironment.dockerHost()
            let watcher = try scenario.watcher(
                configuration: """
                    projects:
                      \(pair.bad): {repository: "\(trap.fileURL)", deadline: 1s, engine: {host: "\(host)"}}
                      \(pair.good): {repository: "\(pair.repository.fileURL)", directory: good, engine: {host: "\(host)"}}

                    """)
            try await watcher.run("check").expecting(10)
            let branch = "\(trap.path)/refs/heads/main"
            try FileManager.default.removeItem(atPath: branch)
            try await scenario.run("mkfifo", [branch]).expecting(0)
            let beside = try await watcher.run("check").expecting(75)
                .saying("\(pair.bad): the run did not finish within 1s", "\(pair.good): ", "changes are pending")
            #expect(beside.duration < .seconds(8))
            try await watcher.run("check", pair.bad).expecting(75)
                .saying("the run did not finish within 1s", "its process was ended")
        }
    }

    @Test func `a run that is killed is told, the other is deployed, and the next one puts it right`() async throws {
        try await Scenario.with { scenario in
            let pair = try await Pair(scenario)
            let watcher = try pair.watcher(bad: pair.hangs)
            let ended = try await watcher.run("deploy") { _ in
                try await pair.waitForMark()
                try await scenario.run("kill", ["-KILL", pair.process(of: pair.bad, watcher)]).expecting(0)
            }.expecting(1)
            ended.saying("the run of \(pair.bad) was ended by signal 9", "The next run finishes or undoes")
            #expect(try await pair.isDeployed(pair.good))
            try await pair.watcher().run("deploy").expecting(0)
            #expect(try await pair.isDeployed(pair.bad))
        }
    }

    @Test(arguments: [false, true])
    func `a run that uses up its memory says so`(_ isAlone: Bool) async throws {
        try await Scenario.with { scenario in
            let pair = try await Pair(scenario)
            let watcher = try pair.watcher(bad: pair.hangs, "memory: 512m")
            let end: @Sendable (RunningProcess) async throws -> Void = { _ in
                try await pair.waitForMark()
                let process = try pair.process(of: pair.bad, watcher)
                // What ends a program when an allocation fails, where no allocation of this size could succeed.
                try await scenario.run("prlimit", ["--pid", process, "--data=1048576"]).expecting(0)
                try await scenario.run("kill", ["-ABRT", process]).expecting(0)
            }
            let ended =
                isAlone
                ? try await watcher.run("deploy", pair.bad, whileRunning: end)
                : try await watcher.run("deploy", whileRunning: end)
            try ended.expecting(1).saying("\(pair.bad): the run used more memory than 512 MiB")
            if !isAlone { #expect(try await pair.isDeployed(pair.good)) }
        }
    }

    @Test func `SIGTERM to every process of the run undoes what each has begun`() async throws {
        try await Scenario.with { scenario in
            let pair = try await Pair(scenario, web(1), web(1))
            let watcher = try pair.watcher()
            try await watcher.run("deploy").expecting(0)
            let slow = web(2, healthyAfter(seconds: 600))
            try await pair.commit(slow, slow)
            let begun = Date()
            let ended = try await watcher.run("deploy") { running in
                for project in [pair.bad, pair.good] {
                    try await scenario.engine.waitForEvent("start", project: project, since: begun)
                }
                // As systemd does it, and a terminal.
                let processes = try [pair.bad, pair.good].map { try pair.process(of: $0, watcher) }
                try await scenario.run("kill", ["-TERM"] + processes).expecting(0)
                try running.send(SIGTERM)
            }.expecting(143)
            ended.saying("\(pair.bad): the run was interrupted", "\(pair.good): the run was interrupted")
            #expect(try await pair.isDeployed(pair.bad, "1"))
            #expect(try await pair.isDeployed(pair.good, "1"))
        }
    }

    @Test func `a second signal ends the processes at once, too`() async throws {
        try await Scenario.with { scenario in
            let pair = try await Pair(scenario, web(1), web(1))
            let watcher = try pair.watcher()
            try await watcher.run("deploy").expecting(0)
            try await pair.commit(web(2, healthyAfter(seconds: 600)), web(1))
            let begun = Date()
            let ended = try await watcher.run("deploy") { running in
                try await scenario.engine.waitForEvent("start", project: pair.bad, since: begun)
                try running.send(SIGINT)
                try running.send(SIGTERM)
            }
            // Which of the two is seen first is the kernel's choice.
            #expect([130, 143].contains(ended.status), "\(ended)")
            // Free at once, long before an undo is done, or the health check passes.
            try await scenario.run("flock", ["-w", "5", pair.lock(of: pair.bad, watcher), "true"]).expecting(0)
        }
    }

    @Test func `when the process that runs all of them is killed, each undoes what it has begun`() async throws {
        try await Scenario.with { scenario in
            let pair = try await Pair(scenario, web(1), web(1))
            let watcher = try pair.watcher()
            try await watcher.run("deploy").expecting(0)
            let slow = web(2, healthyAfter(seconds: 600))
            try await pair.commit(slow, slow)
            let begun = Date()
            try await watcher.run("deploy") { running in
                for project in [pair.bad, pair.good] {
                    try await scenario.engine.waitForEvent("start", project: project, since: begun)
                }
                try running.send(SIGKILL)
            }.expecting(137)
            for project in [pair.bad, pair.good] {
                try await scenario.run("flock", ["-w", "50", pair.lock(of: project, watcher), "true"]).expecting(0)
                #expect(try await pair.isDeployed(project, "1"))
            }
            try await watcher.run("history").expecting(0).saying("restored")
        }
    }

    @Test(arguments: [true, false])
    func `projects of one repository ask its server once, whether it answers or not`(_ answers: Bool) async throws {
        try await Scenario.with { scenario in
            let infra = try await scenario.repository()
            try await infra.commit(compose: stack(service("web")), "begin")
            let log = "\(scenario.directory)/asked"
            let ssh = try scenario.write(
                """
                #!/bin/sh
                # What it would do is asked with -G first, which asks no server.
                for word; do [ "$word" != -G ] || exec ssh "$@"; done
                echo asked >> '\(log)'
                for last; do :; done
                \(answers ? "exec sh -c \"$last\"" : "echo 'ssh: connect to host: Connection refused' >&2; exit 255")

                """, to: "ssh", mode: 0o755)
            let host = try TestEnvironment.dockerHost()
            let names = (1...20).map { "\(scenario.id)-\($0)" }
            let watcher = try scenario.watcher(
                configuration: "projects:\n"
                    + names.map {
                        "  \($0): {repository: \"ssh://git.example.com\(infra.path)\", engine: {host: \"\(host)\"}}\n"
                    }.joined())
            let ended = try await watcher.run(
                "check", "--format", "json", "--jobs", "4", environment: ["GIT_SSH_COMMAND": ssh]
            ).expecting(answers ? 10 : 75)
            let last = try JSONValue(parsing: String(try #require(ended.output.split(separator: "\n").last)))
            #expect(last["projects"].elements.map { $0["project"].text } == names)
            #expect(try String(contentsOfFile: log, encoding: .utf8) == "asked\n")
        }
    }
}
