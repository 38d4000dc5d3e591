import Compose

extension ContainerMapping {
    /// The container's mounts, divided over the two ways in which the engine takes them, as docker compose does:
    /// `Binds` where they can express it, since only they make a missing directory on the host in every release.
    func mounts() throws -> (binds: [String], mounts: [HostConfig.Mount]) {
        var binds: [String] = []
        var mounts = inheritedMounts
        let inherited = Set(mounts.map(\.target))
        var taken = inherited
        for mount in service.volumes where !(mount.source == nil && inherited.contains(mount.target)) {
            if !taken.insert(mount.target).inserted { mounts.removeAll { $0.target == mount.target } }
            if let bind = try bind(mount) {
                binds.append(bind)
            } else {
                mounts.append(try engineMount(mount))
            }
        }
        for file in try fileMounts() where taken.insert(file.target).inserted { mounts.append(file) }
        return (binds, mounts)
    }

    /// Anonymous volumes of the replaced container that the new one would have too.
    private var inheritedMounts: [HostConfig.Mount] {
        let anonymous = Set(service.volumes.filter { $0.kind == .volume && $0.source == nil }.map(\.target))
        let named = Set(service.volumes.filter { $0.source != nil || $0.kind != .volume }.map(\.target))
        return facts.previousMounts.compactMap { mount in
            guard mount.type == "volume", let name = mount.name, Self.isAnonymous(name),
                let target = mount.destination, !named.contains(target),
                anonymous.contains(target) || facts.imageVolumes.contains(target)
            else { return nil }
            return .init(type: "volume", source: name, target: target, readOnly: mount.rw == false ? true : nil)
        }
    }

    /// The engine names a volume that nobody named by 64 hexadecimal digits.
    static func isAnonymous(_ volume: String) -> Bool {
        volume.utf8.count == 64 && volume.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) }
    }

    /// The mount as `source:target:options`; nil when that cannot express it.
    private func bind(_ mount: Mount) throws -> String? {
        var options = [mount.readOnly ? "ro" : "rw"]
        switch mount.kind {
        case .bind:
            guard let source = mount.source else {
                throw cannot("volumes", "the bind mount \(mount.target) has no source")
            }
            if let bind = mount.bind {
                guard bind.createHostPath, bind.propagation == nil, bind.recursive == nil else { return nil }
                if let selinux = bind.selinux { options.append(selinux) }
            }
            return "\(source):\(mount.target):\(options.joined(separator: ","))"
        case .volume:
            guard let key = mount.source, let volume = project.volumes[key] else { return nil }
            if let wanted = mount.volume, wanted.nocopy || wanted.subpath != nil || !wanted.labels.isEmpty {
                return nil
            }
            if let selinux = mount.bind?.selinux { options.append(selinux) }
            return "\(volume.name):\(mount.target):\(options.joined(separator: ","))"
        case .tmpfs, .image, .cluster, .npipe: return nil
        }
    }

    private func engineMount(_ mount: Mount) throws -> HostConfig.Mount {
        var result = HostConfig.Mount(
            type: mount.kind.rawValue, source: mount.source, target: mount.target, readOnly: mount.readOnly.orNil,
            consistency: mount.consistency)
        switch mount.kind {
        case .bind: result.bindOptions = try mount.bind.map { try bindOptions($0, mount) }
        case .volume:
            if let key = mount.source {
                guard let volume = project.volumes[key] else {
                    throw cannot("volumes", "the project has no volume \(key)")
                }
                result.source = volume.name
            }
            result.volumeOptions = try mount.volume.map(volumeOptions)
        case .tmpfs:
            result.source = nil
            result.tmpfsOptions = mount.tmpfs.map { .init(sizeBytes: $0.size.orNil, mode: $0.mode.orNil) }
        case .image:
            try require(.imageMounts, for: "volumes of type image")
            result.imageOptions = mount.image.map { .init(subpath: $0.subpath) }
        case .cluster: try require(.clusterVolumes, for: "volumes of type cluster")
        case .npipe: throw cannot("volumes", "named pipes (\(mount.target)) are for Windows containers only")
        }
        return result
    }

    private func bindOptions(_ bind: Mount.Bind, _ mount: Mount) throws -> HostConfig.Mount.BindOptions {
        if bind.selinux != nil {
            throw cannot(
                "volumes", "\(mount.target): selinux goes only with create_host_path and without other bind options")
        }
        var options = HostConfig.Mount.BindOptions(propagation: bind.propagation)
        if bind.createHostPath { options.createMountpoint = true }
        switch bind.recursive {
        case nil, "enabled": break
        case "disabled": options.nonRecursive = true
        case "writable":
            try require(.recursiveReadOnly, for: "volumes.bind.recursive: writable")
            options.readOnlyNonRecursive = true
        case "readonly":
            try require(.recursiveReadOnly, for: "volumes.bind.recursive: readonly")
            options.readOnlyForceRecursive = true
        case let other?: throw cannot("volumes", "bind.recursive of \(mount.target) is \(other), which is unknown")
        }
        return options
    }

    private func volumeOptions(_ options: Mount.VolumeOptions) throws -> HostConfig.Mount.VolumeOptions {
        if options.subpath != nil { try require(.volumeSubpath, for: "volumes.volume.subpath") }
        return .init(noCopy: options.nocopy.orNil, subpath: options.subpath, labels: options.labels.orNil)
    }

    /// Secrets, then configs, whose content is a file on the host.
    private func fileMounts() throws -> [HostConfig.Mount] {
        try GrantedFile.all(of: service, in: project).compactMap { granted in
            guard case .host(let path) = granted.source else { return nil }
            return .init(type: "bind", source: path, target: granted.target, readOnly: true)
        }
    }
}
