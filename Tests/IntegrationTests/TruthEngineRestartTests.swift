import FoundationEssentials
import Testing
import WatcherTestSupport

/// An engine that restarts or cannot be reached within a run says nothing about the commit.
@Suite(.serialized) struct TruthEngineRestartTests {
    /// A service that is healthy when the test says so.
    private func web(_ version: Int, _ go: String, _ more: String...) -> String {
        let lines =
            [
                "image: 'own:1'", "pull_policy: never", "environment: {V: 'v\(version)'}", "volumes: ['\(go):/go']",
                "healthcheck: {test: [CMD, test, -e, /go/now], interval: 500ms, timeout: 2s, retries: 300}",
            ] + more
        return "  web:\n" + (lines + ["command: [sleep, '1000']", "init: true"]).map { "    \($0)\n" }.joined()
    }

    /// Deploys the first version, breaks the engine while the second is verified, and returns what the run said.
    private func broken(
        _ scenario: Scenario, _ engine: OwnEngine, more: String, host: String? = nil,
        _ breaking: @escaping @Sendable () async throws -> Void
    ) async throws -> (WatcherProgram, TestRepository) {
        let go = "\(scenario.directory)/go"
        try await scenario.run("mkdir", ["-p", go]).expecting(0)
        try scenario.write("", to: "go/now")
        let repository = try await scenario.repository()
        try await repository.commit(compose: stack(web(1, go, more)), "begin")
        let watcher = try scenario.watcher(
            ConfiguredProject(
                scenario.id, repository: repository.fileURL,
                settings: ["engine: {host: '\(host ?? engine.host)'}", "health: {timeout: 100s, settle: 0s}"]))
        try await watcher.run("deploy").expecting(0)
        try await scenario.run("rm", ["go/now"]).expecting(0)
        try await repository.commit(compose: stack(web(2, go, more)), "change")
        let since = Date()
        let observer = engine.observer
        let finished = try await watcher.run("deploy") { _ in
            try await observer.waitForEvent("start", project: scenario.id, since: since)
            try await breaking()
        }
        #expect(finished.status == 69, "\(finished)")
        finished.notSaying("skip list")
        return (watcher, repository)
    }

    private func skips(_ watcher: WatcherProgram, _ scenario: Scenario) async throws -> Int {
        try await watcher.json("skip-list", scenario.id, expecting: 0)["skipped"].elements.count
    }

    // Case 27
    @Test(arguments: ["restart: 'no'", "restart: unless-stopped"])
    func `an engine that restarts while a good commit is verified does not skip it, and the next run finishes`(
        _ policy: String
    ) async throws {
        try await Scenario.with { scenario in
            let engine = try await OwnEngine(in: scenario)
            let (watcher, _) = try await broken(scenario, engine, more: policy) { try await engine.restart() }
            #expect(try await skips(watcher, scenario) == 0)
            try scenario.write("", to: "go/now")
            try await watcher.run("deploy").expecting(0)
            let after = try await engine.observer.containers(project: scenario.id)
            #expect(after.map(\.name) == ["\(scenario.id)-web-1"], "\(after)")
            #expect(allRun(after) && after.first?.environment.contains("V=v2") == true, "\(after)")
            try await watcher.run("deploy").expecting(0)
            try await watcher.run("check").expecting(0)
            try await watcher.run("status", "--exit-code").expecting(0)
            #expect(try await skips(watcher, scenario) == 0)
        }
    }

    // Case 27
    @Test func `a bad commit that was verified when the engine restarted is undone by the next run`() async throws {
        try await Scenario.with { scenario in
            let engine = try await OwnEngine(in: scenario)
            let (watcher, repository) = try await broken(scenario, engine, more: "restart: unless-stopped") {
                try await engine.restart()
            }
            let go = "\(scenario.directory)/go"
            try scenario.write("", to: "go/now")
            try await repository.commit(
                compose: stack(web(3, go, "restart: unless-stopped").replacing("[sleep, '1000']", with: "['false']")),
                "break")
            try await watcher.run("deploy").expecting(20)
            let after = try await engine.observer.containers(project: scenario.id)
            #expect(after.map(\.name) == ["\(scenario.id)-web-1"], "\(after)")
            #expect(allRun(after) && after.first?.environment.contains("V=v3") == false, "\(after)")
            #expect(try await skips(watcher, scenario) == 1)
            try await watcher.run("deploy").expecting(12)
        }
    }

    // Case 27
    @Test func `an engine that cannot be reached for a while leaves the attempt to the next run`() async throws {
        try await Scenario.with { scenario in
            let engine = OwnEngine(shared: try TestEnvironment.dockerSocket())
            try await scenario.engine.request("POST", "/images/busybox:1/tag", query: ["repo": "own", "tag": "1"])
            let first = try await Relay(in: scenario)
            let (watcher, repository) = try await broken(scenario, engine, more: "restart: 'no'", host: first.host) {
                try await first.stop()
            }
            #expect(try await skips(watcher, scenario) == 0)
            // Still away: nothing changes, nothing is skipped.
            for _ in 0..<4 { try await watcher.run("deploy").expecting(69) }
            #expect(try await skips(watcher, scenario) == 0)
            try scenario.write("", to: "go/now")
            let again = try scenario.watcher(
                ConfiguredProject(
                    scenario.id, repository: repository.fileURL, settings: ["health: {timeout: 100s, settle: 0s}"]))
            try await again.run("deploy").expecting(0)
            let after = try await scenario.engine.containers(project: scenario.id)
            #expect(after.map(\.name) == ["\(scenario.id)-web-1"], "\(after)")
            #expect(allRun(after) && after.first?.environment.contains("V=v2") == true, "\(after)")
            try await again.run("check").expecting(0)
        }
    }
}

/// A Docker Engine of one test, which may end and start again.
private struct OwnEngine: Sendable {
    let host: String
    let observer: EngineObserver
    private let directory: String
    private let scenario: Scenario?

    /// The one that all tests share; it is not restarted.
    init(shared socket: String) {
        host = "unix://\(socket)"
        observer = EngineObserver(socket: socket)
        directory = ""
        scenario = nil
    }

    init(in scenario: Scenario) async throws {
        let directory = "\(scenario.directory)/own-engine"
        self.directory = directory
        self.scenario = scenario
        host = "unix://\(directory)/docker.sock"
        observer = EngineObserver(socket: "\(directory)/docker.sock")
        scenario.atEnd("stop the engine") {
            try await scenario.run(Self.script, ["stop", directory], deadline: .seconds(90)).expecting(0)
        }
        try await scenario.run(Self.script, ["start", directory], deadline: .seconds(120)).expecting(0)
        try await observer.request("POST", "/images/busybox:1/tag", query: ["repo": "own", "tag": "1"])
    }

    /// Ends it with every process in it, as a crash of the host does, and starts it again with its data.
    func restart() async throws {
        guard let scenario else { return }
        let end = #"""
            read -r id _ <"$1/pid"; kill -KILL "$id"; while kill -0 "$id" 2>/dev/null; do sleep 0.05; done
            rm "$1/docker.pid"
            """#
        try await scenario.run("bash", ["-c", end, "bash", directory]).expecting(0)
        try await scenario.run(Self.script, ["start", directory], deadline: .seconds(120)).expecting(0)
    }

    private static let script = "\(TestEnvironment.root)/scripts/engine"
}

/// A way to the shared engine that can be cut.
private struct Relay: Sendable {
    let host: String
    private let id: String
    private let scenario: Scenario

    init(in scenario: Scenario) async throws {
        self.scenario = scenario
        let socket = "\(scenario.directory)/relay.sock"
        host = "unix://\(socket)"
        let script = try scenario.write(Self.program, to: "relay.py")
        let started = try await scenario.run(
            "sh",
            [
                "-c",
                #"setsid python3 "$1" "$2" "$3" </dev/null >"$2.log" 2>&1 & echo $!; until test -S "$2"; do sleep 0.02; done"#,
                "sh", script, socket, try TestEnvironment.dockerSocket(),
            ]
        ).expecting(0)
        let id = String(started.output.prefix { $0.isNumber })
        self.id = id
        scenario.atEnd("stop the relay") { _ = try await scenario.run("kill", ["-KILL", id]) }
    }

    func stop() async throws { try await scenario.run("kill", ["-KILL", id]).expecting(0) }

    private static let program = #"""
        import socket, sys, threading

        def pump(a, b):
            try:
                while data := a.recv(65536):
                    b.sendall(data)
                b.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        listener = socket.socket(socket.AF_UNIX)
        listener.bind(sys.argv[1])
        listener.listen(64)
        while True:
            client, _ = listener.accept()
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(sys.argv[2])
            for pair in ((client, engine), (engine, client)):
                threading.Thread(target=pump, args=pair, daemon=True).start()
        """#
}
