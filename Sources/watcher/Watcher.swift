internal import ArgumentParser
internal import CLinux
internal import Compose
internal import Dispatch
internal import DockerEngine
internal import Foundation
internal import Git
internal import Reconcile
internal import Synchronization

/// The command line.
struct Watcher: AsyncParsableCommand {
    static let name = "watcher"
    static let configuration = CommandConfiguration(
        commandName: name,
        abstract: "Pull-based GitOps for Docker Compose: one step, then exit.",
        usage: "watcher <command> [<options>]",
        discussion: """
            A Git branch says what should run, the Docker Engine says what does run.
            `watcher deploy` makes the one into the other, waits until it is healthy,
            and rolls back to what ran before when it is not.

            EXIT STATUS:
              0    in sync, deployed, or the request was carried out
              10   check: changes are pending
              12   the tip is on the skip list; the last good deployment works
              15   what was deployed runs, and something of it does not work
              20   the deployment failed and the previous one was restored
              21   the deployment failed and there was nothing to restore
              22   the deployment failed and restoring failed too
              64   usage
              75   temporary: the next run tries again
              78   the configuration is invalid
              The whole table is in watcher(1).

            EXAMPLE:
              watcher init && watcher check && watcher deploy
            """,
        version: Version.number,
        subcommands: [
            CheckCommand.self, DeployCommand.self, RollbackCommand.self, HistoryCommand.self, SkipListCommand.self,
            StatusCommand.self, LogsCommand.self, StopCommand.self,
            StartCommand.self, DownCommand.self, SuspendCommand.self, ResumeCommand.self, ConfigCommand.self,
            InitCommand.self,
        ])

    /// What to say when the arguments begin with a command that there is not.
    static func unknownCommand(_ arguments: [String]) -> UsageError? {
        let known = configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
        guard let name = arguments.first, !name.hasPrefix("-"), !known.contains(name) else { return nil }
        let near = Spelling.nearest(to: name, in: known).map { "; did you mean \"\($0)\"?" } ?? ""
        return UsageError(
            message: "there is no command \"\(name)\"\(near)",
            advice: "There are: \(known.joined(separator: ", ")). See `watcher help`.")
    }
}

enum Version {
    static let number = "0.1.0"
}

@main
enum Main {
    static func main() {
        clinux_populate_globals()
        signal(SIGPIPE, SIG_IGN)
        let arguments = Array(CommandLine.arguments.dropFirst())
        // The limit is that of a project's run, which may have started this process.
        MemoryLimit.lift()
        // A network step runs in a process of its own that has nothing else to do.
        if arguments == [GitNetworkChild.command] { GitNetworkChild.main() }
        // So does what watches over a command on the host.
        if arguments == [HostCommandSupervisor.command] { HostCommandSupervisor.main() }
        // And so does the run for one of several projects.
        if arguments == [ProjectProcess.command] { ProjectProcess.main() }
        let status = run(arguments)
        exit(status == .success && Terminal.hasLostOutput ? ExitStatus.unexpected.rawValue : status.rawValue)
    }

    /// What needs no other thread, such as `config` and `--help`, starts none.
    private static func run(_ arguments: [String]) -> ExitStatus {
        do {
            var command = try parsed(GlobalOptions.afterCommand(arguments))
            guard let asynchronous = command as? any AsyncParsableCommand else {
                try command.run()
                return .success
            }
            EngineClient.useOneThread()
            // Handed over: nobody else uses it from here on.
            nonisolated(unsafe) let handed = asynchronous
            return waiting {
                await Interruption.whileWatchingSignals {
                    do {
                        var command = handed
                        try await command.run()
                        return .success
                    } catch {
                        return report(error, arguments)
                    }
                }
            }
        } catch {
            return report(error, arguments)
        }
    }

    /// The main thread waits for `body`. To run the main queue instead, as an asynchronous main does, it would have to end,
    /// for which the C library loads an unwinder.
    static func waiting(_ body: @escaping @Sendable () async -> ExitStatus) -> ExitStatus {
        let status = Mutex(ExitStatus.unexpected)
        let hasEnded = DispatchSemaphore(value: 0)
        Task.detached {
            let ended = await body()
            status.withLock { $0 = ended }
            hasEnded.signal()
        }
        hasEnded.wait()
        return status.withLock { $0 }
    }

    /// The only place where errors become texts and statuses.
    private static func report(_ error: any Error, _ arguments: [String]) -> ExitStatus {
        if let error = error as? ExitError { return error.status }
        if Watcher.exitCode(for: error) != .failure { return report(usage: error, arguments) }
        let report = ErrorReport(error)
        report.show(on: terminal, format: OutputFormat(of: arguments))
        return report.status
    }

    /// To describe all commands takes longer than to parse one: what timers run all day is parsed by its own command, and
    /// everything else, mistakes and questions for help included, by the whole tree. Such a command names its super-command,
    /// so that as a root it is not first parsed as a request for a completion script, which takes as long again.
    private static func parsed(_ arguments: [String]) throws -> any ParsableCommand {
        let frequent: [String: any ParsableCommand.Type] = [
            "check": CheckCommand.self, "deploy": DeployCommand.self, "config": ConfigCommand.self,
        ]
        if let name = arguments.first, let type = frequent[name],
            let command = try? type.parseAsRoot(Array(arguments.dropFirst()))
        {
            return command
        }
        return try Watcher.parseAsRoot(arguments)
    }

    private static var terminal: Terminal {
        Terminal(color: .never, environment: ProcessInfo.processInfo.environment)
    }

    /// Help and version go to stdout with status 0, wrong usage to stderr with 64.
    private static func report(usage error: any Error, _ arguments: [String]) -> ExitStatus {
        if let unknown = Watcher.unknownCommand(GlobalOptions.afterCommand(arguments)) {
            ErrorReport(unknown).show(on: terminal, format: OutputFormat(of: arguments))
            return .usage
        }
        let text = HelpText.arranged(Watcher.fullMessage(for: error))
        guard Watcher.exitCode(for: error) == .success else {
            terminal.message(text.printable, priority: 3)
            if OutputFormat(of: arguments) == .json { terminal.output(JSONOutput.line(ErrorReport(usage: error))) }
            return .usage
        }
        terminal.output(text.hasSuffix("\n") ? text : text + "\n")
        return .success
    }
}
