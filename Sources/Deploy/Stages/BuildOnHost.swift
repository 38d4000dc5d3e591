import Compose
import Reconcile

extension Run {
    /// How many of a failed command's last lines are kept with the failure.
    private static let lastLines = 30

    /// The build that the configuration wants of a commit; nil when it builds nothing.
    func wantedBuild(_ commit: CommitID) -> BuildID? {
        settings.build.map { BuildID(commit: commit, recipe: $0.recipe) }
    }

    /// Builds the commit on the host unless its outputs are kept from an earlier run. Nothing in place is touched.
    func build(_ commit: Commit, _ build: BuildID) async throws {
        guard let wanted = settings.build else { return }
        if try await source.keptBuilds().contains(build) {
            log.status(.build, .skipped, "\(commit.id.short) is built already")
            return
        }
        let place = try await stage(.checkout, "writing the files of \(commit.id.short) to build them") {
            try await source.beginBuild(build, user: wanted.user)
        }
        do {
            try await stage(.build, "building \(commit.id.short)") {
                for command in wanted.commands { try await run(command, of: commit, in: place) }
                let count = try await source.finishBuild(build)
                log.progress(.build, .running, "\(count) file\(count == 1 ? "" : "s") built")
            }
        } catch {
            // Shielded: an interrupted run leaves no half-built files either.
            let source = source
            await Task { await source.abandonBuild() }.value
            throw error
        }
    }

    private func run(_ command: HostCommand, of commit: Commit, in place: String) async throws {
        var command = command
        let below = [settings.directory, command.directory].filter { $0 != "." }
        command.directory = ([place] + below).joined(separator: "/")
        var variables = ["WATCHER_PROJECT": settings.name, "WATCHER_COMMIT": commit.id.hex]
        variables["WATCHER_REVISION"] = settings.revision
        variables["WATCHER_BRANCH"] = settings.branch
        command.environment.merge(variables) { configured, _ in configured }
        // Containers of other users can read what is built, whatever mask watcher runs with.
        command.mask = 0o022
        log.progress(.build, .running, "running \(command.title.firstLine)")
        let (end, lines) = try await output(of: command, .build)
        switch end {
        case .exited(status: 0): return
        case .notStarted:
            throw DeployError(
                stage: .build, reason: .invalidConfiguration,
                message: "\(command.title.firstLine) \(end)".replacing(place + "/", with: ""),
                advice:
                    "Install what is missing on this host, or correct \"build\" or \"directory\" in the configuration.")
        case .exited, .killed, .timedOut, .lost:
            var failure = DeployError(
                stage: .build, reason: .buildFailed, message: "\(command.title.firstLine) \(end)",
                advice:
                    "Push a commit that builds; nothing was touched. If \"build\" in the configuration is at fault, "
                    + "correct it and build this one again with `watcher deploy \(settings.name) --force`.")
            failure.logLines = lines
            throw failure
        }
    }

    /// Runs a command; each line of its output becomes a `log` event of the stage, the last ones are returned.
    func output(of command: HostCommand, _ stage: Event.Stage) async throws -> (HostCommandEnd, [String]) {
        let last = OutputTail(count: Self.lastLines)
        let end = try await deployer.commands.run(command) { [log] line in
            let line = line.shortened(bytes: OutputTail.longestLine)
            last.add(line)
            log.log(stage, line, service: nil)
        }
        try Task.checkCancellation()
        return (end, last.lines)
    }

    /// Builds a recorded deployment's commit again when its outputs are not kept any more.
    func rebuilding(_ candidate: Candidate) async throws -> Candidate {
        guard let build = candidate.snapshot.hostBuild, try await !source.keptBuilds().contains(build) else {
            return candidate
        }
        guard let wanted = wantedBuild(candidate.commit.id) else {
            throw DeployError(
                stage: .build, reason: .stateUnusable,
                message: "the outputs of the build of \(candidate.commit.id.short) are no longer kept",
                advice: "Put \"build\" back into the configuration, so that it can be built again.")
        }
        log.progress(
            .build, .warning,
            "the outputs of the build of \(candidate.commit.id.short) are no longer kept; building it again")
        try await self.build(candidate.commit, wanted)
        var candidate = candidate
        candidate.snapshot.hostBuild = wanted
        return candidate
    }

    /// Removes builds that no rollback to one of the newest good deployments needs. A failure is only reported.
    func pruneBuilds() async {
        do {
            guard try await !source.keptBuilds().isEmpty else { return try await source.keepBuilds([]) }
            let needed = try await store.hostBuilds(
                of: settings.name, newest: ProjectSettings.deploymentsWithBuilds)
            try await source.keepBuilds(needed)
        } catch {
            log.progress(
                .record, .warning, "could not remove old builds: \(DeployError(error, stage: .record).message)")
        }
    }
}
