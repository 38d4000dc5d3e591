internal import Deploy
internal import Git
internal import Store

extension ProjectConfiguration {
    /// A project that was deployed and is configured no more: as much as its containers need, and no repository.
    init(recorded project: RecordedProject, defaultHost: String) throws {
        let nowhere = "file:///"
        var settings = ProjectSettings(name: project.name, repository: "", revision: "nothing")
        settings.configuredProjectName = project.composeProject
        self.init(
            settings: settings, repository: try GitRemoteURL(nowhere), revision: .branch("none"), access: GitAccess(),
            engine: EngineConfiguration(host: project.engine ?? defaultHost), nameLocation: nil)
        isConfigured = false
    }
}

extension Wiring {
    /// The named projects, or all: those of the configuration, then those that were deployed and are configured no more.
    ///
    /// - Throws: `ConfigurationError` for a name that is neither configured nor recorded.
    func selectedOrRecorded(_ names: [String]) async throws -> [ProjectConfiguration] {
        let configuration = try configuration()
        let configured = Set(configuration.projects.map(\.settings.name))
        let host = environment["DOCKER_HOST"] ?? "unix:///var/run/docker.sock"
        let left = try await (existingStore()?.projects() ?? []).filter { !configured.contains($0.name) }
            .map { try ProjectConfiguration(recorded: $0, defaultHost: host) }
        var all = configuration
        all.projects += left
        let isKnown = Set(all.projects.map(\.settings.name)).isSuperset(of: names)
        return try (isKnown ? all : configuration).selected(names)
    }
}
