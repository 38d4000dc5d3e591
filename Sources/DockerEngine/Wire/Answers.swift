/// `GET /version`
struct VersionAnswer: Decodable, Sendable {
    var version: String?
    var apiVersion: String?
    var minAPIVersion: String?
    var os: String?
    var arch: String?
    var kernelVersion: String?

    enum CodingKeys: String, CodingKey {
        case version = "Version"
        case apiVersion = "ApiVersion"
        case minAPIVersion = "MinAPIVersion"
        case os = "Os"
        case arch = "Arch"
        case kernelVersion = "KernelVersion"
    }
}

/// An element of `GET /containers/json`.
struct ContainerSummary: Decodable, Sendable {
    struct NetworkSettings: Decodable, Sendable {
        var networks: [String: ContainerDetails.Endpoint]?

        enum CodingKeys: String, CodingKey { case networks = "Networks" }
    }

    struct Port: Decodable, Sendable {
        var ip: String?
        var privatePort: Int?
        /// Nil, or in some releases 0, for a port that is not published.
        var publicPort: Int?
        var type: String?

        enum CodingKeys: String, CodingKey {
            case ip = "IP"
            case privatePort = "PrivatePort"
            case publicPort = "PublicPort"
            case type = "Type"
        }
    }

    var id: String
    var names: [String]?
    var ports: [Port]?
    var labels: [String: String]?
    var imageID: String?
    var state: String?
    /// For people: `Up 2 hours (healthy)`
    var status: String?
    var mounts: [ContainerDetails.MountPoint]?
    var networkSettings: NetworkSettings?

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case names = "Names"
        case ports = "Ports"
        case labels = "Labels"
        case imageID = "ImageID"
        case state = "State"
        case status = "Status"
        case mounts = "Mounts"
        case networkSettings = "NetworkSettings"
    }
}

/// `GET /containers/{id}/json`, as far as it is used.
struct ContainerDetails: Decodable, Sendable {
    struct State: Decodable, Sendable {
        struct Probe: Decodable, Sendable {
            var start: String?
            var end: String?
            var exitCode: Int?
            var output: String?

            enum CodingKeys: String, CodingKey {
                case start = "Start"
                case end = "End"
                case exitCode = "ExitCode"
                case output = "Output"
            }
        }

        struct Health: Decodable, Sendable {
            var status: String?
            var failingStreak: Int?
            /// The last few, oldest first.
            var log: [Probe]?

            enum CodingKeys: String, CodingKey {
                case status = "Status"
                case failingStreak = "FailingStreak"
                case log = "Log"
            }
        }

        var status: String?
        var exitCode: Int?
        var startedAt: String?
        var finishedAt: String?
        var health: Health?

        enum CodingKeys: String, CodingKey {
            case status = "Status"
            case exitCode = "ExitCode"
            case startedAt = "StartedAt"
            case finishedAt = "FinishedAt"
            case health = "Health"
        }
    }

    struct Config: Decodable, Sendable {
        var labels: [String: String]?
        var tty: Bool?
        /// Seconds.
        var stopTimeout: Int?

        enum CodingKeys: String, CodingKey {
            case labels = "Labels"
            case tty = "Tty"
            case stopTimeout = "StopTimeout"
        }
    }

    struct HostConfig: Decodable, Sendable {
        struct RestartPolicy: Decodable, Sendable {
            var name: String?

            enum CodingKeys: String, CodingKey { case name = "Name" }
        }

        var restartPolicy: RestartPolicy?
        var ipcMode: String?
        /// What was asked for, whether it runs or not.
        var portBindings: [String: [Binding]?]?

        enum CodingKeys: String, CodingKey {
            case restartPolicy = "RestartPolicy"
            case ipcMode = "IpcMode"
            case portBindings = "PortBindings"
        }
    }

    struct MountPoint: Decodable, Sendable {
        var type: String?
        var name: String?
        var source: String?
        var destination: String?
        var rw: Bool?

        enum CodingKeys: String, CodingKey {
            case type = "Type"
            case name = "Name"
            case source = "Source"
            case destination = "Destination"
            case rw = "RW"
        }
    }

    struct Endpoint: Decodable, Sendable {
        struct Addresses: Decodable, Sendable {
            var ipv4: String?
            var ipv6: String?

            enum CodingKeys: String, CodingKey {
                case ipv4 = "IPv4Address"
                case ipv6 = "IPv6Address"
            }
        }

        var networkID: String?
        /// The addresses that were asked for.
        var wanted: Addresses?

        enum CodingKeys: String, CodingKey {
            case networkID = "NetworkID"
            case wanted = "IPAMConfig"
        }
    }

    struct Binding: Decodable, Sendable {
        var hostIp: String?
        var hostPort: String?

        enum CodingKeys: String, CodingKey {
            case hostIp = "HostIp"
            case hostPort = "HostPort"
        }
    }

    struct NetworkSettings: Decodable, Sendable {
        var networks: [String: Endpoint]?
        var ports: [String: [Binding]?]?

        enum CodingKeys: String, CodingKey {
            case networks = "Networks"
            case ports = "Ports"
        }
    }

    var id: String
    var name: String?
    var image: String?
    var restartCount: Int?
    var state: State?
    var config: Config?
    var hostConfig: HostConfig?
    var mounts: [MountPoint]?
    var networkSettings: NetworkSettings?

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case name = "Name"
        case image = "Image"
        case restartCount = "RestartCount"
        case state = "State"
        case config = "Config"
        case hostConfig = "HostConfig"
        case mounts = "Mounts"
        case networkSettings = "NetworkSettings"
    }

    /// Without the leading slash.
    var plainName: String {
        let name = name ?? ""
        return name.hasPrefix("/") ? String(name.dropFirst()) : name
    }
}

/// An element of `GET /networks`.
struct NetworkAnswer: Decodable, Sendable {
    var id: String
    var name: String
    var labels: [String: String]?

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case name = "Name"
        case labels = "Labels"
    }
}

/// `GET /networks/{id}`, as far as it is used.
struct NetworkDetails: Decodable, Sendable {
    /// A container that runs in it.
    struct Member: Decodable, Sendable {
        var name: String?
        /// With the length of the network's prefix: `10.0.0.2/24`.
        var ipv4: String?
        var ipv6: String?

        enum CodingKeys: String, CodingKey {
            case name = "Name"
            case ipv4 = "IPv4Address"
            case ipv6 = "IPv6Address"
        }
    }

    /// By id of the container.
    var containers: [String: Member]?

    enum CodingKeys: String, CodingKey { case containers = "Containers" }
}

/// `GET /volumes`
struct VolumeListAnswer: Decodable, Sendable {
    struct Element: Decodable, Sendable {
        var name: String
        var driver: String?
        var labels: [String: String]?
        var options: [String: String]?

        enum CodingKeys: String, CodingKey {
            case name = "Name"
            case driver = "Driver"
            case labels = "Labels"
            case options = "Options"
        }
    }

    var volumes: [Element]?

    enum CodingKeys: String, CodingKey { case volumes = "Volumes" }
}

/// `GET /images/{reference}/json`, as far as it is used.
struct ImageAnswer: Decodable, Sendable {
    struct Config: Decodable, Sendable {
        struct Nothing: Decodable, Sendable {}
        struct Healthcheck: Decodable, Sendable {
            var test: [String]?
            /// Nanoseconds; 0 is the engine's default.
            var interval: Int?
            var timeout: Int?
            var startPeriod: Int?
            var retries: Int?

            enum CodingKeys: String, CodingKey {
                case test = "Test"
                case interval = "Interval"
                case timeout = "Timeout"
                case startPeriod = "StartPeriod"
                case retries = "Retries"
            }
        }

        var volumes: [String: Nothing]?
        var healthcheck: Healthcheck?
        var labels: [String: String]?

        enum CodingKeys: String, CodingKey {
            case volumes = "Volumes"
            case healthcheck = "Healthcheck"
            case labels = "Labels"
        }
    }

    struct Metadata: Decodable, Sendable {
        var lastTagTime: String?

        enum CodingKeys: String, CodingKey { case lastTagTime = "LastTagTime" }
    }

    var id: String
    var repoDigests: [String]?
    var config: Config?
    var metadata: Metadata?
    var created: String?
    var os: String?
    var architecture: String?
    var variant: String?
    /// Told by engines that keep images for several platforms under one reference, and then of the engine's own.
    var descriptor: Config.Nothing?

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case repoDigests = "RepoDigests"
        case config = "Config"
        case metadata = "Metadata"
        case created = "Created"
        case os = "Os"
        case architecture = "Architecture"
        case variant = "Variant"
        case descriptor = "Descriptor"
    }
}

/// The answer to creating a container or an exec.
struct CreatedAnswer: Decodable, Sendable {
    var id: String
    var warnings: [String]?

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case warnings = "Warnings"
    }
}

/// The answer to creating a network.
struct CreatedNetwork: Decodable, Sendable {
    var warning: String?

    enum CodingKeys: String, CodingKey { case warning = "Warning" }
}

/// `GET /exec/{id}/json`
struct ExecAnswer: Decodable, Sendable {
    var running: Bool?
    var exitCode: Int?

    enum CodingKeys: String, CodingKey {
        case running = "Running"
        case exitCode = "ExitCode"
    }
}
