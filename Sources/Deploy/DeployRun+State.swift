import Compose
import Reconcile

extension DeployRun {
    /// Stops, starts or removes what is there, without repository or checkout; `first` comes when nothing can be refused any
    /// more.
    func bring(
        to goal: StatePlanner.Goal, _ services: Set<String>, dryRun: Bool, first: () async throws -> Void = {}
    ) async throws -> RunResult {
        note { $0.stage = .plan }
        let name = settings.projectName
        let observed = try await deployer.engine.observe(ObservationQuery(project: name))
        let model = facts.record.lastGood?.snapshot?.project
        try check(services, model, observed)
        let plan = StatePlanner.plan(
            goal, of: name, owner: settings.name, services: services, model: model, observed,
            completed: facts.record.lastGood?.snapshot?.completed ?? [],
            timeout: settings.healthTimeout ?? .seconds(300))
        for change in plan.changes { journal.progress(.plan, .running, change.description) }
        var result = self.result(goal.outcome, goal.summary(name, isNothing: plan.isEmpty))
        result.changes = plan.changes
        result.warnings = plan.warnings
        if plan.isEmpty, observed.containers.isEmpty, goal != .started {
            result.warnings.append("nothing of \(name) is there")
        }
        if dryRun {
            result.outcome = plan.isEmpty ? .inSync : .pending
            result.summary = plan.isEmpty ? "nothing to do" : "changes are pending"
            return result
        }
        try await first()
        let applier = Applier(engine: deployer.engine, project: name, journal: journal, stage: .apply)
        let steps = plan.steps.filter { $0.phase == .apply }
        _ = try await stage(.apply, "applying \(plan.steps.count) steps") { try await applier.apply(steps) }
        for step in plan.steps where step.phase == .cleanup {
            do {
                _ = try await applier.apply([step])
            } catch let error as DeployError where error.reason != .engineUnreachable {
                result.warnings.append(error.message)
            }
        }
        journal.status(.apply, .succeeded, result.summary)
        return result
    }

    /// Starts everything again as the last good deployment left it, and makes what is missing.
    func startAgain(dryRun: Bool) async throws -> RunResult {
        guard let candidate = facts.record.lastGood.flatMap({ Candidate(recorded: $0, kind: .heal) }) else {
            return try await bring(to: .started, [], dryRun: dryRun)
        }
        note { $0.tip = candidate.commit }
        var options = Deployer.Options()
        options.dryRun = dryRun
        var result = try await carryOut(candidate, nil, options)
        if result.outcome == .drift { (result.outcome, result.summary) = (.pending, "changes are pending") }
        return result
    }

    private func check(_ services: Set<String>, _ model: Project?, _ observed: ObservedState) throws {
        let known = Set(observed.containers.map(\.service)).union((model?.services).map { Set($0.keys) } ?? [])
        guard let unknown = services.subtracting(known).min() else { return }
        throw DeployError(
            stage: .plan, reason: .usage, message: "\(settings.name) has no service \"\(unknown)\"",
            advice: known.isEmpty ? "Nothing of it is there." : "It has: \(known.sorted().joined(separator: ", ")).")
    }
}

extension Deployer {
    /// Stops the services' containers, dependants first; all of the project when none is named. `first` comes before the
    /// first of them, and not when the request is refused. Never throws.
    package func stop(
        _ services: Set<String>, dryRun: Bool, first: () async throws -> Void = {}
    ) async -> RunResult {
        await reporting { run in
            try await run.begin(recovering: !dryRun)
            return try await run.bring(to: .stopped, services, dryRun: dryRun, first: first)
        }
    }

    /// Starts the services' containers after what they depend on; without names it makes the last good deployment run
    /// again, whatever became of it. Never throws.
    package func start(_ services: Set<String>, dryRun: Bool) async -> RunResult {
        await reporting { run in
            try await run.begin(recovering: !dryRun)
            guard services.isEmpty else { return try await run.bring(to: .started, services, dryRun: dryRun) }
            return try await run.startAgain(dryRun: dryRun)
        }
    }

    /// Removes the project's containers and networks, and with `volumes` its volumes: only what carries its label. What is
    /// still in use by others stays and is warned of. `first` comes before the first of them. Never throws.
    package func down(volumes: Bool, dryRun: Bool, first: () async throws -> Void = {}) async -> RunResult {
        await reporting { run in
            try await run.begin(recovering: false)
            return try await run.bring(to: .absent(volumes: volumes), [], dryRun: dryRun, first: first)
        }
    }
}

extension StatePlanner.Goal {
    fileprivate var outcome: RunResult.Outcome {
        switch self {
        case .stopped: .stopped
        case .started: .started
        case .absent: .removed
        }
    }

    fileprivate func summary(_ project: String, isNothing: Bool) -> String {
        switch self {
        case .stopped: isNothing ? "nothing of it ran" : "stopped; «watcher start» makes it run again"
        case .started: isNothing ? "everything ran already" : "started"
        case .absent: isNothing ? "nothing to remove" : "taken down"
        }
    }
}
