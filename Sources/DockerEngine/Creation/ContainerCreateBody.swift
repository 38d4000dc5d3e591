/// The body of `POST /containers/create`. Names are the engine's; nil is left out and takes the engine's default.
struct ContainerCreateBody: Encodable, Sendable {
    struct Nothing: Encodable, Sendable {}

    struct Healthcheck: Encodable, Sendable {
        var test: [String]?
        /// Nanoseconds, like the other times here.
        var interval: Int?
        var timeout: Int?
        var startPeriod: Int?
        var startInterval: Int?
        var retries: Int?
    }

    struct NetworkingConfig: Encodable, Sendable {
        var endpointsConfig: [String: EndpointSettings]
    }

    var hostname: String?
    var domainname: String?
    var user: String?
    var attachStdout = true
    var attachStderr = true
    var tty: Bool?
    var openStdin: Bool?
    var exposedPorts: [String: Nothing]?
    var env: [String]?
    var cmd: [String]?
    var entrypoint: [String]?
    var healthcheck: Healthcheck?
    var image: String
    var workingDir: String?
    var networkDisabled: Bool?
    var macAddress: String?
    var labels: [String: String]
    var stopSignal: String?
    /// Seconds.
    var stopTimeout: Int?
    var hostConfig: HostConfig
    var networkingConfig: NetworkingConfig?

    init(image: String, labels: [String: String], hostConfig: HostConfig) {
        self.image = image
        self.labels = labels
        self.hostConfig = hostConfig
    }
}

/// A container's place on a network.
struct EndpointSettings: Encodable, Sendable {
    struct IPAMConfig: Encodable, Sendable {
        var ipv4Address: String?
        var ipv6Address: String?
        var linkLocalIPs: [String]?
    }

    var ipamConfig: IPAMConfig?
    var links: [String]?
    var aliases: [String]?
    var macAddress: String?
    var driverOpts: [String: String]?
    var gwPriority: Int?
}

/// The body of `POST /networks/{name}/connect`.
struct NetworkConnectBody: Encodable, Sendable {
    var container: String
    var endpointConfig: EndpointSettings
}

/// What the engine gives the container of the host.
struct HostConfig: Encodable, Sendable {
    struct PortBinding: Encodable, Sendable {
        var hostIp: String
        /// Empty for one that the engine chooses.
        var hostPort: String
    }

    struct RestartPolicy: Encodable, Sendable {
        var name: String
        var maximumRetryCount: Int?
    }

    struct LogConfig: Encodable, Sendable {
        var type: String
        var config: [String: String]?
    }

    struct Device: Encodable, Sendable {
        var pathOnHost: String
        var pathInContainer: String
        var cgroupPermissions: String
    }

    struct DeviceRequest: Encodable, Sendable {
        var driver: String?
        var count: Int?
        var deviceIDs: [String]?
        var capabilities: [[String]]?
        var options: [String: String]?
    }

    struct Ulimit: Encodable, Sendable {
        var name: String
        var soft: Int
        var hard: Int
    }

    struct WeightDevice: Encodable, Sendable {
        var path: String
        var weight: Int
    }

    struct ThrottleDevice: Encodable, Sendable {
        var path: String
        var rate: Int
    }

    struct Mount: Encodable, Sendable {
        struct BindOptions: Encodable, Sendable {
            var propagation: String?
            var nonRecursive: Bool?
            var readOnlyNonRecursive: Bool?
            var readOnlyForceRecursive: Bool?
            var createMountpoint: Bool?
        }

        struct VolumeOptions: Encodable, Sendable {
            var noCopy: Bool?
            var subpath: String?
            var labels: [String: String]?
        }

        struct TmpfsOptions: Encodable, Sendable {
            var sizeBytes: Int?
            var mode: Int?
        }

        struct ImageOptions: Encodable, Sendable { var subpath: String? }

        var type: String
        var source: String?
        var target: String
        var readOnly: Bool?
        var consistency: String?
        var bindOptions: BindOptions?
        var volumeOptions: VolumeOptions?
        var tmpfsOptions: TmpfsOptions?
        var imageOptions: ImageOptions?
    }

    // Namespaces and rights.
    var networkMode: String?
    var ipcMode: String?
    var pidMode: String?
    var utsMode: String?
    var usernsMode: String?
    var cgroupnsMode: String?
    var privileged: Bool?
    var readonlyRootfs: Bool?
    var capAdd: [String]?
    var capDrop: [String]?
    var groupAdd: [String]?
    var securityOpt: [String]?
    var maskedPaths: [String]?
    var readonlyPaths: [String]?

    // Files.
    var binds: [String]?
    var mounts: [Mount]?
    var tmpfs: [String: String]?
    var volumesFrom: [String]?
    var volumeDriver: String?
    var storageOpt: [String: String]?
    var shmSize: Int?

    // Network.
    var portBindings: [String: [PortBinding]]?
    var dns: [String]?
    var dnsOptions: [String]?
    var dnsSearch: [String]?
    var extraHosts: [String]?
    var links: [String]?

    // Running.
    var restartPolicy: RestartPolicy?
    var logConfig: LogConfig?
    var `init`: Bool?
    var runtime: String?
    var isolation: String?
    var sysctls: [String: String]?
    var annotations: [String: String]?
    var oomScoreAdj: Int?

    // Resources.
    var cgroupParent: String?
    var cpuCount: Int?
    var cpuPercent: Int?
    var cpuShares: Int?
    var cpuPeriod: Int?
    var cpuQuota: Int?
    var cpuRealtimePeriod: Int?
    var cpuRealtimeRuntime: Int?
    var cpusetCpus: String?
    var nanoCpus: Int?
    var memory: Int?
    var memoryReservation: Int?
    var memorySwap: Int?
    var memorySwappiness: Int?
    var oomKillDisable: Bool?
    var pidsLimit: Int?
    var ulimits: [Ulimit]?
    var devices: [Device]?
    var deviceCgroupRules: [String]?
    var deviceRequests: [DeviceRequest]?
    var blkioWeight: Int?
    var blkioWeightDevice: [WeightDevice]?
    var blkioDeviceReadBps: [ThrottleDevice]?
    var blkioDeviceWriteBps: [ThrottleDevice]?
    var blkioDeviceReadIOps: [ThrottleDevice]?
    var blkioDeviceWriteIOps: [ThrottleDevice]?
}
