internal import CLinux
internal import Deploy
internal import DockerEngine
internal import Foundation
internal import Git
internal import Reconcile
internal import Subprocess
internal import Synchronization
internal import SystemPackage

/// Runs projects in processes of their own: this program again, each with the order on its standard input.
///
/// Each lives by a socket whose other end this process holds: when that ends, because this process ended in whatever way,
/// the run ends in order, as when a person interrupts it.
struct ProjectProcesses: Sendable {
    let wiring: Wiring
    let command: String
    let changesThings: Bool
    let task: ProjectTask
    let configuration: Configuration
    let fetches: SharedFetches
    let progress: Progress
    /// The program that answers to the command of `ProjectProcess`.
    var executable = "/proc/self/exe"

    /// How much longer than its deadline and grace a process may take; it should have ended itself.
    private static let margin: Duration = .seconds(15)

    private struct End: Sendable {
        var result: RunResult?
        /// Nil for a process that had to be killed because its time was over.
        var status: TerminationStatus?
        var errorOutput: String = ""
    }

    /// What came of one project. Cancelling the task ends the run in order.
    func result(_ project: ProjectConfiguration) async -> RunResult {
        let name = project.settings.name
        do {
            let lifeline = try Lifeline()
            // Not cancelled itself: the process ends in order, after it has put back what it took apart.
            let work = Task { try await supervise(project, lifeline) }
            let end = try await withTaskCancellationHandler {
                try await Interruption.endingAtOnce(by: lifeline.kill) { try await work.value }
            } onCancel: {
                lifeline.send(ProjectInstruction.interrupt)
            }
            return end.result ?? failure(of: end, project)
        } catch {
            return .failed(name, error)
        }
    }

    private func supervise(_ project: ProjectConfiguration, _ lifeline: Lifeline) async throws -> End {
        let limits = project.limits
        return try await withThrowingTaskGroup(of: End.self) { group in
            group.addTask { try await run(project, lifeline) }
            group.addTask {
                try await Task.sleep(for: limits.deadline + limits.grace + Self.margin)
                return End()
            }
            defer { group.cancelAll() }
            guard let end = try await group.next() else { throw CancellationError() }
            return end
        }
    }

    private func run(_ project: ProjectConfiguration, _ lifeline: Lifeline) async throws -> End {
        var options = PlatformOptions()
        // Ctrl-C reaches the processes of a terminal's foreground group; this one hears of it from its parent.
        options.createSession = true
        options.teardownSequence = [.send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .seconds(1))]
        let errors = try ErrorFile()
        let result = Mutex<RunResult?>(nil)
        let ended = try await Subprocess.run(
            .path(FilePath(executable)), arguments: Arguments([ProjectProcess.command]),
            environment: .inherit.updating(["SWIFT_BACKTRACE": "enable=no"]), platformOptions: options,
            input: .fileDescriptor(lifeline.childsEnd, closeAfterSpawningProcess: true), output: .sequence,
            error: .fileDescriptor(errors.descriptor, closeAfterSpawningProcess: false)
        ) { execution in
            lifeline.begin(execution.processIdentifier.value)
            lifeline.send(order(for: project))
            var splitter = LineSplitter(longest: 16 << 20)
            for try await buffer in execution.standardOutput {
                for line in buffer.withUnsafeBytes({ splitter.lines(in: $0) }) {
                    if let last = hear(line, project, lifeline) { result.withLock { $0 = last } }
                }
            }
            lifeline.end()
        }
        return End(
            result: result.withLock { $0 }, status: ended.terminationStatus, errorOutput: errors.beginning())
    }

    private func order(for project: ProjectConfiguration) -> ProjectOrder {
        ProjectOrder(
            command: command, changesThings: changesThings, task: task, project: project.settings.name,
            configurationFile: configuration.file, configuration: String(decoding: configuration.text, as: UTF8.self),
            stateDirectory: wiring.stateDirectory)
    }

    /// Does what a line of the process asks for; returns its result.
    private func hear(_ line: [UInt8], _ project: ProjectConfiguration, _ lifeline: Lifeline) -> RunResult? {
        switch try? JSONDecoder().decode(ProjectReport.self, from: Data(line)) {
        case .event(let event): progress.show(event, of: project.settings.name)
        case .warning(let text):
            progress.end()
            wiring.warn(text)
        case .fetch:
            // This process only waits for the answer, and opens no repository.
            let source = wiring.source(project, fetches, network: GitNetwork(looksItself: false))
            Task { lifeline.send(ProjectInstruction.fetched(await source.answer())) }
        case .result(let result): return result
        case nil: break
        }
        return nil
    }

    private func failure(of end: End, _ project: ProjectConfiguration) -> RunResult {
        let name = project.settings.name
        let how: String
        switch end.status {
        case nil: return .overdue(name, project.limits)
        case .exited(ProjectProcess.outOfMemory): return .outOfMemory(name, project.limits)
        case _ where ["failed to allocate", "bad_alloc"].contains(where: end.errorOutput.contains):
            return .outOfMemory(name, project.limits)
        case .exited(let status): how = "ended without a result (status \(status))"
        case .signaled(let signal):
            how = "was ended by signal \(signal) (\(String(cString: strsignal(signal))))"
        }
        var advice = "The next run finishes or undoes what it began."
        if case .signaled(SIGKILL) = end.status {
            advice += "\nIf nobody killed it, the kernel did for want of memory: see `journalctl -k`."
        }
        var result = RunResult.failed(
            name,
            DeployError(stage: .record, reason: .unexpected, message: "the run of \(name) \(how)", advice: advice),
            summary: RunResult.unfinished)
        let lines = end.errorOutput.split(whereSeparator: \.isNewline).prefix(10)
        result.failure?.logLines = lines.map { String($0.prefix(300)).printable }
        return result
    }
}

/// What a process writes to standard error: a file in memory, because a pipe would have to be read, and could be kept open
/// by others.
private final class ErrorFile: Sendable {
    let descriptor: FileDescriptor

    init() throws {
        let file = clinux_memory_file()
        guard file >= 0 else {
            throw DeployError(
                stage: .record, reason: .stateUnusable,
                message: "cannot make a file in memory: \(String(cString: strerror(errno)))")
        }
        descriptor = FileDescriptor(rawValue: file)
    }

    deinit { close(descriptor.rawValue) }

    /// The first lines: a crash says first what it is.
    func beginning() -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = pread(descriptor.rawValue, &buffer, buffer.count, 0)
        return String(decoding: buffer[..<max(0, count)], as: UTF8.self)
    }
}

/// The standard input of a project's process, by which it lives: a socket, because writing to one can be told not to raise
/// SIGPIPE.
private final class Lifeline: Sendable {
    private struct State {
        var isOver = false
        var process: pid_t?
    }

    let childsEnd: FileDescriptor
    private let ours: Int32
    private let state = Mutex(State())

    init() throws {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else {
            throw DeployError(
                stage: .record, reason: .stateUnusable,
                message: "cannot make a socket: \(String(cString: strerror(errno)))")
        }
        childsEnd = FileDescriptor(rawValue: ends[0])
        ours = ends[1]
    }

    deinit { close(ours) }

    func begin(_ process: pid_t) { state.withLock { $0.process = process } }

    /// Sends a line; nothing happens when the process is gone.
    func send(_ message: some Encodable) {
        guard var line = try? JSONEncoder().encode(message) else { return }
        line.append(UInt8(ascii: "\n"))
        state.withLock { state in
            guard !state.isOver else { return }
            line.withUnsafeBytes { bytes in
                var rest = bytes[...]
                while !rest.isEmpty {
                    let piece = UnsafeRawBufferPointer(rebasing: rest)
                    let sent = Foundation.send(ours, piece.baseAddress, piece.count, Int32(MSG_NOSIGNAL))
                    if sent < 0, errno == EINTR { continue }
                    guard sent > 0 else { return }
                    rest = rest.dropFirst(sent)
                }
            }
        }
    }

    /// Nothing is sent any more; the process has said everything.
    func end() { state.withLock { $0.isOver = true } }

    /// Ends the process at once.
    func kill() {
        state.withLock { state in
            guard !state.isOver, let process = state.process else { return }
            Foundation.kill(process, SIGKILL)
        }
    }
}
