import Compose
import Reconcile

/// A deployment that is recorded as open: from here on the next run undoes it if this one dies.
struct Attempt: Sendable {
    let run: Run
    /// As it was recorded, with what ran before.
    let deployment: Deployment
    let candidate: Candidate
    let plan: Plan
    let changes: [Plan.Change]
    /// How what was deployed was doing before.
    let standing: Standing

    /// Something of the project ran when the deployment was opened.
    var ranBefore: Bool { deployment.ranBefore }
}

/// What became of an attempt.
enum Applied: Sendable {
    /// Applied, verified and recorded as it is here; nothing undoes it any more.
    case succeeded(Deployment, ApplyResult)
    case failed(DeployError, Undone)
}

extension Run {
    /// Stages the commit's files beside the checkout for as long as `body` runs; what is left of them then is removed.
    func withStagedCheckout<Value>(
        of candidate: Candidate, _ body: (any StagedCheckout) async throws -> Value
    ) async throws -> Value {
        let staged: any StagedCheckout
        do {
            staged = try await source.stageCheckout(of: candidate.commit.id, candidate.snapshot.hostBuild)
        } catch {
            throw DeployError(error, stage: .checkout)
        }
        do {
            let value = try await body(staged)
            await staged.discard()
            return value
        } catch {
            await staged.discard()
            throw error
        }
    }

    /// Records the attempt, with what ran before, ahead of the first change.
    func open(_ provided: Provided) async throws -> Attempt {
        let candidate = provided.candidate
        var deployment = newDeployment(candidate.kind, candidate.commit, .open)
        deployment.signature = candidate.signature
        deployment.changes = provided.compared.changes
        deployment.snapshot = candidate.snapshot
        deployment.before = provided.compared.observed
        deployment.before?.images = provided.imagesBefore
        do {
            try await store.open(deployment)
        } catch {
            throw DeployError(error, stage: .record)
        }
        return Attempt(
            run: self, deployment: deployment, candidate: candidate, plan: provided.plan,
            changes: deployment.changes, standing: provided.compared.standing)
    }

    func newDeployment(_ kind: DeploymentKind, _ commit: Commit, _ status: DeploymentStatus) -> Deployment {
        Deployment(id: nextID, kind: kind, commit: commit, status: status, startedAt: now)
    }
}

extension Attempt {
    /// Applies the plan, verifies and records it, or undoes it. Shielded: an interrupted run still puts back what it took
    /// apart.
    func apply(_ staged: any StagedCheckout) async -> Applied {
        do {
            let steps = plan.steps.filter { $0.phase == .apply }
            let result = try await run.stage(.apply, "applying \(steps.count) step\(steps.count == 1 ? "" : "s")") {
                try await staged.switchOver()
                return try await run.applier(candidate, .apply).apply(steps)
            }
            return .succeeded(try await succeed(result), result)
        } catch {
            let failure = await withProbe(DeployError(error, stage: .apply))
            let undone = await Task { await undo(failure) }.value
            return .failed(failure, undone)
        }
    }

    /// Looks once more at everything that the deployment touched and all that depends on it, and records what works.
    private func succeed(_ result: ApplyResult) async throws -> Deployment {
        let observed = try await run.engine.observe(run.query(candidate.snapshot.project))
        try await lookOnceMore(observed, result)
        var good = deployment
        good.snapshot = candidate.snapshot.recording(
            observed, completed: run.completed(observed).union(result.completedServices(observed)))
        good.status = .succeeded
        good.before = nil
        good.finishedAt = run.now
        var closing = Closing(good)
        closing.skip = candidate.intent.skip
        closing.suspension = candidate.intent.hold
        if run.record.skipped.contains(where: { $0.commit == candidate.commit.id }) {
            closing.unskip = candidate.commit.id
        }
        do {
            try await run.store.close(closing)
        } catch {
            throw DeployError(error, stage: .record)
        }
        run.log.progress(.record, .succeeded, "recorded as \(good.id)")
        return good
    }

    /// The failure with what the health check of the service printed last, before the undo removes its container.
    private func withProbe(_ failure: DeployError) async -> DeployError {
        guard failure.probe == nil, [.unhealthy, .timedOut].contains(failure.reason), let service = failure.service,
            let observed = try? await run.engine.observe(run.query(candidate.snapshot.project))
        else { return failure }
        let probes = observed.containers.filter { $0.service == service && $0.parked == nil && !$0.isOneOff }
            .compactMap(\.probe).filter { $0.exitCode != 0 && !$0.output.isEmpty }
        guard let probe = probes.first else { return failure }
        var failure = failure
        failure.probe = probe.output
        for line in failure.probeLines {
            run.log.log(.health, Deployment.probeMark + line, service: service)
        }
        return failure
    }

    /// What was verified first may have died while the rest was verified.
    private func lookOnceMore(_ observed: ObservedState, _ result: ApplyResult) async throws {
        let project = candidate.snapshot.project
        let completed = run.completed(observed).union(result.completedServices(observed))
        let standing = Standing(
            Expectation(project, images: observed.images), observed, completed: completed, now: run.now,
            loopRestarts: Wait<ContainerID>.defaultMostRestarts)
        let concerned = project.dependants(of: Set(changes.filter { $0.kind == "service" }.map(\.name)))
        guard let service = standing.broken.first(where: { concerned.contains($0.name) }),
            let trouble = service.trouble
        else { return }
        let failure = await run.failure(of: service.name, trouble, .health)
        throw result.engineWasLost ? failure.withEngineLost : failure
    }
}

extension Run {
    func applier(_ candidate: Candidate, _ stage: Event.Stage) -> Applier {
        Applier(engine: engine, project: candidate.snapshot.project.name, log: log, stage: stage)
    }

    /// What is wrong with a service, with the last lines of its container.
    func failure(of service: String, _ trouble: Standing.Trouble, _ stage: Event.Stage) async -> DeployError {
        var failure = DeployError(
            stage: stage, reason: trouble.reason, message: "\(service): the container \(trouble.text)",
            service: service)
        if let container = trouble.container {
            failure.logLines = (try? await engine.lastLines(of: container, count: 20)) ?? []
        }
        failure.probe = trouble.probe
        log.progress(stage, .failed, "the container \(trouble.text)", service: service)
        return failure
    }
}

extension Standing.Trouble {
    fileprivate var reason: Reason {
        switch kind {
        case .unhealthy: .unhealthy
        case .missing: .containerRemoved
        default: .crashed
        }
    }
}

extension Project {
    /// These services and all that depend on them, directly or not.
    func dependants(of names: Set<String>) -> Set<String> {
        var reached = names
        var waiting = Array(names)
        while let name = waiting.popLast() {
            for service in services.values
            where service.dependsOn[name] != nil || service.namespaceOwners.contains(name) {
                if reached.insert(service.name).inserted { waiting.append(service.name) }
            }
        }
        return reached
    }
}

extension ApplyResult {
    /// Services all of whose containers were seen to complete.
    func completedServices(_ observed: ObservedState) -> Set<String> {
        let own = Dictionary(
            grouping: observed.containers.filter { !$0.isOneOff && $0.parked == nil }, by: \.service)
        return Set(own.filter { $0.value.allSatisfy { completed.contains($0.id) } }.keys)
    }
}

extension Snapshot {
    /// The snapshot with the image ids that run and the services that ran to completion.
    func recording(_ observed: ObservedState, completed known: Set<String>) -> Snapshot {
        var snapshot = self
        for name in project.services.keys {
            let containers = observed.containers.filter { $0.service == name && !$0.isOneOff && $0.parked == nil }
            guard let first = containers.first else { continue }
            let image = first.labels[ComposeLabels.image] ?? first.imageID
            let reference = project.services[name]?.imageName(in: project) ?? ""
            snapshot.imageDigests[name] =
                observed.digest(of: reference, id: image) ?? (imageIDs[name] == image ? imageDigests[name] : nil)
            snapshot.imageIDs[name] = image
            let isDone = known.contains(name) && containers.allSatisfy { $0.state == .exited && $0.exitCode == 0 }
            if isDone { snapshot.completed.insert(name) } else { snapshot.completed.remove(name) }
        }
        return snapshot
    }
}

extension ObservedState {
    /// Where the reference's repository has the image with this id; nil when the engine does not know.
    fileprivate func digest(of reference: String, id: String) -> String? {
        guard let image = images[reference], image.id == id, let wanted = ImageReference(reference) else { return nil }
        return image.repoDigests.sorted().first { digest in
            ImageReference(digest).map { $0.registry == wanted.registry && $0.repository == wanted.repository } ?? false
        }
    }
}

extension Deployment {
    /// Something of the project ran when the deployment was opened.
    var ranBefore: Bool { before?.containers.contains { !$0.isOneOff && $0.parked == nil } ?? false }
}
