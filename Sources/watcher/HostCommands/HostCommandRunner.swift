internal import Deploy
internal import DockerEngine
internal import Foundation
internal import Reconcile
internal import Subprocess
internal import Synchronization
internal import SystemPackage

/// Runs commands on the host, each under a supervisor: this program again, in a process of its own.
///
/// The supervisor lives by a socket whose other end this process holds. When that ends, because the run is cancelled,
/// or this process ends in whatever way, it kills the command and everything that came of it. It alone passes the command's
/// output on, so that this process waits for nobody when the supervisor is gone.
struct HostCommandRunner: HostCommands {
    /// The variables of this process; of them a command gets PATH, HOME and LANG.
    let environment: [String: String]
    /// The program that answers to the supervisor's command.
    var executable = "/proc/self/exe"

    private static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    func run(
        _ command: HostCommand, output: @escaping @Sendable (String) -> Void
    ) async throws -> HostCommandEnd {
        let lease = try Lease()
        let line = try JSONEncoder().encode(order(for: command)) + Data("\n".utf8)
        // Not cancelled itself: the supervisor ends in order, after everything that it watches over.
        let work = Task { try await supervise(line, lease, output) }
        let end = try await withTaskCancellationHandler {
            try await work.value
        } onCancel: {
            lease.end()
        }
        try Task.checkCancellation()
        return end
    }

    private func order(for command: HostCommand) -> HostCommandSupervisor.Order {
        var variables = [
            "PATH": environment["PATH"].flatMap { $0.isEmpty ? nil : $0 } ?? Self.path,
            "LANG": environment["LANG"].flatMap { $0.isEmpty ? nil : $0 } ?? "C.UTF-8",
        ]
        if command.user == nil { variables["HOME"] = environment["HOME"] }
        return HostCommandSupervisor.Order(
            arguments: command.arguments, environment: variables.merging(command.environment) { $1 },
            directory: command.directory, seconds: command.timeout / .seconds(1), user: command.user,
            mask: command.mask, input: command.input)
    }

    private func supervise(
        _ line: Data, _ lease: Lease, _ output: @escaping @Sendable (String) -> Void
    ) async throws -> HostCommandEnd {
        var options = PlatformOptions()
        options.createSession = true
        let result: ExecutionResult<Void, SequenceOutput, DiscardedOutput>
        do {
            result = try await Subprocess.run(
                .path(FilePath(executable)), arguments: Arguments([HostCommandSupervisor.command]),
                environment: .inherit.updating(["SWIFT_BACKTRACE": "enable=no"]), platformOptions: options,
                input: .fileDescriptor(lease.childsEnd, closeAfterSpawningProcess: true), output: .sequence,
                error: .discarded
            ) { execution in
                lease.send(line)
                var splitter = LineSplitter()
                for try await buffer in execution.standardOutput {
                    let lines = buffer.withUnsafeBytes { splitter.lines(in: $0) }
                    for line in lines { output(Self.text(line)) }
                }
                if let rest = splitter.rest() { output(Self.text(rest)) }
            }
        } catch let error as SubprocessError {
            return .notStarted("\(error)")
        }
        guard let answer = lease.answer() else {
            let end: HostCommandEnd =
                switch result.terminationStatus {
                case .exited(let status): .exited(status: Int(status))
                case .signaled(let signal): .killed(signal: Int(signal))
                }
            return .lost("lost its supervisor, which \(end)")
        }
        return answer.end
    }

    private static func text(_ line: [UInt8]) -> String {
        String(decoding: line, as: UTF8.self).strippingControlCharacters()
    }

    /// The supervisor's standard input, which it lives by, and on which it answers. A socket, because writing to one can
    /// be told not to raise SIGPIPE.
    private final class Lease: Sendable {
        let childsEnd: FileDescriptor
        private let ours: Int32
        private let isOver = Mutex(false)

        init() throws {
            var ends: [Int32] = [-1, -1]
            let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            guard socketpair(AF_UNIX, type, 0, &ends) == 0 else {
                throw DeployError(
                    stage: .build, reason: .stateUnusable,
                    message: "cannot make a socket: \(String(cString: strerror(errno)))")
            }
            childsEnd = FileDescriptor(rawValue: ends[0])
            ours = ends[1]
        }

        deinit { close(ours) }

        func send(_ line: Data) {
            line.withUnsafeBytes { bytes in
                var rest = bytes[...]
                while !rest.isEmpty {
                    let sent = Glibc.send(
                        ours, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count, Int32(MSG_NOSIGNAL))
                    if sent < 0, errno == EINTR { continue }
                    guard sent > 0 else { return }
                    rest = rest.dropFirst(sent)
                }
            }
        }

        /// Ends the lease; what the supervisor still says can be read.
        func end() {
            isOver.withLock {
                if !$0 { shutdown(ours, Int32(SHUT_WR)) }
                $0 = true
            }
        }

        /// What the supervisor, which has ended, said last.
        func answer() -> HostCommandSupervisor.Answer? {
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 4096)
            while bytes.count < 1 << 16 {
                let got = recv(ours, &buffer, buffer.count, Int32(MSG_DONTWAIT))
                if got < 0, errno == EINTR { continue }
                guard got > 0 else { break }
                bytes += buffer[..<got]
            }
            return try? JSONDecoder().decode(HostCommandSupervisor.Answer.self, from: Data(bytes))
        }
    }
}
