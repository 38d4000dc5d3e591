internal import Deploy
internal import DockerEngine
internal import Foundation
internal import Git
internal import Reconcile
internal import Store

/// Runs the flow for several projects, side by side, and reports what came of each as soon as it is there.
///
/// Each of several projects has a process of its own, so that none takes another's time or memory.
struct ProjectRuns: Sendable {
    let wiring: Wiring
    let command: String
    /// Events are part of the output, and the run holds the project's lock.
    let changesThings: Bool
    /// How many projects are worked on at once.
    var jobs = 1

    /// - Throws: `ExitError` with the most serious status unless it is success.
    func run(_ configuration: Configuration, _ projects: [ProjectConfiguration], _ task: ProjectTask) async throws {
        guard projects.count > 1 else { return try await run(projects) { await task.run($0) } }
        let progress = wiring.progress(streams: changesThings, projects: projects.count)
        // Open until the end: nobody else then has to set up, or clean up after, the last one that closes it.
        let store = try wiring.store()
        let processes = ProjectProcesses(
            wiring: wiring, command: command, changesThings: changesThings, task: task, configuration: configuration,
            fetches: wiring.fetches(projects), progress: progress)
        let results = await Jobs(atMost: jobs).run(projects) { project in
            await processes.result(project)
        } each: { result in
            progress.end()
            say(result)
        }
        withExtendedLifetime(store) { progress.end() }
        try conclude(results)
    }

    /// Runs the flow for one project, in this process.
    ///
    /// - Throws: `ExitError` with the project's status unless it is success.
    func run(
        _ projects: [ProjectConfiguration], _ body: @escaping @Sendable (Deployer) async throws -> RunResult
    ) async throws {
        let progress = wiring.progress(streams: changesThings, projects: projects.count)
        let store = try wiring.store()
        let fetches = wiring.fetches(projects)
        let results = await Jobs(atMost: 1).run(projects) { project in
            let name = project.settings.name
            MemoryLimit.apply(project.limits, lastWords: lastWords(name, project.limits))
            let run = ProjectRun(
                wiring: wiring, command: command, changesThings: changesThings, fetches: fetches,
                emit: { progress.show($0, of: name) }, warn: wiring.warn(_:), end: end)
            return await run.result(project, store, body)
        } each: { result in
            progress.end()
            say(result)
        }
        progress.end()
        try conclude(results)
    }

    private func conclude(_ results: [RunResult?]) throws {
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

    /// Ends this process in the middle of its run.
    @Sendable private func end(_ result: RunResult) {
        say(result)
        do { try conclude([result]) } catch let error as ExitError { _exit(error.status.rawValue) } catch {}
        _exit(ExitStatus.unexpected.rawValue)
    }

    private func lastWords(_ name: String, _ limits: RunLimits) -> MemoryLimit.LastWords {
        let report = RunReport(command: command, results: [.outOfMemory(name, limits)])
        let failure = report.failures(now: Times.now).joined(separator: "\n")
        return MemoryLimit.LastWords(
            error: wiring.terminal.lines(failure, priority: 3),
            output: wiring.options.format == .json ? JSONOutput.line(report) : "", status: report.status.rawValue)
    }
}
