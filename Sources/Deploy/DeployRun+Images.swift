import Compose
import Reconcile

// Images are made available before anything that runs is touched: first those of registries, then those that are built
// here. Both belong to the stage `pull`.
extension DeployRun {
    /// Pulls every image; a failure is recorded, but nothing was done.
    func pull(_ pulls: [Plan.ImagePull], _ candidate: Candidate) async throws {
        do {
            try await stage(.pull, "pulling \(pulls.count == 1 ? "1 image" : "\(pulls.count) images")") {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for pull in pulls { group.addTask { try await self.pull(pull) } }
                    try await group.waitForAll()
                }
            }
        } catch {
            throw try await postponed(DeployError(error, stage: .pull), candidate)
        }
    }

    private func pull(_ pull: Plan.ImagePull) async throws {
        let service = pull.services.count == 1 ? pull.services.first : nil
        do {
            try await deployer.engine.pull(pull) { [journal] line in
                journal.progress(.pull, .running, line, service: service)
            }
            journal.progress(.pull, .succeeded, "pulled \(pull.reference)", service: service)
        } catch {
            var failure = DeployError(error, stage: .pull)
            if failure.reason == .interrupted { throw failure }
            guard pull.isRequired else {
                journal.progress(
                    .pull, .warning, "\(failure.message); the image is used as it is here", service: service)
                return
            }
            failure.message = "\(pull.services.joined(separator: ", ")): \(failure.message)"
            failure.service = service
            throw failure
        }
    }

    /// Builds every image, one after the other, for one may begin with another. A build that fails by the commit's fault
    /// closes the attempt, and its result is returned; other trouble is recorded and thrown.
    func build(_ plan: Plan, _ candidate: Candidate) async throws -> RunResult? {
        let builds = plan.builds
        do {
            try await stage(.pull, "building \(builds.count == 1 ? "1 image" : "\(builds.count) images")") {
                let files = try await deployer.source.files(of: candidate.commit.id, candidate.snapshot.hostBuild)
                for build in builds { try await self.build(build, files, candidate) }
            }
            return nil
        } catch {
            let failure = DeployError(error, stage: .pull)
            guard failure.reason == .buildFailed, candidate.kind == .deploy else {
                throw try await postponed(failure, candidate)
            }
            return try await buildFailed(failure, plan, candidate)
        }
    }

    private func build(_ build: Plan.Build, _ files: FileAccess, _ candidate: Candidate) async throws {
        let (image, service) = (build.image.image, build.image.service)
        journal.progress(
            .pull, .running, "building \(image): \(build.causes.joined(separator: ", "))", service: service)
        let output = OutputTail(count: 20)
        do {
            try await deployer.engine.build(build.image, files: files, modified: candidate.commit.time) {
                [journal] line in
                output.add(line)
                journal.log(.pull, line, service: service)
            }
            journal.progress(.pull, .succeeded, "built \(image)", service: service)
        } catch let error as ComposeError {
            throw DeployError(error.relative(to: deployer.source.checkoutPath), stage: .pull)
        } catch {
            var failure = DeployError(error, stage: .pull)
            if failure.reason == .interrupted { throw failure }
            failure.message = "\(service): \(failure.message)"
            failure.service = service
            failure.logLines = output.lines
            throw failure
        }
    }

    /// The commit cannot be built: it is recorded and not tried again by itself; what runs goes on.
    private func buildFailed(_ failure: DeployError, _ plan: Plan, _ candidate: Candidate) async throws -> RunResult {
        var deployment = newDeployment(candidate.kind, candidate.commit, .failed)
        deployment.reason = failure.reason
        deployment.message = failure.message
        deployment.service = failure.service
        deployment.logLines = failure.logLines
        let isRunning = facts.record.lastGood != nil
        if isRunning { deployment.status = .restored }
        return try await close(
            &deployment, plan, failure, isRunning ? .restored : .failed, "nothing was touched; \(whatRuns)")
    }

    // MARK: - Images that are not needed any more

    /// Remembers what pulling and building brought, so that it can be removed when nothing needs it. Images that were there
    /// before are somebody else's.
    func rememberImages(_ before: ObservedState, _ after: ObservedState, _ candidate: Candidate) async throws {
        let project = candidate.snapshot.project
        let old = Set(before.images.values.map(\.id))
        var brought: [String: String] = [:]
        for service in project.services.values where service.provider == nil {
            let reference = service.imageName(in: project)
            for key in [reference, candidate.pinnedImages[service.name]].compactMap({ $0 }) {
                if let id = after.images[key]?.id, !old.contains(id) { brought[id] = reference }
            }
        }
        try await deployer.store.remember(brought, of: settings.name)
    }

    /// Removes the images that watcher brought for the project and that no rollback needs. Trouble is only told.
    func pruneImages() async {
        guard settings.prunesImages else { return }
        do {
            let unneeded = try await deployer.store.unneededImages(
                of: settings.name, keeping: ProjectSettings.commitsWithImages)
            for (id, reference) in unneeded.sorted(by: { ($0.value, $0.key) < ($1.value, $1.key) }) {
                let name = "\(reference) (\(id.split(separator: ":").last?.prefix(12) ?? ""))"
                guard try await deployer.engine.removeImage(id) else {
                    journal.progress(.record, .running, "image \(name) is not needed any more, but still in use")
                    continue
                }
                try await deployer.store.forget(id, of: settings.name)
                journal.progress(.record, .succeeded, "removed image \(name), which nothing needs any more")
            }
        } catch {
            journal.progress(
                .record, .warning, "old images are still there: \(DeployError(error, stage: .record).message)")
        }
    }

    /// Records trouble that passes; nothing was done. Returns what to throw.
    private func postponed(_ failure: DeployError, _ candidate: Candidate) async throws -> DeployError {
        guard failure.reason != .interrupted else { return failure }
        try await recordPostponement(newDeployment(candidate.kind, candidate.commit, .postponed), failure)
        return failure
    }
}
