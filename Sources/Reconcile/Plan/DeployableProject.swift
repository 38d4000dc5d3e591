package import Compose

/// A project that this engine can run: every check that needs nothing but the model and the engine's capabilities has
/// passed, so that what is planned from it can be created.
package struct DeployableProject: Sendable, Equatable {
    package let project: Project
    package let engine: EngineTraits

    /// - Throws: `ComposeError` with everything that cannot be deployed; paths without places.
    package init(_ project: Project, on engine: EngineTraits) throws(ComposeError) {
        let problems = project.deploymentProblems() + project.seccompProblems() + project.problems(on: engine)
        guard problems.isEmpty else { throw ComposeError(problems) }
        self.project = project
        self.engine = engine
    }

    /// A project that runs on the engine already, of which nothing is created.
    init(running project: Project, on engine: EngineTraits) {
        self.project = project
        self.engine = engine
    }
}

extension DeployableProject {
    /// What a container of the service is, but for the network connections that follow its creation.
    ///
    /// - Parameters:
    ///   - image: the image's id, for its label; nil when it is not known.
    ///   - linked: the names of the containers of each service that it links to.
    ///   - old: the container that it replaces.
    ///   - imageVolumes: the paths that its image declares as volumes.
    package func specification(
        of service: Service, number: Int, finalName: String, image: String?, stamp: DeploymentStamp,
        contentHash: String? = nil, linked: [String: [String]] = [:], replacing old: ObservedState.Container? = nil,
        imageVolumes: [String] = []
    ) -> ContainerSpecification {
        var result = ContainerSpecification(service: service)
        result.labels = service.containerLabels(in: project, number: number, imageID: image, configHash: "")
            .merging(stamp.labels) { $1 }
        result.labels[ComposeLabels.watcherContentHash] = contentHash
        if old != nil { result.labels[ComposeLabels.replaces] = service.containerName ?? "\(service.name)-\(number)" }
        result.mounts = project.mounts(of: service)
        if let old { result.inheritedVolumes = service.inheritedVolumes(of: old, imageVolumes: imageVolumes) }
        result.hostFiles = project.grantedFiles(of: service).filter {
            if case .host = $0.source { true } else { false }
        }
        let links = project.links(of: service, number: number, to: linked)
        result.links = links
        let endpoints = project.endpoints(of: service, finalName: finalName, links: links, on: engine)
        result.endpoints = engine.takesAllEndpointsAtCreation ? endpoints : Array(endpoints.prefix(1))
        if !engine.takesAllEndpointsAtCreation {
            result.macAddress = service.mainNetwork.map { service.macAddress(on: $0) } ?? service.macAddress
        }
        result.seccompProfiles = project.seccompProfiles(of: service)
        return result
    }

    /// The networks to connect between creation and start, in this order.
    package func laterEndpoints(of service: Service, number: Int, finalName: String, linked: [String: [String]])
        -> [Endpoint]
    {
        guard !engine.takesAllEndpointsAtCreation else { return [] }
        let links = project.links(of: service, number: number, to: linked)
        return Array(project.endpoints(of: service, finalName: finalName, links: links, on: engine).dropFirst())
    }
}

extension EngineTraits {
    /// From API 1.44 on a container is created on all of its networks at once.
    package var takesAllEndpointsAtCreation: Bool { version >= APIVersion(1, 44) }
}

extension Project {
    /// The service's places on its networks, the main one first.
    func endpoints(of service: Service, finalName: String, links: [String], on engine: EngineTraits) -> [Endpoint] {
        guard service.networkMode == nil else { return [] }
        return service.networksByPriority.map {
            endpoint(of: service, on: $0, finalName: finalName, links: links, on: engine)
        }
    }

    /// The service's place on the network with that key.
    func endpoint(
        of service: Service, on key: String, finalName: String, links: [String], on engine: EngineTraits
    ) -> Endpoint {
        var endpoint = Endpoint(network: networks[key]?.name ?? key, aliases: [finalName, service.name], links: links)
        if engine.takesAllEndpointsAtCreation { endpoint.macAddress = service.macAddress(on: key) }
        guard let attachment = service.networks[key] ?? nil else { return endpoint }
        endpoint.aliases += attachment.aliases
        endpoint.addresses = .init(
            ipv4: attachment.ipv4Address, ipv6: attachment.ipv6Address, linkLocal: attachment.linkLocalIPs)
        endpoint.driverOptions = attachment.driverOpts
        if let name = attachment.interfaceName {
            endpoint.driverOptions["com.docker.network.endpoint.ifname"] = name
        }
        endpoint.gatewayPriority = attachment.gwPriority
        return endpoint
    }

    /// The linked containers under their link names and under their two Compose names; external links as written.
    func links(of service: Service, number: Int, to linked: [String: [String]]) -> [String] {
        let own = service.links.flatMap { link in
            let parts = link.split(separator: ":", maxSplits: 1).map(String.init)
            let target = parts.first ?? link
            return (linked[target] ?? []).flatMap { container in
                [
                    "\(container):\(parts.last ?? target)", "\(container):\(target)-\(number)",
                    "\(container):\(name)-\(target)-\(number)",
                ]
            }
        }
        return own + service.externalLinks.map { $0.contains(":") ? $0 : "\($0):\($0)" }
    }

    /// The service's mounts with the real names of volumes.
    func mounts(of service: Service) -> [Mount] {
        service.volumes.map { mount in
            var mount = mount
            if mount.kind == .volume, let key = mount.source { mount.source = volumes[key]?.name ?? key }
            return mount
        }
    }

    /// The service's secrets, then its configs.
    package func grantedFiles(of service: Service) -> [GrantedFile] {
        let ofSecrets = service.secrets.compactMap { use in
            file(
                use, secrets[use.source],
                use.target.map { $0.hasPrefix("/") ? $0 : "/run/secrets/\($0)" }
                    ?? "/run/secrets/\(use.source)")
        }
        return ofSecrets
            + service.configs.compactMap { use in
                file(use, configs[use.source], use.target.map { $0.hasPrefix("/") ? $0 : "/\($0)" } ?? "/\(use.source)")
            }
    }

    private func file(_ use: FileReference, _ object: FileObject?, _ target: String) -> GrantedFile? {
        let source: GrantedFile.Source
        if let content = object?.content {
            source = .content(content)
        } else if let path = object?.file {
            source = .host(path: path)
        } else {
            return nil
        }
        return GrantedFile(
            source: source, target: target, mode: use.mode ?? 0o444, uid: use.uid.flatMap { Int($0) } ?? 0,
            gid: use.gid.flatMap { Int($0) } ?? 0)
    }

    /// Those that are copied into a container before its first start. An empty value makes no file.
    package func copiedFiles(of service: Service) -> [GrantedFile] {
        grantedFiles(of: service).filter { if case .content(let text) = $0.source { !text.isEmpty } else { false } }
    }
}

extension Service {
    /// The network that gives a container its default route in older engines.
    var mainNetwork: String? { networkMode == nil ? networksByPriority.first : nil }

    /// The MAC address it asks for on the network: the service's own is that of the main one.
    func macAddress(on key: String) -> String? {
        let own = (networks[key] ?? nil)?.macAddress
        return key == mainNetwork ? macAddress ?? own : own
    }

    /// Anonymous volumes of the replaced container that the new one would have too.
    func inheritedVolumes(of old: ObservedState.Container, imageVolumes: [String]) -> [InheritedVolume] {
        let anonymous = Set(volumes.filter { $0.kind == .volume && $0.source == nil }.map(\.target))
        let named = Set(volumes.filter { $0.source != nil || $0.kind != .volume }.map(\.target))
        return old.mounts.compactMap { mount in
            guard mount.type == "volume", let name = mount.name, Self.isAnonymous(name),
                !named.contains(mount.target), anonymous.contains(mount.target) || imageVolumes.contains(mount.target)
            else { return nil }
            return InheritedVolume(name: name, target: mount.target, readOnly: mount.isReadOnly ?? false)
        }
    }

    /// The engine names a volume that nobody named by 64 hexadecimal digits.
    private static func isAnonymous(_ volume: String) -> Bool {
        volume.utf8.count == 64 && volume.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) }
    }
}
