import Compose
import Reconcile

extension DeployRun {
    /// From a loaded project to a verified and recorded deployment: the one apply path.
    func carryOut(
        _ candidate: Candidate, _ staged: (any StagedCheckout)?, _ options: Deployer.Options
    ) async throws -> RunResult {
        var (observed, plan) = try await self.plan(candidate)
        if options.dryRun { return preview(candidate, plan) }
        var candidate = candidate
        if !plan.pulls.isEmpty {
            try await pull(plan.pulls, candidate)
            (observed, plan) = try await replan(candidate, plan, observed)
        }
        if staged == nil, !plan.builds.isEmpty || !isInSync(candidate, plan, staged) {
            candidate = try await rebuilding(candidate)
        }
        if !plan.builds.isEmpty {
            if let failed = try await build(plan, candidate) {
                await staged?.discard()
                return failed
            }
            (observed, plan) = try await replan(candidate, plan, observed)
        }
        if isInSync(candidate, plan, staged) {
            try await rememberCompleted(observed)
            await cleanUp(plan, candidate, Application())
            await staged?.discard()
            return inSync(plan)
        }
        do {
            try await runPreDeploy(candidate, plan)
        } catch {
            await staged?.discard()
            throw error
        }
        let checkout: any StagedCheckout
        if let staged {
            checkout = staged
        } else {
            checkout = try await deployer.source.stageCheckout(
                of: candidate.commit.id, candidate.snapshot.hostBuild)
        }
        var deployment = try await open(candidate, plan, observed)
        do {
            let steps = plan.steps.filter { $0.phase == .apply }
            let application = try await stage(.apply, "applying \(steps.count) steps") {
                try await checkout.switchOver()
                return try await applier(candidate, .apply).apply(steps)
            }
            return try await succeed(&deployment, plan, application, candidate)
        } catch {
            // Shielded: an interrupted run still puts back what it took apart.
            let failed = deployment
            return try await Task { try await self.fail(failed, plan, DeployError(error, stage: .apply), options) }
                .value
        }
    }

    private func plan(_ candidate: Candidate) async throws -> (ObservedState, Plan) {
        try await stage(.plan, "comparing with what runs") {
            var (observed, plan) = try await compare(candidate, isBrief: true)
            // Most runs find nothing to do; only those that do something have to know every container in full.
            let isIdle = candidate.kind == .heal && plan.steps.isEmpty && plan.pulls.isEmpty && plan.builds.isEmpty
            if !observed.containers.isEmpty, !isIdle {
                (observed, plan) = try await compare(candidate)
            }
            guard plan.refusals.isEmpty else {
                throw DeployError(
                    stage: .plan, reason: .invalidConfiguration, message: plan.refusals.joined(separator: "\n"),
                    advice: "Give one of the projects another project_name; nothing was touched.")
            }
            guard plan.missing.isEmpty else {
                throw DeployError(
                    stage: .plan, reason: .externalMissing, message: plan.missing.joined(separator: "\n"),
                    advice:
                        "Create what is missing, or let the project make it: take `external: true` away from a network "
                        + "or volume, pull or build an image. What another project made needs `external: true`, or "
                        + "another name here.")
            }
            for change in plan.changes {
                journal.progress(
                    .plan, .running, change.kind == "service" ? change.line : change.description,
                    service: change.kind == "service" ? change.name : nil)
            }
            for warning in plan.warnings { journal.progress(.plan, .warning, warning) }
            return (observed, plan)
        }
    }

    private func compare(_ candidate: Candidate, isBrief: Bool = false) async throws -> (ObservedState, Plan) {
        let observed = try await observe(
            candidate.snapshot.project, pinned: candidate.pinnedImages, isBrief: isBrief)
        try checkLimits(of: observed, candidate)
        var target = try self.target(candidate, number: facts.record.nextNumber, observed)
        target.fileCommits = await fileCommits(candidate)
        return (observed, Reconciler.plan(target, observed))
    }

    /// Which commits changed the files that differ from the last good deployment; nothing where that cannot be told.
    private func fileCommits(_ candidate: Candidate) async -> [String: CommitID] {
        guard let last = facts.record.lastGood, let contents = last.snapshot?.contents,
            last.commit.id != candidate.commit.id
        else { return [:] }
        var paths: Set<String> = []
        for (name, after) in candidate.snapshot.contents {
            let before = contents[name] ?? [:]
            paths.formUnion(Set(before.keys).union(after.keys).filter { before[$0] != after[$0] })
        }
        guard !paths.isEmpty else { return [:] }
        let commits = try? await deployer.source.newestChanges(
            of: paths.sorted(), after: last.commit.id, upTo: candidate.commit.id)
        return commits ?? [:]
    }

    /// Plans again with the images that are here now, and remembers which of them are new; says only what is new.
    private func replan(
        _ candidate: Candidate, _ earlier: Plan, _ before: ObservedState
    ) async throws -> (ObservedState, Plan) {
        let (observed, plan) = try await compare(candidate)
        try await rememberImages(before, observed, candidate)
        for change in plan.changes where !earlier.changes.contains(change) {
            journal.progress(
                .pull, .running, change.kind == "service" ? change.line : change.description,
                service: change.kind == "service" ? change.name : nil)
        }
        return (observed, plan)
    }

    /// Nothing is to be applied. Images that are always pulled have been, and those that run are the ones wanted.
    private func isInSync(_ candidate: Candidate, _ plan: Plan, _ staged: (any StagedCheckout)?) -> Bool {
        !plan.steps.contains { $0.phase == .apply } && candidate.kind == .heal && staged?.changedPaths.isEmpty ?? true
    }

    /// Records which jobs have ended since the last good deployment, while the engine still knows how they did.
    private func rememberCompleted(_ observed: ObservedState) async throws {
        guard var good = facts.record.lastGood, var snapshot = good.snapshot else { return }
        let completed = completedServices(observed)
        guard completed != snapshot.completed else { return }
        snapshot.completed = completed
        good.snapshot = snapshot
        let updated = good
        try await deployer.store.save(updated)
        note { $0.record.lastGood = updated }
    }

    private func inSync(_ plan: Plan) -> RunResult {
        var result = self.result(.inSync, "in sync; \(whatRuns)")
        result.warnings = plan.warnings
        journal.status(.plan, .succeeded, result.summary)
        return result
    }

    private func preview(_ candidate: Candidate, _ plan: Plan) -> RunResult {
        var result: RunResult
        if candidate.kind == .heal {
            let isDrift = plan.steps.contains { $0.phase == .apply } || plan.builds.contains { !$0.isRoutine }
            result = self.result(
                isDrift ? .drift : .inSync,
                isDrift ? "what runs differs from what was deployed; \(whatRuns)" : "in sync; \(whatRuns)")
        } else {
            let what = plan.changes.isEmpty ? "no service changes" : "changes are pending"
            result = self.result(.pending, "\(candidate.commit.id.short): \(what); \(whatRuns)")
        }
        result.changes = plan.changes
        result.warnings = plan.warnings + candidate.warnings
        if let open = facts.record.open {
            result.warnings.append("deployment \(open.id) was never finished; the next run undoes it first")
        }
        return result
    }

    func newDeployment(_ kind: Deployment.Kind, _ commit: Commit, _ status: Deployment.Status) -> Deployment {
        let id = DeploymentID(project: settings.name, number: facts.record.nextNumber)
        return Deployment(id: id, kind: kind, commit: commit, status: status, startedAt: journal.time)
    }

    func save(_ deployment: Deployment) async throws {
        try await deployer.store.save(deployment)
        note { $0.deployment = deployment.id }
    }

    /// Records the attempt, with what ran before, ahead of the first change.
    private func open(_ candidate: Candidate, _ plan: Plan, _ observed: ObservedState) async throws -> Deployment {
        var deployment = newDeployment(candidate.kind, candidate.commit, .open)
        deployment.changes = plan.changes
        deployment.before = observed
        deployment.snapshot = candidate.snapshot
        let opened = deployment
        try await save(opened)
        note { $0.record.open = opened }
        return deployment
    }

    func applier(_ candidate: Candidate, _ stage: Event.Stage) -> Applier {
        note { $0.stage = stage }
        return Applier(
            engine: deployer.engine, project: candidate.snapshot.project.name, journal: journal, stage: stage)
    }

    private func succeed(
        _ deployment: inout Deployment, _ plan: Plan, _ application: Application, _ candidate: Candidate
    ) async throws -> RunResult {
        note { $0.stage = .record }
        // Which image runs and which job is done is known without inspecting what runs.
        let observed = try await observe(candidate.snapshot.project, isBrief: true)
        deployment.snapshot = recorded(candidate, observed, application)
        deployment.status = .succeeded
        deployment.before = nil
        deployment.finishedAt = journal.time
        let isSkipped = facts.record.skipped.contains { $0.commit == candidate.commit.id }
        let good = deployment
        try await save(good)
        // From here on nothing undoes it any more.
        note { known in
            known.record.lastGood = good
            known.record.open = nil
        }
        journal.progress(.record, .succeeded, "recorded as \(deployment.id)")
        if isSkipped { await unskip(candidate.commit.id) }
        await cleanUp(plan, candidate, application)
        await pruneBuilds()
        await pruneImages()
        let warnings = await runPostDeploy(deployment)
        let count = plan.changes.count
        let what = count == 0 ? "nothing had to change" : "\(count) change\(count == 1 ? "" : "s")"
        var result = self.result(.deployed, "\(deployment.kind.pastTense) \(candidate.commit.id.short): \(what)")
        result.deployment = deployment.id
        result.changes = plan.changes
        result.warnings = plan.warnings + candidate.warnings + warnings
        journal.status(.record, .succeeded, result.summary)
        return result
    }

    private func unskip(_ commit: CommitID) async {
        do {
            try await deployer.store.unskip(commit, in: settings.name)
        } catch {
            journal.progress(
                .record, .warning,
                "\(commit.short) works, but stays on the skip list: \(DeployError(error, stage: .record).message)")
        }
    }

    /// The snapshot with the image ids that run and the services that ran to completion.
    private func recorded(
        _ candidate: Candidate, _ observed: ObservedState, _ application: Application
    ) -> Snapshot {
        var snapshot = candidate.snapshot
        let before = completedServices(observed)
        for name in snapshot.project.services.keys {
            let containers = observed.containers.filter { $0.service == name && !$0.isOneOff && $0.parked == nil }
            guard let first = containers.first else { continue }
            let image = first.labels[ComposeLabels.image] ?? first.imageID
            let reference = snapshot.project.services[name]?.imageName(in: snapshot.project) ?? ""
            snapshot.imageDigests[name] =
                observed.digest(of: reference, id: image)
                ?? (snapshot.imageIDs[name] == image ? snapshot.imageDigests[name] : nil)
            snapshot.imageIDs[name] = image
            let isDone = containers.allSatisfy {
                $0.state == .exited && $0.exitCode == 0
                    && (application.completed.contains($0.id) || before.contains(name))
            }
            if isDone { snapshot.completed.insert(name) } else { snapshot.completed.remove(name) }
        }
        return snapshot
    }

    /// Removes what was parked, then networks that are no longer wanted, each by itself. Trouble here does not undo a
    /// deployment that works; the next run tries again.
    func cleanUp(_ plan: Plan, _ candidate: Candidate, _ application: Application) async {
        let steps = plan.steps.filter { $0.phase == .cleanup }
        let networks = steps.filter { if case .removeNetwork = $0.operation { true } else { false } }
        let others = steps.filter { step in !networks.contains { $0.id == step.id } }
        for part in [others] + networks.map({ [$0] }) {
            do {
                _ = try await applier(candidate, .record).apply(part, continuing: application)
            } catch {
                journal.progress(
                    .record, .warning,
                    "not all that is no longer needed is gone: "
                        + DeployError(error, stage: .record).message)
            }
        }
    }
}

extension Deployment.Kind {
    fileprivate var pastTense: String {
        switch self {
        case .deploy: "deployed"
        case .heal: "healed"
        case .rollback: "rolled back to"
        }
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
