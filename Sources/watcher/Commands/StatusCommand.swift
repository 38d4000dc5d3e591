internal import ArgumentParser
internal import Deploy
internal import DockerEngine
internal import Foundation
internal import Git
internal import Reconcile
internal import Store
internal import YAML

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

    @Flag(help: "End with 0, 12, 13, 15, 21 or 22, as things stand; without it only with 0, or 69.")
    var exitCode = false

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let wiring = Wiring(options)
        let configuration = try wiring.configuration()
        let store = try wiring.existingStore()
        let known = try await configuration.known(projects, store)
        async let timers = NextRun.timers(HostCommandRunner(environment: wiring.environment))
        var report = StatusReport(projects: [])
        for project in known {
            let record = try await store?.record(of: project.name) ?? ProjectRecord()
            var facts = try await look(at: project, record, wiring)
            facts.run = RunLock.holder(directory: wiring.projectDirectory(project.name)).map {
                StatusReport.Run(pid: $0.pid, command: $0.command.printable, since: $0.since)
            }
            facts.isConfigured = project.isConfigured
            facts.nextRunAt = project.isConfigured ? NextRun.next(of: project.name, await timers) : nil
            report.projects.append(StatusReport.Project(project.name, record, facts))
        }
        wiring.terminal.output(
            options.format == .json
                ? JSONOutput.line(report) : report.text(colors: wiring.terminal.colorsOutput, now: Times.now))
        let isSilent = report.projects.contains { $0.configured && $0.trouble != nil }
        let status = exitCode ? report.status : isSilent ? .engineUnreachable : .success
        if status != .success { throw ExitError(status: status) }
    }

    /// What the engine says; an engine that cannot be asked is part of the answer.
    private func look(
        at project: KnownProject, _ record: ProjectRecord, _ wiring: Wiring
    ) async throws -> StatusFacts {
        var facts = StatusFacts(now: Times.now)
        let engine = try wiring.engine(project.engine)
        do {
            let observed = try await engine.observe(project.query(record))
            facts.observed = observed
            if stats {
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

/// A project that is configured, or was deployed and is configured no more.
struct KnownProject: Sendable {
    var name: String
    /// Nil for one that is configured no more.
    var settings: ProjectSettings?
    /// The name of the Compose project where only the record knows it.
    var composeProject: String
    var engine: EngineConfiguration

    var isConfigured: Bool { settings != nil }

    /// What to ask the engine to see how it is doing.
    func query(_ record: ProjectRecord) -> ObservationQuery {
        settings.map { record.query(of: $0) }
            ?? record.lastGood?.snapshot.map { ObservationQuery(of: $0.project) }
            ?? ObservationQuery(project: composeProject)
    }
}

extension Configuration {
    /// The named projects, or all that are configured and all that were deployed before.
    ///
    /// - Throws: `ConfigurationError` for a name that is neither configured nor recorded.
    func known(_ names: [String], _ store: Store?) async throws -> [KnownProject] {
        let configured = Set(projects.map(\.settings.name))
        let former = try await store?.projects().filter { !configured.contains($0.name) } ?? []
        let chosen = former.filter { names.isEmpty || names.contains($0.name) }
        let others = names.filter { name in !chosen.contains { $0.name == name } }
        let selected = names.isEmpty || !others.isEmpty ? try self.selected(others) : []
        return selected.map {
            KnownProject(
                name: $0.settings.name, settings: $0.settings,
                composeProject: $0.settings.composeName(recorded: nil), engine: $0.engine)
        } + chosen.map { KnownProject(name: $0.name, composeProject: $0.composeProject, engine: engine(of: $0)) }
    }

    /// How a project's engine is reached that is configured no more: as others reach it, else without any key.
    func engine(of recorded: RecordedProject) -> EngineConfiguration {
        let host =
            recorded.engine ?? ProcessInfo.processInfo.environment["DOCKER_HOST"] ?? "unix:///var/run/docker.sock"
        return projects.map(\.engine).first { $0.host == host } ?? EngineConfiguration(host: host)
    }

    /// The project, also one that was deployed and is configured no more: what is recorded is enough to remove it.
    ///
    /// - Throws: `ConfigurationError` for a name that is neither configured nor recorded.
    func removable(_ name: String, _ store: Store) async throws -> ProjectConfiguration {
        let isConfigured = projects.contains { $0.settings.name == name }
        guard !isConfigured, let recorded = try await store.projects().first(where: { $0.name == name }) else {
            return try selected([name])[0]
        }
        var settings = ProjectSettings(name: name, repository: "", revision: "")
        settings.configuredProjectName = recorded.composeProject
        return ProjectConfiguration(
            settings: settings, repository: try GitRemoteURL("/"), revision: .branch(""), access: GitAccess(),
            engine: engine(of: recorded), nameLocation: SourceLocation(file: file, line: 1, column: 1))
    }
}
