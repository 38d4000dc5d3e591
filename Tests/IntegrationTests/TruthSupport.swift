import FoundationEssentials
import Testing
import WatcherTestSupport

// What the tests of the truth ask of watcher after they broke something: the same answer at every run, from every command.

/// A service that sleeps; `init` ends it at once when it is stopped.
func sleeper(_ name: String, _ lines: String...) -> String {
    var all = lines
    func has(_ key: String) -> Bool { all.contains { $0.hasPrefix("\(key):") } }
    if !has("image") { all.insert("image: busybox:1", at: 0) }
    if !has("command") { all.append("command: [sleep, '1000']") }
    if !has("init") { all.append("init: true") }
    return "  \(name):\n" + all.map { "    \($0)\n" }.joined()
}

extension Deployed {
    /// Nothing is deployed yet: the repository with one commit, and the binary configured for it.
    static func prepared(
        _ compose: String, files: [String: String] = [:], in scenario: Scenario, settings: [String] = []
    ) async throws -> Deployed {
        let repository = try await scenario.repository()
        try await repository.commit(files.merging(["compose.yaml": compose]) { $1 }, "begin")
        let watcher = try scenario.watcher(
            ConfiguredProject(scenario.id, repository: repository.fileURL, settings: settings))
        return Deployed(scenario: scenario, repository: repository, watcher: watcher)
    }

    /// The record, newest first.
    func history() async throws -> [JSONValue] {
        try await watcher.json("history", project, expecting: 0)["deployments"].elements
    }

    /// The status of each deployment, oldest first.
    func statuses() async throws -> [String] { try await history().reversed().map { $0["status"].text ?? "" } }

    /// The full ids of the commits on the skip list.
    func skipped() async throws -> [String] {
        try await watcher.json("skip-list", project, expecting: 0)["skipped"].elements
            .compactMap { $0["commit"].text }.sorted()
    }

    /// Runs `deploy` several times, `check` and `status --exit-code`: each ends with its status and says the words, the
    /// runs make no record each, and no container is made or removed.
    func stays(
        _ status: Int, check: Int? = nil, ticks: Int = 3, saying words: String..., notSaying lies: String...,
        fileID: String = #fileID, filePath: String = #filePath, line: Int = #line
    ) async throws {
        let place = SourceLocation(fileID: fileID, filePath: filePath, line: line, column: 1)
        let rows = try await history().count
        let before = try await containers().filter { !$0.name.contains(".parked") }
        func judge(_ finished: FinishedProcess, _ expected: Int) {
            #expect(finished.status == expected, "\(finished)", sourceLocation: place)
            for word in words {
                finished.saying(word, fileID: fileID, filePath: filePath, line: line)
            }
            for lie in lies {
                finished.notSaying(lie, fileID: fileID, filePath: filePath, line: line)
            }
        }
        judge(try await watcher.run("check"), check ?? status)
        for _ in 0..<ticks { judge(try await watcher.run("deploy"), status) }
        judge(try await watcher.run("check"), check ?? status)
        // A tip that is not deployed leaves what was deployed before, and that is what the status is about.
        judge(try await watcher.run("status", "--exit-code"), status == 65 ? 0 : status)
        // What does not work is tried to be healed: that is one record, which counts the tries.
        let new = try await history().dropLast(rows)
        #expect(new.count <= (status == 0 ? 0 : 1), "rows of history: \(new)", sourceLocation: place)
        #expect(new.allSatisfy { $0["kind"].text == "heal" }, "\(new)", sourceLocation: place)
        let after = try await containers().filter { !$0.name.contains(".parked") }
        #expect(ids(after) == ids(before), sourceLocation: place)
    }

    /// Whether the same containers are there, and all of them run.
    func stillRuns(_ before: [EngineObserver.Container]) async throws -> Bool {
        let now = try await containers()
        return ids(now) == ids(before) && allRun(now)
    }

    /// Waits until the service's container is as described.
    func wait(
        for service: String, seconds: Int = 40, _ condition: (EngineObserver.Container) -> Bool
    ) async throws {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(seconds)
        var last: EngineObserver.Container?
        while clock.now < end {
            let container = try await container(service)
            if condition(container) { return }
            last = container
        }
        throw UnexpectedResult(description: "\(service) did not become as expected: \(last?.description ?? "none")")
    }

    /// Runs a statement in watcher's database.
    @discardableResult
    func sql(_ statement: String) async throws -> String {
        try await scenario.run("sqlite3", ["\(watcher.stateDirectory)/watcher.db", statement]).expecting(0).output
    }
}

/// The service's start and restarts: equal when nobody touched it.
func untouched(_ containers: [EngineObserver.Container]) -> [String] {
    containers.map { "\($0.name) \($0.id) \($0.state) \($0.startedAt)" }.sorted()
}
