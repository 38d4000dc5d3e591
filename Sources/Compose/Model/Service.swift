/// One service of a project, in canonical form.
///
/// `nil` and empty differ only where Compose tells them apart (`command`, `entrypoint`, optional booleans and numbers).
package struct Service: Sendable, Equatable, Codable {
    package var name: String
    package var profiles: [String] = []
    package var annotations: [String: String] = [:]
    package var attach: Bool?
    package var build: Build?
    package var develop: Develop?
    package var blkioConfig: BlkioConfig?
    package var capAdd: [String] = []
    package var capDrop: [String] = []
    package var cgroupParent: String?
    package var cgroup: String?
    package var cpuCount: Int = 0
    package var cpuPercent: Float = 0
    package var cpuPeriod: Int = 0
    package var cpuQuota: Int = 0
    package var cpuRTPeriod: Int = 0
    package var cpuRTRuntime: Int = 0
    package var cpus: Float = 0
    package var cpuset: String?
    package var cpuShares: Int = 0
    /// `nil` leaves the image's command; `[]` is an explicitly empty one.
    package var command: [String]?
    package var configs: [FileReference] = []
    package var containerName: String?
    package var credentialSpec: CredentialSpec?
    package var dependsOn: [String: Dependency] = [:]
    package var deploy: Deploy?
    package var deviceCgroupRules: [String] = []
    package var devices: [DeviceMapping] = []
    package var dns: [String] = []
    package var dnsOpt: [String] = []
    package var dnsSearch: [String] = []
    package var dockerfile: String?
    package var domainname: String?
    /// `nil` keeps the image's entrypoint; `[]` clears it.
    package var entrypoint: [String]?
    package var provider: Provider?
    /// A `nil` value is a key without value whose variable is not set: the engine removes it from the image's.
    package var environment: [String: String?] = [:]
    package var envFiles: [EnvFile] = []
    package var expose: [String] = []
    /// Left only where the extended service is empty; it counts in the config hash and has no other meaning.
    package var extends: Extends?
    package var externalLinks: [String] = []
    /// `host=address` entries, sorted.
    package var extraHosts: [String] = []
    package var groupAdd: [String] = []
    package var gpus: [DeviceRequest] = []
    package var hostname: String?
    package var healthcheck: Healthcheck?
    /// The image reference as written, after interpolation.
    package var image: String?
    package var initProcess: Bool?
    package var ipc: String?
    package var isolation: String?
    package var labels: [String: String] = [:]
    package var labelFiles: [String] = []
    package var links: [String] = []
    package var logging: Logging?
    package var logDriver: String?
    package var logOpt: [String: String] = [:]
    /// Bytes.
    package var memLimit: Int = 0
    /// Bytes.
    package var memReservation: Int = 0
    /// Bytes of memory plus swap; -1 is unlimited.
    package var memswapLimit: Int = 0
    package var memSwappiness: Int = 0
    package var macAddress: String?
    package var models: [String: ModelReference?] = [:]
    package var net: String?
    package var networkMode: String?
    package var networks: [String: NetworkAttachment?] = [:]
    package var oomKillDisable = false
    package var oomScoreAdj: Int = 0
    package var pid: String?
    package var pidsLimit: Int = 0
    package var platform: String?
    package var ports: [Port] = []
    package var privileged = false
    package var pullPolicy: String?
    package var readOnly = false
    package var restart: String?
    package var runtime: String?
    package var scale: Int?
    package var secrets: [FileReference] = []
    package var securityOpt: [String] = []
    /// Bytes.
    package var shmSize: Int = 0
    package var stdinOpen = false
    package var stopGracePeriod: Duration?
    package var stopSignal: String?
    package var storageOpt: [String: String] = [:]
    package var sysctls: [String: String] = [:]
    package var tmpfs: [String] = []
    package var tty = false
    package var ulimits: [String: Ulimit] = [:]
    package var useAPISocket = false
    package var user: String?
    package var usernsMode: String?
    package var uts: String?
    package var volumeDriver: String?
    package var volumes: [Mount] = []
    package var volumesFrom: [String] = []
    package var workingDir: String?
    package var postStart: [Hook] = []
    package var preStop: [Hook] = []
    package var extensions: [String: ExtensionValue] = [:]

    package init(name: String) { self.name = name }
}

/// What must hold of a dependency before its dependant starts (Compose specification, `depends_on.condition`).
package enum DependencyCondition: String, Sendable, Codable, CaseIterable {
    case started = "service_started"
    case healthy = "service_healthy"
    case completedSuccessfully = "service_completed_successfully"
}

/// One entry of `depends_on`, or an implied dependency.
package struct Dependency: Sendable, Equatable, Codable {
    package var condition: DependencyCondition
    /// Restart the dependant when the dependency is recreated.
    package var restart: Bool
    /// A dependency that is not required may be missing or fail.
    package var required: Bool
    package var extensions: [String: ExtensionValue] = [:]

    package init(condition: DependencyCondition = .started, restart: Bool = false, required: Bool = true) {
        self.condition = condition
        self.restart = restart
        self.required = required
    }
}

/// A use of a config or secret in a service.
package struct FileReference: Sendable, Equatable, Codable {
    package var source: String
    package var target: String?
    package var uid: String?
    package var gid: String?
    /// Permission bits.
    package var mode: Int?
    package var extensions: [String: ExtensionValue] = [:]

    package init(source: String) { self.source = source }
}

package struct Port: Sendable, Equatable, Codable {
    package var name: String?
    package var mode: String?
    package var hostIP: String?
    package var target: Int
    /// A host port, a range `first-last`, or nil for one the engine chooses.
    package var published: String?
    /// `tcp`, `udp` or `sctp`.
    package var proto: String?
    package var appProtocol: String?
    package var extensions: [String: ExtensionValue] = [:]

    package init(target: Int) { self.target = target }
}

/// A mount of a service: bind, volume, tmpfs, image, cluster or npipe.
package struct Mount: Sendable, Equatable, Codable {
    package enum Kind: String, Sendable, Codable, CaseIterable { case bind, volume, tmpfs, image, cluster, npipe }

    package var kind: Kind
    /// Host path, volume key or image; nil for an anonymous volume.
    package var source: String?
    package var target: String
    package var readOnly = false
    package var consistency: String?
    package var bind: Bind?
    package var volume: VolumeOptions?
    package var tmpfs: TmpfsOptions?
    package var image: ImageOptions?

    package struct Bind: Sendable, Equatable, Codable {
        package var selinux: String?
        package var propagation: String?
        /// What the file says about making a missing source; unwritten is no to docker compose 2, and yes to 5.
        package var writtenCreateHostPath: Bool?
        /// Make the source directory when it is missing.
        package var createHostPath: Bool {
            get { writtenCreateHostPath ?? false }
            set { writtenCreateHostPath = newValue }
        }
        package var recursive: String?
        package var extensions: [String: ExtensionValue] = [:]
        package init() {}
    }

    package struct VolumeOptions: Sendable, Equatable, Codable {
        package var labels: [String: String] = [:]
        package var nocopy = false
        package var subpath: String?
        package var extensions: [String: ExtensionValue] = [:]
        package init() {}
    }

    package struct TmpfsOptions: Sendable, Equatable, Codable {
        /// Bytes.
        package var size: Int = 0
        package var mode: Int = 0
        package var extensions: [String: ExtensionValue] = [:]
        package init() {}
    }

    package struct ImageOptions: Sendable, Equatable, Codable {
        package var subpath: String?
        package var extensions: [String: ExtensionValue] = [:]
        package init() {}
    }
    package var extensions: [String: ExtensionValue] = [:]

    package init(kind: Kind, source: String? = nil, target: String) {
        self.kind = kind
        self.source = source
        self.target = target
    }
}

package struct Healthcheck: Sendable, Equatable, Codable {
    /// `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", command]`; empty inherits the image's.
    package var test: [String] = []
    package var timeout: Duration?
    package var interval: Duration?
    package var retries: Int?
    package var startPeriod: Duration?
    package var startInterval: Duration?
    package var disable = false
    package var extensions: [String: ExtensionValue] = [:]
    package init() {}
}

/// A service's place on a network.
package struct NetworkAttachment: Sendable, Equatable, Codable {
    package var aliases: [String] = []
    package var driverOpts: [String: String] = [:]
    package var gwPriority: Int = 0
    package var interfaceName: String?
    package var ipv4Address: String?
    package var ipv6Address: String?
    package var linkLocalIPs: [String] = []
    package var macAddress: String?
    package var priority: Int = 0
    package var extensions: [String: ExtensionValue] = [:]
    package init() {}
}

package struct EnvFile: Sendable, Equatable, Codable {
    package var path: String
    package var required: Bool
    /// `raw` reads the file as `docker run --env-file` does; nil is the dotenv grammar.
    package var format: String?
    package var extensions: [String: ExtensionValue] = [:]

    package init(path: String, required: Bool = true, format: String? = nil) {
        self.path = path
        self.required = required
        self.format = format
    }
}

/// A service that this one extends.
package struct Extends: Sendable, Equatable, Codable {
    /// Absolute path; nil for a service of the same file.
    package var file: String?
    package var service: String

    package init(file: String? = nil, service: String) {
        self.file = file
        self.service = service
    }
}

package struct Logging: Sendable, Equatable, Codable {
    package var driver: String?
    package var options: [String: String] = [:]
    package var extensions: [String: ExtensionValue] = [:]
    package init() {}
}

package enum Ulimit: Sendable, Equatable, Codable {
    case single(Int)
    case pair(soft: Int, hard: Int)
}

package struct DeviceMapping: Sendable, Equatable, Codable {
    package var source: String
    package var target: String
    package var permissions: String
    package var extensions: [String: ExtensionValue] = [:]

    package init(source: String, target: String, permissions: String) {
        self.source = source
        self.target = target
        self.permissions = permissions
    }
}

package struct DeviceRequest: Sendable, Equatable, Codable {
    package var capabilities: [String] = []
    package var driver: String?
    /// -1 is all.
    package var count: Int = 0
    package var deviceIDs: [String] = []
    package var options: [String: String] = [:]
    package var extensions: [String: ExtensionValue] = [:]
    package init() {}
}

package struct CredentialSpec: Sendable, Equatable, Codable {
    package var config: String?
    package var file: String?
    package var registry: String?
    package var extensions: [String: ExtensionValue] = [:]
    package init() {}
}

package struct ModelReference: Sendable, Equatable, Codable {
    package var endpointVar: String?
    package var modelVar: String?
    package var extensions: [String: ExtensionValue] = [:]
    package init() {}
}

package struct Provider: Sendable, Equatable, Codable {
    package var type: String
    package var options: [String: [String]] = [:]
    package init(type: String) { self.type = type }
}

/// A lifecycle hook: a command run in the container after start or before stop.
package struct Hook: Sendable, Equatable, Codable {
    package var command: [String]?
    package var user: String?
    package var privileged = false
    package var workingDir: String?
    package var environment: [String: String?] = [:]
    package var extensions: [String: ExtensionValue] = [:]
    package init() {}
}

package struct BlkioConfig: Sendable, Equatable, Codable {
    package struct Weight: Sendable, Equatable, Codable {
        package var path: String
        package var weight: Int
        package init(path: String, weight: Int) {
            self.path = path
            self.weight = weight
        }
    }

    package struct Throttle: Sendable, Equatable, Codable {
        package var path: String
        /// Bytes or operations a second.
        package var rate: Int
        package init(path: String, rate: Int) {
            self.path = path
            self.rate = rate
        }
    }

    package var weight: Int = 0
    package var weightDevice: [Weight] = []
    package var deviceReadBps: [Throttle] = []
    package var deviceReadIOps: [Throttle] = []
    package var deviceWriteBps: [Throttle] = []
    package var deviceWriteIOps: [Throttle] = []
    package var extensions: [String: ExtensionValue] = [:]
    package init() {}
}
