internal import Crypto

/// The hash by which docker compose sees whether a container, network or volume still is what the project asks for:
/// SHA-256, in hexadecimal, of the model as Go writes it in JSON.
package enum ConfigHash {
    /// The Compose generation whose model is hashed: they differ, for example, for every short bind mount.
    package enum Flavour: String, Sendable, Hashable, Codable, CaseIterable {
        /// docker compose 2.32 to 2.40.
        case v2
        /// docker compose 5, from its sources.
        case v5

        /// The generation of a container's `com.docker.compose.version` label.
        package init(composeVersion: String) {
            let major = composeVersion.prefix { $0 != "." }.drop { $0 == "v" }
            self = (Int(major) ?? 2) >= 5 ? .v5 : .v2
        }
    }

    /// When the hash is taken.
    package enum State: Sendable, Hashable {
        /// What `config --hash` prints: env files are named, not read; references name services.
        case configuration
        /// What `up` writes into the label: env files are folded in, references are container ids.
        case created
    }

    /// What `docker compose config --hash` prints for a service of a loaded project.
    package static func ofService(_ service: Service, flavour: Flavour = .v2) -> String {
        digest(service.document(.hash(flavour, .configuration)))
    }

    /// The `com.docker.compose.config-hash` label of a service's containers.
    ///
    /// `service` is one of a project whose environment is resolved (`resolvingEnvironment`); `references` gives the
    /// container id for each service that `network_mode`, `ipc`, `pid` or `volumes_from` refers to.
    package static func label(
        of service: Service, references: [String: String] = [:], flavour: Flavour = .v2
    ) -> String {
        digest(service.resolvingReferences(references).withAPISocket().document(.hash(flavour, .created)))
    }

    /// The label of a network.
    package static func ofNetwork(_ network: Network, flavour: Flavour = .v2) -> String {
        digest(Network.shape.encode(network, .hash(flavour, .created)))
    }

    /// The label of a volume.
    package static func ofVolume(_ volume: Volume, flavour: Flavour = .v2) -> String {
        var volume = volume
        if volume.driver == nil { volume.driver = "local" }
        return digest(Volume.shape.encode(volume, .hash(flavour, .created)))
    }

    private static func digest(_ document: Document) -> String {
        SHA256.hash(data: JSONWriter.compact(document)).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}

extension Service {
    func document(_ rendition: Rendition) -> Document { Service.shape.encode(self, rendition) }

    /// The service with references to other services replaced by container ids, as `up` does before it hashes.
    ///
    /// `uts` and `cgroup` stay as they are, and a reference in `volumes_from` loses its `:ro`: that is what docker
    /// compose does.
    package func resolvingReferences(_ references: [String: String]) -> Service {
        func resolved(_ mode: String?) -> String? {
            guard let mode, mode.hasPrefix("service:"), let id = references[String(mode.dropFirst("service:".count))]
            else { return mode }
            return "container:" + id
        }
        var service = self
        service.networkMode = resolved(networkMode)
        service.ipc = resolved(ipc)
        service.pid = resolved(pid)
        service.volumesFrom = volumesFrom.map { source in
            let parts = source.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            if parts.count > 1, parts[0] == "container" { return parts[1] }
            return references[parts[0]] ?? source
        }
        return service
    }

    /// The services whose containers this one refers to by id: those `references` must name.
    package var referencedServices: Set<String> {
        let modes = [networkMode, ipc, pid].compactMap { $0 }.filter { $0.hasPrefix("service:") }
        let sources = volumesFrom.filter { !$0.hasPrefix("container:") }.map { String($0.prefix { $0 != ":" }) }
        return Set(modes.map { String($0.dropFirst("service:".count)) } + sources)
    }

    /// The service with what `use_api_socket` stands for: the engine's socket and the place of its credentials.
    func withAPISocket() -> Service {
        guard useAPISocket else { return self }
        var service = self
        service.volumes.append(Mount(kind: .bind, source: "/var/run/docker.sock", target: "/var/run/docker.sock"))
        if service.environment["DOCKER_CONFIG"] == nil {
            service.environment["DOCKER_CONFIG"] = .some("/run/secrets/docker")
            var config = FileReference(source: "#apisocket")
            config.target = "/run/secrets/docker/config.json"
            service.configs.append(config)
        }
        return service
    }
}
