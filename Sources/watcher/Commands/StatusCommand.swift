internal import ArgumentParser
internal import Deploy
internal import DockerEngine
internal import Reconcile
internal import Store

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show in one look what is deployed, whether it works, and what happens next.",
        usage: "watcher status [--stats] [--exit-code] [<options>] [<project> ...]",
        discussion: ExitStatus.help(
            [
                .success, .skipListed, .suspended, .notWorking, .failed, .restoreFailed, .engineUnreachable,
                .stateUnusable, .invalidConfiguration,
            ], example: "watcher status shop --exit-code"))

    @Argument(help: ArgumentHelp("Projects; all of the configuration by default.", valueName: "project"))
    var projects: [String] = []

    @Flag(help: "Show what each container uses: processor, memory, network and disk.")
    var stats = false

    @Flag(help: "End with 0, 11, 12, 13, 15, 21 or 22, as things stand; without it only with 0, or 69.")
    var exitCode = false

    @OptionGroup var jobs: JobsOption
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let wiring = Wiring(options)
        let selected = try await wiring.selectedOrRecorded(projects)
        let look = StatusLook(
            wiring: wiring, store: try wiring.existingStore(), hasStats: stats,
            timers: await NextRun.timers(HostCommandRunner(environment: wiring.environment)))
        let looks = await Jobs(atMost: try jobs.count(wiring.environment)).run(selected) { await look.result(of: $0) }
        let report = StatusReport(projects: try looks.compactMap { try $0?.get() })
        wiring.terminal.output(
            options.format == .json
                ? JSONOutput.line(report) : report.text(colors: wiring.terminal.colorsOutput, now: Times.now))
        let isSilent = report.projects.contains { $0.configured && $0.trouble != nil }
        let status = exitCode ? report.status : isSilent ? .engineUnreachable : .success
        if status != .success { throw ExitError(status: status) }
    }
}

/// Finds out how projects are doing.
private struct StatusLook: Sendable {
    let wiring: Wiring
    let store: Store?
    let hasStats: Bool
    /// When systemd's timers elapse next.
    let timers: [String: Int]

    func result(of project: ProjectConfiguration) async -> Result<StatusReport.Project, any Error> {
        do {
            let name = project.settings.name
            let record = try await store?.record(of: name) ?? ProjectRecord()
            var facts = try await facts(of: project, record)
            facts.run = RunLock.holder(directory: wiring.projectDirectory(name)).map {
                StatusReport.Run(pid: $0.pid, command: $0.command.printable, since: $0.since)
            }
            facts.isConfigured = project.isConfigured
            facts.closedWindow = project.settings.policies.closedWindow(at: facts.now)
            facts.nextRunAt = project.isConfigured ? NextRun.next(of: name, timers) : nil
            return .success(StatusReport.Project(name, record, facts))
        } catch {
            return .failure(error)
        }
    }

    /// What the engine says; that it cannot be asked is an answer, too.
    private func facts(of project: ProjectConfiguration, _ record: ProjectRecord) async throws -> StatusFacts {
        var facts = StatusFacts(now: Times.now)
        let engine: EngineClient
        do { engine = try wiring.engine(project.engine) } catch let error as any ReasonedError {
            facts.trouble = error.message
            return facts
        }
        do {
            let observed = try await engine.observe(record.query(of: project.settings))
            facts.observed = observed
            if hasStats {
                let running = observed.containers.filter { $0.state == .running || $0.state == .paused }
                facts.usage = try await engine.usage(of: running.map(\.id))
            }
            await engine.shutdown()
        } catch {
            // However it ends: an engine that is not shut down is a crash.
            await engine.shutdown()
            guard let reasoned = error as? any ReasonedError else { throw error }
            facts.trouble = reasoned.message
        }
        return facts
    }
}
