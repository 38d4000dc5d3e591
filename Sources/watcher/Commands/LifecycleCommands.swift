internal import ArgumentParser
internal import Deploy
internal import Reconcile
internal import Store

/// The durable mark that keeps the next deploy from starting what was stopped by hand: a suspension of its own kind.
private enum Halt {
    private static let words = "stopped by hand"
    static let reason = "\(words); `watcher start` ends it"

    /// Suspends the project's deploys. A suspension without an end that is there already does the same and stays.
    static func mark(_ project: String, _ store: Store) async throws {
        let earlier = try await store.record(of: project).suspension
        if let earlier, earlier.until == nil { return }
        try await store.suspend(project, Suspension(reason: reason, since: Times.now, until: nil))
    }

    /// Whether the project was stopped by hand.
    static func isMarked(_ project: String, _ store: Store) async throws -> Bool {
        try await store.record(of: project).suspension?.reason.hasPrefix(words) == true
    }

    /// Ends the mark; a suspension with another reason stays.
    static func clear(_ project: String, _ store: Store) async throws {
        guard try await store.record(of: project).suspension?.reason.hasPrefix(words) == true else { return }
        _ = try await store.resume(project)
    }
}

extension ProjectRuns {
    fileprivate static func runs(_ command: String, _ options: GlobalOptions, dryRun: Bool) -> ProjectRuns {
        ProjectRuns(wiring: Wiring(options), command: command, changesThings: !dryRun)
    }
}

struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stop the containers of a project until it is started again.",
        usage: "watcher stop [--dry-run] [<options>] <project> [<service> ...]",
        discussion: ExitStatus.help(
            [.success, .changesPending, .usage, .engineUnreachable, .stateUnusable, .temporary, .invalidConfiguration],
            example: "watcher stop shop"))

    @Argument(help: "The project.") var project: String
    @Argument(help: ArgumentHelp("Services; all of the project by default.", valueName: "service"))
    var services: [String] = []
    @Flag(help: "Only say what would be done (10 when something would).") var dryRun = false
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let runs = ProjectRuns.runs("stop", options, dryRun: dryRun)
        let selected = try await runs.wiring.selectedOrRecorded([project])
        let store = try runs.wiring.store()
        let names = Set(services)
        try await runs.run(selected) { [project, dryRun] deployer in
            // Before anything stops: a stop that is cut short must not be healed either.
            if dryRun { return await deployer.preview(.stopped, names) }
            return await deployer.stop(names) { try await Halt.mark(project, store) }
        }
    }
}

struct StartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Make a stopped project run again as it was deployed.",
        usage: "watcher start [--dry-run] [<options>] <project> [<service> ...]",
        discussion: ExitStatus.help(
            [
                .success, .changesPending, .notWorking, .restored, .failed, .restoreFailed, .usage, .engineUnreachable,
                .stateUnusable, .temporary, .refused, .invalidConfiguration,
            ], example: "watcher start shop"))

    @Argument(help: "The project.") var project: String
    @Argument(help: ArgumentHelp("Services; all of the project by default.", valueName: "service"))
    var services: [String] = []
    @Flag(help: "Only say what would be done (10 when something would).") var dryRun = false
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let runs = ProjectRuns.runs("start", options, dryRun: dryRun)
        let selected = try runs.wiring.configuration().selected([project])
        let store = try runs.wiring.store()
        let names = Set(services)
        try await runs.run(selected) { [project, dryRun] deployer in
            if dryRun { return await deployer.preview(.started, names) }
            var result = await deployer.start(names)
            let isDone = [.inSync, .deployed, .started].contains(result.outcome)
            if isDone, names.isEmpty {
                try await Halt.clear(project, store)
            } else if isDone, try await Halt.isMarked(project, store) {
                result.warnings.append(
                    "deploys of \(project) stay suspended; `watcher start \(project)` starts all of it and ends the suspension"
                )
            }
            return result
        }
    }
}

struct DownCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Remove the containers and networks of a project.",
        usage: "watcher down [--volumes] [--dry-run] [<options>] <project>",
        discussion: ExitStatus.help(
            [.success, .changesPending, .engineUnreachable, .stateUnusable, .temporary, .invalidConfiguration],
            example: "watcher down shop"))

    @Argument(help: "The project.") var project: String
    @Flag(help: "Remove its volumes too, and what is in them.") var volumes = false
    @Flag(help: "Only say what would be done (10 when something would).") var dryRun = false
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let runs = ProjectRuns.runs("down", options, dryRun: dryRun)
        let selected = try await runs.wiring.selectedOrRecorded([project])
        let store = try runs.wiring.store()
        try await runs.run(selected) { [project, volumes, dryRun] deployer in
            if dryRun { return await deployer.preview(.absent(volumes: volumes)) }
            let result = await deployer.down(volumes: volumes) { try await Halt.mark(project, store) }
            if result.outcome == .removed { try await store.removed(project) }
            return result
        }
    }
}
