internal import ArgumentParser
internal import Deploy
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

struct SuspendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suspend", abstract: "Make deploys of a project do nothing until it is resumed.",
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
            throw ValidationError("--until: invalid time \"\(until)\": use 2h, 2026-11-22 or 2026-11-22T06:00:00Z")
        }
        if moment <= Times.now { throw ValidationError("--until: \"\(until)\" has passed") }
    }

    func run() async throws {
        let wiring = Wiring(options)
        _ = try wiring.configuration().selected([project])
        try await wiring.store().suspend(
            project,
            Suspension(
                reason: reason.printable, since: Times.now,
                until: until.flatMap { Times.moment($0, now: Times.now, .future) }))
        let end = until.flatMap { Times.moment($0, now: Times.now, .future) }.map(Times.local)
        wiring.say("\(project) is suspended until \(end ?? "`watcher resume \(project)`")")
    }
}

struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Deploy a suspended project again.",
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
