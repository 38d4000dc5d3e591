internal import Deploy
internal import DockerEngine
internal import Git
internal import Reconcile
internal import Store

/// Runs the flow for several projects, side by side, and reports what came of each as soon as it is there.
struct ProjectRuns {
    let wiring: Wiring
    let command: String
    /// Events are part of the output, and the run holds the project's lock.
    let changesThings: Bool
    /// How many projects are worked on at once.
    var jobs = 1

    /// - Throws: `ExitError` with the most serious status unless it is success.
    func run(
        _ projects: [ProjectConfiguration], _ body: @escaping @Sendable (Deployer) async throws -> RunResult
    ) async throws {
        let progress = wiring.progress(streams: changesThings, projects: projects.count)
        let store = try wiring.store()
        let fetches = wiring.fetches(projects)
        let results = await Jobs(atMost: jobs).run(projects) { project in
            await result(project, store, progress, fetches, body)
        } each: { result in
            progress.end()
            say(result)
        }
        progress.end()
        // Those that an interrupted run did not begin have no result.
        let report = RunReport(
            command: command, results: results.compactMap(\.self), interruption: Interruption.status)
        if wiring.options.format == .json { wiring.terminal.output(JSONOutput.line(report)) }
        if report.status != .success { throw ExitError(status: report.status) }
    }

    /// Says what came of one project. In JSON all results are one object at the end.
    private func say(_ result: RunResult) {
        let report = RunReport(command: command, results: [result])
        if wiring.options.format == .text, !wiring.options.quiet {
            wiring.terminal.output(report.text(colors: wiring.terminal.colorsOutput))
        }
        for failure in report.failures(now: Times.now) { wiring.terminal.message(failure, priority: 3) }
    }

    private func result(
        _ project: ProjectConfiguration, _ store: Store, _ progress: Progress, _ fetches: SharedFetches,
        _ body: @Sendable (Deployer) async throws -> RunResult
    ) async -> RunResult {
        let name = project.settings.name
        do {
            var lock: RunLock?
            if changesThings {
                lock = try RunLock.acquire(
                    directory: wiring.projectDirectory(name), command: command, now: Times.now)
            }
            defer { lock?.release() }
            let engine = try wiring.engine(project.engine)
            if changesThings, project.isConfigured {
                // For when it is configured no more.
                try await store.noteEngine(project.engine.host, of: name)
            }
            // The engine answers while the remote is asked.
            async let _ = engine.greet()
            do {
                let result = try await body(wiring.deployer(project, store, engine, progress, fetches))
                await engine.shutdown()
                return result
            } catch {
                await engine.shutdown()
                throw error
            }
        } catch {
            return trouble(error, name)
        }
    }

    private func trouble(_ error: any Error, _ name: String) -> RunResult {
        var result = RunResult(project: name, outcome: .error, summary: "nothing was changed")
        let report = ErrorReport(error)
        result.failure = RunResult.Failure(
            DeployError(
                stage: .fetch, reason: Reason(rawValue: report.reason) ?? .unexpected, message: report.message,
                advice: report.advice))
        return result
    }
}
