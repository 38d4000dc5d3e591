import Compose

/// Compares one container of a service with what the model wants of it.
struct ContainerAssessment {
    let target: Target
    let observed: ObservedState
    /// Keys of networks that are made anew by this plan, so that being attached to the old one says nothing.
    let recreatedNetworks: Set<String>

    /// Why the container has to be replaced; empty when it may stay.
    func obsolescence(of container: ObservedState.Container, as service: Service, references: [String: String])
        -> [Plan.Cause]
    {
        var causes = configurationCauses(container, service, references)
        if causes.isEmpty || !namesAnotherImage(service) { causes += imageCauses(container, service) }
        causes += contentCauses(container, service)
        causes += networkCauses(container, service)
        causes += volumeCauses(container, service)
        if container.state == .dead || container.state == .removing {
            causes.append(Plan.Cause("the container is \(container.state)"))
        }
        return causes
    }

    private func configurationCauses(
        _ container: ObservedState.Container, _ service: Service, _ references: [String: String]
    ) -> [Plan.Cause] {
        let hash = container.labels[ComposeLabels.configHash]
        guard !ConfigHash.accepts(hash, of: service, references: references) else { return [] }
        guard let previous = target.previous?.project.services[service.name] else {
            return [Plan.Cause("configuration changed")]
        }
        let causes = ServiceDifference.causes(from: previous, to: service)
        return causes.isEmpty ? [Plan.Cause("configuration differs from what was deployed")] : causes
    }

    private func imageCauses(_ container: ObservedState.Container, _ service: Service) -> [Plan.Cause] {
        guard let wanted = imageID(of: service) else { return [] }
        let has = container.labels[ComposeLabels.image] ?? container.imageID
        guard has != wanted else { return [] }
        let reference = service.imageName(in: target.project)
        return [Plan.Cause("image \(reference) is now \(short(wanted)), was \(short(has))", field: "image")]
    }

    /// The reference itself changed, which says more than the ids behind it.
    private func namesAnotherImage(_ service: Service) -> Bool {
        guard let previous = target.previous, let before = previous.project.services[service.name] else { return false }
        return before.imageName(in: previous.project) != service.imageName(in: target.project)
    }

    /// The image id the service should run; nil when the image is not here (yet). A pinned image that is gone cannot be
    /// asked for.
    func imageID(of service: Service) -> String? {
        let current = observed.image(of: service, in: target.project)?.id
        if let pinned = target.pinnedImages[service.name], observed.images[pinned] != nil { return pinned }
        return current
    }

    private func contentCauses(_ container: ObservedState.Container, _ service: Service) -> [Plan.Cause] {
        let wanted = target.contentHashes[service.name]
        let has =
            container.labels[ComposeLabels.watcherContentHash]
            ?? target.previous.map { $0.contentHashes[service.name] } ?? wanted
        guard has != wanted, wanted != nil else { return restoredCauses(service) }
        let before = target.previous?.contents[service.name] ?? [:]
        let after = target.contents[service.name] ?? [:]
        let paths = Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }.sorted()
        guard !before.isEmpty, !paths.isEmpty else { return [Plan.Cause("its files changed")] }
        return paths.map { path in
            let commit = target.fileCommits[path]
            return Plan.Cause(
                "\(path) changed" + (commit.map { " in \($0.short)" } ?? ""), file: path, commit: commit)
        }
    }

    /// A mounted file that is put back leaves the container with the one that was changed. What the container may write
    /// itself is its own affair: it could do so at every start.
    private func restoredCauses(_ service: Service) -> [Plan.Cause] {
        guard let contents = target.contents[service.name], !target.restored.isDisjoint(with: contents.keys) else {
            return []
        }
        let project = target.project
        let sources =
            service.volumes.filter { $0.kind == .bind && $0.readOnly }.map(\.source)
            + service.configs.map { project.configs[$0.source]?.file }
            + service.secrets.map { project.secrets[$0.source]?.file }
        return target.restored.intersection(contents.keys).sorted()
            .filter { path in sources.contains { $0?.hasSuffix("/\(path)") == true } }
            .map { Plan.Cause("\($0) was changed on the host", file: $0) }
    }

    private func networkCauses(_ container: ObservedState.Container, _ service: Service) -> [Plan.Cause] {
        guard container.state == .running, service.networkMode == nil else { return [] }
        return service.networks.keys.sorted().compactMap { key in
            guard !recreatedNetworks.contains(key), let network = target.project.networks[key] else { return nil }
            if let id = observed.networks[network.name]?.id, container.networks.values.contains(id) { return nil }
            return Plan.Cause("not connected to network \(network.name)", field: "networks")
        }
    }

    private func volumeCauses(_ container: ObservedState.Container, _ service: Service) -> [Plan.Cause] {
        service.volumes.compactMap { mount in
            guard mount.kind == .volume, let key = mount.source, let volume = target.project.volumes[key],
                !container.mounts.contains(where: { $0.type == "volume" && $0.name == volume.name })
            else { return nil }
            return Plan.Cause("volume \(volume.name) is not mounted", field: "volumes")
        }
    }

    private func short(_ id: String) -> String {
        String((id.hasPrefix("sha256:") ? id.dropFirst("sha256:".count) : id[...]).prefix(12))
    }
}
