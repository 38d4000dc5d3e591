/// A Compose project: the typed, validated, canonical model that everything after the loader works with.
///
/// Field names follow the Compose specification in camel case. All relative paths are absolute here, all short
/// syntaxes are long, services of inactive profiles are set apart.
package struct Project: Sendable, Equatable, Codable {
    /// The normalised project name (`[a-z0-9][a-z0-9_-]*`).
    package var name: String
    /// The absolute project directory, the base of relative paths.
    package var workingDirectory: String
    /// The absolute paths of the main Compose files in merge order.
    package var configFiles: [String]
    /// The absolute paths of files given as `--env-file`; empty when only the implicit `.env` was read.
    package var environmentFiles: [String] = []
    /// The enabled services by name.
    package var services: [String: Service] = [:]
    /// Services that no active profile enables, by name.
    package var disabledServices: [String: Service] = [:]
    package var networks: [String: Network] = [:]
    package var volumes: [String: Volume] = [:]
    package var configs: [String: FileObject] = [:]
    package var secrets: [String: FileObject] = [:]
    package var models: [String: Model] = [:]
    /// The variables interpolation used, after `.env` filled the gaps: what `environment:` configs and secrets read.
    package var environment: [String: String] = [:]
    /// The text of each seccomp profile that `security_opt` names, without white space, by absolute path
    /// (`resolvingSecurityProfiles`). No part of the config hash or of what is rendered.
    package var seccompProfiles: [String: String] = [:]
    /// The active profiles.
    package var profiles: [String] = []
    /// Top-level `x-` extensions.
    package var extensions: [String: ExtensionValue] = [:]

    package init(name: String, workingDirectory: String, configFiles: [String]) {
        self.name = name
        self.workingDirectory = workingDirectory
        self.configFiles = configFiles
    }
}

/// Any value below an `x-` key, and other free-form parts of the model.
package indirect enum ExtensionValue: Sendable, Equatable, Codable {
    case null
    case bool(Bool)
    case int(Int)
    case float(Double)
    case string(String)
    case list([ExtensionValue])
    case map([String: ExtensionValue])
}

/// A top-level network.
package struct Network: Sendable, Equatable, Codable {
    /// The network's real name on the engine.
    package var name: String
    package var driver: String?
    package var driverOpts: [String: String] = [:]
    package var ipam = IPAM()
    package var external = false
    package var internalOnly = false
    package var attachable = false
    package var labels: [String: String] = [:]
    package var enableIPv4: Bool?
    package var enableIPv6: Bool?
    package var extensions: [String: ExtensionValue] = [:]

    package struct IPAM: Sendable, Equatable, Codable {
        package var driver: String?
        package var config: [Pool] = []
        /// Driver options; only docker compose v5 reads them.
        package var options: [String: String] = [:]
        package var extensions: [String: ExtensionValue] = [:]
        package init() {}
    }

    package struct Pool: Sendable, Equatable, Codable {
        package var subnet: String?
        package var gateway: String?
        package var ipRange: String?
        package var auxAddresses: [String: String] = [:]
        package var extensions: [String: ExtensionValue] = [:]
        package init() {}
    }

    package init(name: String) { self.name = name }
}

/// A top-level volume.
package struct Volume: Sendable, Equatable, Codable {
    /// The volume's real name on the engine.
    package var name: String
    package var driver: String?
    package var driverOpts: [String: String] = [:]
    package var external = false
    package var labels: [String: String] = [:]
    package var extensions: [String: ExtensionValue] = [:]

    package init(name: String) { self.name = name }
}

/// A top-level config or secret.
package struct FileObject: Sendable, Equatable, Codable {
    package var name: String
    /// Absolute path of the source on the host.
    package var file: String?
    /// Name of the variable that holds the content.
    package var environment: String?
    /// Inline content (configs only); also set when `environment` names a variable that is defined.
    package var content: String?
    package var external = false
    package var labels: [String: String] = [:]
    package var driver: String?
    package var driverOpts: [String: String] = [:]
    package var templateDriver: String?
    package var extensions: [String: ExtensionValue] = [:]

    package init(name: String) { self.name = name }
}

/// A top-level AI model.
package struct Model: Sendable, Equatable, Codable {
    package var name: String?
    package var model: String
    package var contextSize: Int?
    package var runtimeFlags: [String] = []
    package var extensions: [String: ExtensionValue] = [:]

    package init(model: String) { self.model = model }
}
