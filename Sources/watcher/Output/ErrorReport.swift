internal import ArgumentParser
internal import Deploy
internal import Reconcile

/// A request that makes no sense, found out only while it is carried out; ends with the status of wrong usage.
struct UsageError: Error, Equatable {
    /// One sentence without its first capital letter and full stop, as every message.
    var message: String
    var advice = ""
}

/// Why a command ended before it had a result: the same value for stderr, for JSON and for the exit status.
struct ErrorReport: Encodable, Equatable {
    let schema = JSONOutput.schema
    let kind = "error"
    var exitStatus: Int32
    /// A code of `Reason`.
    var reason: String
    /// One problem a line.
    var message: String
    /// What to do next; may be empty.
    var advice: String

    private enum CodingKeys: String, CodingKey { case schema, kind, exitStatus, reason, message, advice }

    var status: ExitStatus { ExitStatus(rawValue: exitStatus) ?? .unexpected }

    init(_ status: ExitStatus, reason: String, message: String, advice: String = "") {
        exitStatus = status.rawValue
        self.reason = reason
        self.message = message.printable
        self.advice = advice.printable
    }

    /// Any error of a command, except ArgumentParser's own.
    init(_ error: any Error) {
        switch error {
        case let error as ConfigurationError:
            let reason: Reason = error.isRefusal ? .permissions : .invalidConfiguration
            self.init(ExitStatus(reason), reason: reason.rawValue, message: error.description, advice: error.advice)
        case let error as DeployError:
            self.init(
                ExitStatus(error.reason), reason: error.reason.rawValue, message: error.message, advice: error.advice)
        case let error as any ReasonedError:
            self.init(
                ExitStatus(error.reason), reason: error.reason.rawValue, message: error.message, advice: error.advice)
        case let error as UsageError:
            self.init(.usage, reason: Reason.usage.rawValue, message: error.message, advice: error.advice)
        case is CancellationError:
            self.init(.interrupted, reason: Reason.interrupted.rawValue, message: "the run was interrupted")
        default:
            self.init(
                .unexpected, reason: Reason.unexpected.rawValue, message: String(describing: error),
                advice: "This is a defect of watcher; please report it.")
        }
    }

    /// Wrong usage as ArgumentParser explains it.
    init(usage error: any Error) {
        self.init(
            .usage, reason: Reason.usage.rawValue, message: Watcher.message(for: error), advice: "See watcher help.")
    }

    /// For stderr: every problem a line of its own that begins with the program's name, the advice below.
    var text: String {
        (message.split(separator: "\n").map { "watcher: \($0)" } + advice.split(separator: "\n").map { "  \($0)" })
            .joined(separator: "\n")
    }

    /// Says it on stderr, and in JSON as the last line of stdout as well.
    func show(on terminal: Terminal, format: OutputFormat) {
        terminal.message(text, priority: 3)
        if format == .json { terminal.output(JSONOutput.line(self)) }
    }
}
