import Reconcile

/// Hands the engine's events to whoever waits for the containers they are about, as long as `run` lasts.
///
/// When the connection breaks everybody is told to look again, and it is made anew.
actor ContainerWatch {
    private struct Waiter {
        var containers: Set<ContainerID>
        var continuation: AsyncStream<ContainerID?>.Continuation
    }

    private var waiters: [Int: Waiter] = [:]
    private var nextToken = 0

    /// Runs `body` while events of the project's containers flow.
    static func run<Value: Sendable>(
        _ engine: any ContainerEngine, project: String,
        _ body: @escaping @Sendable (ContainerWatch) async throws -> Value
    ) async throws -> Value {
        let watch = ContainerWatch()
        let first = try await engine.events(project: project)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await watch.listen(engine, project, first) }
            defer { group.cancelAll() }
            return try await body(watch)
        }
    }

    /// A stream of the containers something happened to; nil means «look at all of them again».
    func changes(of containers: [ContainerID]) -> (token: Int, AsyncStream<ContainerID?>, tick: @Sendable () -> Void) {
        let (stream, continuation) = AsyncStream.makeStream(of: ContainerID?.self)
        nextToken += 1
        waiters[nextToken] = Waiter(containers: Set(containers), continuation: continuation)
        return (nextToken, stream, { continuation.yield(nil) })
    }

    func end(_ token: Int) { waiters.removeValue(forKey: token)?.continuation.finish() }

    private func listen(
        _ engine: any ContainerEngine, _ project: String, _ first: AsyncThrowingStream<ContainerEvent, any Error>
    ) async {
        var stream: AsyncThrowingStream<ContainerEvent, any Error>? = first
        while !Task.isCancelled {
            if let events = stream {
                do {
                    for try await event in events { tell(event.container) }
                } catch {
                    // The connection broke; below it is made anew, and what was missed is looked at.
                }
            }
            guard !Task.isCancelled else { return }
            try? await Task.sleep(for: .milliseconds(500))
            stream = try? await engine.events(project: project)
            tellAll()
        }
    }

    private func tell(_ container: ContainerID) {
        for waiter in waiters.values where waiter.containers.contains(container) {
            waiter.continuation.yield(container)
        }
    }

    private func tellAll() {
        for waiter in waiters.values { waiter.continuation.yield(nil) }
    }
}
