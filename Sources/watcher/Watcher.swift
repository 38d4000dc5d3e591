internal import ArgumentParser
internal import Deploy
internal import Foundation
internal import Git
internal import Reconcile

/// The command line.
struct Watcher: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watcher",
        abstract: "Pull-based GitOps for Docker Compose: one reconciliation step, then exit.",
        discussion: """
            A Git branch says what should run, the Docker Engine says what does run. «watcher deploy» makes the one \
            into the other, waits until it is healthy, and puts back what ran before when it is not.

            EXIT STATUS:
              0 in sync or deployed; 10 changes pending; 12 tip on the skip list; 20 failed and restored;
              21 failed, nothing to restore; 22 restoring failed; 64 usage; 75 temporary. See watcher(1).

            EXAMPLE:
              watcher init && watcher check && watcher deploy
            """,
        version: Version.number,
        subcommands: [
            CheckCommand.self, DeployCommand.self, RollbackCommand.self, HistoryCommand.self, SkipListCommand.self,
            StatusCommand.self, SuspendCommand.self, ResumeCommand.self, ConfigCommand.self, InitCommand.self,
        ])
}

enum Version {
    static let number = "0.1.0"
}

@main
enum Main {
    static func main() async {
        signal(SIGPIPE, SIG_IGN)
        let arguments = Array(CommandLine.arguments.dropFirst())
        // A network step runs in a process of its own that has nothing else to do.
        if arguments == [GitNetworkChild.command] { GitNetworkChild.main() }
        let status = await Interruption.whileWatchingSignals { await run(arguments) }
        exit(status.rawValue)
    }

    /// Parses and runs a command; the only place where errors become texts and statuses.
    private static func run(_ arguments: [String]) async -> ExitStatus {
        do {
            var command = try Watcher.parseAsRoot(GlobalOptions.afterCommand(arguments))
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return .success
        } catch let error as ExitError {
            return error.status
        } catch let error as ConfigurationError {
            complain(error.description, advice: "")
            return error.isRefusal ? .refused : .invalidConfiguration
        } catch let error as any ReasonedError {
            complain(error.message, advice: error.advice)
            return ExitStatus(error.reason)
        } catch is CancellationError {
            return .interrupted
        } catch  where Watcher.exitCode(for: error) != .failure {
            return report(usage: error)
        } catch {
            complain(String(describing: error), advice: "This is a defect of watcher; please report it.")
            return .unexpected
        }
    }

    private static func complain(_ message: String, advice: String) {
        let lines = (["watcher: \(message.printable)"] + advice.printable.split(separator: "\n").map { "  \($0)" })
        FileHandle.standardError.write(Data((lines.joined(separator: "\n") + "\n").utf8))
    }

    /// Help and version go to stdout with status 0, wrong usage to stderr with 64.
    private static func report(usage error: any Error) -> ExitStatus {
        let text = Watcher.fullMessage(for: error) + "\n"
        guard Watcher.exitCode(for: error) == .success else {
            FileHandle.standardError.write(Data(text.utf8))
            return .usage
        }
        try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
        return .success
    }
}
