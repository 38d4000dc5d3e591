internal import ArgumentParser
internal import Compose
internal import Deploy
internal import DockerEngine
internal import Reconcile
internal import Store

struct LogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Show what the containers of a project write.",
        usage: "watcher logs [-f] [<options>] <project> [<service> ...]",
        discussion: ExitStatus.help(
            [.success, .usage, .engineUnreachable, .stateUnusable, .invalidConfiguration, .interrupted],
            example: "watcher logs shop web -f -n 20"))

    @Argument(help: "The project.") var project: String

    @Argument(help: ArgumentHelp("Services; all of the project by default.", valueName: "service"))
    var services: [String] = []

    @Flag(name: .shortAndLong, help: "Go on until interrupted, also with containers that are made anew.")
    var follow = false

    @Option(
        name: [.customShort("n"), .customLong("tail")],
        help: ArgumentHelp("Only so many lines of each container.", valueName: "count"))
    var count: Int?

    @Option(help: ArgumentHelp("Only what is newer: 10m, 2026-11-22 or 2026-11-22T06:00:00Z.", valueName: "time"))
    var since: String?

    @Flag(name: .shortAndLong, help: "Begin each line with the time it was written.")
    var timestamps = false

    @OptionGroup var options: GlobalOptions

    func validate() throws {
        if let count, count < 0 { throw ValidationError("-n: \(count) is less than nothing.") }
        if let since, Times.moment(since, now: Times.now, .past) == nil {
            throw ValidationError("--since: invalid time \"\(since)\": use 10m, 2026-11-22 or 2026-11-22T06:00:00Z")
        }
    }

    func run() async throws {
        let wiring = Wiring(options)
        guard let selected = try await wiring.selectedOrRecorded([project]).first else { return }
        let record = try await wiring.existingStore()?.record(of: project)
        let engine = try wiring.engine(selected.engine)
        do {
            let name = selected.settings.composeName(recorded: record?.lastGood?.snapshot?.project)
            try await show(name, record ?? ProjectRecord(), engine, wiring)
            await engine.shutdown()
        } catch is LogPrinter.ReaderGone {
            await engine.shutdown()
        } catch is CancellationError {
            // How following ends.
            await engine.shutdown()
            throw ExitError(status: .interrupted)
        } catch {
            await engine.shutdown()
            throw error
        }
    }

    private func show(
        _ composeProject: String, _ record: ProjectRecord, _ engine: EngineClient, _ wiring: Wiring
    ) async throws {
        let containers = try await engine.observe(ObservationQuery(project: composeProject)).containers
        let deployed = record.lastGood?.snapshot?.project.services.keys.map { $0 } ?? []
        let known = Set(containers.filter { $0.parked == nil }.map(\.service)).union(deployed).sorted()
        for service in services where !known.contains(service) {
            throw UsageError(
                message: "\(project) has no service \"\(service)\"",
                advice: known.isEmpty ? "Nothing of it is deployed." : "It has: \(known.joined(separator: ", ")).")
        }
        let shown = services.isEmpty ? known : known.filter(services.contains)
        let reader = LogReader(
            engine: engine, project: composeProject, services: Set(services),
            printer: LogPrinter(wiring, timestamps: timestamps, services: shown),
            warn: { [terminal = wiring.terminal] in terminal.message("watcher: \($0.printable)", priority: 4) })
        var reading = LogReading(tail: count)
        // In the years of which nanoseconds since 1970 are numbers.
        let years = 0..<Int.max / 1_000_000
        reading.since = since.flatMap { Times.moment($0, now: Times.now, .past) }.map {
            min(max($0, years.lowerBound), years.upperBound) * 1_000_000
        }
        if follow {
            try await reader.follow(reading)
        } else {
            let wanted = reader.wanted(containers)
            if wanted.isEmpty, !options.quiet { wiring.terminal.message("watcher: \(project) has no containers") }
            try await reader.read(reading, of: wanted)
        }
    }
}
