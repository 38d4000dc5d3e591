import Reconcile

/// What applying a plan did.
struct ApplyResult: Sendable {
    /// The containers that steps created or started, by step.
    var created: [Int: ContainerID] = [:]
    /// Containers that ran to completion while they were waited for.
    var completed: Set<ContainerID> = []
    /// The engine went away or was restarted meanwhile, and all went well nevertheless.
    var engineWasLost = false
}

/// Carries a plan out, step by step as its graph allows, and has no opinion of its own.
///
/// A failing step ends the waits and starts nothing new; calls to the engine that are under way come to their end, so
/// that what the engine says afterwards is what is there.
struct Applier: Sendable {
    let engine: any ContainerEngine
    /// The Compose project, whose events are followed.
    let project: String
    let log: EventLog
    /// `.apply`, or `.rollback` when a deployment is undone.
    let stage: Event.Stage
    /// Calls to the engine under way at once, stops aside: more only take each other's time.
    var parallelCalls = 16
    /// Stops under way at once: they mostly wait for what runs in the containers to end.
    var parallelStops = 48

    private struct Outcome: Sendable {
        var step: Plan.Step
        var result: Result<Effect, any Error>

        struct Effect: Sendable {
            var created: ContainerID?
            var completed: Set<ContainerID> = []
        }
    }

    /// - Throws: `DeployError` for the first step that failed, with the reason `engineRestarted` when the engine was lost
    ///   before; `CancellationError`.
    func apply(_ steps: [Plan.Step], continuing earlier: ApplyResult = ApplyResult()) async throws -> ApplyResult {
        guard !steps.isEmpty else { return earlier }
        do {
            return try await ContainerWatch.run(engine, project: project) { watch in
                var result = try await run(steps, earlier, Verifier(engine: engine, watch: watch))
                if await watch.engineWasLost { result.engineWasLost = true }
                return result
            }
        } catch let error as DeployError where earlier.engineWasLost {
            throw error.withEngineLost
        }
    }

    private func run(
        _ steps: [Plan.Step], _ result: ApplyResult, _ verifier: Verifier
    ) async throws -> ApplyResult {
        var result = result
        // What can start does so before more is created.
        var waiting = steps.filter { !$0.isCreation } + steps.filter(\.isCreation)
        // A step may follow one of an earlier phase, which is done.
        var done = Set(1...(steps.map(\.id).max() ?? 1)).subtracting(steps.map(\.id))
        var failure: (any Error)?
        try await withThrowingTaskGroup(of: Outcome.self) { group in
            var calls: [Plan.Step.Load: Int] = [:]
            var running = 0
            repeat {
                var held: [Plan.Step] = []
                var isSkipping = false
                for step in waiting {
                    let isReady = failure == nil && !Task.isCancelled && step.after.allSatisfy(done.contains)
                    let isBusy = calls[.call, default: 0] + calls[.stop, default: 0] >= engine.parallelChanges
                    guard isReady, calls[step.load, default: 0] < limit(of: step.load), step.load == .wait || !isBusy
                    else {
                        held.append(step)
                        continue
                    }
                    let operation = try step.operation.map { try result.resolve($0) }
                    guard result.isNeeded(operation) else {
                        done.insert(step.id)
                        isSkipping = true
                        continue
                    }
                    calls[step.load, default: 0] += 1
                    running += 1
                    group.addTask { await outcome(of: operation, step, verifier) }
                }
                waiting = held
                if isSkipping { continue }
                guard running > 0, let outcome = try await group.next() else { break }
                running -= 1
                calls[outcome.step.load, default: 0] -= 1
                switch outcome.result {
                case .success(let effect):
                    done.insert(outcome.step.id)
                    result.created[outcome.step.id] = effect.created
                    result.completed.formUnion(effect.completed)
                case .failure(let error):
                    if failure == nil || failure is CancellationError { failure = error }
                    group.cancelAll()
                }
            } while running > 0 || (!waiting.isEmpty && failure == nil)
        }
        try Task.checkCancellation()
        if let failure { throw failure }
        guard waiting.isEmpty else {
            throw DeployError(
                stage: stage, reason: .unexpected,
                message: "the plan's steps \(waiting.map { String($0.id) }.joined(separator: ", ")) wait for each other"
            )
        }
        return result
    }

    private func outcome(
        of operation: Operation<ContainerID>, _ step: Plan.Step, _ verifier: Verifier
    ) async -> Outcome {
        do {
            if case .wait(let wait) = operation {
                return Outcome(step: step, result: .success(try await self.wait(wait, step, verifier)))
            }
            // Not a child task. Never cancel a call in flight: its effect would be unknown.
            let created = try await Task { try await engine.perform(operation) }.value
            if let line = operation.pastTense {
                log.progress(stage, .succeeded, line, service: step.service)
            }
            return Outcome(step: step, result: .success(.init(created: created)))
        } catch {
            let failure = failure(error, operation, step)
            // Stopping is also how a failed deployment is undone: no hook may keep a container running.
            if let hook = failure as? DeployError, case .runHook(_, let run) = operation, run.kind == .preStop {
                log.progress(stage, .warning, hook.message, service: step.service)
                return Outcome(step: step, result: .success(.init()))
            }
            return Outcome(step: step, result: .failure(failure))
        }
    }

    /// How many steps of a kind are carried out at once.
    private func limit(of load: Plan.Step.Load) -> Int {
        switch load {
        case .wait: .max
        case .stop: parallelStops
        case .call: parallelCalls
        }
    }

    private func wait(
        _ wait: Wait<ContainerID>, _ step: Plan.Step, _ verifier: Verifier
    ) async throws -> Outcome.Effect {
        let stage: Event.Stage = self.stage == .rollback ? .rollback : .health
        log.progress(
            stage, .started, "waiting until it is \(wait.goal), at most \(wait.timeout.inWords)", service: wait.service)
        do {
            let completed = try await verifier.wait(wait)
            log.progress(stage, .succeeded, wait.pastTense(completed), service: wait.service)
            if wait.delay > .zero { try await Task.sleep(for: wait.delay) }
            return Outcome.Effect(created: nil, completed: completed)
        } catch let error as HealthGate.Failure {
            guard wait.isRequired else {
                log.progress(stage, .warning, "\(error.message); it is not required", service: wait.service)
                return Outcome.Effect(created: nil)
            }
            let lines = (try? await engine.lastLines(of: error.container, count: 20)) ?? []
            for line in lines { log.log(stage, line, service: wait.service) }
            log.progress(stage, .failed, error.message, service: wait.service)
            // What the deployment does not touch cannot be its commit's fault.
            var failure = DeployError(
                stage: stage, reason: wait.isOfKept ? .dependencyNotReady : error.reason,
                message: "\(wait.service): \(error.message)", service: wait.service)
            failure.logLines = lines
            throw failure
        }
    }

    private func failure(_ error: any Error, _ operation: Operation<ContainerID>, _ step: Plan.Step) -> any Error {
        if error is CancellationError || error is DeployError { return error }
        var failure = DeployError(error, stage: stage)
        if case .runHook(_, let run) = operation, run.kind == .preStop { return failure }
        log.progress(stage, .failed, failure.message, service: step.service)
        if let service = step.service, !failure.message.hasPrefix(service) {
            failure.message = "\(service): \(failure.message)"
        }
        failure.service = step.service
        return failure
    }
}

extension ApplyResult {
    /// A hook after a start that did not happen, because the container ran already, is not run.
    fileprivate func isNeeded(_ operation: Operation<ContainerID>) -> Bool {
        guard case .runHook(_, let run) = operation, let start = run.start else { return true }
        return created[start] != nil
    }

    fileprivate func resolve(_ reference: ContainerReference) throws -> ContainerID {
        switch reference {
        case .existing(let id): return id
        case .created(let step):
            guard let id = created[step] else {
                throw DeployError(
                    stage: .apply, reason: .unexpected, message: "step \(step) of the plan made no container")
            }
            return id
        }
    }
}

extension Plan.Step {
    /// What carrying it out asks of the engine.
    fileprivate enum Load { case call, stop, wait }

    fileprivate var load: Load {
        switch operation {
        case .wait: .wait
        case .stop, .runHook: .stop
        default: .call
        }
    }

    fileprivate var isCreation: Bool { if case .create = operation { true } else { false } }
}

extension Operation where Container == ContainerID {
    /// What was done, for the events; nil for steps nobody needs to hear of.
    fileprivate var pastTense: String? {
        switch self {
        case .createNetwork(let network): "created network \(network.name)"
        case .removeNetwork(_, let name): "removed network \(name)"
        case .createVolume(let volume): "created volume \(volume.name)"
        case .removeVolume(let name): "removed volume \(name)"
        case .create(let creation): "created container \(creation.finalName)"
        case .copyFiles(_, let files): "copied \(files.map(\.target).joined(separator: ", "))"
        case .start: "started container"
        case .unpause: "unpaused container"
        case .stop: "stopped container"
        case .runHook(_, let run): "ran \(run.kind.rawValue) hook"
        case .remove: "removed container"
        case .connect(_, let endpoint): "connected to network \(endpoint.network)"
        case .tagImage(_, let reference): "\(reference) names the previous image again"
        case .untagImage(let reference): "removed \(reference)"
        case .rename, .disconnect, .wait: nil
        }
    }
}

extension Wait where Container == ContainerID {
    fileprivate var goal: String {
        switch expectation {
        case .healthy: "healthy"
        case .completed: "completed"
        case .verified: "verified"
        }
    }

    fileprivate func pastTense(_ completed: Set<ContainerID>) -> String {
        if !completed.isEmpty, completed.count == containers.count { return "completed" }
        return goal
    }
}
