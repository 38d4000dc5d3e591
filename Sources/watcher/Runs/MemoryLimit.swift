internal import Deploy
internal import Foundation
internal import Reconcile

/// A limit to this process's memory, so that a runaway fails alone, and says why.
enum MemoryLimit {
    /// What the process says when it ends because there is no more memory, prepared while there is.
    struct LastWords {
        var error: String
        var output: String
        var status: Int32
    }

    private struct Prepared {
        var error: UnsafeMutableBufferPointer<UInt8>
        var output: UnsafeMutableBufferPointer<UInt8>
        var status: Int32
        /// What could not be had at the limit, or near it.
        var probe: Int
    }

    // Written once, before the first handler can run.
    nonisolated(unsafe) private static var prepared: Prepared?

    /// Limits the memory of this process; what it starts gets rid of the limit by `lift`.
    static func apply(_ limits: RunLimits, lastWords: LastWords) {
        prepared = Prepared(
            error: bytes(lastWords.error), output: bytes(lastWords.output), status: lastWords.status,
            probe: limits.memory / 3 * 2)
        set(rlim_t(limits.memory))
        for number in [SIGABRT, SIGBUS, SIGILL, SIGSEGV, SIGTRAP] { handle(number) }
    }

    /// Gives a process that was started by a limited one back what the system allows.
    static func lift() { set(rlim_t.max) }

    private static func set(_ bytes: rlim_t) {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = min(bytes, limit.rlim_max)
        setrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &limit)
    }

    private static func bytes(_ text: String) -> UnsafeMutableBufferPointer<UInt8> {
        let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
        _ = bytes.initialize(from: text.utf8)
        return bytes
    }

    /// Swift ends a process that gets no memory by a trap or an abort, C by following a null pointer.
    private static func handle(_ number: Int32) {
        var action = sigaction()
        action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND)) | SA_NODEFER
        action.__sigaction_handler.sa_handler = { number in
            if let prepared = MemoryLimit.prepared, !MemoryLimit.canMap(prepared.probe) {
                write(STDERR_FILENO, prepared.error.baseAddress, prepared.error.count)
                write(STDOUT_FILENO, prepared.output.baseAddress, prepared.output.count)
                _exit(prepared.status)
            }
            // The handler is gone: now the signal ends the process.
            raise(number)
        }
        sigaction(number, &action, nil)
    }

    private static func canMap(_ size: Int) -> Bool {
        let place = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let place, place != MAP_FAILED else { return false }
        munmap(place, size)
        return true
    }
}

extension RunResult {
    static func outOfMemory(_ name: String, _ limits: RunLimits) -> RunResult {
        failed(
            name,
            DeployError(
                stage: .record, reason: .unexpected,
                message: "the run used more memory than \(limits.memoryText) and was ended",
                advice: "The next run finishes or undoes what it began. `memory` in the configuration allows it more."),
            summary: unfinished)
    }
}
