import YAML

/// Compose files in, `Project` out: pure but for the file access it is given.
package struct ProjectLoader: Sendable {
    /// What to load; the counterpart of docker compose's `-f`, `-p`, `--project-directory`, `--env-file`, `--profile`.
    package struct Request: Sendable {
        /// Absolute directory in which discovery starts and against which relative names are taken.
        package var workingDirectory: String
        /// Compose files in merge order, absolute or relative to the working directory; empty means discovery.
        package var files: [String] = []
        package var projectDirectory: String?
        package var projectName: String?
        /// The name when neither the request, nor a variable, nor a file gives one; nil is the directory's name.
        package var fallbackProjectName: String?
        package var profiles: [String] = []
        /// Explicit env files; empty means the project's own `.env`.
        package var envFiles: [String] = []
        /// Variables that win over every env file.
        package var environment: [String: String] = [:]
        /// The directory that no relative path may leave; nil lets them lead anywhere, as docker compose does.
        package var confinement: String?
        /// Read `COMPOSE_FILE`, `COMPOSE_PROFILES`, `COMPOSE_PROJECT_NAME`, … from the environment as docker compose does.
        package var honoursComposeVariables = true
        /// Search the parent directories for a Compose file, as docker compose does.
        package var searchesParents = true
        package var interpolates = true
        /// What `-f -` reads.
        package var standardInput: [UInt8]?
        /// The home directory, for `~` in paths; nil leaves `~` alone.
        package var home: String?

        /// The documents of files that are not read, by path.
        var preparsed: [String: [YAMLNode]] = [:]

        package init(workingDirectory: String) { self.workingDirectory = workingDirectory }
    }

    /// A loaded project and what the user should be told about it.
    package struct Result: Sendable {
        package var project: Project
        package var warnings: [ComposeError.Problem]
        /// What the project was decoded from; knows where everything was written.
        let tree: CanonicalTree

    }

    package var files: FileAccess

    package init(files: FileAccess) { self.files = files }
}
