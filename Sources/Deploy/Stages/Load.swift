import Compose
import Reconcile

/// A project that may run, with everything that planning and recording need.
struct Candidate: Sendable {
    var commit: Commit
    var kind: DeploymentKind
    var snapshot: Snapshot
    /// Image ids that a recorded deployment ran; empty when the commit's references decide.
    var pinnedImages: [String: String] = [:]
    /// Who signed the commit; nil when that was not verified.
    var signature: Signer?
    var warnings: [String] = []
    /// Gives problems the places where their paths were written; a recorded deployment has no files to point at.
    var placing: @Sendable ([ComposeError.Problem]) -> [ComposeError.Problem] = { $0 }
    /// What a person asked for beside the deployment itself; recorded with it, in one transaction.
    var intent = Intent()

    struct Intent: Sendable {
        /// The commit that is left behind, and not to be deployed again by itself.
        var skip: SkippedCommit?
        var hold: Suspension?
        /// Leave a failed deployment as it is.
        var keepsFailed = false
    }

    /// A recorded deployment as it was; nil without a snapshot.
    init?(recorded deployment: Deployment, commit: Commit? = nil, kind: DeploymentKind) {
        guard let snapshot = deployment.snapshot else { return nil }
        self.init(commit: commit ?? deployment.commit, kind: kind, snapshot: snapshot)
        pinnedImages = snapshot.imageIDs
        signature = deployment.signature
    }

    init(commit: Commit, kind: DeploymentKind, snapshot: Snapshot) {
        self.commit = commit
        self.kind = kind
        self.snapshot = snapshot
    }
}

extension Run {
    /// What is deployed now, to be kept as it is; nil when nothing good was ever deployed.
    var deployedCandidate: Candidate? {
        record.lastGood.flatMap { Candidate(recorded: $0, commit: record.deployed, kind: .heal) }
    }

    /// Loads the commit's project from Git, without touching the checkout.
    func load(_ commit: Commit, _ build: BuildID?) async throws -> Candidate {
        try await stage(.load, "loading the Compose project") {
            var candidate = try await candidate(at: commit, build, kind: .deploy)
            let isSame =
                record.deployed?.id == commit.id && record.lastGood?.snapshot?.project == candidate.snapshot.project
                && record.lastGood?.snapshot?.hostBuild == build
            candidate.kind = isSame ? .heal : .deploy
            if let refusal = settings.refusal(
                ofRenaming: record.lastGood?.snapshot?.project, to: candidate.snapshot.project)
            {
                throw refusal
            }
            for warning in candidate.warnings { log.progress(.load, .warning, warning) }
            return try await warnOfOmissions(candidate)
        }
    }

    /// The project as the commit has it. Says nothing.
    func candidate(at commit: Commit, _ build: BuildID? = nil, kind: DeploymentKind) async throws -> Candidate {
        let files = try await source.files(of: commit.id, build)
        do {
            let reader = RecordingFiles(files)
            var candidate = try relatingPlaces {
                do { return try self.candidate(commit, reader, build, kind) } catch let error as ComposeError {
                    throw refused(error, reader) ?? error
                }
            }
            if settings.run != nil {
                try checkProfilesOfRun(candidate.snapshot.project)
                if candidate.snapshot.composeFiles.isEmpty {
                    candidate.snapshot.composeFiles["run"] = ProjectRendering.yaml(candidate.snapshot.project)
                }
            }
            return candidate
        } catch let error as ComposeError where settings.run != nil {
            throw DeployError(
                stage: .load, reason: .invalidConfiguration, message: describedAsRun(error),
                advice: "Correct \"run\" in the configuration, or push what it names; nothing was touched.")
        }
    }

    private func candidate(
        _ commit: Commit, _ reader: RecordingFiles, _ build: BuildID?, _ kind: DeploymentKind
    ) throws -> Candidate {
        let files = reader.files
        let result = try ProjectLoader(files: reader.access).load(
            ProjectLoader.Request(settings, checkout: source.checkoutPath))
        let resolved = try result.project.resolvingEnvironment(files: reader.access)
        let project: Project
        do {
            project = try resolved.resolvingSecurityProfiles(files: reader.access)
        } catch {
            throw ComposeError(result.placing(error.problems))
        }
        var problems = result.placing(project.deploymentProblems())
        let profiles = settings.run == nil ? result.deploymentProfileProblems(profiles: settings.profiles) : []
        if problems.isEmpty, profiles.contains(where: { $0.path == "profiles" }) {
            throw DeployError(
                stage: .load, reason: .invalidProject, message: ComposeError(profiles).description,
                advice:
                    "Correct \"profiles\" of \(settings.name) in the configuration, or push files that have the profile; "
                    + "nothing was touched.")
        }
        problems += profiles
        guard problems.isEmpty else { throw ComposeError(problems) }
        try checkSources(of: project, files, result)
        var snapshot = Snapshot(
            composeFiles: reader.texts(relativeTo: source.checkoutPath), project: project, imageIDs: [:],
            contentHashes: [:])
        for (name, service) in result.project.services {
            let fingerprint = try ContentFingerprint(
                of: service, in: project, checkout: source.checkoutPath, files: files)
            guard let hash = fingerprint.hash else { continue }
            snapshot.contentHashes[name] = hash
            snapshot.contents[name] = fingerprint.contents
        }
        snapshot.builds = try fingerprints(of: project, files, result)
        snapshot.hostBuild = build
        var candidate = Candidate(commit: commit, kind: kind, snapshot: snapshot)
        candidate.warnings = (result.warnings + result.placing(project.deploymentWarnings())).map(\.description)
        candidate.placing = result.placing
        return candidate
    }

    /// A file of the host that is not to be relied on is not the commit's fault.
    private func refused(_ error: ComposeError, _ reader: RecordingFiles) -> DeployError? {
        guard let refusal = reader.refusal else { return nil }
        return DeployError(
            stage: .load, reason: refusal.reason,
            message: error.relative(to: source.checkoutPath).description, advice: refusal.advice)
    }

    /// Says of a commit that is new what it will lack on this host.
    private func warnOfOmissions(_ candidate: Candidate) async throws -> Candidate {
        guard record.deployed?.id != candidate.commit.id else { return candidate }
        var candidate = candidate
        for omission in try await source.omissions(of: candidate.commit.id) {
            log.progress(.load, .warning, omission)
            candidate.warnings.append(omission)
        }
        return candidate
    }

    private func checkProfilesOfRun(_ project: Project) throws {
        guard project.services.isEmpty else { return }
        throw DeployError(
            stage: .load, reason: .invalidConfiguration,
            message: "\"run\" is not active: the project has none of its profiles",
            advice: "Name one of them in \"profiles\" of the project, or remove \"run.profiles\".")
    }

    /// Problems of a service that the configuration describes, in the words of the configuration.
    private func describedAsRun(_ error: ComposeError) -> String {
        let service = "services.\(settings.runName)"
        let problems = error.problems.map { problem in
            var problem = problem
            if problem.path.hasPrefix(service) {
                problem.path = "run" + problem.path.dropFirst(service.count).replacing(".env_file", with: ".env_files")
            }
            problem.message.replace(source.checkoutPath + "/", with: "")
            return problem
        }
        return ComposeError(problems).description
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
            throw error.relative(to: source.checkoutPath)
        }
    }
}
