internal import Compose
internal import Deploy
internal import Git
internal import YAML

/// The configuration file as values: everything resolved, nothing secret.
struct Configuration: Sendable {
    /// In the order of the file.
    var projects: [ProjectConfiguration]
    /// The file it was read from.
    var file: String
    /// What the file held.
    var text: [UInt8] = []

    /// The projects to work on: the named ones in the order given, or all.
    ///
    /// A name given twice counts once.
    ///
    /// - Throws: `ConfigurationError` for a name that is not configured.
    func selected(_ names: [String]) throws -> [ProjectConfiguration] {
        guard !names.isEmpty else { return projects }
        var seen: Set<String> = []
        return try names.filter { seen.insert($0).inserted }.map { name in
            guard let project = projects.first(where: { $0.settings.name == name }) else {
                let known = projects.map(\.settings.name)
                let near = Spelling.nearest(to: name, in: known).map { "; did you mean \"\($0)\"?" } ?? ""
                throw ConfigurationError(
                    "no project \"\(name)\" in \(file)\(near)", advice: "It has: \(known.joined(separator: ", ")).")
            }
            return project
        }
    }
}

/// One project of the configuration.
struct ProjectConfiguration: Sendable {
    var settings: ProjectSettings
    /// The repository's address as written; may hold userinfo, never shown.
    var repository: GitRemoteURL
    var revision: Revision
    var access: GitAccess
    /// What of submodules and Git LFS is fetched.
    var modules = ModuleSettings()
    var engine: EngineConfiguration
    var limits = RunLimits()
    /// Where the Compose project's name is written, else the project's key.
    var nameLocation: SourceLocation?
    /// False for one that was deployed and is configured no more.
    var isConfigured = true
}

/// How the engine is reached.
struct EngineConfiguration: Sendable, Hashable {
    /// `unix://…`, `tcp://…` or `ssh://…`.
    var host: String
    /// The longest an ordinary answer may take; nil is the usual.
    var timeout: Duration?
    /// For `ssh://`: private key and file of known host keys.
    var sshKey: SecretSource?
    var knownHosts: String?
    /// Speak TLS; without `certificateAuthority`, the system's authorities are trusted.
    var usesTLS = false
    var certificateAuthority: String?
    var certificate: String?
    var key: SecretSource?

    /// The same for the same engine, as far as that can be told from how it is written.
    var place: String {
        let place = host.hasSuffix("/") ? String(host.dropLast()) : host
        return place.replacing("unix:///var/run/", with: "unix:///run/", maxReplacements: 1)
    }
}

/// What is wrong with the configuration, each problem with its place.
struct ConfigurationError: Error, CustomStringConvertible {
    struct Problem: Equatable, CustomStringConvertible {
        var location: SourceLocation?
        var message: String

        var description: String { location.map { "\($0): \(message)" } ?? message }
    }

    var problems: [Problem]
    /// Files whose permissions let others read a secret are refused, not invalid.
    var isRefusal = false

    /// What to do next, where the problems do not say it; may be empty.
    var advice = ""

    init(_ problems: [Problem]) { self.problems = problems }
    init(_ message: String, at location: SourceLocation? = nil, advice: String = "") {
        problems = [Problem(location: location, message: message)]
        self.advice = advice
    }

    var description: String { problems.map(\.description).joined(separator: "\n") }
}
