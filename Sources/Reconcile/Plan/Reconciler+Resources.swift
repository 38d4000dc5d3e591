import Compose

extension Reconciler {
    /// Networks that are missing are made; those whose definition changed are made anew around stopped containers.
    mutating func planNetworks() {
        let used = Set(target.project.services.values.filter { $0.networkMode == nil }.flatMap(\.networks.keys))
        for key in target.project.networks.keys.sorted() {
            guard let network = target.project.networks[key], used.contains(key) else { continue }
            if network.external {
                if observed.networks[network.name] == nil {
                    builder.missing.append("network \(network.name) is declared as external, but it does not exist")
                }
                continue
            }
            guard let existing = observed.networks[network.name] else {
                resourceSteps.append(
                    builder.add(
                        .createNetwork(NetworkSpecification(network, key: key, in: target.project)),
                        cause: "network \(network.name) is missing"))
                builder.note("network", network.name, .create, ["missing"])
                continue
            }
            guard isOwn(existing, key: key) else { continue }
            let hash = existing.labels[ComposeLabels.configHash] ?? ""
            if !hash.isEmpty, !ConfigHash.accepts(hash, of: network) { recreate(network, key: key, existing) }
        }
    }

    /// Whether the network was made for this project under this key. One that others made is used as it is, with a
    /// warning; one that is another network of a project cannot be meant.
    private mutating func isOwn(_ existing: ObservedState.Network, key: String) -> Bool {
        let owner = existing.labels[ComposeLabels.project]
        let made = existing.labels[ComposeLabels.network]
        if let made, made != key {
            builder.missing.append(
                "network \(existing.name) is there, but as network \(made) of project \(owner ?? "?"), not as network "
                    + "\(key) of this one")
            return false
        }
        guard owner != target.project.name else { return true }
        builder.warnings.append(
            "network \(existing.name) was made \(owner.map { "for project \($0)" } ?? "by others"); it is used as it is "
                + "(`external: true` says that it should)")
        return false
    }

    /// Containers of the project's services are stopped while they change over; others only leave and come back.
    private mutating func recreate(_ network: Network, key: String, _ existing: ObservedState.Network) {
        recreatedNetworks.insert(key)
        let cause = "definition of network \(network.name) changed"
        builder.note("network", network.name, .recreate, ["definition changed"])
        var left: [Int] = []
        var guests: [ObservedState.Container] = []
        for container in observed.containers where container.networks.keys.contains(existing.name) {
            // One that is bound to an earlier network of that name is in none.
            guard container.parked == nil,
                container.networks[existing.name].map({ $0.isEmpty || $0 == existing.id || $0 == existing.name })
                    == true
            else { continue }
            let isRunning = container.state == .running || container.state == .restarting
            let isGuest =
                container.isOneOff || (target.project.services[container.service] == nil && !isPruned(container))
            var after: [Int] = []
            if isGuest {
                guests.append(container)
            } else if isRunning {
                let stop =
                    stoppedForNetwork[container.id]
                    ?? builder.addStop(container, former(container.service), cause: cause, after: [])
                stoppedForNetwork[container.id] = stop
                after = [stop].compactMap { $0 }
            }
            if !isGuest { networksLeft[container.id, default: []].append(key) }
            left.append(
                builder.add(
                    .disconnect(.existing(container.id), networkID: existing.id), cause: cause,
                    service: container.service, after: after))
        }
        let removal = builder.add(.removeNetwork(id: existing.id, name: existing.name), cause: cause, after: left)
        let made = builder.add(
            .createNetwork(NetworkSpecification(network, key: key, in: target.project)), cause: cause, after: [removal])
        resourceSteps.append(made)
        for guest in guests {
            guard let service = target.project.services[guest.service], service.networks[key] != nil else { continue }
            builder.add(
                .connect(.existing(guest.id), endpoint(of: guest, service, on: key)), cause: cause,
                service: guest.service, after: [made])
        }
    }

    /// Networks of the last good deployment that the project has no more go when the deployment is verified, unless a
    /// container that stays is in one.
    mutating func planNetworkRemoval() {
        let wanted = Set(target.project.networks.values.map(\.name))
        for network in (target.previous?.project.networks ?? [:]).values.sorted(by: { $0.name < $1.name }) {
            guard !network.external, !wanted.contains(network.name), let existing = observed.networks[network.name],
                existing.labels[ComposeLabels.project] == target.project.name
            else { continue }
            let users = observed.containers.filter { $0.networks.keys.contains(network.name) }
            guard users.allSatisfy({ $0.parked != nil || retired[$0.id] != nil }) else { continue }
            let cause = "the network is no longer in the project"
            builder.note("network", network.name, .remove, [cause])
            let removed = builder.steps.filter { step in
                guard case .remove(.existing(let id), _) = step.operation else { return false }
                return users.contains { $0.id == id }
            }
            builder.add(
                .removeNetwork(id: existing.id, name: existing.name), cause: cause, after: removed.map(\.id),
                phase: .cleanup)
        }
    }

    /// Volumes that are missing are made; one whose definition changed is left alone, since it holds data.
    mutating func planVolumes() {
        let used = Set(
            target.project.services.values.flatMap(\.volumes).filter { $0.kind == .volume }.compactMap(\.source))
        for key in target.project.volumes.keys.sorted() {
            guard let volume = target.project.volumes[key], used.contains(key) else { continue }
            if volume.external {
                if observed.volumes[volume.name] == nil {
                    builder.missing.append("volume \(volume.name) is declared as external, but it does not exist")
                }
                continue
            }
            guard let existing = observed.volumes[volume.name] else {
                resourceSteps.append(
                    builder.add(
                        .createVolume(VolumeSpecification(volume, key: key, in: target.project)),
                        cause: "volume \(volume.name) is missing"))
                builder.note("volume", volume.name, .create, ["missing"])
                continue
            }
            guard existing.labels[ComposeLabels.project] == target.project.name else {
                let owner = existing.labels[ComposeLabels.project].map { "for project \($0)" } ?? "by others"
                builder.warnings.append(
                    "volume \(existing.name) was made \(owner); it is used as it is (`external: true` says that it "
                        + "should)")
                continue
            }
            let hash = existing.labels[ComposeLabels.configHash] ?? ""
            if !hash.isEmpty, !ConfigHash.accepts(hash, of: volume) {
                builder.warnings.append(
                    "volume \(volume.name) was made with another definition; it is kept as it is, because making it "
                        + "anew would lose its data")
            }
        }
    }
}
