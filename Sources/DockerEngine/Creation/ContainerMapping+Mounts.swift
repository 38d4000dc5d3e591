import Compose
import Reconcile

extension ContainerMapping {
    /// The container's mounts, divided over the two ways in which the engine takes them, as docker compose does:
    /// `Binds` where they can express it, since only they make a missing directory on the host in every release.
    var mounts: (binds: [String], mounts: [HostConfig.Mount]) {
        var binds: [String] = []
        var mounts = inheritedMounts
        let inherited = Set(mounts.map(\.target))
        var taken = inherited
        for mount in specification.mounts where !(mount.source == nil && inherited.contains(mount.target)) {
            if !taken.insert(mount.target).inserted { mounts.removeAll { $0.target == mount.target } }
            if let bind = bind(mount) {
                binds.append(bind)
            } else {
                mounts.append(engineMount(mount))
            }
        }
        for file in fileMounts where taken.insert(file.target).inserted { mounts.append(file) }
        return (binds, mounts)
    }

    private var inheritedMounts: [HostConfig.Mount] {
        specification.inheritedVolumes.map {
            .init(type: "volume", source: $0.name, target: $0.target, readOnly: $0.readOnly.orNil)
        }
    }

    /// The mount as `source:target:options`; nil when that cannot express it.
    private func bind(_ mount: Mount) -> String? {
        guard let source = mount.source else { return nil }
        var options = [mount.readOnly ? "ro" : "rw"]
        switch mount.kind {
        case .bind:
            if let bind = mount.bind {
                guard bind.createHostPath, bind.propagation == nil, bind.recursive == nil else { return nil }
                if let selinux = bind.selinux { options.append(selinux) }
            }
        case .volume:
            if let wanted = mount.volume, wanted.nocopy || wanted.subpath != nil || !wanted.labels.isEmpty {
                return nil
            }
            if let selinux = mount.bind?.selinux { options.append(selinux) }
        case .tmpfs, .image, .cluster, .npipe: return nil
        }
        return "\(source):\(mount.target):\(options.joined(separator: ","))"
    }

    private func engineMount(_ mount: Mount) -> HostConfig.Mount {
        var result = HostConfig.Mount(
            type: mount.kind.rawValue, source: mount.source, target: mount.target, readOnly: mount.readOnly.orNil,
            consistency: mount.consistency)
        switch mount.kind {
        case .bind: result.bindOptions = mount.bind.map(bindOptions)
        case .volume: result.volumeOptions = mount.volume.map(volumeOptions)
        case .tmpfs:
            result.source = nil
            result.tmpfsOptions = mount.tmpfs.map { .init(sizeBytes: $0.size.orNil, mode: $0.mode.orNil) }
        case .image: result.imageOptions = mount.image.map { .init(subpath: $0.subpath) }
        case .cluster, .npipe: break
        }
        return result
    }

    private func bindOptions(_ bind: Mount.Bind) -> HostConfig.Mount.BindOptions {
        var options = HostConfig.Mount.BindOptions(propagation: bind.propagation)
        if bind.createHostPath { options.createMountpoint = true }
        switch bind.recursive {
        case "disabled": options.nonRecursive = true
        case "writable": options.readOnlyNonRecursive = true
        case "readonly": options.readOnlyForceRecursive = true
        default: break
        }
        return options
    }

    private func volumeOptions(_ options: Mount.VolumeOptions) -> HostConfig.Mount.VolumeOptions {
        .init(noCopy: options.nocopy.orNil, subpath: options.subpath, labels: options.labels.orNil)
    }

    /// Secrets, then configs, whose content is a file on the host.
    private var fileMounts: [HostConfig.Mount] {
        specification.hostFiles.compactMap { granted in
            guard case .host(let path) = granted.source else { return nil }
            return .init(type: "bind", source: path, target: granted.target, readOnly: true)
        }
    }
}
