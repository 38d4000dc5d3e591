import Compose
import Deploy
import Reconcile
import Synchronization
import WatcherTestSupport

/// Trouble of an adapter.
struct Trouble: ReasonedError, Equatable {
    var reason: Reason
    var message: String
    var advice = ""
}

/// Lets a process die: after a number of calls everything it asks for fails, and nothing is written any more.
final class Life: Sendable {
    private let left = Mutex<Int?>(nil)

    /// Dies at the call after this many; nil lives for ever.
    func end(after calls: Int?) { left.withLock { $0 = calls } }

    func spend() throws {
        try left.withLock { calls in
            guard let count = calls else { return }
            guard count > 0 else { throw Trouble(reason: .engineUnreachable, message: "the process is dead") }
            calls = count - 1
        }
    }

    /// Throws when it is over.
    func check() throws {
        guard remaining != 0 else { throw Trouble(reason: .engineUnreachable, message: "the process is dead") }
    }

    /// Calls that are left.
    var remaining: Int? { left.withLock { $0 } }
}

/// A container engine in memory, which can be made to fail.
final class EngineStandIn: ContainerEngine {
    struct State: Sendable {
        var engine = SimulatedEngine()
        /// What the registry has: image id by reference.
        var registry: [String: String] = [:]
        /// When images were made, by id.
        var made: [String: Int] = [:]
        /// Fails the operations it gives an error for.
        var refusal: @Sendable (Operation<ContainerID>, SimulatedEngine) -> Trouble? = { _, _ in nil }
        var pullTrouble: Trouble?
        var isUnreachable = false
        /// What was written: operations and pulls.
        var writes = 0
        var pulls: [String] = []
        var builds: [String] = []
        var buildTrouble: Trouble?
        var inspections = 0
        /// What happens while somebody waits: called at each look at a container.
        var meanwhile: @Sendable (inout SimulatedEngine, Int) -> Void = { _, _ in }
        var listeners: [AsyncThrowingStream<ContainerEvent, any Error>.Continuation] = []
    }

    private let life: Life
    private let held = Mutex(State())

    init(_ life: Life) { self.life = life }

    func with<Value: Sendable>(_ body: (inout State) throws -> Value) rethrows -> Value {
        try held.withLock { try body(&$0) }
    }

    private func reach() throws {
        try life.spend()
        if with({ $0.isUnreachable }) {
            throw Trouble(reason: .engineUnreachable, message: "the engine cannot be reached")
        }
    }

    let parallelChanges = 64

    func stamps(of project: String) async throws -> [ContainerStamp] {
        if with({ $0.isUnreachable }) {
            throw Trouble(reason: .engineUnreachable, message: "the engine cannot be reached")
        }
        return with { state in
            state.engine.state.containers.compactMap { ContainerStamp(labels: $0.labels, of: project) }
        }
    }

    func observe(_ query: ObservationQuery) async throws -> ObservedState {
        try reach()
        return with { state in
            var observed = state.engine.state
            observed.images = observed.images.filter { query.images.contains($0.key) }
            observed.containers.sort { $0.name < $1.name }
            return observed
        }
    }

    func container(_ id: ContainerID) async throws -> ObservedState.Container? {
        try reach()
        return with { state in
            state.inspections += 1
            state.meanwhile(&state.engine, state.inspections)
            for listener in state.listeners { listener.yield(.init(container: id, action: "health_status")) }
            return state.engine.state.containers.first { $0.id == id }
        }
    }

    func pull(_ pull: Plan.ImagePull, progress: @escaping @Sendable (String) -> Void) async throws {
        try reach()
        progress("pulling \(pull.reference)")
        try with { state in
            state.writes += 1
            state.pulls.append(pull.reference)
            if let trouble = state.pullTrouble { throw trouble }
            guard let id = state.registry[pull.reference] else {
                throw Trouble(reason: .imageNotFound, message: "no image \(pull.reference) in the registry")
            }
            state.engine.setImage(pull.reference, id: id)
            if let made = state.made[id] { state.engine.state.images[pull.reference]?.createdAt = made }
        }
    }

    func build(
        _ build: ImageBuild, files: FileAccess, modified: Int, log: @escaping @Sendable (String) -> Void
    ) async throws {
        try reach()
        let context = try BuildContext(of: build, files: files)
        log("Step 1/1 : \(context.dockerfileText.split(separator: "\n").first ?? "")")
        try with { state in
            state.writes += 1
            state.builds.append(build.image)
            if let trouble = state.buildTrouble { throw trouble }
            let text = context.items.map { "\($0.path)=\($0.id)" }.joined() + context.dockerfileText
            state.engine.setImage(build.image, id: "sha256:" + text.filter { $0.isLetter || $0.isNumber })
            state.engine.state.images[build.image]?.buildHash = build.fingerprint?.description
        }
    }

    func perform(_ operation: Operation<ContainerID>) async throws -> ContainerID? {
        try reach()
        return try with { state in
            state.writes += 1
            if let trouble = state.refusal(operation, state.engine) { throw trouble }
            do {
                let created = try state.engine.perform(operation)
                for container in state.engine.state.containers {
                    for listener in state.listeners { listener.yield(.init(container: container.id, action: "change")) }
                }
                return created
            } catch let refusal as SimulatedEngine.Refusal {
                throw Trouble(reason: refusal.reason, message: refusal.message)
            }
        }
    }

    func events(project: String) async throws -> AsyncThrowingStream<ContainerEvent, any Error> {
        try reach()
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: ContainerEvent.self)
        with { $0.listeners.append(continuation) }
        return stream
    }

    func removeImage(_ id: String) async throws -> Bool {
        try reach()
        return with { state in
            guard !state.engine.state.containers.contains(where: { $0.imageID == id }) else { return false }
            state.writes += 1
            state.engine.state.images = state.engine.state.images.filter { $0.value.id != id }
            return true
        }
    }

    func lastLines(of id: ContainerID, count: Int) async throws -> [String] {
        try reach()
        return ["last words of \(id.short)"]
    }
}
