internal import Dispatch
internal import Foundation
internal import Reconcile
internal import Synchronization

/// SIGINT and SIGTERM end a run in order: it is cancelled, puts back what it took apart, and exits with 130 or 143.
/// A second signal ends it at once; the next run then puts things right.
enum Interruption {
    private struct State {
        var received: Int32?
        var cancel: (@Sendable () -> Void)?
        var atOnce: [Int: @Sendable () -> Void] = [:]
        var last = 0
    }

    private static let state = Mutex(State())

    /// What the process ends with because of a signal; nil when there was none.
    static var status: ExitStatus? {
        switch state.withLock({ $0.received }) {
        case SIGTERM: .terminated
        case SIGINT: .interrupted
        default: nil
        }
    }

    /// Runs `body` in a task that signals cancel; the status tells which signal it was.
    ///
    /// - Parameter isPatient: a second signal changes nothing: systemd and a terminal send theirs to every process.
    static func whileWatchingSignals(
        isPatient: Bool = false, _ body: @escaping @Sendable () async -> ExitStatus
    ) async -> ExitStatus {
        let (start, go) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            // Not before both signals are watched: one that came earlier would be lost.
            var watched = 0
            for await _ in start {
                watched += 1
                if watched == 2 { break }
            }
            return await body()
        }
        let isEarly = state.withLock { state in
            state.cancel = { task.cancel() }
            return state.received != nil
        }
        if isEarly { task.cancel() }
        let queue = DispatchQueue(label: "signals")
        let sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { receive(number, isPatient: isPatient) }
            source.setRegistrationHandler { go.yield() }
            source.resume()
            return source
        }
        defer { for source in sources { source.cancel() } }
        let ended = await task.value
        return status ?? ended
    }

    /// Ends the run as the signal would.
    static func receive(_ number: Int32, isPatient: Bool) {
        let (isSecond, cancel, atOnce) = state.withLock { state in
            defer { state.received = state.received ?? number }
            return (state.received != nil, state.cancel, Array(state.atOnce.values))
        }
        guard isSecond else { return cancel?() ?? () }
        if isPatient { return }
        for body in atOnce { body() }
        _exit(128 + number)
    }

    /// Has a second signal call `end` before the process ends, as long as `body` runs.
    static func endingAtOnce<Value: Sendable>(
        by end: @escaping @Sendable () -> Void, _ body: () async throws -> Value
    ) async rethrows -> Value {
        let number = state.withLock { state in
            state.last += 1
            state.atOnce[state.last] = end
            return state.last
        }
        defer { state.withLock { $0.atOnce[number] = nil } }
        return try await body()
    }
}
