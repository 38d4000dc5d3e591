import Compose

// What containers see of the host's files, and of what belongs to others.

extension PolicyJudge {
    /// Whoever may speak to one of these is root on the host: a path to them, or to a directory that has them, is allowed only
    /// when it is named itself.
    private static let engineSockets = [
        "/run/docker.sock", "/var/run/docker.sock", "/run/podman/podman.sock", "/var/run/podman/podman.sock",
        "/run/containerd/containerd.sock", "/var/run/containerd/containerd.sock",
    ]

    private static let socketNames: Set<String> = ["docker.sock", "podman.sock", "containerd.sock", "crio.sock"]

    // MARK: - Services

    mutating func judgeMounts(of service: Service) {
        let path = "services.\(service.name)"
        if policy.bindSources != nil {
            for (index, mount) in service.volumes.enumerated() {
                let place = "\(path).volumes[\(index)]"
                switch mount.kind {
                case .bind: judgeSource(mount.source ?? "", place)
                case .npipe: deny(place, "mounts \(mount.source ?? "a pipe") of the host", "bind_sources")
                case .volume, .tmpfs, .image, .cluster: break
                }
            }
            if service.useAPISocket { judgeSource("/var/run/docker.sock", "\(path).use_api_socket") }
            if policy.external == nil {
                for (index, name) in Self.foreignVolumes(service) {
                    deny(
                        "\(path).volumes_from[\(index)]",
                        "mounts what \"\(name)\" mounts, a container that is not the project's", "bind_sources")
                }
            }
        }
        if let driver = service.volumeDriver { judgeVolumeDriver(driver, "\(path).volume_driver") }
    }

    private mutating func judgeSource(_ source: String, _ place: String) {
        guard let problem = problem(ofSource: source) else { return }
        deny(place, "mounts \(problem) of the host", "bind_sources")
    }

    /// The path to name in a message when the source is not allowed: with where it leads, if that is elsewhere.
    private func problem(ofSource source: String) -> String? {
        let source = CleanPath.cleaned(source)
        let target = facts.resolved[source] ?? source
        let allowed = policy.bindSources ?? []
        let isNamed = allowed.contains(source) || allowed.contains(target)
        // The real place counts: the written one may be a link into an allowed directory, or out of it.
        let places = (allowed + [facts.checkout]).flatMap { [$0, facts.resolved[$0] ?? $0] }
        let isAllowed = places.contains { CleanPath.isBelow(target, $0) }
        let reachesSocket = [source, target].contains(where: reachesEngine)
        if isAllowed, isNamed || !reachesSocket { return nil }
        return target == source ? source : "\(source) (\(target))"
    }

    /// The path is a socket of an engine, or a directory that has one.
    private func reachesEngine(_ path: String) -> Bool {
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        if Self.socketNames.contains(name) { return true }
        let own = facts.engineSocket.map { [$0, facts.resolved[$0] ?? $0] } ?? []
        return (Self.engineSockets + own).contains { CleanPath.isBelow($0, path) }
    }

    private static func foreignVolumes(_ service: Service) -> [(Int, String)] {
        service.volumesFrom.enumerated().compactMap { index, source in
            guard source.hasPrefix("container:") else { return nil }
            let name = source.dropFirst("container:".count).prefix { $0 != ":" }
            return (index, String(name))
        }
    }

    // MARK: - Others

    /// Containers of others that the service refers to.
    mutating func judgeExternal(_ service: Service) {
        guard let allowed = policy.external else { return }
        let path = "services.\(service.name)"
        for (index, name) in Self.foreignVolumes(service) where !allowed.contains(name) {
            deny(
                "\(path).volumes_from[\(index)]",
                "mounts what \"\(name)\" mounts, a container that is not the project's", "external")
        }
        for (index, link) in service.externalLinks.enumerated() {
            let name = String(link.prefix { $0 != ":" })
            guard !allowed.contains(name) else { continue }
            deny(
                "\(path).external_links[\(index)]", "is linked to \"\(name)\", a container that is not the project's",
                "external")
        }
        for (key, mode) in [
            ("network_mode", service.networkMode), ("pid", service.pid), ("ipc", service.ipc),
        ] {
            guard let mode, mode.hasPrefix("container:") else { continue }
            let name = String(mode.dropFirst("container:".count))
            if !allowed.contains(name) {
                deny(
                    "\(path).\(key)", "joins a namespace of \"\(name)\", a container that is not the project's",
                    "external")
            }
        }
        for (key, mode) in [("network_mode", service.networkMode), ("build.network", service.build?.network)] {
            guard let mode, !["host", "none", "default", "disabled", ""].contains(mode), !allowed.contains(mode),
                !["service:", "container:"].contains(where: mode.hasPrefix)
            else { continue }
            deny("\(path).\(key)", "uses the network \"\(mode)\", which is not the project's", "external")
        }
    }

    // MARK: - Networks, volumes, secrets and configs

    /// The keys that services which are judged use.
    private func used(_ keys: (Service) -> [String]) -> Set<String> { Set(services.flatMap(keys)) }

    mutating func judgeNetworks() {
        let used = used { Array($0.networks.keys) }
        for (key, network) in project.networks.sorted(by: { $0.key < $1.key }) where used.contains(key) {
            let path = "networks.\(key)"
            // The engine takes the name of a container's main network as its network mode.
            if policy.hostNamespaces == false, let what = Self.foreignNamespace(network.name) {
                deny(path, "joins \(what)", "host_namespaces")
            }
            if policy.ports != nil, network.name == "host" { deny(path, "opens ports in the host's network", "ports") }
            if network.external {
                if let allowed = policy.external, !allowed.contains(network.name) {
                    deny(path, "uses the network \"\(network.name)\", which is not the project's", "external")
                }
                continue
            }
            // The engine looks for a whole id before it looks for a name.
            judgeOwner("network", key, network.name, network.isNamedAsID ? [:] : facts.networks[network.name]?.labels)
            if let allowed = policy.networkDrivers, let driver = network.driver,
                !["bridge", "default", ""].contains(driver),
                !allowed.contains(driver)
            {
                deny("\(path).driver", "uses the network driver \(driver)", "network_drivers")
            }
            guard policy.ports != nil else { continue }
            for option in network.driverOpts.keys.sorted()
            where option.hasPrefix("com.docker.network.bridge.gateway_mode_ipv") {
                guard let mode = network.driverOpts[option], ["routed", "nat-unprotected"].contains(mode) else {
                    continue
                }
                deny("\(path).driver_opts.\(option)", "opens ports that are not published (\(mode))", "ports")
            }
        }
    }

    mutating func judgeVolumes() {
        let used = used { service in service.volumes.filter { $0.kind == .volume }.compactMap(\.source) }
        for (key, volume) in project.volumes.sorted(by: { $0.key < $1.key }) where used.contains(key) {
            let path = "volumes.\(key)"
            if volume.external {
                if let allowed = policy.external, !allowed.contains(volume.name) {
                    deny(path, "uses the volume \"\(volume.name)\", which is not the project's", "external")
                }
            } else {
                judgeOwner("volume", key, volume.name, facts.volumes[volume.name]?.labels)
                judgeDefinition(of: volume, path)
            }
            judgeExisting(volume, path)
        }
    }

    private mutating func judgeDefinition(of volume: Volume, _ path: String) {
        let driver = Self.volumeDriver(volume.driver)
        if driver != "local" {
            judgeVolumeDriver(driver, "\(path).driver")
        } else if policy.bindSources != nil, let problem = problem(ofOptions: volume.driverOpts) {
            let place = volume.driverOpts["device"] == nil ? "driver_opts" : "driver_opts.device"
            deny("\(path).\(place)", "mounts \(problem)", "bind_sources")
        }
    }

    /// What the volume is on the engine, if that is not what the model says: it is mounted as it is.
    private mutating func judgeExisting(_ volume: Volume, _ path: String) {
        guard let existing = facts.volumes[volume.name] else { return }
        let driver = Self.volumeDriver(existing.driver)
        if !volume.external, driver == Self.volumeDriver(volume.driver), existing.options == volume.driverOpts {
            return
        }
        if driver != "local" {
            judgeVolumeDriver(driver, path)
        } else if policy.bindSources != nil, let problem = problem(ofOptions: existing.options) {
            deny(path, "mounts \(problem), which is what volume \"\(volume.name)\" is on the engine", "bind_sources")
        }
    }

    /// The engine's own has several names.
    private static func volumeDriver(_ name: String?) -> String {
        guard let name, !["default", ""].contains(name) else { return "local" }
        return name
    }

    /// A network or volume that exists under the name of one of the project's and was made by others would be used as it
    /// is.
    ///
    /// - Parameter labels: its labels on the engine; nil when there is none of that name.
    private mutating func judgeOwner(_ kind: String, _ key: String, _ name: String, _ labels: [String: String]?) {
        guard let labels, let allowed = policy.external, !allowed.contains(name) else { return }
        let owner = labels[ComposeLabels.project]
        guard owner != project.name else { return }
        let made = owner.map { "for project \($0)" } ?? "by others"
        let place = name == "\(project.name)_\(key)" ? "\(kind)s.\(key)" : "\(kind)s.\(key).name"
        deny(place, "uses the \(kind) \"\(name)\", which was made \(made)", "external")
    }

    /// What a driver other than the engine's own makes of a volume cannot be judged.
    private mutating func judgeVolumeDriver(_ driver: String, _ place: String) {
        if let allowed = policy.volumeDrivers {
            if driver != "local", !allowed.contains(driver) {
                deny(place, "uses the volume driver \(driver)", "volume_drivers")
            }
        } else if policy.bindSources != nil, driver != "local" {
            deny(place, "uses the volume driver \(driver): it may mount anything", "bind_sources")
        }
    }

    /// The engine's own driver passes type, device and options on to mount(2), which can mount disks and overlays of any
    /// directory, too.
    private func problem(ofOptions driverOptions: [String: String]) -> String? {
        guard !driverOptions.isEmpty else { return nil }
        let type = driverOptions["type"] ?? ""
        let options = (driverOptions["o"] ?? "").split(separator: ",").map { $0.trimmingPrefix(" ") }
        let device = driverOptions["device"] ?? ""
        let isBind = options.contains { $0 == "bind" || $0 == "rbind" }
        switch type {
        case "tmpfs" where !isBind: return nil
        case "nfs", "nfs3", "nfs4", "cifs":
            if !isBind, policy.bindSources?.contains(device) == true { return nil }
        case "", "none", "bind":
            if device.isEmpty, !isBind { return nil }
            if isBind || type == "bind", device.hasPrefix("/") {
                return problem(ofSource: device).map { "\($0) of the host" }
            }
        default: break
        }
        return type.isEmpty || type == "none" ? "\"\(device)\"" : "\"\(device)\" as \(type)"
    }

    mutating func judgeFiles() {
        guard policy.bindSources != nil else { return }
        for (kind, objects, used) in [
            ("secrets", project.secrets, used { $0.secrets.map(\.source) }),
            ("configs", project.configs, used { $0.configs.map(\.source) }),
        ] {
            for (key, object) in objects.sorted(by: { $0.key < $1.key }) where used.contains(key) {
                if let file = object.file, object.content == nil { judgeSource(file, "\(kind).\(key).file") }
            }
        }
    }
}

extension Network {
    /// Its name is what the engine takes for the id of a network, another one's perhaps.
    fileprivate var isNamedAsID: Bool { name.utf8.count == 64 && name.allSatisfy(\.isHexDigit) }
}

extension CleanPath {
    /// Whether a clean path is the directory or below it.
    static func isBelow(_ path: String, _ directory: String) -> Bool {
        path == directory || directory == "/" || path.hasPrefix(directory + "/")
    }
}
