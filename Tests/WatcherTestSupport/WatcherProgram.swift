import FoundationEssentials

/// One project of a configuration file.
package struct ConfiguredProject: Sendable {
    package var name: String
    package var repository: String
    /// Lines of YAML below the project besides repository and branch; empty for none.
    package var settings: [String]

    package init(_ name: String, repository: String, settings: [String] = []) {
        self.name = name
        self.repository = repository
        self.settings = settings
    }
}

/// The built binary with a configuration and a state directory of its own.
package struct WatcherProgram: Sendable {
    /// The configuration file.
    package let configuration: String
    package let stateDirectory: String
    private let binary: String
    private let scenario: Scenario

    init(configuration: String, in scenario: Scenario) throws {
        self.scenario = scenario
        self.configuration = configuration
        stateDirectory = "\(scenario.directory)/state"
        binary = try TestEnvironment.binary()
    }

    /// Runs `watcher` with these arguments, in a clean environment, without a terminal.
    @discardableResult
    package func run(
        _ arguments: String..., environment: [String: String] = [:], deadline: Duration = .seconds(120),
        whileRunning: @escaping @Sendable (RunningProcess) async throws -> Void = { _ in }
    ) async throws -> FinishedProcess {
        let given = ["WATCHER_CONFIG": configuration, "WATCHER_STATE_DIR": stateDirectory]
        var finished = try await scenario.run(
            binary, arguments, environment: given.merging(environment) { $1 }, deadline: deadline,
            whileRunning: whileRunning)
        finished.command = (["watcher"] + arguments).joined(separator: " ")
        return finished
    }

    /// Runs `watcher` in the engine's network.
    package func runInEngineNetwork(_ arguments: String...) async throws -> FinishedProcess {
        let words = try TestEnvironment.inEngineNetwork()
        let all = arguments + ["--config", configuration, "--state-dir", stateDirectory]
        return try await scenario.run(words[0], words.dropFirst() + [binary] + all, deadline: .seconds(120))
    }

    /// Runs `watcher` with `--format json` and returns the last line of its output, parsed.
    package func json(
        _ arguments: String..., expecting status: Int, fileID: String = #fileID, line: Int = #line
    ) async throws -> JSONValue {
        let finished = try await scenario.run(
            binary, arguments + ["--format", "json"],
            environment: ["WATCHER_CONFIG": configuration, "WATCHER_STATE_DIR": stateDirectory], deadline: .seconds(120)
        ).expecting(status, fileID: fileID, line: line)
        let lines = finished.output.split(whereSeparator: \.isNewline)
        guard let last = lines.last else {
            throw UnexpectedResult(description: "\(fileID):\(line): nothing on stdout:\n\(finished)")
        }
        return try JSONValue(parsing: String(last))
    }
}

extension Scenario {
    /// The binary, configured with these projects against the private engine. Whatever they make is removed at the end.
    package func watcher(_ projects: ConfiguredProject...) throws -> WatcherProgram {
        let host = try TestEnvironment.dockerHost()
        var lines = ["projects:"]
        for project in projects {
            lines += ["  \(project.name):", "    repository: \(project.repository)"]
            let keys = project.settings.compactMap { $0.split(separator: ":").first }
            if !keys.contains("branch") { lines.append("    branch: main") }
            if !keys.contains("engine") { lines.append("    engine: {host: \"\(host)\"}") }
            if !keys.contains("health") { lines.append("    health: {timeout: 20s, settle: 1s}") }
            lines += project.settings.map { "    \($0)" }
            atEnd("remove project \(project.name)") { try await self.engine.removeProject(project.name) }
        }
        return try watcher(configuration: lines.joined(separator: "\n") + "\n")
    }

    /// The binary with exactly this configuration file.
    package func watcher(configuration: String) throws -> WatcherProgram {
        let path = try write(configuration, to: "config.yaml", mode: 0o600)
        return try WatcherProgram(configuration: path, in: self)
    }
}
