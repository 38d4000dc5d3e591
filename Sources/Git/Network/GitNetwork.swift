import FoundationEssentials
import Glibc
import Reconcile
import Subprocess
import Synchronization
import SystemPackage

/// Runs network steps, each in a child process with a deadline.
///
/// libgit2 knows no time limit for the network, and a pack from a hostile server should meet a process that has nothing
/// else to lose. At the deadline, or when the task is cancelled, the child and the ssh it runs are killed together.
package struct GitNetwork: Sendable {
    /// The program that answers to the command `git-network`; nil runs the step in this process, without a deadline:
    /// for tests and embedding only.
    package var executable: String?
    package var arguments: [String]
    /// How long one step may take: connecting, looking up and downloading together.
    package var deadline: Duration
    /// Whether this process itself may look at a repository of this machine, which then holds up nobody else.
    package var looksItself: Bool

    /// By default the running program itself.
    package init(
        executable: String? = "/proc/self/exe", arguments: [String] = [GitNetworkChild.command],
        deadline: Duration = .seconds(300), looksItself: Bool = true
    ) {
        self.executable = executable
        self.arguments = arguments
        self.deadline = deadline
        self.looksItself = looksItself
    }

    /// The same with more time, for a download of so many bytes: as long as they take at 500 kB a second, 2 hours at most.
    func allowing(_ bytes: Int) -> GitNetwork {
        var network = self
        network.deadline = min(deadline + .milliseconds(bytes / 500), max(deadline, .seconds(7200)))
        return network
    }

    private enum Outcome: Sendable {
        case answer(GitNetworkReply)
        case ended(String)
        case late
    }

    func perform(_ request: GitNetworkRequest) async throws -> FetchAnswers {
        var request = request
        request.seconds = deadline / .seconds(1)
        guard let executable else {
            let step = request
            return try await BlockingThread("git-network").run { try FetchOperation(step).run() }
        }
        let url = try GitRemoteURL(request.url)
        if looksItself, url.transport == .file {
            // To look at a directory of this machine takes less than to start a process.
            let step = request
            let known = try? await BlockingThread("git-look").run { try FetchOperation(step).known() }
            if let answers = known.flatMap(\.self) { return answers }
        }
        let line = try JSONEncoder().encode(request) + Data("\n".utf8)
        switch try await outcome(of: line, from: executable) {
        case .answer(.answers(let answers)): return answers
        case .answer(.failure(let error)): throw error
        case .late:
            throw GitError(
                .remoteUnreachable, "\(url) did not answer completely within \(Self.words(deadline))",
                advice: "Check the network and the server; the next run tries again.")
        case .ended(let how):
            throw GitError(
                .remoteUnreachable, "the network step for \(url) broke off: its process \(how)",
                advice: "It may use \(request.limits.transferMemory.bytesText) of memory; "
                    + "a repository that needs more is refused.")
        }
    }

    private func outcome(of line: Data, from executable: String) async throws -> Outcome {
        try await withThrowingTaskGroup(of: Outcome.self) { group in
            group.addTask { try await run(line, executable) }
            group.addTask {
                try await Task.sleep(for: deadline)
                return .late
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
    }

    private func run(_ line: Data, _ executable: String) async throws -> Outcome {
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [.send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .seconds(1))]
        let lease = try Lease()
        let result: ExecutionResult<[UInt8], SequenceOutput, DiscardedOutput>
        do {
            result = try await Subprocess.run(
                .path(FilePath(executable)), arguments: Arguments(arguments),
                environment: .inherit.updating(["SWIFT_BACKTRACE": "enable=no"]), platformOptions: options,
                input: .fileDescriptor(lease.childsEnd, closeAfterSpawningProcess: true), output: .sequence,
                error: .discarded
            ) { execution in
                try lease.send(line)
                var answer: [UInt8] = []
                for try await buffer in execution.standardOutput where answer.count < 4 << 20 {
                    buffer.withUnsafeBytes { answer += $0 }
                    if answer.last == UInt8(ascii: "\n") { break }
                }
                lease.end()
                return answer
            }
        } catch let error as SubprocessError {
            try Task.checkCancellation()
            return .ended("could not be run: \(error)")
        }
        try Task.checkCancellation()
        guard let answer = try? JSONDecoder().decode(GitNetworkReply.self, from: Data(result.closureResult)) else {
            return .ended("ended without an answer (\(result.terminationStatus))")
        }
        return .answer(answer)
    }

    /// The child's standard input, which it lives by. A socket, because writing to one can be told not to raise SIGPIPE
    /// when the child is gone already.
    private final class Lease: Sendable {
        let childsEnd: FileDescriptor
        private let ours: Int32
        private let isOver = Mutex(false)

        init() throws {
            var ends: [Int32] = [-1, -1]
            let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw GitError.system("make a socket", errno) }
            childsEnd = FileDescriptor(rawValue: ends[0])
            ours = ends[1]
        }

        deinit { end() }

        func send(_ line: Data) throws {
            // Far below what a socket holds, so this never waits.
            guard line.count < 100_000 else { throw GitError(.invalidConfiguration, "the Git settings are too long") }
            _ = line.withUnsafeBytes { Glibc.send(ours, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        }

        func end() {
            isOver.withLock {
                if !$0 { close(ours) }
                $0 = true
            }
        }
    }

    private static func words(_ duration: Duration) -> String {
        duration < .seconds(10)
            ? duration.formatted(milliseconds: true) : "\(duration.components.seconds) s"
    }
}

extension Duration {
    fileprivate func formatted(milliseconds: Bool) -> String { "\(Int((self / .milliseconds(1)).rounded())) ms" }
}
