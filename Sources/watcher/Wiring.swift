internal import Compose
internal import Deploy
internal import DockerEngine
internal import Foundation
internal import Git
internal import Store
internal import Trust

/// The one place that knows all modules: builds what a command needs from the options, and nothing before it is needed.
struct Wiring: Sendable {
    let options: GlobalOptions
    let environment: [String: String]
    let terminal: Terminal

    init(_ options: GlobalOptions) {
        self.options = options
        environment = ProcessInfo.processInfo.environment
        terminal = Terminal(color: options.color, environment: environment)
    }

    // MARK: - Places

    /// The configuration file: the option, `WATCHER_CONFIG`, the system's, the user's.
    var configurationFile: String {
        if let file = options.config ?? environment["WATCHER_CONFIG"], !file.isEmpty { return absolute(file) }
        let system = "/etc/watcher/config.yaml"
        if FileManager.default.fileExists(atPath: system) { return system }
        let user = configurationHome.map { "\($0)/watcher/config.yaml" }
        if let user, FileManager.default.fileExists(atPath: user) { return user }
        return geteuid() == 0 ? system : user ?? system
    }

    /// Where state is kept: the option, `WATCHER_STATE_DIR`, systemd's, the system's for root, the user's.
    var stateDirectory: String {
        if let directory = options.stateDir ?? environment["WATCHER_STATE_DIR"], !directory.isEmpty {
            return absolute(directory)
        }
        if let directory = environment["STATE_DIRECTORY"], !directory.isEmpty {
            return String(directory.prefix { $0 != ":" })
        }
        if geteuid() == 0 { return "/var/lib/watcher" }
        let home = environment["HOME"] ?? "/"
        return (environment["XDG_STATE_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? "\(home)/.local/state") + "/watcher"
    }

    private var configurationHome: String? {
        if let home = environment["XDG_CONFIG_HOME"], !home.isEmpty { return home }
        return environment["HOME"].map { "\($0)/.config" }
    }

    private func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }

    func projectDirectory(_ name: String) -> String { "\(stateDirectory)/projects/\(name)" }

    // MARK: - Parts

    /// - Throws: `ConfigurationError`.
    func configuration() throws -> Configuration {
        protected(try ConfigurationReader(file: configurationFile, environment: environment).read())
    }

    /// The configuration that another process has read already.
    ///
    /// - Throws: `ConfigurationError`.
    func configuration(text: String) throws -> Configuration {
        protected(try ConfigurationReader(file: configurationFile, environment: environment).read(Array(text.utf8)))
    }

    /// The store, made when it is not there.
    func store() throws -> Store { try Store.open(directory: stateDirectory) }

    /// The store, or nil when nothing was ever recorded; makes no file.
    func existingStore() throws -> Store? { try Store.openExisting(directory: stateDirectory) }

    /// How an engine is reached. A secret that it needs is looked up here.
    func endpoint(_ configuration: EngineConfiguration) throws -> EngineEndpoint {
        var tls: EngineEndpoint.TLSMaterial?
        if configuration.usesTLS {
            for (key, file) in [("ca", configuration.certificateAuthority), ("cert", configuration.certificate)] {
                if let file { try TrustedFile.check(file, as: "engine.tls.\(key):") }
            }
            tls = EngineEndpoint.TLSMaterial(
                authority: configuration.certificateAuthority, certificate: configuration.certificate,
                key: try configuration.key?.path(for: "engine.tls.key", environment: environment))
        }
        let isSSH = configuration.host.hasPrefix("ssh://")
        if isSSH, let file = configuration.knownHosts { try TrustedFile.check(file, as: "engine.known_hosts:") }
        let ssh = EngineEndpoint.SSHAccess(
            key: try (isSSH ? configuration.sshKey : nil)?.path(for: "engine.ssh_key", environment: environment),
            knownHosts: configuration.knownHosts)
        return try EngineEndpoint(configuration.host, tls: tls, ssh: ssh)
    }

    /// The client of an engine.
    ///
    /// - Parameter warn: shows a warning; by default on the terminal.
    func engine(
        _ configuration: EngineConfiguration, warn: (@Sendable (String) -> Void)? = nil
    ) throws -> EngineClient {
        try EngineClient(
            endpoint: endpoint(configuration),
            dockerConfigDirectory: RegistryCredentials.directory(environment: environment),
            deadlines: configuration.timeout.map { EngineDeadlines(call: $0) } ?? EngineDeadlines(),
            warn: warn ?? self.warn(_:))
    }

    /// Shows a warning that belongs to no project.
    func warn(_ text: String) { terminal.message("watcher: \(text.printable)", priority: 4) }

    /// What the projects of a run fetch together.
    func fetches(_ projects: [ProjectConfiguration]) -> SharedFetches {
        SharedFetches(
            projects.map { SharedFetches.Share(url: $0.repository, revision: $0.revision, access: $0.access) })
    }

    func source(
        _ project: ProjectConfiguration, _ fetches: SharedFetches = SharedFetches([]),
        network: GitNetwork = GitNetwork()
    ) -> GitRepository {
        GitRepository(
            url: project.repository, revision: project.revision, access: project.access,
            stateDirectory: stateDirectory, projectDirectory: projectDirectory(project.settings.name),
            readableOutside: project.ownFiles + project.settings.hostFiles,
            protected: project.settings.protectedPaths, modules: project.modules, network: network,
            fetches: fetches)
    }

    /// The flow for one project.
    func deployer(
        _ project: ProjectConfiguration, _ store: Store, _ engine: EngineClient, _ fetches: SharedFetches,
        emit: @escaping @Sendable (Event) -> Void
    ) -> Deployer {
        var hostFiles = FileAccess.disk()
        // Where the links of another host lead cannot be seen from here.
        if !project.engine.host.hasPrefix("unix://") { hostFiles.resolve = { $0 } }
        return Deployer(
            settings: project.settings, source: source(project, fetches), engine: engine, store: store,
            commands: HostCommandRunner(environment: environment), hostFiles: hostFiles,
            emit: emit, now: { Times.now })
    }

    /// How events are shown: results of queries are never mixed with them.
    func progress(streams: Bool, projects: Int) -> Progress {
        let style: Progress.Style =
            switch (options.format, options.quiet) {
            case (.json, _): streams ? .json : .quiet
            case (.text, true): .quiet
            case (.text, false) where streams && terminal.isLive: .live
            case (.text, false): streams || options.verbose ? .lines : .quiet
            }
        return Progress(terminal: terminal, style: style, isVerbose: options.verbose, namesProject: projects > 1)
    }
}
