package import Compose
package import Reconcile

/// One configured project, as the flow needs it: resolved, absolute, without secrets.
package struct ProjectSettings: Sendable, Equatable {
    /// The configuration's key: the name of the project everywhere in watcher.
    package var name: String
    /// The Compose project's name, when the configuration says it.
    package var configuredProjectName: String?
    /// The directory of the Compose files below the checkout; "." for its root.
    package var directory: String = "."
    /// Compose files relative to the directory; empty means Compose's own discovery.
    package var files: [String] = []
    package var profiles: [String] = []
    /// Absolute paths of interpolation env files.
    package var envFiles: [String] = []
    package var environment: [String: String] = [:]
    /// Absolute paths of files of the host that the project's files may name to be read; a directory allows what is below.
    package var hostFiles: [String] = []
    /// What no container of the project gets to see, and none of its files may name to be read.
    package var protectedPaths: [ProtectedPath] = []
    /// The repository's URL without userinfo, for messages.
    package var repository: String
    /// The branch that is followed; nil for a tag or a commit.
    package var branch: String?
    /// What is followed, for messages: `branch main`, `tags v*`, `commit 0123456789`.
    package var revision: String
    package var allowsRewrite = false
    /// Whose signatures are demanded; nil when none is.
    package var verification: VerificationSettings?
    /// The longest a service may take to become healthy; nil derives it from the health check.
    package var healthTimeout: Duration?
    /// How long a service without a health check must run to count as verified.
    package var settle: Duration = .seconds(3)
    /// When a skip-listed commit is tried again; nil is never.
    package var retryAfter: Duration?
    /// How often a skip-listed commit is tried again at most.
    package var retryAttempts: Int = 3
    package var prunesOrphans = true
    /// Remove images that were pulled or built for the project when no rollback needs them.
    package var prunesImages = false
    package var home: String?
    /// What is built on the host before the project is loaded.
    package var build: BuildSettings?
    /// The Compose project itself, when the configuration says it instead of files.
    package var run: ConfiguredService?
    package var hooks = HookSettings()
    /// What commits may ask of the host; all of them have to be fulfilled.
    package var policies: [Policy] = []

    /// Directories that the configuration allows to be mounted by name, although something protected is in them.
    var mountableDirectories: [String] { policies.flatMap { $0.bindSources ?? [] } }

    /// What was built for this many of the newest good deployments is kept, so that a rollback builds nothing.
    static let deploymentsWithBuilds = 5
    /// Images are kept that the good deployments of this many of the newest commits ran.
    static let commitsWithImages = 5

    package init(name: String, repository: String, revision: String, branch: String? = nil) {
        self.name = name
        self.repository = repository
        self.revision = revision
        self.branch = branch
    }

    /// The Compose project's name where nothing is loaded: the configured one, else that of the recorded project, else the
    /// key.
    package func composeName(recorded project: Project?) -> String { configuredProjectName ?? project?.name ?? name }
}
