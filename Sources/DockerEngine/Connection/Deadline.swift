/// The time given to a call is over.
struct DeadlineExceeded: Error, Equatable {
    var after: Duration
}

/// Runs the operation, and cancels it when it takes longer than `duration`; then throws `DeadlineExceeded`.
func withDeadline<Result: Sendable>(
    _ duration: Duration, _ operation: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask { try await operation() }
        group.addTask {
            try await Task.sleep(for: duration)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let result = first else { throw DeadlineExceeded(after: duration) }
        return result
    }
}

extension Duration {
    /// `30 s`, `0.2 s`
    var inSeconds: String {
        let (seconds, attoseconds) = components
        let tenths = attoseconds / 100_000_000_000_000_000
        return tenths == 0 ? "\(seconds) s" : "\(seconds).\(tenths) s"
    }
}
