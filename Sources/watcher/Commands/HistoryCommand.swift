internal import ArgumentParser
internal import Deploy
internal import Reconcile
internal import Store

struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Show what was deployed, when, and how it went.",
        usage: """
            watcher history [-n <count>] [--since <time>] [<options>] [<project>]
            watcher history show [--compose] [--events] [<options>] <id>
            watcher history diff [<options>] <old> <new>
            """,
        discussion: ExitStatus.help([.success, .stateUnusable], example: "watcher history shop -n 5"),
        subcommands: [HistoryListCommand.self, HistoryShowCommand.self, HistoryDiffCommand.self],
        defaultSubcommand: HistoryListCommand.self)
}

struct HistoryListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List deployments, newest first (the default).",
        usage: "watcher history [list] [<options>] [<project>]",
        discussion: ExitStatus.help([.success, .usage, .stateUnusable], example: "watcher history shop -n 5"))

    @Argument(help: "The project; all by default.")
    var project: String?

    @Option(name: .customShort("n"), help: ArgumentHelp("At most this many.", valueName: "count"))
    var limit: Int = 20

    @Option(help: ArgumentHelp("Only those started since: 24h, 2026-11-21 or 2026-11-21T05:00:00Z.", valueName: "time"))
    var since: String?

    @OptionGroup var options: GlobalOptions

    func validate() throws {
        if limit < 1 { throw ValidationError("-n must be at least 1") }
        if let since, Times.moment(since, now: 0, .past) == nil {
            throw ValidationError("--since: invalid time \"\(since)\": use 24h, 2026-11-21 or 2026-11-21T05:00:00Z")
        }
    }

    func run() async throws {
        let wiring = Wiring(options)
        let moment = since.flatMap { Times.moment($0, now: Times.now, .past) }
        let deployments =
            try await wiring.existingStore()?.history(project: project, limit: limit, since: moment) ?? []
        let report = HistoryReport(deployments)
        wiring.terminal.output(
            options.format == .json ? JSONOutput.line(report) : report.text(nothing: nothing(wiring)))
    }

    /// Names the project and the place, because a wrong one of either looks just like an empty history.
    private func nothing(_ wiring: Wiring) -> String {
        let project = project.map { " of \($0)" } ?? ""
        return "no deployment\(project)\(since.map { " since \($0)" } ?? "") is recorded in \(wiring.stateDirectory)"
    }
}

struct HistoryShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show everything about one deployment.",
        usage: "watcher history show [--compose] [--events] [<options>] <id>",
        discussion: ExitStatus.help(
            [.success, .usage, .stateUnusable], example: "watcher history show shop/3 --events"))

    @Argument(help: ArgumentHelp("The deployment: shop/3.", valueName: "id"))
    var id: String

    @Flag(help: "With the Compose files exactly as they were.")
    var compose = false

    @Flag(help: "With the events of the run.")
    var events = false

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let wiring = Wiring(options)
        let store = try wiring.existingStore()
        let deployment = try await store.deployment(named: id)
        let report = DeploymentReport(
            deployment: DeploymentView(deployment),
            composeFiles: compose ? deployment.snapshot?.composeFiles ?? [:] : nil,
            events: events ? try await store?.events(of: deployment.id) ?? [] : nil,
            images: deployment.snapshot?.imageIDs ?? [:])
        wiring.terminal.output(options.format == .json ? JSONOutput.line(report) : report.text())
    }
}

struct HistoryDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Show what differs between the Compose files of two deployments.",
        usage: "watcher history diff [<options>] <old> <new>",
        discussion: ExitStatus.help([.success, .usage, .stateUnusable], example: "watcher history diff shop/3 shop/4"))

    @Argument(help: "The older deployment.") var old: String
    @Argument(help: "The newer deployment.") var new: String
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let wiring = Wiring(options)
        let store = try wiring.existingStore()
        let report = DeploymentDifference(
            from: try await store.deployment(named: old), to: try await store.deployment(named: new))
        wiring.terminal.output(
            options.format == .json
                ? JSONOutput.line(report) : report.text(colors: wiring.terminal.colorsOutput))
    }
}

extension Store? {
    /// The deployment of that name: `shop/3`, or `3` when only one project has that number.
    ///
    /// - Throws: `UsageError` when there is none, or several.
    fileprivate func deployment(named text: String) async throws -> Deployment {
        if let id = DeploymentID(text), let deployment = try await self?.deployment(id) { return deployment }
        if let number = Int(text) {
            let all = try await self?.history(project: nil, limit: nil, since: nil) ?? []
            let matching = all.filter { $0.id.number == number }
            if matching.count > 1 {
                let names = matching.map(\.id.description).joined(separator: ", ")
                throw UsageError(message: "\(text) is ambiguous: \(names)")
            }
            if let id = matching.first?.id, let deployment = try await self?.deployment(id) { return deployment }
        }
        throw UsageError(message: "there is no deployment \(text)", advice: "`watcher history` lists them.")
    }
}
