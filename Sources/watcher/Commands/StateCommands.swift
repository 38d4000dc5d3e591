internal import ArgumentParser
internal import Deploy
internal import DockerEngine
internal import Reconcile
internal import Store

/// One sentence about what was done, with the result's schema in JSON.
private struct Acknowledgement: Encodable {
    let schema = JSONOutput.schema
    var message: String

    private enum CodingKeys: String, CodingKey { case schema, message }
}

extension Wiring {
    /// Says on stdout that something was done.
    func say(_ message: String) {
        if options.format == .json {
            terminal.output(JSONOutput.line(Acknowledgement(message: message)))
        } else if !options.quiet {
            terminal.output(message + "\n")
        }
    }
}

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show what is deployed and how its services do.",
        usage: "watcher status [<options>] [<project> ...]",
        discussion: ExitStatus.help(
            [.success, .engineUnreachable, .stateUnusable, .invalidConfiguration], example: "watcher status shop"))

    @Argument(help: ArgumentHelp("Projects; all of the configuration by default.", valueName: "project"))
    var projects: [String] = []

    @Flag(help: "Say what each container uses: processor, memory, network and disk.")
    var stats = false

    @OptionGroup var jobs: JobsOption
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let wiring = Wiring(options)
        let selected = try await wiring.selectedOrRecorded(projects)
        let store = try wiring.existingStore()
        let statuses = await Jobs(atMost: try jobs.count(wiring.environment)).run(selected) { [stats] project in
            await Self.result(of: project, store, wiring, stats: stats)
        }
        let report = StatusReport(projects: try statuses.compactMap { try $0?.get() })
        wiring.terminal.output(
            options.format == .json
                ? JSONOutput.line(report) : report.text(colors: wiring.terminal.colorsOutput))
        if report.projects.contains(where: { $0.trouble != nil }) { throw ExitError(status: .engineUnreachable) }
    }

    private static func result(
        of project: ProjectConfiguration, _ store: Store?, _ wiring: Wiring, stats: Bool
    ) async -> Result<StatusReport.Project, any Error> {
        do {
            let record = try await store?.record(of: project.settings.name) ?? ProjectRecord()
            var status = try await status(of: project, record, wiring, stats: stats)
            status.configured = project.isConfigured
            return .success(status)
        } catch {
            return .failure(error)
        }
    }

    private static func status(
        of project: ProjectConfiguration, _ record: ProjectRecord, _ wiring: Wiring, stats: Bool
    ) async throws -> StatusReport.Project {
        let name = project.settings.name
        let engine: EngineClient
        do { engine = try wiring.engine(project.engine) } catch let error as any ReasonedError {
            var status = StatusReport.Project(name, record, nil, usage: [:])
            status.trouble = error.message
            return status
        }
        var observed: ObservedState?
        var usage: [ContainerID: ContainerUsage] = [:]
        var trouble: String?
        do {
            let name = project.settings.composeName(recorded: record.lastGood?.snapshot?.project)
            observed = try await engine.observe(ObservationQuery(project: name))
            if stats {
                let running = observed?.containers.filter { $0.state == .running || $0.state == .paused } ?? []
                usage = try await engine.usage(of: running.map(\.id))
            }
            await engine.shutdown()
        } catch {
            // However it ends: an engine that is not shut down is a crash.
            await engine.shutdown()
            guard let reasoned = error as? any ReasonedError else { throw error }
            trouble = reasoned.message
        }
        var status = StatusReport.Project(project.settings.name, record, observed, usage: usage)
        status.trouble = trouble
        return status
    }
}

struct SuspendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suspend", abstract: "Let deploys of a project do nothing until it is resumed.",
        usage: "watcher suspend --reason <text> [--until <time>] [<options>] <project>",
        discussion: ExitStatus.help(
            [.success, .usage, .stateUnusable, .invalidConfiguration],
            example: "watcher suspend shop --reason \"database migration\" --until 2026-11-22T06:00:00Z"))

    @Argument(help: "The project.") var project: String
    @Option(help: ArgumentHelp("Why; shown by status and deploy.", valueName: "text")) var reason: String
    @Option(
        help: ArgumentHelp("Resume by itself at this time: 2h, 2026-11-22 or 2026-11-22T06:00:00Z.", valueName: "time"))
    var until: String?
    @OptionGroup var options: GlobalOptions

    func validate() throws {
        guard let until else { return }
        guard let moment = Times.moment(until, now: Times.now, .future) else {
            throw ValidationError("--until: «\(until)» is no time; write 2h, 2026-11-22 or 2026-11-22T06:00:00Z.")
        }
        if moment <= Times.now { throw ValidationError("--until: «\(until)» has passed.") }
    }

    func run() async throws {
        let wiring = Wiring(options)
        _ = try wiring.configuration().selected([project])
        try await wiring.store().suspend(
            project,
            Suspension(
                reason: reason.printable, since: Times.now,
                until: until.flatMap { Times.moment($0, now: Times.now, .future) }))
        wiring.say("\(project) is suspended")
    }
}

struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let deploys of a suspended project work again.",
        usage: "watcher resume [<options>] <project>",
        discussion: ExitStatus.help(
            [.success, .stateUnusable, .invalidConfiguration], example: "watcher resume shop"))

    @Argument(help: "The project.") var project: String
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let wiring = Wiring(options)
        _ = try wiring.configuration().selected([project])
        let wasSuspended = try await wiring.existingStore()?.resume(project) ?? false
        wiring.say(wasSuspended ? "\(project) is resumed" : "\(project) was not suspended")
    }
}
