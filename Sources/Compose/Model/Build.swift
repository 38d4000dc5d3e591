/// A service's `build` section (Compose Build specification).
package struct Build: Sendable, Equatable, Codable {
    /// Absolute path or URL of the context.
    package var context: String?
    package var dockerfile: String?
    package var dockerfileInline: String?
    package var entitlements: [String] = []
    /// A `nil` value is an argument without value whose variable is not set.
    package var args: [String: String?] = [:]
    package var provenance: String?
    package var sbom: String?
    package var ssh: [String: String] = [:]
    package var labels: [String: String] = [:]
    package var cacheFrom: [String] = []
    package var cacheTo: [String] = []
    package var noCache = false
    package var additionalContexts: [String: String] = [:]
    package var pull = false
    package var extraHosts: [String] = []
    package var isolation: String?
    package var network: String?
    package var target: String?
    package var secrets: [FileReference] = []
    /// Bytes.
    package var shmSize: Int = 0
    package var tags: [String] = []
    package var ulimits: [String: Ulimit] = [:]
    package var platforms: [String] = []
    package var privileged = false
    package var extensions: [String: ExtensionValue] = [:]
    package init() {}
}

/// A service's `develop` section; watcher only carries it.
package struct Develop: Sendable, Equatable, Codable {
    package struct Trigger: Sendable, Equatable, Codable {
        package var path: String
        package var action: String
        package var target: String?
        /// Run in the container after a change; empty runs nothing.
        package var exec = Hook()
        package var include: [String] = []
        package var ignore: [String] = []
        package var initialSync = false
        package var extensions: [String: ExtensionValue] = [:]
        package init(path: String, action: String) {
            self.path = path
            self.action = action
        }
    }

    package var watch: [Trigger] = []
    package var extensions: [String: ExtensionValue] = [:]
    package init() {}
}
