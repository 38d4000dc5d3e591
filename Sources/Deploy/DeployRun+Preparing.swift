import Compose
import Reconcile

/// A project that is loaded, with everything planning and recording need.
struct Candidate: Sendable {
    var commit: Commit
    var kind: Deployment.Kind
    var snapshot: Snapshot
    /// Image ids a recorded deployment ran; empty when the commit's references decide.
    var pinnedImages: [String: String] = [:]
    var warnings: [String] = []
    /// Files of the checkout that were changed on the host and are put back.
    var restored: Set<String> = []
    /// Gives problems the places where their paths were written; a recorded deployment has no files to point at.
    var placing: @Sendable ([ComposeError.Problem]) -> [ComposeError.Problem] = { $0 }
}

extension DeployRun {
    /// Loads the commit's project from Git, without touching the checkout.
    func load(_ commit: Commit, _ build: BuildID?) async throws -> Candidate {
        try await stage(.load, "loading the Compose project") {
            let files = try await deployer.source.files(of: commit.id, build)
            do {
                var candidate = try relatingPlaces { try self.candidate(commit, files, build) }
                if settings.run != nil, candidate.snapshot.project.services.isEmpty {
                    throw DeployError(
                        stage: .load, reason: .invalidConfiguration,
                        message: "run is not active: the project has none of its profiles",
                        advice: "Name one of them in profiles of the project, or take run.profiles away.")
                }
                if settings.run != nil, candidate.snapshot.composeFiles.isEmpty {
                    candidate.snapshot.composeFiles["run"] = ProjectRendering.yaml(candidate.snapshot.project)
                }
                try await warnOfOmissions(&candidate)
                return candidate
            } catch let error as ComposeError where settings.run != nil {
                throw DeployError(
                    stage: .load, reason: .invalidConfiguration, message: toldOfRun(error),
                    advice: "Correct run in the configuration, or push what it names; nothing was touched.")
            }
        }
    }

    /// Says of a commit that is new what it will lack on this host.
    private func warnOfOmissions(_ candidate: inout Candidate) async throws {
        guard facts.record.lastGood?.commit.id != candidate.commit.id else { return }
        for omission in try await deployer.source.omissions(of: candidate.commit.id) {
            journal.progress(.load, .warning, omission)
            candidate.warnings.append(omission)
        }
    }

    /// Problems of a service that the configuration describes, in the words of the configuration.
    private func toldOfRun(_ error: ComposeError) -> String {
        let service = "services.\(settings.projectName)"
        let problems = error.problems.map { problem in
            var problem = problem
            if problem.path.hasPrefix(service) {
                problem.path = "run" + problem.path.dropFirst(service.count).replacing(".env_file", with: ".env_files")
            }
            problem.message.replace(deployer.source.checkoutPath + "/", with: "")
            return problem
        }
        return ComposeError(problems).description
    }

    private func candidate(_ commit: Commit, _ files: FileAccess, _ build: BuildID?) throws -> Candidate {
        let reader = RecordingFiles(files)
        let result = try ProjectLoader(files: reader.access).load(loadRequest)
        let resolved = try result.project.resolvingEnvironment(files: reader.access)
        let project: Project
        do {
            project = try resolved.resolvingSecurityProfiles(files: reader.access)
        } catch {
            throw ComposeError(result.placing(error.problems))
        }
        let problems = result.placing(project.deploymentProblems())
        guard problems.isEmpty else { throw ComposeError(problems) }
        try checkBindSources(of: project, files, result)
        var hashes: [String: String] = [:]
        var contents: [String: [String: String]] = [:]
        for (name, service) in result.project.services {
            let fingerprint = try ContentFingerprint(
                of: service, in: project, checkout: deployer.source.checkoutPath, files: files)
            guard let hash = fingerprint.hash else { continue }
            hashes[name] = hash
            contents[name] = fingerprint.contents
        }
        var snapshot = Snapshot(
            composeFiles: reader.texts(relativeTo: deployer.source.checkoutPath), project: project, imageIDs: [:],
            contentHashes: hashes)
        snapshot.contents = contents
        snapshot.builds = try fingerprints(of: project, files, result)
        snapshot.hostBuild = build
        let warnings = result.warnings + result.placing(project.deploymentWarnings())
        for warning in warnings { journal.progress(.load, .warning, warning.description) }
        let deployed = facts.record.lastGood
        let isSame =
            deployed?.commit.id == commit.id && deployed?.snapshot?.project == project
            && deployed?.snapshot?.hostBuild == build
        var candidate = Candidate(
            commit: commit, kind: isSame ? .heal : .deploy, snapshot: snapshot,
            warnings: warnings.map(\.description))
        candidate.placing = result.placing
        return candidate
    }

    /// Throws unless the engine that was observed can do everything the project asks for.
    func checkLimits(of observed: ObservedState, _ candidate: Candidate) throws {
        guard let engine = observed.traits else { return }
        var problems = candidate.snapshot.project.problems(on: engine)
        if problems.isEmpty {
            problems = try DeployableProject(candidate.snapshot.project, on: engine).problems(in: observed)
        }
        guard !problems.isEmpty else { return }
        throw DeployError(
            stage: .plan, reason: .invalidProject,
            message: ComposeError(candidate.placing(problems)).relative(to: deployer.source.checkoutPath).description,
            advice: engine.isPodman
                ? "Leave it out, or run the project on a Docker Engine; nothing was touched."
                : "Correct it, or update the engine; nothing was touched.")
    }

    /// What every image that is built is built from; finds out whether it can be.
    private func fingerprints(
        of project: Project, _ files: FileAccess, _ loaded: ProjectLoader.Result
    ) throws -> [String: BuildFingerprint] {
        var fingerprints: [String: BuildFingerprint] = [:]
        var problems: [ComposeError.Problem] = []
        for service in project.services.values.sorted(by: { $0.name < $1.name }) {
            guard let build = ImageBuild(of: service, in: project) else { continue }
            do {
                fingerprints[service.name] = try BuildContext(of: build, files: files).fingerprint
            } catch let error as ComposeError {
                problems += error.problems
            }
        }
        guard problems.isEmpty else { throw ComposeError(loaded.placing(problems)) }
        return fingerprints
    }

    /// Places in messages are given relative to the repository, as its author knows the files.
    private func relatingPlaces<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as ComposeError {
            throw error.relative(to: deployer.source.checkoutPath)
        }
    }

    private var loadRequest: ProjectLoader.Request {
        let root = deployer.source.checkoutPath
        let directory = settings.directory == "." ? root : "\(root)/\(settings.directory)"
        var request = ProjectLoader.Request(workingDirectory: directory)
        request.files = settings.files
        request.projectDirectory = directory
        request.projectName = settings.projectName
        request.profiles = settings.profiles
        request.envFiles = settings.envFiles
        request.environment = settings.environment
        request.honoursComposeVariables = false
        request.searchesParents = false
        request.home = settings.home
        if let run = settings.run { request.configured(run, projectName: settings.projectName) }
        return request
    }

    /// The engine would make an empty directory where a bind source is missing; that is never what a commit meant.
    private func checkBindSources(of project: Project, _ files: FileAccess, _ loaded: ProjectLoader.Result) throws {
        let root = deployer.source.checkoutPath
        var missing: [ComposeError.Problem] = []
        for service in project.services.values.sorted(by: { $0.name < $1.name }) {
            for (index, mount) in service.volumes.enumerated() where mount.kind == .bind {
                guard let source = mount.source, source.hasPrefix(root + "/") else { continue }
                let place = source.dropFirst(root.count + 1)
                var problem = "bind source \(place) for \(mount.target) is not in the commit"
                do {
                    if try files.kind(source) != nil { continue }
                } catch let error as FileAccessError {
                    problem = "bind source for \(mount.target): \(error)".replacing(root + "/", with: "")
                }
                if try deployer.hostFiles.kind(source) != nil { continue }
                missing.append(
                    ComposeError.Problem(
                        .file, at: nil, path: "services.\(service.name).volumes[\(index)]", problem))
            }
        }
        guard missing.isEmpty else {
            throw DeployError(
                stage: .load, reason: .bindSourceMissing,
                message: ComposeError(loaded.placing(missing)).relative(to: root).description,
                advice: "Commit the file or directory itself, use a named volume, or make the directory below \(root).")
        }
    }

    /// One round of reads about everything the snapshot's project names.
    func observe(
        _ project: Project, pinned: [String: String] = [:], isBrief: Bool = false
    ) async throws -> ObservedState {
        let query = query(project, pinned: pinned, isBrief: isBrief)
        let glance = takeGlance()
        guard let glance, glance.query == query else {
            glance?.answer.cancel()
            return try await deployer.engine.observe(query)
        }
        return try await withTaskCancellationHandler {
            try await glance.answer.value
        } onCancel: {
            glance.answer.cancel()
        }
    }

    /// Mostly nothing is new: then the engine can tell what runs while the files of the commit are read. Its answer is that
    /// of the next `observe`, if that asks the same.
    func glance(expecting commit: Commit) {
        guard let last = facts.record.lastGood, last.commit.id == commit.id, let project = last.snapshot?.project else {
            return
        }
        let query = query(project, isBrief: true)
        let answer = Task { [engine = deployer.engine] in try await engine.observe(query) }
        note { $0.glance = Glance(query: query, answer: answer) }
    }

    func takeGlance() -> Glance? {
        let glance = facts.glance
        note { $0.glance = nil }
        return glance
    }

    private func query(_ project: Project, pinned: [String: String] = [:], isBrief: Bool) -> ObservationQuery {
        var query = ObservationQuery(of: project, pinned: pinned.values)
        query.isBrief = isBrief
        return query
    }

    /// The target a candidate makes of itself, against the last good deployment.
    func target(_ candidate: Candidate, number: Int, _ observed: ObservedState) throws -> Target {
        let engine = observed.traits ?? EngineTraits(version: .oldest)
        let deployable = try DeployableProject(candidate.snapshot.project, on: engine)
        var target = Target(
            deployable, stamp: .init(project: settings.name, commit: candidate.commit.id, deployment: number))
        target.contentHashes = candidate.snapshot.contentHashes
        target.contents = candidate.snapshot.contents
        target.restored = candidate.restored
        target.builds = candidate.snapshot.builds
        target.pinnedImages = candidate.pinnedImages
        target.pinnedDigests = candidate.pinnedImages.isEmpty ? [:] : candidate.snapshot.imageDigests
        target.now = journal.time
        target.settle = settings.settle
        target.healthTimeout = settings.healthTimeout
        target.prunesOrphans = settings.prunesOrphans
        if let last = facts.record.lastGood?.snapshot {
            target.previous = Target.Previous(
                project: last.project, contentHashes: last.contentHashes, contents: last.contents,
                builds: last.builds, completed: completedServices(observed))
        }
        return target
    }

    /// Services that have run to completion: the last good deployment saw it, or the engine knows that they ended well by
    /// themselves. Where it does not remember, one that this deployment started after it had stopped, and that ended
    /// well once more: a job that takes longer than it is watched is not started for ever.
    func completedServices(_ observed: ObservedState) -> Set<String> {
        guard let last = facts.record.lastGood else { return [] }
        let started = Set(last.changes.filter { $0.kind == "service" && $0.action == .start }.map(\.name))
        let ended = observed.containers.filter {
            $0.parked == nil && !$0.isOneOff && $0.state == .exited && $0.exitCode == 0 && !$0.restartsAfterSuccess
        }
        let jobs = ended.filter { container in
            container.endedByItself == true
                && last.snapshot?.project.services[container.service].map(\.mayBeJob) == true
        }
        return (last.snapshot?.completed ?? []).union(started.intersection(ended.map(\.service)))
            .union(jobs.map(\.service))
    }
}

extension Service {
    /// Nothing says that it is meant to go on running: nobody asks for its health or connects to its ports.
    fileprivate var mayBeJob: Bool { ports.isEmpty && healthcheck?.test.isEmpty != false }
}
