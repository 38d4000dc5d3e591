import Foundation
import Testing
import WatcherTestSupport

/// What `watcher logs` shows of real containers.
@Suite struct LogsTests {
    private func writer(_ name: String, _ script: String, _ lines: String...) -> String {
        service(name, lines: lines + ["command: [sh, -c, \"\(script); exec sleep 900\"]"])
    }

    private func service(_ name: String, lines: [String]) -> String {
        let all = ["image: busybox:1", "stop_signal: SIGKILL"] + lines
        return "  \(name):\n" + all.map { "    \($0)\n" }.joined()
    }

    private func lines(_ run: FinishedProcess) -> [String] { run.output.split(separator: "\n").map(String.init) }

    @Test func `services are told apart, terminals and both streams read, and only what is asked for is shown`()
        async throws
    {
        try await Scenario.with { scenario in
            let compose = stack(
                writer("web", "echo first; sleep 0.1; echo second >&2; sleep 0.1; echo third", alwaysHealthyLast),
                writer("terminal", "echo on a terminal; touch /done", "tty: true", whenDone))
            let deployed = try await Deployed(compose, in: scenario)
            let (watcher, project) = (deployed.watcher, deployed.project)

            // Aligned prefixes, in order of time, and no colour without a terminal.
            let all = lines(try await watcher.run("logs", project).expecting(0))
            #expect(
                Set(all) == [
                    "web-1      | first", "web-1      | second", "web-1      | third", "terminal-1 | on a terminal",
                ])
            #expect(
                all.filter { $0.hasPrefix("web") }.map { $0.split(separator: " ").last } == [
                    "first", "second", "third",
                ])

            // Colour when asked for, and on a terminal: one of its own for each service.
            let colored = lines(try await watcher.run("logs", project, "--color", "always").expecting(0))
            let colors = Set(colored.compactMap { $0.firstMatch(of: #/^\x1b\[(\d+)m[a-z]+-1 +\|\x1b\[0m /#)?.1 })
            #expect(colored.count == 4 && colors.count == 2)
            let onTerminal = try await scenario.run(
                "python3", ["-c", Self.pty, try TestEnvironment.binary(), "logs", project, "web", "-n", "1"],
                environment: [
                    "WATCHER_CONFIG": watcher.configuration, "WATCHER_STATE_DIR": watcher.stateDirectory,
                    "TERM": "xterm",
                ]
            ).expecting(0)
            #expect(onTerminal.output == "\u{1b}[36mweb-1 |\u{1b}[0m third\r\n")

            // One service, its last lines, its times.
            try #expect(lines(await watcher.run("logs", project, "web", "-n", "1").expecting(0)) == ["web-1 | third"])
            let timed = try await watcher.run("logs", project, "terminal", "--timestamps").expecting(0).output
            #expect(timed.wholeMatch(of: /terminal-1 \| \d{4}-\d\d-\d\dT[0-9:.]+Z on a terminal\n/) != nil, "\(timed)")

            // As objects, which tell the streams apart.
            let objects = try lines(try await watcher.run("logs", project, "--format", "json").expecting(0))
                .map { try JSONValue(parsing: $0) }
            func streams(_ service: String) -> [String?] {
                objects.filter { $0["service"].text == service }.map { $0["stream"].text }
            }
            #expect(streams("web") == ["stdout", "stderr", "stdout"] && streams("terminal") == ["stdout"])
            #expect(objects.allSatisfy { $0["schema"].integer == 1 && $0["at"].integer != nil })
            #expect(Set(objects.map { $0["container"].text }) == ["\(project)-web-1", "\(project)-terminal-1"])

            // What is newer than a line, to the millisecond.
            let moments = objects.filter { $0["service"].text == "web" }.compactMap { $0["at"].integer }
            try #require(moments.count == 3)
            let second = Date(timeIntervalSince1970: Double(moments[1]) / 1000).formatted(
                .iso8601.year().month().day().time(includingFractionalSeconds: true))
            let later = try await watcher.run("logs", project, "web", "--since", second + "Z").expecting(0)
            #expect(lines(later) == ["web-1 | second", "web-1 | third"])
            #expect(try await watcher.run("logs", project, "--since", "0s").expecting(0).output.isEmpty)

            try await watcher.run("logs", project, "wbe").expecting(64).saying("no service \"wbe\"", "terminal, web")
        }
    }

    /// Runs a command on a terminal of its own and passes on what it writes there.
    private static let pty = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"

    /// Healthy when the last line was written.
    private var alwaysHealthyLast: String {
        "healthcheck: {test: [CMD-SHELL, 'test $$(cat /proc/1/comm) = sleep'], interval: 1s, timeout: 5s}"
    }

    private var whenDone: String {
        "healthcheck: {test: [CMD, test, -e, /done], interval: 1s, timeout: 5s}"
    }

    @Test func `following goes on across a restart and a recreation, and shows every line once`() async throws {
        try await Scenario.with { scenario in
            let compose = stack(writer("web", "echo old one; echo old two", alwaysHealthyLast))
            let deployed = try await Deployed(compose, in: scenario)
            let output = "\(scenario.directory)/followed"
            let followed = try await scenario.run(
                "sh",
                ["-c", "exec \"$0\" logs \"$1\" -f > \"$2\"", try TestEnvironment.binary(), deployed.project, output],
                environment: [
                    "WATCHER_CONFIG": deployed.watcher.configuration,
                    "WATCHER_STATE_DIR": deployed.watcher.stateDirectory,
                ], deadline: .seconds(180)
            ) { running in
                func seen(_ count: Int, _ line: String) async throws {
                    let end = ContinuousClock.now + .seconds(60)
                    var text = ""
                    while text.split(separator: "\n").filter({ $0.hasSuffix(line) }).count < count {
                        try #require(ContinuousClock.now < end, "not within a minute: \(line) in \(text)")
                        try await Task.sleep(for: .milliseconds(20))
                        text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
                    }
                }
                try await seen(1, "old two")
                let id = try await deployed.container("web").id
                try await scenario.engine.request("POST", "/containers/\(id)/restart", query: ["t": "0"])
                try await seen(2, "old two")
                try await deployed.deploy(compose.replacing("old", with: "new"))
                try await seen(1, "new two")
                try running.send(SIGINT)
            }
            try followed.expecting(130)
            #expect(
                try String(contentsOfFile: output, encoding: .utf8).split(separator: "\n") == [
                    "web-1 | old one", "web-1 | old two", "web-1 | old one", "web-1 | old two", "web-1 | new one",
                    "web-1 | new two",
                ])
        }
    }

    @Test func `the last lines of a container that fails are in the failure`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            let broken = service("web", lines: ["command: [sh, -c, 'echo cannot find the till >&2; exit 3']"])
            try await repository.commit(compose: stack(broken), "begin")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            let result = try await watcher.json("deploy", expecting: 21)
            let failure = result["projects"].elements.first?["failure"]
            #expect(failure?["service"].text == "web")
            #expect(failure?["log_lines"].elements.last?.text == "cannot find the till")
        }
    }
}
