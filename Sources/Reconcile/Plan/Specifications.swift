package import Compose

/// A network to make: its definition, and the labels by which it is known again.
package struct NetworkSpecification: Sendable, Equatable {
    package var definition: Network
    package var labels: [String: String]
    package var name: String { definition.name }

    package init(_ network: Network, key: String, in project: Project) {
        definition = network
        labels = network.labels(key: key, in: project)
    }
}

/// A volume to make: its definition, and the labels by which it is known again.
package struct VolumeSpecification: Sendable, Equatable {
    package var definition: Volume
    package var labels: [String: String]
    package var name: String { definition.name }

    package init(_ volume: Volume, key: String, in project: Project) {
        definition = volume
        labels = volume.labels(key: key, in: project)
    }
}

/// A container's place on a network.
package struct Endpoint: Sendable, Equatable {
    package struct Addresses: Sendable, Equatable {
        package var ipv4: String?
        package var ipv6: String?
        package var linkLocal: [String] = []

        package init(ipv4: String? = nil, ipv6: String? = nil, linkLocal: [String] = []) {
            self.ipv4 = ipv4
            self.ipv6 = ipv6
            self.linkLocal = linkLocal
        }
    }

    /// The network's real name.
    package var network: String
    package var aliases: [String]
    package var links: [String] = []
    /// What the service asks for; nil when it says nothing about the network.
    package var addresses: Addresses?
    package var macAddress: String?
    package var driverOptions: [String: String] = [:]
    package var gatewayPriority = 0

    package init(network: String, aliases: [String], links: [String] = []) {
        self.network = network
        self.aliases = aliases
        self.links = links
    }
}

/// A config or secret of a service: what it is, and where the container finds it.
package struct GrantedFile: Sendable, Equatable {
    package enum Source: Sendable, Equatable {
        /// A file on the host, mounted read-only.
        case host(path: String)
        /// Copied into the container before its first start.
        case content(String)
    }

    package var source: Source
    /// Absolute path in the container.
    package var target: String
    package var mode: Int
    package var uid: Int
    package var gid: Int

    package init(source: Source, target: String, mode: Int, uid: Int, gid: Int) {
        self.source = source
        self.target = target
        self.mode = mode
        self.uid = uid
        self.gid = gid
    }
}

/// An anonymous volume that a container takes over from the one it replaces.
package struct InheritedVolume: Sendable, Equatable {
    package var name: String
    package var target: String
    package var readOnly: Bool
}

/// Everything about a container to create that is known when it is planned. All of it can be created: it is made from a
/// `DeployableProject`.
package struct ContainerSpecification: Sendable, Equatable {
    /// The service as the model has it; the config hash is that of this.
    package var service: Service
    /// All labels but the config hash, which counts the containers that this one shares with.
    package var labels: [String: String] = [:]
    /// The service's mounts, with the real names of volumes.
    package var mounts: [Mount] = []
    package var inheritedVolumes: [InheritedVolume] = []
    /// Configs and secrets that are mounted.
    package var hostFiles: [GrantedFile] = []
    /// The networks that are part of the creation, the main one first.
    package var endpoints: [Endpoint] = []
    /// The one MAC address that an engine below API 1.44 takes.
    package var macAddress: String?
    /// `container:alias` for each link.
    package var links: [String] = []
    /// The text of the seccomp profile for each entry of `security_opt` that names one.
    package var seccompProfiles: [String: String] = [:]

    package init(service: Service) { self.service = service }

    /// The text of the profile that a security option names; nil when it names none.
    package func seccompProfile(_ option: String) -> String? { seccompProfiles[option] }
}

/// A hook of a service, to be run in one of its containers.
package struct HookRun: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case postStart = "post_start"
        case preStop = "pre_stop"
    }

    package var kind: Kind
    package var hook: Hook
    package var service: String
    /// The step whose start it follows: a container that ran already has no hook to run.
    package var start: Int?

    package init(_ kind: Kind, _ hook: Hook, service: String, start: Int? = nil) {
        self.kind = kind
        self.hook = hook
        self.service = service
        self.start = start
    }
}
