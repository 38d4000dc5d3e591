import Compose
import Synchronization
import Testing
import WatcherTestSupport

@testable import Deploy
@testable import Reconcile

/// An engine whose calls are told one by one to a closure, which may keep them waiting or fail them.
private struct ScriptedEngine: ContainerEngine {
    var onCall: @Sendable (String) async throws -> Void = { _ in }
    var look: @Sendable (ContainerID) async throws -> ObservedState.Container? = { _ in nil }
    var stream: @Sendable () async throws -> AsyncThrowingStream<ContainerEvent, any Error> = {
        AsyncThrowingStream { _ in }
    }

    var parallelChanges = 64
    /// What runs already.
    var running: Set<String> = []

    func stamps(of project: String) async throws -> [ContainerStamp] { [] }
    func observe(_ query: ObservationQuery) async throws -> ObservedState { ObservedState() }
    func container(_ id: ContainerID) async throws -> ObservedState.Container? { try await look(id) }
    func pull(_ pull: Plan.ImagePull, progress: @escaping @Sendable (String) -> Void) async throws {}
    func events(project: String) async throws -> AsyncThrowingStream<ContainerEvent, any Error> { try await stream() }
    func lastLines(of id: ContainerID, count: Int) async throws -> [String] { [] }
    func removeImage(_ id: String) async throws -> Bool { true }

    func build(
        _ build: ImageBuild, files: FileAccess, modified: Int, log: @escaping @Sendable (String) -> Void
    ) async throws {}

    func perform(_ operation: Operation<ContainerID>) async throws -> ContainerID? {
        switch operation {
        case .start(let id):
            try await onCall(id.hex)
            return running.contains(id.hex) ? nil : id
        case .stop(let id):
            try await onCall("stop \(id.hex)")
            return nil
        case .runHook(let id, let run):
            try await onCall("\(run.kind.rawValue) \(id.hex)")
            return nil
        case .create(let creation):
            try await onCall(creation.name)
            return ContainerID(hex: "made-\(creation.name)")
        default: return nil
        }
    }
}

/// A list that several tasks write.
private final class Log: Sendable {
    private let held = Mutex<[String]>([])
    func add(_ line: String) { held.withLock { $0.append(line) } }
    var lines: [String] { held.withLock { $0 } }
}

/// Lets a number of tasks through when all of them have come.
private actor Meeting {
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private let size: Int
    init(of size: Int) { self.size = size }

    func arrive() async {
        await withCheckedContinuation { continuation in
            waiting.append(continuation)
            if waiting.count == size { waiting.forEach { $0.resume() } }
        }
    }
}

@Suite(.timeLimit(.minutes(15))) struct ApplierTests {
    private func applier(_ engine: any ContainerEngine, calls: Int = 16) -> Applier {
        let log = EventLog(of: nil, emit: { _ in }, now: { 0 })
        return Applier(engine: engine, project: "shop", log: log, stage: .apply, parallelCalls: calls)
    }

    private func hook(_ id: Int, _ kind: HookRun.Kind, _ name: String, after: [Int], start: Int? = nil) -> Plan.Step {
        let run = HookRun(kind, Hook(), service: name, start: start)
        return Plan.Step(
            id: id, operation: .runHook(.existing(ContainerID(hex: name)), run), cause: "", service: name, after: after,
            phase: .apply)
    }

    private func start(_ id: Int, _ name: String, after: [Int] = []) -> Plan.Step {
        Plan.Step(
            id: id, operation: .start(.existing(ContainerID(hex: name))), cause: "", service: name, after: after,
            phase: .apply)
    }

    private func wait(_ id: Int, for name: String, after: [Int] = [], required: Bool = true) -> Plan.Step {
        let wait = Wait(
            service: name, containers: [ContainerReference.existing(ContainerID(hex: name))], expectation: .healthy,
            isRequired: required, timeout: .seconds(50))
        return Plan.Step(id: id, operation: .wait(wait), cause: "", service: name, after: after, phase: .apply)
    }

    private func container(_ health: ObservedState.Container.Health) -> ObservedState.Container {
        var container = ObservedState.Container(
            id: ContainerID(hex: "a"), name: "shop-a-1", service: "a", number: 1, state: .running)
        container.health = health
        return container
    }

    @Test func `a hook follows only a start that happened`() async throws {
        let log = Log()
        let engine = ScriptedEngine(onCall: { log.add($0) }, running: ["b"])
        _ = try await applier(engine).apply([
            start(1, "a"), hook(2, .postStart, "a", after: [1], start: 1),
            start(3, "b", after: [2]), hook(4, .postStart, "b", after: [3], start: 3), start(5, "c", after: [4]),
        ])
        #expect(log.lines == ["a", "post_start a", "b", "c"])
    }

    @Test func `a failing hook fails the deployment after a start, and keeps nothing from being stopped`() async throws
    {
        let log = Log()
        let engine = ScriptedEngine(onCall: { line in
            log.add(line)
            if line.hasPrefix("p") { throw Trouble(reason: .exitedNonZero, message: "it exited with status 3") }
        })
        let stop = Plan.Step(
            id: 2, operation: .stop(.existing(ContainerID(hex: "a"))), cause: "", service: "a", after: [1],
            phase: .apply)
        _ = try await applier(engine).apply([hook(1, .preStop, "a", after: []), stop])
        #expect(log.lines == ["pre_stop a", "stop a"])
        await #expect { try await applier(engine).apply([hook(1, .postStart, "a", after: []), stop]) } throws: {
            ($0 as? DeployError)?.reason == .exitedNonZero && ($0 as? DeployError)?.service == "a"
        }
        #expect(log.lines == ["pre_stop a", "stop a", "post_start a"])
    }

    @Test func `independent steps are under way at the same time`() async throws {
        let meeting = Meeting(of: 3)
        let engine = ScriptedEngine(onCall: { _ in await meeting.arrive() })
        _ = try await applier(engine).apply([start(1, "a"), start(2, "b"), start(3, "c")])
    }

    @Test func `no more calls are under way than allowed`() async throws {
        let most = Mutex((now: 0, most: 0))
        let engine = ScriptedEngine(onCall: { _ in
            most.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
            await Task.yield()
            most.withLock { $0.now -= 1 }
        })
        _ = try await applier(engine, calls: 2).apply((1...20).map { start($0, "\($0)") })
        #expect(most.withLock { $0.most } <= 2)
    }

    @Test func `no more changes are under way than the engine takes, stops included`() async throws {
        let most = Mutex((now: 0, most: 0))
        let engine = ScriptedEngine(
            onCall: { _ in
                most.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
                await Task.yield()
                most.withLock { $0.now -= 1 }
            }, parallelChanges: 4)
        let stops = (1...20).map { id in
            Plan.Step(
                id: id, operation: .stop(.existing(ContainerID(hex: "\(id)"))), cause: "", service: "\(id)", after: [],
                phase: .apply)
        }
        _ = try await applier(engine).apply(stops + (21...40).map { start($0, "\($0)") })
        #expect(most.withLock { $0.most } <= 4)
    }

    @Test func `many containers that take their time are stopped together`() async throws {
        let meeting = Meeting(of: 40)
        let engine = ScriptedEngine(onCall: { _ in await meeting.arrive() })
        let stops = (1...40).map { id in
            Plan.Step(
                id: id, operation: .stop(.existing(ContainerID(hex: "\(id)"))), cause: "", service: "\(id)", after: [],
                phase: .apply)
        }
        _ = try await applier(engine, calls: 2).apply(stops)
    }

    @Test func `a step comes after the steps it names, and knows the containers they made`() async throws {
        let log = Log()
        let engine = ScriptedEngine(onCall: { log.add($0) })
        let creation = ContainerCreation<ContainerReference>(
            service: "a", number: 1, name: "x", finalName: "x", image: "i",
            specification: ContainerSpecification(service: Service(name: "a")))
        let create = Plan.Step(
            id: 1, operation: .create(creation), cause: "", service: "a", after: [], phase: .apply)
        let started = Plan.Step(
            id: 2, operation: .start(.created(step: 1)), cause: "", service: "a", after: [1], phase: .apply)
        let application = try await applier(engine).apply([started, create])
        #expect(log.lines == ["x", "made-x"])
        #expect(application.created[1] == ContainerID(hex: "made-x"))
    }

    @Test func `after a failure nothing new starts, and what is under way comes to its end`() async {
        let log = Log()
        let meeting = Meeting(of: 2)
        let engine = ScriptedEngine(onCall: { name in
            log.add("\(name) begins")
            if name != "late" { await meeting.arrive() }
            if name == "bad" { throw Trouble(reason: .portConflict, message: "port 80 is taken") }
            for _ in 1...50 { await Task.yield() }
            log.add("\(name) ends")
        })
        await #expect {
            try await applier(engine).apply([start(1, "bad"), start(2, "good"), start(3, "late", after: [2])])
        } throws: { error in
            (error as? DeployError)?.reason == .portConflict
                && (error as? DeployError)?.message == "bad: port 80 is taken"
        }
        #expect(log.lines.sorted() == ["bad begins", "good begins", "good ends"])
    }

    @Test func `a failure ends the waits`() async {
        let look = container(.starting)
        let engine = ScriptedEngine(
            onCall: { _ in throw Trouble(reason: .engineFailed, message: "no") }, look: { _ in look })
        await #expect(throws: DeployError.self) {
            try await applier(engine).apply([wait(1, for: "a"), start(2, "b")])
        }
    }

    @Test func `a cancelled run starts nothing new`() async {
        let log = Log()
        let (reached, reach) = AsyncStream.makeStream(of: Void.self)
        let (released, release) = AsyncStream.makeStream(of: Void.self)
        let engine = ScriptedEngine(onCall: { name in
            log.add(name)
            reach.finish()
            for await _ in released {}
        })
        let run = Task { try await applier(engine).apply([start(1, "a"), start(2, "b", after: [1])]) }
        for await _ in reached {}
        run.cancel()
        release.finish()
        await #expect(throws: CancellationError.self) { try await run.value }
        #expect(log.lines == ["a"])
    }

    @Test func `steps that wait for each other are an error, not a success`() async {
        await #expect(throws: DeployError.self) {
            try await applier(ScriptedEngine()).apply([start(1, "a", after: [2]), start(2, "b", after: [1])])
        }
    }

    @Test func `a wait that is not required lets its dependants go on`() async throws {
        let look = container(.unhealthy)
        let log = Log()
        let engine = ScriptedEngine(onCall: { log.add($0) }, look: { _ in look })
        _ = try await applier(engine).apply([wait(1, for: "a", required: false), start(2, "b", after: [1])])
        #expect(log.lines == ["b"])
    }

    @Test func `a wait goes on when the event stream breaks, and looks again when it is back`() async throws {
        let streams = Mutex(0)
        let (sick, well) = (container(.starting), container(.healthy))
        let engine = ScriptedEngine(
            look: { _ in streams.withLock { $0 > 1 } ? well : sick },
            stream: {
                let count = streams.withLock { count in
                    count += 1
                    return count
                }
                return AsyncThrowingStream { continuation in
                    if count == 1 { continuation.finish(throwing: Trouble(reason: .engineUnreachable, message: "")) }
                }
            })
        _ = try await applier(engine).apply([wait(1, for: "a")])
    }

    /// An engine whose event stream ends as told, and whose container is sick once the stream was made anew.
    private func engineThatEnds(
        _ end: @escaping @Sendable () -> (any Error)?, afterwards: ObservedState.Container.Health
    ) -> ScriptedEngine {
        let streams = Mutex(0)
        let (before, after) = (container(.starting), container(afterwards))
        return ScriptedEngine(
            look: { _ in streams.withLock { $0 > 1 } ? after : before },
            stream: {
                let count = streams.withLock { count in
                    count += 1
                    return count
                }
                return AsyncThrowingStream { continuation in
                    if count == 1 { continuation.finish(throwing: end()) }
                }
            })
    }

    @Test func `what fails once the engine went away is put down to that`() async throws {
        let engine = engineThatEnds({ Trouble(reason: .engineUnreachable, message: "") }, afterwards: .unhealthy)
        let error = await #expect(throws: DeployError.self) { try await applier(engine).apply([wait(1, for: "a")]) }
        #expect(error?.reason == .engineRestarted && error?.service == "a")
        #expect(error?.message.hasSuffix("during the run: a: container shop-a-1 is unhealthy") == true)
        #expect(error?.reason.isCommitsFault == false)
    }

    @Test func `a stream that ends because nothing happened says nothing about the engine`() async throws {
        let engine = engineThatEnds({ nil }, afterwards: .unhealthy)
        let error = await #expect(throws: DeployError.self) { try await applier(engine).apply([wait(1, for: "a")]) }
        #expect(error?.reason == .unhealthy)
    }

    @Test func `that the engine went away is known when all went well, and to the steps that follow`() async throws {
        let engine = engineThatEnds({ Trouble(reason: .engineUnreachable, message: "") }, afterwards: .healthy)
        let application = try await applier(engine).apply([wait(1, for: "a")])
        #expect(application.engineWasLost)
        let failing = ScriptedEngine(onCall: { _ in throw Trouble(reason: .invalidContainer, message: "no") })
        let error = await #expect(throws: DeployError.self) {
            try await applier(failing).apply([start(2, "b")], continuing: application)
        }
        #expect(error?.reason == .engineRestarted)
    }

    @Test func `an event makes a wait look at once`() async throws {
        let isWell = Mutex(false)
        let (sick, well) = (container(.starting), container(.healthy))
        let (stream, events) = AsyncThrowingStream.makeStream(of: ContainerEvent.self)
        let engine = ScriptedEngine(
            look: { id in
                let now = isWell.withLock { $0 }
                isWell.withLock { $0 = true }
                events.yield(ContainerEvent(container: id, action: "health_status: healthy"))
                return now ? well : sick
            }, stream: { stream })
        _ = try await applier(engine).apply([wait(1, for: "a")])
    }
}

@Suite struct WordsTests {
    @Test(arguments: [
        (Duration.milliseconds(20), "20ms"), (.seconds(90), "1m30s"), (.seconds(300), "5m"), (.seconds(5400), "1h30m"),
        (.zero, "0ms"),
    ]) func `durations are told in whole units`(_ duration: Duration, _ text: String) {
        #expect(duration.inWords == text)
    }

    @Test(arguments: ["shop/1", "a/b/42"]) func `a deployment's id is read back`(_ text: String) {
        #expect(DeploymentID(text)?.description == text)
    }

    @Test(arguments: ["shop", "shop/", "shop/0", "shop/-1", "shop/x"]) func `other text is no id`(_ text: String) {
        #expect(DeploymentID(text) == nil)
    }
}
