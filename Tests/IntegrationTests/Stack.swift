import WatcherTestSupport

// Compose files for the scenarios: busybox services that start and stop at once.

/// A Compose file with these services.
func stack(_ services: String...) -> String { "services:\n" + services.joined() }

/// A service of a Compose file. Without lines of its own it sleeps until it is killed.
func service(_ name: String, _ lines: String...) -> String {
    var all = lines
    func has(_ key: String) -> Bool { all.contains { $0.hasPrefix("\(key):") } }
    if !has("image") { all.insert("image: busybox:1", at: 0) }
    if !has("command") { all.append(#"command: [sleep, "900"]"#) }
    if !has("stop_signal") { all.append("stop_signal: SIGKILL") }
    return "  \(name):\n" + all.map { "    \($0)\n" }.joined()
}

/// A health check that never passes.
let neverHealthy = #"healthcheck: {test: [CMD, "false"], interval: 1s, timeout: 2s, retries: 2}"#

/// A health check that passes at once.
let alwaysHealthy = #"healthcheck: {test: [CMD, "true"], interval: 1s, timeout: 2s}"#

/// Lines of a service that becomes healthy only after some seconds.
func healthyAfter(seconds: Int) -> [String] {
    [
        #"command: [sh, -c, "sleep \#(seconds); touch /ready; exec sleep 900"]"#,
        "healthcheck: {test: [CMD, test, -f, /ready], interval: 1s, timeout: 2s, retries: 60}",
    ]
}

/// A scenario's usual start: one repository with one commit, and the binary configured for it.
struct Deployed {
    let scenario: Scenario
    let repository: TestRepository
    let watcher: WatcherProgram
    /// The watcher project, which is also the Compose project.
    var project: String { scenario.id }

    /// What was begun in another way.
    init(scenario: Scenario, repository: TestRepository, watcher: WatcherProgram) {
        self.scenario = scenario
        self.repository = repository
        self.watcher = watcher
    }

    /// Commits the Compose file, with others, and deploys it.
    init(
        _ compose: String, files: [String: String] = [:], in scenario: Scenario, settings: [String] = []
    ) async throws {
        self.scenario = scenario
        repository = try await scenario.repository()
        try await repository.commit(files.merging(["compose.yaml": compose]) { $1 }, "begin")
        watcher = try scenario.watcher(
            ConfiguredProject(scenario.id, repository: repository.fileURL, settings: settings))
        try await watcher.run("deploy").expecting(0)
    }

    /// Commits another Compose file and deploys it.
    @discardableResult
    func deploy(
        _ compose: String, expecting status: Int = 0, fileID: String = #fileID, line: Int = #line
    ) async throws -> FinishedProcess {
        try await repository.commit(compose: compose, "change")
        return try await watcher.run("deploy").expecting(status, fileID: fileID, line: line)
    }

    /// All containers of the project.
    func containers() async throws -> [EngineObserver.Container] {
        try await scenario.engine.containers(project: project)
    }

    /// The one container of a service.
    func container(
        _ service: String, fileID: String = #fileID, line: Int = #line
    ) async throws -> EngineObserver.Container {
        try await scenario.engine.container(service, in: project, fileID: fileID, line: line)
    }
}

/// The ids of containers by service, to compare what was kept and what was replaced.
func ids(_ containers: [EngineObserver.Container]) -> [String: String] {
    Dictionary(containers.map { ($0.service, $0.id) }) { first, second in "\(first) and \(second)" }
}

/// Whether every one of them runs.
func allRun(_ containers: [EngineObserver.Container]) -> Bool { containers.allSatisfy(\.isRunning) }

/// A time as the engine tells it, in a form that sorts.
func moment(_ text: String?) -> String {
    let parts = (text ?? "").dropLast().split(separator: ".")
    let fraction = parts.count > 1 ? String(parts[1]) : ""
    return "\(parts.first ?? "").\(fraction)\(String(repeating: "0", count: max(9 - fraction.count, 0)))"
}

extension Deployed {
    /// When the service's container started and ended last, in a form that sorts.
    func times(_ service: String) async throws -> (started: String, ended: String) {
        let state = try await scenario.engine.json("GET", "/containers/\(container(service).id)/json")["State"]
        return (moment(state["StartedAt"].text), moment(state["FinishedAt"].text))
    }

    /// What a command wrote in the service's container, without the last line break.
    func output(_ command: String..., of service: String) async throws -> String {
        let text = try await scenario.engine.output(of: command, in: container(service).id)
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }
}

extension Scenario {
    /// An image of this scenario, `busybox:1` with these lines of a Dockerfile; removed at the end. Returns its reference.
    func image(_ changes: String..., tag: String = "1") async throws -> String {
        let reference = "\(id):\(tag)"
        let made =
            try await engine.json(
                "POST", "/containers/create", body: "{\"Image\":\"busybox:1\",\"Cmd\":[\"sleep\",\"900\"]}")["Id"].text
            ?? ""
        try await engine.request(
            "POST", "/commit",
            query: ["container": made, "repo": id, "tag": tag, "changes": changes.joined(separator: "\n")], body: "{}")
        try await engine.remove(container: made)
        let engine = engine
        atEnd("remove image \(reference)") {
            _ = try? await engine.request("DELETE", "/images/\(reference)", query: ["force": "1"])
        }
        return reference
    }
}
