import Reconcile

/// Hands the engine's events to whoever waits for the containers they are about, as long as `run` lasts.
///
/// When the connection breaks everybody is told to look again, it is made anew, and it is remembered that the engine was
/// lost: what containers do while their engine restarts says nothing about them.
actor ContainerWatch {
    private struct Waiter {
        var containers: Set<ContainerID>
        var continuation: AsyncStream<ContainerID?>.Continuation
    }

    /// The engine went away since `run` began, or ended and came back.
    private(set) var engineWasLost = false
    private var waiters: [Int: Waiter] = [:]

    /// Runs `body` while events of the project's containers flow. What it throws once the engine was lost is put down to
    /// that: a `DeployError` whose reason is `engineRestarted`.
    static func run<Value: Sendable>(
        _ engine: any ContainerEngine, project: String,
        _ body: @escaping @Sendable (ContainerWatch) async throws -> Value
    ) async throws -> Value {
        let watch = ContainerWatch()
        let first = try await engine.events(project: project)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await watch.listen(engine, project, first) }
            defer { group.cancelAll() }
            do {
                return try await body(watch)
            } catch let error as DeployError {
                throw await watch.engineWasLost ? error.withEngineLost : error
            }
        }
    }

    /// A stream of the containers something happened to; nil means "look at all of them again".
    func changes(of containers: [ContainerID]) -> (token: Int, AsyncStream<ContainerID?>, tick: @Sendable () -> Void) {
        let (stream, continuation) = AsyncStream.makeStream(of: ContainerID?.self)
        let token = (waiters.keys.max() ?? 0) + 1
        waiters[token] = Waiter(containers: Set(containers), continuation: continuation)
        return (token, stream, { continuation.yield(nil) })
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
                    noteLoss()
                }
            }
            guard !Task.isCancelled else { return }
            try? await Task.sleep(for: .milliseconds(500))
            do {
                stream = try await engine.events(project: project)
            } catch {
                stream = nil
                noteLoss()
            }
            tellAll()
        }
    }

    /// Not when this is only being ended.
    private func noteLoss() {
        if !Task.isCancelled { engineWasLost = true }
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

extension DeployError {
    /// The same failure of a run whose engine went away meanwhile: it tells nothing about the commit. That the engine
    /// cannot be reached, and what the person asked for, stay what they are.
    var withEngineLost: DeployError {
        guard !reason.isInterruption, ![.engineUnreachable, .engineRestarted].contains(reason) else { return self }
        var error = self
        error.reason = .engineRestarted
        error.message = "the engine went away or was restarted during the run: \(message)"
        error.advice = "The next run finishes the deployment or undoes it."
        return error
    }
}
