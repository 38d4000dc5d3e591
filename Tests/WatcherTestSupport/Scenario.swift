import FoundationEssentials
import Synchronization
import Testing

/// One test's own corner of the machine: an id nobody else uses, a directory, the private engine, and what must be
/// undone at the end, in reverse order, whether the test passes, fails or throws.
///
/// A failed scenario leaves its transcript, files and container logs in `artifacts/`; with `KEEP_FAILED=1` it also leaves
/// its containers and directory.
package final class Scenario: Sendable {
    /// Lower-case letters and digits; good for project and container names.
    package let id: String
    /// An empty directory, seen by the engine under the same path.
    package let directory: String
    /// The engine, observed from outside of watcher.
    package let engine: EngineObserver

    private let state = Mutex(State())

    private struct State {
        var undos: [Undo] = []
        var transcript: [String] = []
        var failed = false
    }

    private struct Undo: Sendable {
        var what: String
        var action: @Sendable () async throws -> Void
    }

    private init(id: String, directory: String, engine: EngineObserver) {
        self.id = id
        self.directory = directory
        self.engine = engine
    }

    /// Runs a scenario. Only a few run at a time: they share one engine, and its deadlines are real.
    package static func with(
        fileID: String = #fileID, filePath: String = #filePath, line: Int = #line,
        _ body: (Scenario) async throws -> Void
    ) async throws {
        let engine = EngineObserver(socket: try TestEnvironment.dockerSocket())
        let place = SourceLocation(fileID: fileID, filePath: filePath, line: line, column: 1)
        try await ScenarioSlots.shared.withSlot {
            let id = "s" + String(UInt64.random(in: 1 << 32..<1 << 40), radix: 16)
            let directory = "/tmp/watcher-scenario-\(id)"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            let scenario = Scenario(id: id, directory: directory, engine: engine)
            let thrown = await scenario.failure(of: body)
            await scenario.finish(place)
            if let thrown { throw thrown }
        }
    }

    /// The variables every command of a scenario gets: a clean environment with the scenario as home.
    package var environment: [String: String] {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        return ["PATH": path + ":/usr/sbin:/sbin", "HOME": directory, "LC_ALL": "C.UTF-8", "TZ": "UTC"]
    }

    /// Registers what must be undone when the scenario ends. The last one registered runs first.
    package func atEnd(_ what: String, _ action: @escaping @Sendable () async throws -> Void) {
        state.withLock { $0.undos.append(Undo(what: what, action: action)) }
    }

    /// Keeps a line for the transcript of a failed scenario.
    package func note(_ text: some CustomStringConvertible) {
        state.withLock { $0.transcript.append(text.description) }
    }

    /// Writes a file below the scenario's directory and returns its path; intermediate directories are made.
    @discardableResult
    package func write(_ text: String, to path: String, mode: Int = 0o644) throws -> String {
        let full = path.hasPrefix("/") ? path : "\(directory)/\(path)"
        let parent = full.split(separator: "/").dropLast().joined(separator: "/")
        try FileManager.default.createDirectory(atPath: "/" + parent, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: full))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: full)
        return full
    }

    /// Runs a command in the scenario's directory and environment, and keeps it for the transcript.
    package func run(
        _ program: String, _ arguments: [String], environment more: [String: String] = [:], in directory: String? = nil,
        deadline: Duration = .seconds(60),
        whileRunning: @escaping @Sendable (RunningProcess) async throws -> Void = { _ in }
    ) async throws -> FinishedProcess {
        let finished = try await execute(
            program, arguments, environment: environment.merging(more) { $1 }, in: directory ?? self.directory,
            deadline: deadline, whileRunning: whileRunning)
        note(finished)
        return finished
    }

    /// Runs the body; true issues pass through, and that there was one is remembered.
    private func failure(of body: (Scenario) async throws -> Void) async -> (any Error)? {
        do {
            // Matches no issue, so changes none: the one way to see that an expectation failed.
            try await withKnownIssue(isIntermittent: true) {
                try await body(self)
            } matching: { _ in
                self.state.withLock { $0.failed = true }
                return false
            }
            return nil
        } catch {
            state.withLock { $0.failed = true }
            return error
        }
    }

    private func finish(_ sourceLocation: SourceLocation) async {
        let (failed, undos) = state.withLock { ($0.failed, Array($0.undos.reversed())) }
        if failed { await keepArtifacts(sourceLocation) }
        if failed && TestEnvironment.keepsFailed {
            print("kept: \(directory)")
            return
        }
        for undo in undos {
            do {
                try await undo.action()
            } catch {
                Issue.record("could not \(undo.what): \(error)", sourceLocation: sourceLocation)
            }
        }
        do {
            try FileManager.default.removeItem(atPath: directory)
        } catch {
            Issue.record("could not remove \(directory): \(error)", sourceLocation: sourceLocation)
        }
    }

    private func keepArtifacts(_ sourceLocation: SourceLocation) async {
        let name = sourceLocation.fileName.split(separator: ".").first.map(String.init) ?? "scenario"
        let kept = "\(TestEnvironment.root)/artifacts/\(name)-\(sourceLocation.line)-\(id)"
        do {
            let transcript = state.withLock { $0.transcript }.joined(separator: "\n\n") + "\n"
            try write(transcript, to: "\(kept)/transcript.txt")
            let copy = try await execute("cp", ["-a", directory, "\(kept)/files"], environment: environment)
            let containers = try await engine.containers(where: id)
            for container in containers {
                let text = "\(container)\n\n" + (try await engine.log(of: container.id))
                try write(text, to: "\(kept)/\(container.name).log")
            }
            print("artifacts of the failed scenario: \(kept)\(copy.status == 0 ? "" : " (files incomplete)")")
        } catch {
            print("artifacts of the failed scenario could not all be kept in \(kept): \(error)")
        }
    }
}

/// Lets a few scenarios run at a time.
private actor ScenarioSlots {
    static let shared = ScenarioSlots(count: 4)

    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(count: Int) { free = count }

    nonisolated func withSlot(_ body: () async throws -> Void) async throws {
        await take()
        do {
            try await body()
        } catch {
            await give()
            throw error
        }
        await give()
    }

    private func take() async {
        if free > 0 {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    private func give() {
        if waiting.isEmpty {
            free += 1
        } else {
            waiting.removeFirst().resume()
        }
    }
}
