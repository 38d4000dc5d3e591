package import Compose

/// An attribute that not every engine has.
struct EngineLimit<Subject>: Sendable {
    /// Where it is written, below the subject: paths of the model such as `volumes[2].bind.recursive`.
    let places: @Sendable (Subject) -> [String]
    /// The first version of the API that has it; an older engine refuses or ignores it.
    let needs: APIVersion
    /// Whether Podman does it, as measured with Podman 5 (docs/engines.md).
    let podman: Bool

    init(
        _ needs: APIVersion = .oldest, podman: Bool = true, _ places: @escaping @Sendable (Subject) -> [String]
    ) {
        self.places = places
        self.needs = needs
        self.podman = podman
    }

    /// Why the engine cannot express it; nil when it can.
    func problem(on engine: EngineTraits) -> String? {
        if engine.isPodman, !podman { return "Podman does not do this" }
        guard engine.version < needs else { return nil }
        let release = needs.dockerRelease.map { " (Docker \($0))" } ?? ""
        return "needs Engine API \(needs)\(release), and this engine speaks \(engine.version)"
    }
}

extension Project {
    /// Everything in the enabled services and the project's own networks that the engine would refuse or, worse, ignore;
    /// paths without places, empty when the engine can do it all.
    package func problems(on engine: EngineTraits) -> [ComposeError.Problem] {
        func problems<Subject>(
            of subjects: [String: Subject], at path: String, _ limits: [EngineLimit<Subject>]
        ) -> [ComposeError.Problem] {
            let lacking = limits.compactMap { limit in limit.problem(on: engine).map { (limit.places, $0) } }
            return subjects.sorted { $0.key < $1.key }.flatMap { name, subject in
                lacking.flatMap { places, problem in
                    places(subject).map {
                        ComposeError.Problem(.unsupported, at: nil, path: "\(path).\(name).\($0)", problem)
                    }
                }
            }
        }
        return problems(of: services, at: "services", Self.limitsOfServices)
            + problems(of: networks.filter { !$0.value.external }, at: "networks", Self.limitsOfNetworks)
            // Podman lets containers share it unless it is told otherwise.
            + (engine.isPodman ? [] : ipcProblems())
    }

    private static let limitsOfNetworks: [EngineLimit<Network>] = [
        .init(APIVersion(1, 48), podman: false) { $0.enableIPv4 == false ? ["enable_ipv4"] : [] },
        .init(APIVersion(1, 46)) { network in
            network.driverOpts.keys.filter { $0.hasPrefix("com.docker.network.bridge.gateway_mode_") }.sorted()
                .map { "driver_opts.\($0)" }
        },
        .init(podman: false) { network in
            network.ipam.config.indices.filter { !network.ipam.config[$0].auxAddresses.isEmpty }
                .map { "ipam.config[\($0)].aux_addresses" }
        },
    ]

    private static let limitsOfServices = limitsOfContainers + limitsOfMounts + limitsOfAttachments

    private static let limitsOfContainers: [EngineLimit<Service>] = [
        .init(APIVersion(1, 43)) { $0.annotations.isEmpty ? [] : ["annotations"] },
        .init(APIVersion(1, 44), podman: false) {
            $0.healthcheck?.startInterval == nil ? [] : ["healthcheck.start_interval"]
        },
        .init(APIVersion(1, 44), podman: false) { service in
            service.devices.indices.filter { service.devices[$0].isCDI }.map { "devices[\($0)]" }
        },
        .init(podman: false) { service in service.gpus.indices.map { "gpus[\($0)]" } },
        .init(podman: false) { service in
            (service.deploy?.resources.reservations?.devices ?? []).indices
                .map { "deploy.resources.reservations.devices[\($0)]" }
        },
        .init(podman: false) { service in
            service.securityOpt.indices.filter { service.securityOpt[$0] == "systempaths=unconfined" }
                .map { "security_opt[\($0)]" }
        },
        .init(podman: false) { service in service.links.indices.map { "links[\($0)]" } },
        .init(podman: false) { service in service.externalLinks.indices.map { "external_links[\($0)]" } },
        .init(podman: false) { $0.domainname == nil ? [] : ["domainname"] },
        .init(podman: false) { $0.volumeDriver == nil ? [] : ["volume_driver"] },
        .init(podman: false) { $0.isolation == nil ? [] : ["isolation"] },
        .init(podman: false) { $0.runtime == nil ? [] : ["runtime"] },
    ]

    private static func mounts(_ matches: @escaping @Sendable (Mount) -> String?) -> @Sendable (Service) -> [String] {
        { service in
            service.volumes.enumerated().compactMap { index, mount in matches(mount).map { "volumes[\(index)].\($0)" } }
        }
    }

    private static let limitsOfMounts: [EngineLimit<Service>] = [
        .init(APIVersion(1, 42), podman: false, mounts { $0.kind == .cluster ? "type" : nil }),
        .init(APIVersion(1, 48), mounts { $0.kind == .image ? "type" : nil }),
        .init(APIVersion(1, 45), mounts { $0.volume?.subpath == nil ? nil : "volume.subpath" }),
        .init(
            APIVersion(1, 44), podman: false,
            mounts { ["writable", "readonly"].contains($0.bind?.recursive) ? "bind.recursive" : nil }),
        .init(podman: false, mounts { $0.bind?.recursive == "disabled" ? "bind.recursive" : nil }),
        .init(podman: false, mounts { $0.bind?.writtenCreateHostPath == false ? "bind.create_host_path" : nil }),
    ]

    private static func attachments(
        _ matches: @escaping @Sendable (NetworkAttachment) -> [String]
    ) -> @Sendable (Service) -> [String] {
        { service in
            service.networks.sorted { $0.key < $1.key }.flatMap { key, attachment in
                attachment.map { matches($0).map { "networks.\(key).\($0)" } } ?? []
            }
        }
    }

    private static let limitsOfAttachments: [EngineLimit<Service>] = [
        // Older engines take one address for the container, which is the main network's.
        .init(APIVersion(1, 44)) { service in
            service.networksByPriority.dropFirst().filter { (service.networks[$0] ?? nil)?.macAddress != nil }
                .map { "networks.\($0).mac_address" }
        },
        .init(APIVersion(1, 48), podman: false, attachments { $0.gwPriority == 0 ? [] : ["gw_priority"] }),
        .init(APIVersion(1, 49), podman: false, attachments { $0.interfaceName == nil ? [] : ["interface_name"] }),
        .init(
            APIVersion(1, 46),
            attachments { $0.driverOpts[endpointSysctls] == nil ? [] : ["driver_opts.\(endpointSysctls)"] }),
        .init(
            APIVersion(1, 49),
            attachments { $0.driverOpts[endpointName] == nil ? [] : ["driver_opts.\(endpointName)"] }),
        .init(podman: false, attachments { $0.driverOpts.isEmpty ? [] : ["driver_opts"] }),
        .init(podman: false, attachments { $0.linkLocalIPs.isEmpty ? [] : ["link_local_ips"] }),
    ]

    private static let endpointSysctls = "com.docker.network.endpoint.sysctls"
    private static let endpointName = "com.docker.network.endpoint.ifname"
}

extension DeviceMapping {
    /// `vendor.example/class=name` (Container Device Interface), passed on under its own name.
    package var isCDI: Bool {
        source == target
            && source.wholeMatch(
                of: /[A-Za-z][A-Za-z0-9_.\-]*\/[A-Za-z][A-Za-z0-9_\-]*=[A-Za-z0-9][A-Za-z0-9_.:\-]*/) != nil
    }
}
