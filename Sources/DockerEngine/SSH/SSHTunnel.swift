@preconcurrency import Dispatch
import FoundationEssentials
import Glibc
import Reconcile
import Subprocess
import Synchronization
import SystemPackage

/// A socket of our own, in a directory only we can enter, behind which every connection is an `ssh` to the engine's host.
///
/// ssh reads from and writes to the connection itself; no byte passes through here.
final class SSHTunnel: Sendable {
    /// The socket to connect to.
    let path: String

    private let directory: String
    private let destination: SSHDestination
    private let access: EngineEndpoint.SSHAccess
    private let listener: any DispatchSourceRead
    private let state = Mutex(State())

    private struct State {
        var connections: [Int: Task<Void, Never>] = [:]
        var next = 0
        var failure: SSHFailure?
        var isClosed = false
    }

    /// Why the ssh that ended last failed; nil when it did not.
    var failure: SSHFailure? { state.withLock { $0.failure } }

    /// Throws `EngineError` when the socket cannot be made.
    init(to destination: SSHDestination, _ access: EngineEndpoint.SSHAccess) throws {
        self.destination = destination
        self.access = access
        var template = Array("/tmp/watcher-ssh-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Self.failed("make a directory for ssh") }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        path = directory + "/engine.sock"
        let socket = Glibc.socket(
            AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard socket >= 0, Self.bind(socket, to: path), listen(socket, 64) == 0 else {
            let error = Self.failed("listen for ssh")
            close(socket)
            rmdir(directory)
            throw error
        }
        listener = DispatchSource.makeReadSource(fileDescriptor: socket, queue: DispatchQueue(label: "ssh tunnel"))
        listener.setEventHandler { [weak self] in
            while true {
                let connection = accept(socket, nil, nil)
                guard connection >= 0 else { return }
                _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
                guard let self else {
                    close(connection)
                    continue
                }
                begin(connection)
            }
        }
        listener.setCancelHandler { close(socket) }
        listener.activate()
    }

    private static func failed(_ operation: String) -> EngineError {
        EngineError(.unexpected, operation: operation, detail: String(cString: strerror(errno)))
    }

    private static func bind(_ socket: Int32, to path: String) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafeBytes(of: &address) { bytes in
            Glibc.bind(
                socket, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count)) == 0
        }
    }

    /// Ends every connection, and removes the socket. Calling it again does nothing.
    func shutDown() async {
        let open = state.withLock { state in
            state.isClosed = true
            return Array(state.connections.values)
        }
        listener.cancel()
        for connection in open { connection.cancel() }
        for connection in open { await connection.value }
        unlink(path)
        rmdir(directory)
    }

    private func begin(_ connection: Int32) {
        state.withLock { state in
            guard !state.isClosed else {
                close(connection)
                return
            }
            let token = state.next
            state.next += 1
            state.connections[token] = Task { [self] in
                await serve(connection)
                self.state.withLock { $0.connections[token] = nil }
            }
        }
    }

    /// What ssh's end means. A host key that was refused is asked for once more, on a thread that may wait for it.
    private func explained(_ said: String, _ status: String) async -> SSHFailure {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [destination, access] in
                continuation.resume(
                    returning: destination.failure(said: said, status: status, access) {
                        destination.finding(access, said: $0)
                    })
            }
        }
    }

    /// Runs ssh on the connection to its end. The connection is seen to close only after ssh's failure is known.
    private func serve(_ connection: Int32) async {
        let kept = FileDescriptor(rawValue: connection)
        defer { try? kept.close() }
        do {
            let (input, output) = (try kept.duplicate(), try kept.duplicate())
            var options = PlatformOptions()
            // What interrupts us must not end the way by which we put things back.
            options.processGroupID = 0
            options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(2))]
            let result = try await Subprocess.run(
                .name("ssh"), arguments: Arguments(destination.arguments(access)), platformOptions: options,
                input: .fileDescriptor(input, closeAfterSpawningProcess: true),
                output: .fileDescriptor(output, closeAfterSpawningProcess: true), error: .string(limit: 1 << 20))
            let isFine = result.terminationStatus.isSuccess || Task.isCancelled
            let failure =
                isFine
                ? nil
                : await explained(result.standardError, "\(result.terminationStatus)")
            state.withLock { $0.failure = failure }
        } catch {
            state.withLock {
                $0.failure = SSHFailure(
                    .engineUnreachable, "ssh cannot be run: \(error)", "Install openssh-client.")
            }
        }
    }
}
