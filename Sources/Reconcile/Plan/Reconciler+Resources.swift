import Compose

extension Reconciler {
    /// Networks that are missing are made; those whose definition changed are made anew around stopped containers.
    mutating func planNetworks() {
        let used = Set(target.project.services.values.filter { $0.networkMode == nil }.flatMap(\.networks.keys))
        for key in target.project.networks.keys.sorted() {
            guard let network = target.project.networks[key], !network.external else { continue }
            guard used.contains(key) else { continue }
            guard let existing = observed.networks[network.name] else {
                resourceSteps.append(builder.add(.createNetwork(key: key), cause: "network \(network.name) is missing"))
                builder.note("network", network.name, .create, ["missing"])
                continue
            }
            let hash = existing.labels[ComposeLabels.configHash] ?? ""
            if !hash.isEmpty, !ConfigHash.accepted(network).contains(hash) { recreate(network, key: key, existing) }
        }
    }

    private mutating func recreate(_ network: Network, key: String, _ existing: ObservedState.Network) {
        recreatedNetworks.insert(key)
        let cause = "definition of network \(network.name) changed"
        builder.note("network", network.name, .recreate, ["definition changed"])
        var left: [Int] = []
        for container in observed.containers where container.networks.keys.contains(existing.name) {
            var after: [Int] = []
            if container.state == .running || container.state == .restarting {
                let stop =
                    stoppedForNetwork[container.id]
                    ?? builder.add(.stop(.existing(container.id)), cause: cause, service: container.service)
                stoppedForNetwork[container.id] = stop
                after = [stop]
            }
            left.append(
                builder.add(
                    .disconnect(.existing(container.id), networkID: existing.id), cause: cause,
                    service: container.service, after: after))
        }
        let removal = builder.add(.removeNetwork(id: existing.id, name: existing.name), cause: cause, after: left)
        resourceSteps.append(builder.add(.createNetwork(key: key), cause: cause, after: [removal]))
    }

    /// Volumes that are missing are made; one whose definition changed is left alone, since it holds data.
    mutating func planVolumes() {
        let used = Set(
            target.project.services.values.flatMap(\.volumes).filter { $0.kind == .volume }.compactMap(\.source))
        for key in target.project.volumes.keys.sorted() {
            guard let volume = target.project.volumes[key], !volume.external, used.contains(key) else { continue }
            guard let existing = observed.volumes[volume.name] else {
                resourceSteps.append(builder.add(.createVolume(key: key), cause: "volume \(volume.name) is missing"))
                builder.note("volume", volume.name, .create, ["missing"])
                continue
            }
            let hash = existing.labels[ComposeLabels.configHash] ?? ""
            if !hash.isEmpty, !ConfigHash.accepted(volume).contains(hash) {
                builder.warnings.append(
                    "volume \(volume.name) was made with another definition; it is kept as it is, because making it "
                        + "anew would lose its data")
            }
        }
    }

    /// Containers of services that are gone are parked, if watcher made them.
    mutating func planOrphans() {
        for container in observed.containers where container.parked == nil {
            guard target.project.services[container.service] == nil, !container.isOneOff else { continue }
            let isDisabled = target.project.disabledServices[container.service] != nil
            let isOurs = container.labels[ComposeLabels.watcherProject] != nil
            guard isOurs, target.prunesOrphans else {
                if !isDisabled {
                    builder.warnings.append(
                        "container \(container.name) belongs to service \(container.service), which the project does "
                            + "not have; it is left alone")
                }
                continue
            }
            let cause = isDisabled ? "its profile is not active" : "the service is no longer in the project"
            builder.note("service", container.service, .remove, [cause])
            park(container, cause: cause, after: creationSteps)
        }
    }

    /// Stops a container nobody wants, keeps it under its parked name and has cleanup remove it.
    mutating func park(_ container: ObservedState.Container, cause: String, after: [Int]) {
        let reference = ContainerReference.existing(container.id)
        var last = after
        if container.state == .running || container.state == .restarting || container.state == .paused {
            last = [builder.add(.stop(reference), cause: cause, service: container.service, after: last)]
        }
        let name = ParkedName(original: container.name, deployment: target.deployment)
        let renamed = builder.add(
            .rename(reference, to: name.description), cause: cause, service: container.service, after: last)
        clearingSteps.append(renamed)
        builder.add(
            .remove(reference, volumes: false), cause: "parked and no longer needed", service: container.service,
            after: [renamed], phase: .cleanup)
    }

    /// Containers that an earlier, finished deployment parked and did not get to remove.
    mutating func planLeftovers() {
        for container in observed.containers where container.parked != nil {
            builder.add(
                .remove(.existing(container.id), volumes: false), cause: "left over from an earlier deployment",
                service: container.service, phase: .cleanup)
        }
    }
}
