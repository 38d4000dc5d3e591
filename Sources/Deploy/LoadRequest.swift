package import Compose
import Reconcile

extension ProjectLoader.Request {
    /// What the settings load from a checkout: the configuration's `files`, `profiles` and `project_name` come first, then
    /// `COMPOSE_FILE`, `COMPOSE_PROFILES` and `COMPOSE_PROJECT_NAME` of the commit's `.env`, as with docker compose.
    ///
    /// - Parameter checkout: The absolute path of the checkout.
    package init(_ settings: ProjectSettings, checkout: String) {
        let directory = settings.directory == "." ? checkout : "\(checkout)/\(settings.directory)"
        self.init(workingDirectory: directory)
        projectDirectory = directory
        files = settings.files
        profiles = settings.profiles
        projectName = settings.configuredProjectName
        fallbackProjectName = settings.name
        envFiles = settings.envFiles
        environment = settings.environment
        searchesParents = false
        confinement = checkout
        home = settings.home
        if let run = settings.run {
            honoursComposeVariables = false
            projectName = settings.runName
            configured(run, projectName: settings.runName)
        }
    }
}

extension ProjectSettings {
    /// The name of the service that `run` describes, and of its project.
    package var runName: String { configuredProjectName ?? name }

    /// Why the loaded project cannot take the place of the recorded one; nil when it can.
    package func refusal(ofRenaming recorded: Project?, to loaded: Project) -> DeployError? {
        recorded.flatMap { refusal(ofRenaming: $0.name, to: loaded.name) }
    }

    /// The same by their names.
    package func refusal(ofRenaming recorded: String, to loaded: String) -> DeployError? {
        guard recorded != loaded else { return nil }
        return DeployError(
            stage: .load, reason: .invalidConfiguration,
            message: "the name of the Compose project would change from \"\(recorded)\" to \"\(loaded)\": "
                + "everything would start anew, with empty volumes, beside what runs",
            advice:
                "To keep it, write `project_name: \(recorded)` for the project in the configuration. To rename "
                + "it, run `watcher down \(name)`, and configure it under another key.")
    }
}
