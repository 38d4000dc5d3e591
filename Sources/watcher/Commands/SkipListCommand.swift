internal import ArgumentParser
internal import Deploy
internal import Git
internal import Reconcile
internal import Store

struct SkipListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "skip-list",
        abstract: "Show and change which commits are not deployed by themselves.",
        usage: """
            watcher skip-list [<options>] [<project>]
            watcher skip-list add --reason <text> [<options>] <project> <commit>
            watcher skip-list remove [<options>] <project> <commit>
            watcher skip-list clear [<options>] <project>
            """,
        discussion: ExitStatus.help(
            [.success, .usage, .stateUnusable], example: "watcher skip-list remove shop 3f2a1c9"),
        subcommands: [
            SkipListListCommand.self, SkipListAddCommand.self, SkipListRemoveCommand.self, SkipListClearCommand.self,
        ],
        defaultSubcommand: SkipListListCommand.self)
}

/// A skipped commit as it is shown.
struct SkippedView: Encodable {
    var project: String
    var commit: CommitID
    var subject: String?
    var reason: String
    var code: Reason?
    var since: Int
    var failures: Int
}

struct SkipListReport: Encodable {
    let schema = JSONOutput.schema
    var skipped: [SkippedView]

    private enum CodingKeys: String, CodingKey { case schema, skipped }

    /// - Parameter nothing: what to say when there is none.
    func text(nothing: String) -> String {
        guard !skipped.isEmpty else { return "\(nothing)\n" }
        let rows = skipped.map {
            [$0.project, $0.commit.short, Times.local($0.since), String($0.failures), $0.reason.printable]
        }
        return Table(header: ["PROJECT", "COMMIT", "SINCE", "FAILURES", "REASON"], rows: rows).text()
    }
}

struct SkipListListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the skipped commits and why (the default).",
        usage: "watcher skip-list [list] [<options>] [<project>]",
        discussion: ExitStatus.help(
            [.success, .usage, .stateUnusable], example: "watcher skip-list shop"))

    @Argument(help: "The project; all by default.") var project: String?
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let wiring = Wiring(options)
        let entries = try await wiring.existingStore()?.skipList(project: project) ?? []
        let report = SkipListReport(
            skipped: entries.map { entry in
                SkippedView(
                    project: entry.project, commit: entry.skipped.commit, subject: entry.skipped.subject,
                    reason: entry.skipped.reason, code: entry.skipped.code, since: entry.skipped.since,
                    failures: entry.skipped.failures)
            })
        let nothing = "no commit\(project.map { " of \($0)" } ?? "") is skipped in \(wiring.stateDirectory)"
        wiring.terminal.output(options.format == .json ? JSONOutput.line(report) : report.text(nothing: nothing))
    }
}

struct SkipListAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Put a commit on the skip list: it is not deployed by itself.",
        usage: "watcher skip-list add --reason <text> [<options>] <project> <commit>",
        discussion: ExitStatus.help(
            [.success, .usage, .stateUnusable, .invalidConfiguration],
            example: "watcher skip-list add shop 3f2a1c9 --reason \"breaks the login\""))

    @Argument(help: "The project.") var project: String
    @Argument(help: "The commit's id; short ids are looked up in the repository's cache.") var commit: String
    @Option(help: ArgumentHelp("Why; shown with the skip.", valueName: "text")) var reason: String
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let wiring = Wiring(options)
        let configuration = try wiring.configuration().selected([project])
        var id = CommitID(hex: commit)
        var subject: String?
        if let known = try await configuration.first.map({ wiring.source($0) })?.commit(named: commit) {
            id = known.id
            subject = known.subject
        }
        guard id.hex.count == 40, id.hex.allSatisfy(\.isHexDigit) else {
            throw UsageError(
                message: "there is no commit \(commit) in the cache of \(project)", advice: "Give its full id.")
        }
        try await wiring.store().skip(
            SkippedCommit(
                commit: id, reason: reason.printable, code: nil, since: Times.now, failures: 0, subject: subject),
            in: project)
        wiring.say("\(project): \(id.short) is skipped")
    }
}

struct SkipListRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Take a commit off the skip list: the next deploy tries it.",
        usage: "watcher skip-list remove [<options>] <project> <commit>",
        discussion: ExitStatus.help(
            [.success, .usage, .stateUnusable], example: "watcher skip-list remove shop 3f2a1c9"))

    @Argument(help: "The project.") var project: String
    @Argument(help: "The commit, or the beginning of its id.") var commit: String
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let wiring = Wiring(options)
        let isRemoved = try await wiring.existingStore()?.removeSkipped(commit, in: project) ?? false
        guard isRemoved else {
            throw UsageError(
                message: "\(commit) is not on the skip list of \(project)", advice: "`watcher skip-list` shows it.")
        }
        wiring.say("\(project): \(commit) is not skipped any more")
    }
}

struct SkipListClearCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clear", abstract: "Take every commit of a project off the skip list.",
        usage: "watcher skip-list clear [<options>] <project>",
        discussion: ExitStatus.help(
            [.success, .usage, .stateUnusable], example: "watcher skip-list clear shop"))

    @Argument(help: "The project.") var project: String
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let wiring = Wiring(options)
        let count = try await wiring.existingStore()?.clearSkipped(project) ?? 0
        wiring.say("\(project): \(count) commit\(count == 1 ? "" : "s") taken off the skip list")
    }
}
