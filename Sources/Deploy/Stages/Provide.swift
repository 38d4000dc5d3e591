import Compose
import Reconcile

/// Every image is there, pulled or built: nothing that is left to do needs a registry or a builder.
struct Provided: Sendable {
    let compared: Compared
    /// The images as they were before anything was pulled or built, by reference: what an undo puts tags back to.
    let imagesBefore: [String: ObservedState.Image]

    var candidate: Candidate { compared.candidate }
    var plan: Plan { compared.plan }

    /// Nothing is to be applied, and nothing new is recorded.
    var isUpToDate: Bool {
        candidate.kind == .heal && !plan.steps.contains { $0.phase == .apply }
            && compared.checkout.changedPaths.isEmpty
    }
}

extension Run {
    /// Pulls, then builds. Nothing that runs is touched.
    func provide(_ compared: Compared) async throws -> Provided {
        let before = compared.observed
        var compared = compared
        if !compared.plan.pulls.isEmpty {
            try await pull(compared.plan.pulls)
            compared = try await compareAgain(compared)
            try await rememberImages(before, compared.observed, compared.candidate)
        }
        if compared.candidate.snapshot.hostBuild != nil, compared.needsFiles {
            compared.candidate = try await rebuilding(compared.candidate)
        }
        if !compared.plan.builds.isEmpty {
            try await build(compared.plan, compared.candidate)
            compared = try await compareAgain(compared)
            try await rememberImages(before, compared.observed, compared.candidate)
        }
        try await verifyImages(compared)
        return Provided(compared: compared, imagesBefore: before.images)
    }

    private func pull(_ pulls: [Plan.ImagePull]) async throws {
        try await stage(.pull, "pulling \(pulls.count == 1 ? "1 image" : "\(pulls.count) images")") {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for pull in pulls { group.addTask { try await self.pull(pull) } }
                try await group.waitForAll()
            }
        }
    }

    private func pull(_ pull: Plan.ImagePull) async throws {
        let service = pull.services.count == 1 ? pull.services.first : nil
        do {
            try await engine.pull(pull) { [log] line in log.progress(.pull, .running, line, service: service) }
            log.progress(.pull, .succeeded, "pulled \(pull.reference)", service: service)
        } catch {
            var failure = DeployError(error, stage: .pull)
            if failure.reason.isInterruption { throw failure }
            guard pull.isRequired else {
                log.progress(.pull, .warning, "\(failure.message); using the local image", service: service)
                return
            }
            failure.message = "\(pull.services.joined(separator: ", ")): \(failure.message)"
            failure.service = service
            throw failure
        }
    }

    /// Builds every image, one after the other, for one may begin with another.
    private func build(_ plan: Plan, _ candidate: Candidate) async throws {
        let builds = plan.builds
        try await stage(.pull, "building \(builds.count == 1 ? "1 image" : "\(builds.count) images")") {
            let files = try await source.files(of: candidate.commit.id, candidate.snapshot.hostBuild)
            for build in builds { try await self.build(build, files, candidate) }
        }
    }

    private func build(_ build: Plan.Build, _ files: FileAccess, _ candidate: Candidate) async throws {
        let (image, service) = (build.image.image, build.image.service)
        log.progress(.pull, .running, "building \(image): \(build.causes.joined(separator: ", "))", service: service)
        let output = OutputTail(count: 20)
        do {
            try await engine.build(build.image, files: files, modified: candidate.commit.time) { [log] line in
                output.add(line)
                log.log(.pull, line, service: service)
            }
            log.progress(.pull, .succeeded, "built \(image)", service: service)
        } catch let error as ComposeError {
            throw DeployError(error.relative(to: source.checkoutPath), stage: .pull)
        } catch {
            var failure = DeployError(error, stage: .pull)
            if failure.reason.isInterruption { throw failure }
            failure.message = "\(service): \(failure.message)"
            failure.service = service
            failure.logLines = output.lines
            throw failure
        }
    }

    // MARK: - Images that are not needed any more

    /// Remembers what pulling and building brought, so that it can be removed when nothing needs it. Images that were there
    /// before are somebody else's.
    private func rememberImages(_ before: ObservedState, _ after: ObservedState, _ candidate: Candidate) async throws {
        let project = candidate.snapshot.project
        let old = Set(before.images.values.map(\.id))
        var brought: [String: String] = [:]
        for service in project.services.values where service.provider == nil {
            let reference = service.imageName(in: project)
            for key in [reference, candidate.pinnedImages[service.name]].compactMap({ $0 }) {
                if let id = after.images[key]?.id, !old.contains(id) { brought[id] = reference }
            }
        }
        try await store.remember(brought, of: settings.name)
    }

    /// Removes the images that watcher brought for the project and that no rollback needs. A failure is only reported.
    func pruneImages() async {
        guard settings.prunesImages else { return }
        do {
            let unneeded = try await store.unneededImages(
                of: settings.name, keeping: ProjectSettings.commitsWithImages)
            for (id, reference) in unneeded.sorted(by: { ($0.value, $0.key) < ($1.value, $1.key) }) {
                let name = "\(reference) (\(id.split(separator: ":").last?.prefix(12) ?? ""))"
                guard try await engine.removeImage(id) else {
                    log.progress(.record, .running, "image \(name) is no longer needed, but still in use")
                    continue
                }
                try await store.forget(id, of: settings.name)
                log.progress(.record, .succeeded, "removed image \(name), which is no longer needed")
            }
        } catch {
            log.progress(
                .record, .warning, "could not remove old images: \(DeployError(error, stage: .record).message)")
        }
    }
}

extension Compared {
    /// The files of the candidate's build are needed: to build an image, or to put them in place.
    fileprivate var needsFiles: Bool { !plan.builds.isEmpty || candidate.kind != .heal || changesSomething }
}
