import FoundationEssentials
import Subprocess
import Testing

#if canImport(System)
import System
#else
import SystemPackage
#endif

/// A command that ran to its end.
package struct FinishedProcess: Sendable, CustomStringConvertible {
    /// The command, as typed.
    package var command: String
    /// The exit status; 128 plus the number of the signal that ended it.
    package var status: Int
    package var output: String
    package var errorOutput: String
    package var duration: Duration

    /// Everything it said: standard error, then standard output.
    package var everything: String { errorOutput + output }

    package var description: String {
        "$ \(command)\n\(output)\(errorOutput.isEmpty ? "" : "--- stderr\n\(errorOutput)")--- exit \(status), \(duration)"
    }

    /// The command, when it ended with `expected`; throws what it said otherwise.
    @discardableResult
    package func expecting(_ expected: Int, fileID: String = #fileID, line: Int = #line) throws -> Self {
        guard status == expected else {
            throw UnexpectedResult(description: "\(fileID):\(line): expected exit \(expected):\n\(self)")
        }
        return self
    }

    /// Records a failure for each text that the command did not say on either stream.
    @discardableResult
    package func saying(
        _ texts: String..., fileID: String = #fileID, filePath: String = #filePath, line: Int = #line
    ) -> Self {
        let place = SourceLocation(fileID: fileID, filePath: filePath, line: line, column: 1)
        for text in texts where !everything.contains(text) {
            Issue.record("not said: \(text)\n\(self)", sourceLocation: place)
        }
        return self
    }

    /// Records a failure for each text that the command said on either stream.
    @discardableResult
    package func notSaying(
        _ texts: String..., fileID: String = #fileID, filePath: String = #filePath, line: Int = #line
    ) -> Self {
        let place = SourceLocation(fileID: fileID, filePath: filePath, line: line, column: 1)
        for text in texts where everything.contains(text) {
            Issue.record("said: \(text)\n\(self)", sourceLocation: place)
        }
        return self
    }
}

/// Something ended other than a test expected, so that it cannot go on.
package struct UnexpectedResult: Error, CustomStringConvertible {
    package var description: String

    package init(description: String) { self.description = description }
}

/// A command did not end in time; it was killed.
package struct DeadlineExceeded: Error, CustomStringConvertible {
    package var command: String
    package var deadline: Duration
    package var description: String { "still running after \(deadline), killed: \(command)" }
}

/// A command that is still running.
package struct RunningProcess: Sendable {
    /// Sends it a signal, by number.
    package var send: @Sendable (Int32) throws -> Void
}

/// Runs a program in a session of its own with exactly the given environment and waits for its end.
///
/// - Parameters:
///   - program: a path, or a name to look up in `PATH`.
///   - deadline: when it is killed, with everything it started, and `DeadlineExceeded` thrown.
///   - whileRunning: runs beside it; an error thrown here ends the program.
/// - Throws: `DeadlineExceeded`, or what could not be started. A failing exit status is a result.
package func execute(
    _ program: String, _ arguments: [String], environment: [String: String], in directory: String? = nil,
    deadline: Duration = .seconds(60),
    whileRunning: @escaping @Sendable (RunningProcess) async throws -> Void = { _ in }
) async throws -> FinishedProcess {
    let command = ([program] + arguments).joined(separator: " ")
    var options = PlatformOptions()
    options.createSession = true
    options.teardownSequence = [.send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .seconds(1))]
    let configuration = Configuration(
        executable: program.contains("/") ? .path(FilePath(program)) : .name(program),
        arguments: Arguments(arguments),
        environment: .custom(
            Dictionary(uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0.key), $0.value) })),
        workingDirectory: directory.map { FilePath($0) }, platformOptions: options)
    return try await withThrowingTaskGroup(of: FinishedProcess.self) { group in
        let clock = ContinuousClock()
        let start = clock.now
        group.addTask {
            let result = try await run(
                configuration, input: .none, output: .string(limit: 16 << 20), error: .string(limit: 16 << 20)
            ) { execution in
                try await whileRunning(
                    RunningProcess { signal in try execution.send(signal: Signal(rawValue: signal)) })
            }
            return FinishedProcess(
                command: command, status: status(of: result.terminationStatus), output: result.standardOutput,
                errorOutput: result.standardError, duration: clock.now - start)
        }
        group.addTask {
            try await Task.sleep(for: deadline)
            throw DeadlineExceeded(command: command, deadline: deadline)
        }
        defer { group.cancelAll() }
        guard let finished = try await group.next() else {
            throw DeadlineExceeded(command: command, deadline: deadline)
        }
        return finished
    }
}

private func status(of termination: TerminationStatus) -> Int {
    switch termination {
    case .exited(let code): Int(code)
    case .signaled(let signal): 128 + Int(signal)
    }
}
