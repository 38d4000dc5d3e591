import Dispatch

/// Where blocking calls run: threads of ours, never the cooperative pool, which has one thread per core.
struct BlockingThread: Sendable {
    private let queue: DispatchQueue

    /// One call at a time, in order.
    init(_ name: String) { queue = DispatchQueue(label: name) }

    func run<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try body() }) }
        }
    }
}
