package import Reconcile

/// A command on the host: what it runs, as whom, where, and for how long at most.
package struct HostCommand: Sendable, Equatable {
    /// Program and arguments; no shell reads them.
    package var arguments: [String]
    /// How people wrote it.
    package var title: String
    /// Variables over the few that every command has: PATH, HOME and LANG.
    package var environment: [String: String] = [:]
    /// Where it runs: below the checkout for a build, else absolute.
    package var directory: String
    package var timeout: Duration
    /// The user it runs as; nil is who runs watcher.
    package var user: String?
    /// The file mode creation mask it begins with; nil is that of who runs watcher.
    package var mask: Int?
    /// Its standard input.
    package var input = ""

    package init(arguments: [String], title: String, directory: String, timeout: Duration) {
        self.arguments = arguments
        self.title = title
        self.directory = directory
        self.timeout = timeout
    }
}

/// How a command ended.
package enum HostCommandEnd: Sendable, Equatable, CustomStringConvertible {
    case exited(status: Int)
    case killed(signal: Int)
    case timedOut
    /// It never ran; the host or the configuration is at fault.
    case notStarted(String)
    /// Nobody knows how it ended, or something of it is still there: whatever it did is not used. Says why.
    case lost(String)

    package var description: String {
        switch self {
        case .exited(let status): "ended with status \(status)"
        case .killed(let signal): "was killed by signal \(signal)"
        case .timedOut: "took longer than it may"
        case .notStarted(let why): "cannot be run: \(why)"
        case .lost(let why): why
        }
    }
}

/// What is built on the host from a commit, before its Compose files are loaded.
package struct BuildSettings: Sendable, Equatable {
    package var commands: [HostCommand]
    package var user: String?

    package init(commands: [HostCommand], user: String?) {
        self.commands = commands
        self.user = user
    }

    /// What tells this way of building from another: 16 hexadecimal digits.
    package var recipe: String {
        var text = user ?? ""
        for command in commands {
            let variables = command.environment.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
            text += "\u{1}" + (command.arguments + [command.directory] + variables).joined(separator: "\0")
        }
        // FNV-1a: it only has to differ when the text does.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// Commands around a deployment.
package struct HookSettings: Sendable, Equatable {
    /// Before anything is touched; a failure ends the deployment there.
    package var preDeploy: [HostCommand] = []
    /// After a deployment that succeeded.
    package var postDeploy: [HostCommand] = []
    /// After one that failed, when what ran before was put back.
    package var onFailure: [HostCommand] = []

    package init() {}
}

/// One way of building one commit; its outputs are kept under this name.
package struct BuildID: Hashable, Sendable, Codable, CustomStringConvertible {
    package var commit: CommitID
    /// See `BuildSettings.recipe`.
    package var recipe: String

    package init(commit: CommitID, recipe: String) {
        self.commit = commit
        self.recipe = recipe
    }

    /// Reads `commit-recipe`; nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: "-")
        guard parts.count == 2, [40, 64].contains(parts[0].count), parts[1].count == 16,
            parts.joined().allSatisfy({ $0.isHexDigit && $0.isASCII })
        else { return nil }
        self.init(commit: CommitID(hex: String(parts[0])), recipe: String(parts[1]))
    }

    package var description: String { "\(commit.hex)-\(recipe)" }
}
