/// `GET /version`
struct VersionAnswer: Decodable, Sendable {
    var version: String?
    var apiVersion: String?
    var minAPIVersion: String?
    var os: String?
    var arch: String?
    var kernelVersion: String?
}

/// An element of `GET /containers/json`.
struct ContainerSummary: Decodable, Sendable {
    var id: String
    var names: [String]?
    var labels: [String: String]?
}

/// `GET /containers/{id}/json`, as far as it is used.
struct ContainerDetails: Decodable, Sendable {
    struct State: Decodable, Sendable {
        struct Health: Decodable, Sendable { var status: String? }

        var status: String?
        var exitCode: Int?
        var startedAt: String?
        var health: Health?
    }

    struct Config: Decodable, Sendable {
        var labels: [String: String]?
        var tty: Bool?
        /// Seconds.
        var stopTimeout: Int?
    }

    struct HostConfig: Decodable, Sendable {
        struct RestartPolicy: Decodable, Sendable { var name: String? }

        var restartPolicy: RestartPolicy?
    }

    struct MountPoint: Decodable, Sendable {
        var type: String?
        var name: String?
        var source: String?
        var destination: String?
        var rw: Bool?
    }

    struct Endpoint: Decodable, Sendable { var networkID: String? }

    struct Binding: Decodable, Sendable {
        var hostIp: String?
        var hostPort: String?
    }

    struct NetworkSettings: Decodable, Sendable {
        var networks: [String: Endpoint]?
        var ports: [String: [Binding]?]?
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
}

/// `GET /volumes`
struct VolumeListAnswer: Decodable, Sendable {
    struct Element: Decodable, Sendable {
        var name: String
        var driver: String?
        var labels: [String: String]?
    }

    var volumes: [Element]?
}

/// `GET /images/{reference}/json`, as far as it is used.
struct ImageAnswer: Decodable, Sendable {
    struct Config: Decodable, Sendable {
        struct Nothing: Decodable, Sendable {}
        struct Healthcheck: Decodable, Sendable { var test: [String]? }

        var volumes: [String: Nothing]?
        var healthcheck: Healthcheck?
        var labels: [String: String]?
    }

    struct Metadata: Decodable, Sendable { var lastTagTime: String? }

    var id: String
    var repoDigests: [String]?
    var config: Config?
    var metadata: Metadata?
    var os: String?
    var architecture: String?
    var variant: String?
    /// Told by engines that keep images for several platforms under one reference, and then of the engine's own.
    var descriptor: Config.Nothing?
}

/// The answer to creating a container or an exec.
struct CreatedAnswer: Decodable, Sendable {
    var id: String
    var warnings: [String]?
}

/// The answer to creating a network.
struct CreatedNetwork: Decodable, Sendable { var warning: String? }

/// `GET /exec/{id}/json`
struct ExecAnswer: Decodable, Sendable {
    var running: Bool?
    var exitCode: Int?
}
