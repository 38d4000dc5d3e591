import Compose
import Reconcile

extension DeployRun {
    /// The longest a line of a command's output may be in an event, in characters.
    private static let longestLine = 2_000
    /// How many of a failed command's last lines are told.
    private static let lastLines = 30

    /// The build that the configuration wants of a commit; nil when it builds nothing.
    func wantedBuild(_ commit: CommitID) -> BuildID? {
        settings.build.map { BuildID(commit: commit, recipe: $0.recipe) }
    }

    /// Builds the commit on the host unless its outputs are kept from an earlier run. Nothing in place is touched.
    func build(_ commit: Commit, _ build: BuildID) async throws {
        guard let wanted = settings.build else { return }
        if try await deployer.source.keptBuilds().contains(build) {
            journal.status(.build, .skipped, "\(commit.id.short) is built already")
            return
        }
        let place = try await stage(.checkout, "writing the files of \(commit.id.short) to build them") {
            try await deployer.source.beginBuild(build, user: wanted.user)
        }
        do {
            try await stage(.build, "building \(commit.id.short)") {
                for command in wanted.commands { try await run(command, of: commit, in: place) }
                let count = try await deployer.source.finishBuild(build)
                journal.progress(.build, .running, "\(count) file\(count == 1 ? "" : "s") built")
            }
        } catch {
            // Shielded: an interrupted run leaves no half-built files either.
            let source = deployer.source
            await Task { await source.abandonBuild() }.value
            throw error
        }
    }

    private func run(_ command: HostCommand, of commit: Commit, in place: String) async throws {
        var command = command
        let below = [settings.directory, command.directory].filter { $0 != "." }
        command.directory = ([place] + below).joined(separator: "/")
        command.environment.merge([
            "WATCHER_PROJECT": settings.name, "WATCHER_COMMIT": commit.id.hex, "WATCHER_BRANCH": settings.branch,
        ]) { configured, _ in configured }
        journal.progress(.build, .running, "running \(command.title.firstLine)")
        let (end, lines) = try await output(of: command, .build)
        switch end {
        case .exited(status: 0): return
        case .notStarted:
            throw DeployError(
                stage: .build, reason: .invalidConfiguration,
                message: "\(command.title.firstLine) \(end)".replacing(place + "/", with: ""),
                advice: "Install what is missing on this host, or correct build or directory in the configuration.")
        case .exited, .killed, .timedOut:
            var failure = DeployError(
                stage: .build, reason: .buildFailed,
                message: "\(command.title.firstLine) \(end)",
                advice: "Push a commit that builds; nothing was touched. If build in the configuration is at fault, "
                    + "correct it and build this one again with «watcher deploy \(settings.name) --force».")
            failure.logLines = lines
            throw failure
        }
    }

    /// The commit does not build: that is recorded, and it is not tried again by itself; what runs goes on.
    func buildFailed(_ commit: Commit, _ failure: DeployError) async throws -> RunResult {
        let isRunning = facts.record.lastGood != nil
        var deployment = newDeployment(.deploy, commit, isRunning ? .restored : .failed)
        deployment.reason = failure.reason
        deployment.message = ([failure.message] + failure.logLines).joined(separator: "\n")
        return try await close(
            &deployment, Plan(), failure, isRunning ? .restored : .failed, "nothing was touched; \(whatRuns)")
    }

    /// Runs a command; each line of its output becomes a `log` event of the stage, the last ones are returned.
    func output(of command: HostCommand, _ stage: Event.Stage) async throws -> (HostCommandEnd, [String]) {
        let last = OutputTail(count: Self.lastLines)
        let end = try await deployer.commands.run(command) { [journal] line in
            let line = String(line.prefix(Self.longestLine))
            last.add(line)
            journal.log(stage, line, service: nil)
        }
        try Task.checkCancellation()
        return (end, last.lines)
    }

    /// Builds a recorded deployment's commit again when its outputs are not kept any more.
    func rebuilding(_ candidate: Candidate) async throws -> Candidate {
        guard let build = candidate.snapshot.hostBuild,
            try await !deployer.source.keptBuilds().contains(build)
        else { return candidate }
        guard let wanted = wantedBuild(candidate.commit.id) else {
            throw DeployError(
                stage: .build, reason: .stateUnusable,
                message: "what was built of \(candidate.commit.id.short) is not kept any more",
                advice: "Put build back into the configuration, so that it can be built again.")
        }
        journal.progress(
            .build, .warning, "what was built of \(candidate.commit.id.short) is not kept any more; building it again")
        try await self.build(candidate.commit, wanted)
        var candidate = candidate
        candidate.snapshot.hostBuild = wanted
        return candidate
    }

    /// Removes builds that no rollback to one of the newest good deployments needs. Trouble is only told.
    func pruneBuilds() async {
        do {
            guard try await !deployer.source.keptBuilds().isEmpty else {
                return try await deployer.source.keepBuilds([])
            }
            let needed = try await deployer.store.hostBuilds(
                of: settings.name, newest: ProjectSettings.deploymentsWithBuilds)
            try await deployer.source.keepBuilds(needed)
        } catch {
            journal.progress(
                .record, .warning, "old builds are still there: \(DeployError(error, stage: .record).message)")
        }
    }

    /// What a run that only looks says about a commit that is not built: more cannot be known before it is.
    func toBeBuilt(_ commit: Commit) -> RunResult {
        let result = self.result(
            .pending, "\(commit.id.short) would be built first, which tells what else would change; \(whatRuns)")
        journal.status(.build, .skipped, result.summary)
        return result
    }
}
