/// What the engine said about one project in one round of reads; nothing else is asked to decide.
package struct ObservedState: Sendable, Equatable, Codable {
    /// All containers of the project, parked and one-off ones included, in order of name.
    package var containers: [Container] = []
    /// The project's networks and every other network its model names, by real name.
    package var networks: [String: Network] = [:]
    /// The project's volumes and every other volume its model names, by real name.
    package var volumes: [String: Volume] = [:]
    /// The local images by the reference that was asked for; a missing key is an image that is not present.
    package var images: [String: Image] = [:]
    /// Containers of others that the model names, by the name or id that was asked for; a missing key is one that does not
    /// exist, and nil is that none was asked for.
    package var otherContainers: [String: OtherContainer]?
    /// The negotiated API version, `1.41`.
    package var apiVersion: String = ""
    /// Whether the engine is Podman; nil is no.
    package var isPodman: Bool?
    /// What holds the host ports that were asked for, as far as it can be known; not recorded.
    package var portHolders: [HostPort: PortHolder] = [:]
    /// Which containers outside of the project have the fixed addresses that were asked for; not recorded.
    package var addressHolders: [NetworkAddress: PortHolder] = [:]

    private enum CodingKeys: String, CodingKey {
        case containers, networks, volumes, images, apiVersion, isPodman
    }

    package init() {}
}

/// The engine's id of a container: 64 hexadecimal digits.
package struct ContainerID: Hashable, Sendable, Codable, CustomStringConvertible {
    package var hex: String

    package init(hex: String) { self.hex = hex }

    package init(from decoder: any Decoder) throws { hex = try decoder.singleValueContainer().decode(String.self) }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }

    /// The first twelve digits, as the engine shows it.
    package var short: String { String(hex.prefix(12)) }
    package var description: String { hex }
}

extension ObservedState {
    package struct Container: Sendable, Equatable, Codable {
        /// `State.Status` of the Engine API.
        package enum State: String, Sendable, Codable {
            case created, running, paused, restarting, removing, exited, dead
        }

        /// `State.Health.Status`; a container without a health check has none.
        package enum Health: String, Sendable, Codable { case starting, healthy, unhealthy }

        /// One run of a health check (`State.Health.Log` of the Engine API).
        package struct Probe: Sendable, Equatable, Codable {
            package var exitCode: Int
            /// The end of what it printed, without control characters; may be empty.
            package var output: String
            /// When it ended, in Unix milliseconds of the engine's clock.
            package var endedAt: Int?
            /// Since when probes have failed one after the other, as far as the engine remembers; nil when this one passed.
            package var failingSince: Int?

            package init(exitCode: Int, output: String, endedAt: Int? = nil, failingSince: Int? = nil) {
                self.exitCode = exitCode
                self.output = output
                self.endedAt = endedAt
                self.failingSince = failingSince
            }
        }

        package struct Mount: Sendable, Equatable, Codable {
            /// `bind`, `volume`, `tmpfs` …
            package var type: String
            /// The volume's name; nil for other types.
            package var name: String?
            package var source: String
            package var target: String
            /// nil is no, or not known.
            package var isReadOnly: Bool?

            package init(type: String, name: String?, source: String, target: String, isReadOnly: Bool? = nil) {
                self.type = type
                self.name = name
                self.source = source
                self.target = target
                self.isReadOnly = isReadOnly
            }
        }

        package var id: ContainerID
        /// Without the leading slash.
        package var name: String
        /// The value of the service label.
        package var service: String
        /// The value of the container-number label; 0 when it is missing or no number.
        package var number: Int
        /// A container of `docker compose run`.
        package var isOneOff: Bool
        package var state: State
        package var health: Health?
        package var exitCode: Int
        /// When it last ended, in Unix milliseconds of the engine's clock; nil when it never did, or was not asked.
        package var finishedAt: Int?
        /// The health check's last probe; nil without a health check, before the first probe, or when it was not asked.
        package var probe: Probe?
        /// Whether it exited without being told to, as far as the engine remembers; nil when it does not, or when it was
        /// not asked because the container runs, failed or would be started again by the engine.
        package var endedByItself: Bool?
        package var restartCount: Int
        /// When it last started, in Unix milliseconds; nil when never.
        package var startedAt: Int?
        /// The id of the image it was created from.
        package var imageID: String
        package var labels: [String: String]
        /// Network id by network name. The id is empty for a container that never ran.
        package var networks: [String: String]
        package var mounts: [Mount]
        /// The engine's restart policy name: ``, `no`, `always`, `unless-stopped`, `on-failure`.
        package var restartPolicy: String
        /// Published ports as the engine lists them: `127.0.0.1:8080->80/tcp`.
        package var ports: [String]

        package init(id: ContainerID, name: String, service: String, number: Int, state: State) {
            self.id = id
            self.name = name
            self.service = service
            self.number = number
            self.state = state
            isOneOff = false
            health = nil
            exitCode = 0
            finishedAt = nil
            probe = nil
            endedByItself = nil
            restartCount = 0
            startedAt = nil
            imageID = ""
            labels = [:]
            networks = [:]
            mounts = []
            restartPolicy = ""
            ports = []
        }
    }

    /// A container that is none of the project's, as far as sharing its namespaces goes.
    package struct OtherContainer: Sendable, Equatable, Codable {
        package var id: ContainerID
        /// `HostConfig.IpcMode`: `private`, `shareable`, `host` …
        package var ipcMode: String

        package init(id: ContainerID, ipcMode: String) {
            self.id = id
            self.ipcMode = ipcMode
        }
    }

    package struct Network: Sendable, Equatable, Codable {
        package var id: String
        package var name: String
        package var labels: [String: String]

        package init(id: String, name: String, labels: [String: String]) {
            self.id = id
            self.name = name
            self.labels = labels
        }
    }

    package struct Volume: Sendable, Equatable, Codable {
        package var name: String
        package var driver: String
        package var labels: [String: String]
        /// The driver's options, which may hold passwords; not recorded.
        package var options: [String: String] = [:]

        private enum CodingKeys: String, CodingKey { case name, driver, labels }

        package init(name: String, driver: String, labels: [String: String]) {
            self.name = name
            self.driver = driver
            self.labels = labels
        }
    }

    /// How a health check of an image is timed; nil is the engine's default.
    package struct HealthcheckTimes: Sendable, Equatable, Codable {
        package var interval: Duration?
        package var timeout: Duration?
        package var startPeriod: Duration?
        package var retries: Int?

        package init(
            interval: Duration? = nil, timeout: Duration? = nil, startPeriod: Duration? = nil, retries: Int? = nil
        ) {
            self.interval = interval
            self.timeout = timeout
            self.startPeriod = startPeriod
            self.retries = retries
        }
    }

    package struct Image: Sendable, Equatable, Codable {
        /// `sha256:…`
        package var id: String
        /// The paths the image declares as volumes.
        package var volumes: [String]
        package var hasHealthcheck: Bool
        /// The image's own `HEALTHCHECK` times; nil without one. What it does not say is the engine's default.
        package var healthcheck: HealthcheckTimes?
        /// `repository@sha256:…` references.
        package var repoDigests: [String]
        /// The value of the `watcher.build-hash` label.
        package var buildHash: String?
        /// When a reference was last made to name it, in Unix milliseconds; nil when the engine does not know.
        package var lastTaggedAt: Int?
        /// When it was made, in Unix milliseconds, as the image itself says; nil when it does not.
        package var createdAt: Int?
        /// `os/architecture/variant`; nil when the engine does not say.
        package var platform: String?

        package init(id: String, volumes: [String] = [], hasHealthcheck: Bool = false, repoDigests: [String] = []) {
            self.id = id
            self.volumes = volumes
            self.hasHealthcheck = hasHealthcheck
            self.repoDigests = repoDigests
        }
    }
}
