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
            causes.append(Plan.Cause(.state(container.state)))
        }
        return causes
    }

    private func configurationCauses(
        _ container: ObservedState.Container, _ service: Service, _ references: [String: String]
    ) -> [Plan.Cause] {
        let hash = container.labels[ComposeLabels.configHash]
        guard !ConfigHash.accepts(hash, of: service, references: references) else { return [] }
        guard let previous = target.previous?.project.services[service.name] else {
            return [Plan.Cause(.configurationChanged)]
        }
        let causes = service.causes(from: previous)
        return causes.isEmpty ? [Plan.Cause(.configurationDiffers)] : causes
    }

    private func imageCauses(_ container: ObservedState.Container, _ service: Service) -> [Plan.Cause] {
        guard let wanted = imageID(of: service) else { return [] }
        let has = container.labels[ComposeLabels.image] ?? container.imageID
        guard has != wanted else { return [] }
        let reference = service.imageName(in: target.project)
        return [Plan.Cause(.imageMoved(reference: reference, from: has, to: wanted))]
    }

    /// The reference itself changed, which says more than the ids behind it.
    private func namesAnotherImage(_ service: Service) -> Bool {
        guard let previous = target.previous, let before = previous.project.services[service.name] else { return false }
        return before.imageName(in: previous.project) != service.imageName(in: target.project)
    }

    /// The image id the service should run; nil when the image is not here (yet). That of a recorded deployment is wanted
    /// even when the engine has lost it, unless it can be built again.
    func imageID(of service: Service) -> String? {
        let current = observed.image(of: service, in: target.project)?.id
        guard let pinned = target.pinnedImages[service.name] else { return current }
        return observed.images[pinned] != nil || service.build == nil ? pinned : current
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
        guard !before.isEmpty, !paths.isEmpty else { return [Plan.Cause(.filesChanged)] }
        return paths.map { Plan.Cause(.file($0, commit: target.fileCommits[$0])) }
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
            .map { Plan.Cause(.fileChangedOnHost($0)) }
    }

    /// A container that was started once is bound to the very networks it had then, so that it can never start again when
    /// one of them was removed.
    private func networkCauses(_ container: ObservedState.Container, _ service: Service) -> [Plan.Cause] {
        guard service.networkMode == nil else { return [] }
        return service.networks.keys.sorted().compactMap { key in
            guard let network = target.project.networks[key] else { return nil }
            let existing = observed.networks[network.name]
            if let id = existing?.id, container.networks.values.contains(id) { return nil }
            guard let id = container.networks[network.name] else {
                return recreatedNetworks.contains(key) ? nil : Plan.Cause(.notConnected(network: network.name))
            }
            // Some engines tell the name in place of the id.
            if id.isEmpty || id == network.name { return nil }
            return Plan.Cause(.networkGone(network: network.name))
        }
    }

    private func volumeCauses(_ container: ObservedState.Container, _ service: Service) -> [Plan.Cause] {
        service.volumes.compactMap { mount in
            guard mount.kind == .volume, let key = mount.source, let volume = target.project.volumes[key],
                !container.mounts.contains(where: { $0.type == "volume" && $0.name == volume.name })
            else { return nil }
            return Plan.Cause(.notMounted(volume: volume.name))
        }
    }
}
