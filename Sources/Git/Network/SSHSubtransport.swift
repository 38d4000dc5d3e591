internal import CLibGit2
import Glibc
import Reconcile

/// libgit2's smart protocol over a running `ssh`, instead of libssh2: RSA keys, ssh_config, agents, hardware keys and
/// jump hosts work exactly as they do for git.
///
/// One value serves one remote; it must outlive it.
final class SSHSubtransport {
    let command: SSHCommand
    let environment: [String: String]
    private let definition = UnsafeMutablePointer<git_smart_subtransport_definition>.allocate(capacity: 1)
    fileprivate var process: SSHProcess?
    fileprivate var stream: UnsafeMutablePointer<Stream>?

    /// An error of our own, which libgit2 can only pass on as text.
    private(set) var failure: GitError?
    /// ssh's exit status, when it ended by itself; nil while it runs and when we ended it.
    private(set) var status: Int32?
    /// What ssh said before and while it ended.
    private(set) var said = ""

    init(_ command: SSHCommand, environment: [String: String]) {
        self.command = command
        self.environment = environment
        definition.initialize(
            to: git_smart_subtransport_definition(
                callback: { out, _, parameter in
                    guard let out, let parameter else { return -1 }
                    out.pointee = Subtransport.make(Unmanaged<SSHSubtransport>.fromOpaque(parameter))
                    return 0
                },
                rpc: 0, param: Unmanaged.passUnretained(self).toOpaque()))
    }

    deinit { definition.deallocate() }

    /// Makes the transport for a remote: for the `transport` callback.
    func makeTransport(_ out: UnsafeMutablePointer<UnsafeMutablePointer<git_transport>?>?, _ owner: OpaquePointer?)
        -> Int32
    {
        git_transport_smart(out, owner, definition)
    }

    fileprivate func start() throws {
        if process == nil { process = try SSHProcess(command, environment: environment) }
    }

    /// Runs `body`; its error becomes libgit2's.
    fileprivate func guarded(_ body: () throws -> Int32) -> Int32 {
        do { return try body() } catch {
            status = finish() ?? status
            failure = failure ?? error as? GitError
            _ = git_error_set_str(Int32(GIT_ERROR_SSH.rawValue), failure?.message ?? "ssh failed")
            return -1
        }
    }

    /// Ends ssh and keeps what it said; returns its exit status.
    @discardableResult
    func finish() -> Int32? {
        guard let process else { return nil }
        let status = process.end()
        said = process.said
        self.process = nil
        return status
    }

    /// At the end of ssh's output: an error when ssh failed, in its own words.
    fileprivate func ended() -> Int32 {
        status = finish() ?? status
        guard let status, status != 0 else { return 0 }
        let code = status & 0x7f == 0 ? "exited with status \(status >> 8)" : "was ended by signal \(status & 0x7f)"
        _ = git_error_set_str(Int32(GIT_ERROR_SSH.rawValue), "ssh \(code)")
        return -1
    }
}

// What libgit2 sees: C structures with our pointer behind them.

private struct Subtransport {
    var base: git_smart_subtransport
    var owner: Unmanaged<SSHSubtransport>

    static func make(_ owner: Unmanaged<SSHSubtransport>) -> UnsafeMutablePointer<git_smart_subtransport> {
        let value = UnsafeMutablePointer<Subtransport>.allocate(capacity: 1)
        let base = git_smart_subtransport(
            action: { out, transport, _, action in
                guard let out, let transport else { return -1 }
                let owner = Subtransport.owner(of: transport)
                guard action == GIT_SERVICE_UPLOADPACK_LS || action == GIT_SERVICE_UPLOADPACK else {
                    _ = git_error_set_str(Int32(GIT_ERROR_SSH.rawValue), "watcher never pushes")
                    return -1
                }
                return owner.guarded {
                    try owner.start()
                    let stream = owner.stream ?? Stream.make(transport, owner)
                    owner.stream = stream
                    out.pointee = UnsafeMutableRawPointer(stream).assumingMemoryBound(
                        to: git_smart_subtransport_stream.self)
                    return 0
                }
            },
            close: { transport in
                if let transport { Subtransport.owner(of: transport).finish() }
                return 0
            },
            free: { transport in
                guard let transport else { return }
                Subtransport.owner(of: transport).finish()
                UnsafeMutableRawPointer(transport).assumingMemoryBound(to: Subtransport.self).deallocate()
            })
        value.initialize(to: Subtransport(base: base, owner: owner))
        return UnsafeMutableRawPointer(value).assumingMemoryBound(to: git_smart_subtransport.self)
    }

    static func owner(of transport: UnsafeMutablePointer<git_smart_subtransport>) -> SSHSubtransport {
        UnsafeMutableRawPointer(transport).assumingMemoryBound(to: Subtransport.self).pointee.owner
            .takeUnretainedValue()
    }
}

private struct Stream {
    var base: git_smart_subtransport_stream
    var owner: Unmanaged<SSHSubtransport>

    static func make(_ transport: UnsafeMutablePointer<git_smart_subtransport>, _ owner: SSHSubtransport)
        -> UnsafeMutablePointer<Stream>
    {
        let value = UnsafeMutablePointer<Stream>.allocate(capacity: 1)
        let base = git_smart_subtransport_stream(
            subtransport: transport,
            read: { stream, buffer, size, count in
                guard let stream, let buffer, let count else { return -1 }
                let owner = Stream.owner(of: stream)
                return owner.guarded {
                    let got = try owner.process?.read(into: buffer, count: size) ?? 0
                    count.pointee = got
                    return got == 0 ? owner.ended() : 0
                }
            },
            write: { stream, buffer, size in
                guard let stream, let buffer else { return -1 }
                let owner = Stream.owner(of: stream)
                return owner.guarded {
                    try owner.process?.write(UnsafeRawBufferPointer(start: buffer, count: size))
                    return 0
                }
            },
            free: { stream in
                guard let stream else { return }
                Stream.owner(of: stream).stream = nil
                UnsafeMutableRawPointer(stream).assumingMemoryBound(to: Stream.self).deallocate()
            })
        value.initialize(to: Stream(base: base, owner: Unmanaged.passUnretained(owner)))
        return value
    }

    static func owner(of stream: UnsafeMutablePointer<git_smart_subtransport_stream>) -> SSHSubtransport {
        UnsafeMutableRawPointer(stream).assumingMemoryBound(to: Stream.self).pointee.owner.takeUnretainedValue()
    }
}

extension SSHSubtransport {
    /// Whether the C structures stand first in ours, as libgit2 needs them; asserted by a test.
    static var layoutIsCompatible: Bool {
        MemoryLayout<Subtransport>.offset(of: \.base) == 0 && MemoryLayout<Stream>.offset(of: \.base) == 0
    }
}
