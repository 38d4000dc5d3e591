internal import ArgumentParser
internal import Deploy
internal import DockerEngine
internal import Reconcile
internal import Store

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        _superCommandName: Watcher.name,
        abstract: "Say what a deploy would do, and why; change nothing.",
        usage: "watcher check [<options>] [<project> ...]",
        discussion: ExitStatus.help(
            [
                .success, .changesPending, .drift, .skipListed, .suspended, .branchRewritten, .notWorking, .failed,
                .restoreFailed, .invalidProject,
                .engineUnreachable, .stateUnusable, .temporary, .refused, .invalidConfiguration,
            ], example: "watcher check shop || watcher deploy shop"))

    @Argument(help: ArgumentHelp("Projects; all of the configuration by default.", valueName: "project"))
    var projects: [String] = []

    @OptionGroup var jobs: JobsOption
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let wiring = Wiring(options)
        let jobs = try jobs.count(wiring.environment)
        let configuration = try wiring.configuration()
        try await ProjectRuns(wiring: wiring, command: "check", changesThings: false, jobs: jobs).run(
            configuration, try configuration.selected(projects), .check(DeployRequest()))
    }
}

struct DeployCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deploy",
        _superCommandName: Watcher.name,
        abstract: "Make what runs what the branch says: one reconciliation step.",
        usage: "watcher deploy [<options>] [<project> ...]",
        discussion: ExitStatus.help(
            [
                .success, .skipListed, .suspended, .branchRewritten, .notWorking, .restored, .failed, .restoreFailed,
                .usage,
                .invalidProject, .engineUnreachable, .stateUnusable, .temporary, .refused, .invalidConfiguration,
            ], example: "watcher deploy shop --format json"))

    @Argument(help: ArgumentHelp("Projects; all of the configuration by default.", valueName: "project"))
    var projects: [String] = []

    @Option(help: ArgumentHelp("Deploy this commit of the branch instead of its tip.", valueName: "rev"))
    var commit: String?

    @Flag(help: "Deploy although the commit is on the skip list, the branch was rewritten or no deploy window is open.")
    var force = false

    @Flag(help: "Suspend the project afterwards, so that the next run does not go back to the tip.")
    var hold = false

    @Flag(help: "Stop after the plan; like check.")
    var dryRun = false

    @Flag(help: "Leave a failed deployment as it is instead of restoring the previous one.")
    var noRollback = false

    @OptionGroup var jobs: JobsOption
    @OptionGroup var options: GlobalOptions

    func validate() throws {
        if commit != nil, projects.count != 1 { throw ValidationError("--commit needs exactly one project.") }
    }

    func run() async throws {
        let wiring = Wiring(options)
        let jobs = try jobs.count(wiring.environment)
        let configuration = try wiring.configuration()
        let selected = try configuration.selected(projects)
        var request = DeployRequest()
        request.commit = commit
        request.force = force
        request.keepsFailed = noRollback
        if hold { request.hold = Suspension(reason: "held by watcher deploy --hold", since: Times.now, until: nil) }
        let runs = ProjectRuns(wiring: wiring, command: "deploy", changesThings: !dryRun, jobs: jobs)
        try await runs.run(configuration, selected, dryRun ? .check(request) : .deploy(request))
    }
}

struct RollbackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Go back to a recorded deployment; the commit left behind goes on the skip list.",
        usage: "watcher rollback [<options>] <project>",
        discussion: ExitStatus.help(
            [
                .success, .restored, .failed, .restoreFailed, .usage, .engineUnreachable, .stateUnusable, .temporary,
                .refused, .invalidConfiguration,
            ],
            example: "watcher rollback shop --to shop/3"))

    @Argument(help: "The project.")
    var project: String

    @Option(
        help: ArgumentHelp(
            "A deployment (shop/3 or 3) or a commit; by default the last good one before the current.",
            valueName: "target"))
    var to: String?

    @Flag(help: "Suspend the project afterwards, so that the next commit is not deployed by itself.")
    var hold = false

    @Option(help: ArgumentHelp("With --hold: until when, 2h or 2026-11-26T18:00:00Z.", valueName: "time"))
    var until: String?

    @Flag(help: "Go back to a deployment that failed, too.")
    var force = false

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let wiring = Wiring(options)
        let selected = try wiring.configuration().selected([project])
        var request = RollbackRequest(to: target)
        request.force = force
        if hold {
            request.hold = Suspension(
                reason: "held by watcher rollback --hold", since: Times.now,
                until: until.flatMap { Times.moment($0, now: Times.now, .future) })
        }
        try await ProjectRuns(wiring: wiring, command: "rollback", changesThings: true).run(selected) { [request] in
            await $0.rollback(request)
        }
    }

    func validate() throws {
        if until != nil, !hold { throw ValidationError("--until needs --hold.") }
        if let until, Times.moment(until, now: Times.now, .future) == nil {
            throw ValidationError("invalid time \"\(until)\": use 24h, 2026-11-21 or 2026-11-21T05:00:00Z")
        }
        if let to, let id = DeploymentID(to), id.project != project {
            throw ValidationError("\(to) is no deployment of \(project).")
        }
    }

    /// Short numbers are deployments; anything longer is a commit.
    var target: RollbackRequest.Target {
        guard let to else { return .previous }
        if let id = DeploymentID(to) { return .deployment(id) }
        if to.count < 7, let number = Int(to) { return .deployment(DeploymentID(project: project, number: number)) }
        return .commit(to)
    }
}
