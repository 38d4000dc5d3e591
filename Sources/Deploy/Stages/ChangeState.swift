import Compose
package import Reconcile

// `stop`, `start` and `down`: what is there is stopped, started or removed, without repository or checkout.

extension Run {
    /// Plans how to reach the goal for these services, all of them when none is named.
    func plan(_ goal: StatePlanner.Goal, _ services: Set<String>) async throws -> StateChange {
        let model = record.lastGood?.snapshot?.project
        let name = settings.composeName(recorded: model)
        let observed = try await engine.observe(model.map { query($0) } ?? ObservationQuery(project: name))
        try check(services, model, observed)
        if goal == .started, !observed.containers.contains(where: { !$0.isOneOff && $0.parked == nil }) {
            throw DeployError(
                stage: .plan, reason: .usage, message: "no container of \(settings.name) exists",
                advice: "`watcher deploy \(settings.name)` makes them.")
        }
        let plan = StatePlanner.plan(
            goal, of: name, owner: settings.name, services: services, model: model, observed,
            completed: completed(observed),
            timeout: settings.healthTimeout ?? .seconds(300))
        if goal == .started, let model {
            try checkHostPaths(of: model, plan.touchedServices, on: observed.volumes)
            try judgeStart(plan, of: model, observed)
        }
        for change in plan.changes {
            log.progress(
                .plan, .running, change.kind == "service" ? change.text : change.description,
                service: change.kind == "service" ? change.name : nil)
        }
        return StateChange(run: self, goal: goal, services: services, name: name, observed: observed, plan: plan)
    }

    private func check(_ services: Set<String>, _ model: Project?, _ observed: ObservedState) throws {
        let known = Set(observed.containers.map(\.service)).union((model?.services).map { Set($0.keys) } ?? [])
        guard let unknown = services.subtracting(known).min() else { return }
        throw DeployError(
            stage: .plan, reason: .usage, message: "\(settings.name) has no service \"\(unknown)\"",
            advice: known.isEmpty ? "No container of it exists." : "It has: \(known.sorted().joined(separator: ", ")).")
    }
}

/// How a project is to be stopped, started or removed.
struct StateChange: Sendable {
    let run: Run
    let goal: StatePlanner.Goal
    let services: Set<String>
    /// The Compose project.
    let name: String
    let observed: ObservedState
    let plan: Plan

    private var result: RunResult {
        var result = RunResult(
            project: run.settings.name, outcome: goal.outcome, summary: goal.summary(isNothing: plan.isEmpty))
        result.deployed = run.record.deployed
        result.changes = plan.changes
        result.warnings = plan.warnings
        if plan.isEmpty, observed.containers.isEmpty, goal != .started {
            result.warnings.append("no container of \(name) exists")
        }
        return result
    }

    func preview() -> RunResult {
        var result = result
        result.outcome = plan.isEmpty ? .inSync : .pending
        result.summary = plan.isEmpty ? "nothing to do" : "changes are pending"
        return result
    }

    func carryOut() async throws -> RunResult {
        var result = result
        let model = run.record.lastGood?.snapshot?.project
        let applier = Applier(engine: run.engine, project: name, log: run.log, stage: .apply)
        let steps = plan.steps.filter { $0.phase == .apply }
        _ = try await run.stage(.apply, "applying \(plan.steps.count) steps") { try await applier.apply(steps) }
        for step in plan.steps where step.phase == .cleanup {
            do {
                _ = try await applier.apply([step])
            } catch let error as DeployError where error.reason != .engineUnreachable {
                result.warnings.append(error.message)
            }
        }
        if goal == .started, let model { result = try await verified(result, model) }
        if case .absent = goal, var open = run.record.open {
            // There is nothing left to be undone.
            open.status = .interrupted
            open.message = "the project was taken down before the deployment ended"
            open.finishedAt = run.now
            try await run.store.close(Closing(open))
        }
        run.log.status(.apply, .succeeded, result.summary)
        return result
    }

    /// What was started is said to be started only if it works.
    private func verified(_ started: RunResult, _ model: Project) async throws -> RunResult {
        var result = started
        let before = run.standing(try await run.engine.observe(run.query(model)))
        let concerned = services.isEmpty ? Set(model.services.keys) : services
        let steps = Plan.waits(
            for: before, model, try await run.engine.observe(run.query(model)), among: concerned,
            timeout: run.settings.healthTimeout, settle: run.settings.settle)
        do {
            _ = try await run.applier(
                Candidate(
                    commit: run.record.deployed
                        ?? Commit(id: CommitID(hex: ""), parents: [], author: "", subject: "", time: 0),
                    kind: .heal,
                    snapshot: Snapshot(composeFiles: [:], project: model, imageIDs: [:], contentHashes: [:])), .health
            ).apply(steps)
        } catch let failure as DeployError where !failure.reason.endsRuns {
            // What does not work is in the standing.
        }
        let standing = run.standing(try await run.engine.observe(run.query(model)))
        result.standing = standing
        let broken = standing.services.filter { concerned.contains($0.name) && $0.state == .doesNotWork }
        if !broken.isEmpty {
            result.outcome = .notWorking
            result.summary =
                "started, but "
                + broken.map { "\($0.name) \($0.trouble?.text ?? "does not work")" }.joined(separator: ", ")
        }
        return result
    }
}

extension Deployer {
    /// Stops the services' containers, dependants first; all of the project when none is named. `first` comes before the
    /// first of them, and not when the request is refused.
    package func stop(_ services: Set<String>, first: () async throws -> Void = {}) async -> RunResult {
        await reporting { run in
            let change = try await run.recovered().plan(.stopped, services)
            try await first()
            return try await change.carryOut()
        }
    }

    /// Starts the services' containers after what they depend on; without names it makes the last good deployment run
    /// again, whatever became of it.
    package func start(_ services: Set<String>) async -> RunResult {
        await reporting { run in
            let run = try await run.recovered()
            if services.isEmpty, let kept = try await run.keepDeployed() { return kept }
            return try await run.plan(.started, services).carryOut()
        }
    }

    /// Removes the project's containers and networks, and with `volumes` its volumes: only what carries its label. What is
    /// still in use by others stays and is warned of. `first` comes before the first of them.
    package func down(volumes: Bool, first: () async throws -> Void = {}) async -> RunResult {
        await reporting { run in
            let change = try await run.plan(.absent(volumes: volumes), [])
            try await first()
            return try await change.carryOut()
        }
    }

    /// What `stop`, `start` or `down` would do.
    package func preview(_ goal: StatePlanner.Goal, _ services: Set<String> = []) async -> RunResult {
        await reporting { run in
            if goal == .started, services.isEmpty, let kept = try await run.previewDeployed() {
                var result = kept
                if kept.outcome == .drift || !kept.changes.isEmpty {
                    (result.outcome, result.summary) = (.pending, "changes are pending")
                }
                return result
            }
            return try await run.plan(goal, services).preview()
        }
    }
}

extension StatePlanner.Goal {
    fileprivate var outcome: Outcome {
        switch self {
        case .stopped: .stopped
        case .started: .started
        case .absent: .removed
        }
    }

    fileprivate func summary(isNothing: Bool) -> String {
        switch self {
        case .stopped: isNothing ? "nothing of it was running" : "stopped; `watcher start` makes it run again"
        case .started: isNothing ? "everything was running already" : "started"
        case .absent: isNothing ? "nothing to remove" : "taken down"
        }
    }
}
