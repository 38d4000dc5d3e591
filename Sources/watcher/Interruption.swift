internal import Dispatch
internal import Foundation
internal import Reconcile
internal import Synchronization

/// SIGINT and SIGTERM end a run in order: it is cancelled, puts back what it took apart, and exits with 130 or 143.
/// A second signal ends it at once; the next run then puts things right.
enum Interruption {
    private static let received = Mutex<Int32?>(nil)

    /// What the process ends with because of a signal; nil when there was none.
    static var status: ExitStatus? {
        switch received.withLock({ $0 }) {
        case SIGTERM: .terminated
        case SIGINT: .interrupted
        default: nil
        }
    }

    /// Runs `body` in a task that signals cancel; the status tells which signal it was.
    static func whileWatchingSignals(
        _ body: @escaping @Sendable () async -> ExitStatus
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
        let queue = DispatchQueue(label: "signals")
        let sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                let isSecond = received.withLock { seen in
                    defer { seen = number }
                    return seen != nil
                }
                if isSecond { _exit(128 + number) }
                task.cancel()
            }
            source.setRegistrationHandler { go.yield() }
            source.resume()
            return source
        }
        defer { for source in sources { source.cancel() } }
        let ended = await task.value
        return status ?? ended
    }
}
