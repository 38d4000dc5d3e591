import Compose

extension ObservedState {
    /// The local image that the service's reference names; nil when there is none for the platform it asks for.
    func image(of service: Service, in project: Project) -> Image? {
        guard let image = images[service.imageName(in: project)] else { return nil }
        guard let wanted = service.platform, let platform = image.platform else { return image }
        return ImagePlatform(platform).satisfies(ImagePlatform(wanted)) ? image : nil
    }
}

extension Reconciler {
    /// Services whose containers need an image.
    private var imageUsers: [Service] {
        order.compactMap { target.project.services[$0] }.filter { $0.replicas > 0 && $0.provider == nil }
    }

    /// The reference; for a recorded deployment the very image that it ran, by its id or from where a registry has it,
    /// unless the reference still names it or it is built again.
    func imageToCreateFrom(_ service: Service) -> String {
        let reference = service.imageName(in: target.project)
        guard let pinned = target.pinnedImages[service.name], observed.images[reference]?.id != pinned else {
            return reference
        }
        if observed.images[pinned] != nil { return pinned }
        return service.build == nil ? target.pinnedDigests[service.name] ?? reference : reference
    }

    // MARK: - Pulls

    /// Images to fetch first: those that are missing, and those whose policy says so. What is built is fetched only when
    /// its policy asks for it, and then it does not have to be there.
    mutating func pulls() -> [Plan.ImagePull] {
        let built = Set(imageUsers.filter { $0.build != nil }.map { Self.key($0.imageName(in: target.project)) })
        var pulls: [String: Plan.ImagePull] = [:]
        func add(_ pull: Plan.ImagePull) {
            var merged = pulls[Self.key(pull.reference)] ?? pull
            merged.isRequired = merged.isRequired || pull.isRequired
            merged.isPeriodic = merged.isPeriodic || pull.isPeriodic
            merged.services += pull.services.filter { !merged.services.contains($0) }
            pulls[Self.key(pull.reference)] = merged
        }
        var unobtainable: [Service] = []
        for service in imageUsers {
            if hasLostImage(service), service.build == nil || target.pinnedDigests[service.name] != nil {
                if var pull = lostImage(service) {
                    if built.contains(Self.key(service.imageName(in: target.project))) { pull.isRequired = false }
                    add(pull)
                }
                continue
            }
            for volume in service.volumes where volume.kind == .image {
                guard let source = volume.source, observed.images[source] == nil, !built.contains(Self.key(source))
                else { continue }
                add(.init(reference: source, platform: nil, services: [service.name], isRequired: true))
            }
            let isBuilt = built.contains(Self.key(service.imageName(in: target.project)))
            if let pull = pull(for: service, isBuilt: isBuilt) {
                add(pull)
            } else if !isBuilt, !isPresent(service) {
                unobtainable.append(service)
            }
        }
        for service in unobtainable {
            let image = service.imageName(in: target.project)
            guard pulls[Self.key(image)] == nil else { continue }
            builder.missing.append("image \(image) of service \(service.name), which its pull policy forbids to pull")
        }
        return pulls.values.sorted { $0.reference < $1.reference }
    }

    /// Spellings of the same reference are one image.
    private static func key(_ reference: String) -> String { ImageReference(reference)?.description ?? reference }

    private func isPresent(_ service: Service) -> Bool {
        imageToCreateFrom(service) == target.pinnedImages[service.name]
            || observed.image(of: service, in: target.project) != nil
    }

    /// A recorded deployment ran an image that the engine has lost.
    private func hasLostImage(_ service: Service) -> Bool {
        guard let pinned = target.pinnedImages[service.name], observed.images[pinned] == nil else { return false }
        return observed.images[service.imageName(in: target.project)]?.id != pinned
    }

    /// A container of the service is to be created.
    private func creates(_ service: Service) -> Bool {
        work[service.name].map { !$0.replaced.isEmpty || !$0.added.isEmpty } ?? false
    }

    /// The lost image from where its registry has it, when a container is to be created from it. Where nobody knows that,
    /// the plan cannot be carried out: the reference may name another image now.
    private mutating func lostImage(_ service: Service) -> Plan.ImagePull? {
        guard creates(service) else { return nil }
        if let digest = target.pinnedDigests[service.name] {
            return Plan.ImagePull(
                reference: digest, platform: service.platform, services: [service.name], isRequired: true)
        }
        guard service.build == nil, let pinned = target.pinnedImages[service.name] else { return nil }
        let digits = pinned.hasPrefix("sha256:") ? pinned.dropFirst("sha256:".count) : pinned[...]
        builder.missing.append(
            "image \(digits.prefix(12)) (\(service.imageName(in: target.project))) that service \(service.name) ran is gone "
                + "from the engine, and no registry is known to have it")
        return nil
    }

    private func pull(for service: Service, isBuilt: Bool) -> Plan.ImagePull? {
        guard let reference = service.image else { return nil }
        let isPresent = isPresent(service)
        let isPinned = target.pinnedImages[service.name] != nil
        var isPeriodic = false
        let isWanted: Bool
        switch service.effectivePullPolicy {
        case .always: isWanted = !isPinned || !isPresent
        case .every(let period):
            isPeriodic = true
            let last = observed.image(of: service, in: target.project)?.lastTaggedAt ?? 0
            isWanted = !isPresent || (!isPinned && target.now - last > period.milliseconds)
        case .missing, nil: isWanted = !isPresent && !isBuilt
        case .never, .build: isWanted = false
        }
        guard isWanted else { return nil }
        return Plan.ImagePull(
            reference: reference, platform: service.platform, services: [service.name],
            isRequired: !isPresent && !isBuilt, isPeriodic: isPeriodic)
    }

    // MARK: - Builds

    /// Images to build: those that are missing, that were built from something else, or that are always built.
    mutating func builds() -> [Plan.Build] {
        var builds: [Plan.Build] = []
        for service in imageUsers {
            guard var image = ImageBuild(of: service, in: target.project),
                !builds.contains(where: { $0.image.image == image.image }),
                let (causes, isRoutine) = reasonToBuild(service)
            else { continue }
            image.fingerprint = target.builds[service.name]
            builds.append(Plan.Build(image: image, causes: causes, isRoutine: isRoutine))
            if !isRoutine { builder.note("image", image.image, .build, causes) }
        }
        return builds
    }

    private func reasonToBuild(_ service: Service) -> (causes: [String], isRoutine: Bool)? {
        let pinned = target.pinnedImages[service.name]
        if let pinned, observed.images[pinned] != nil { return nil }
        guard let image = observed.image(of: service, in: target.project) else {
            return ([pinned == nil ? "the engine does not have it" : "the one that ran is gone"], false)
        }
        switch service.effectivePullPolicy {
        case .build where pinned == nil: return (["its pull policy is build"], true)
        // The registry says what the image is.
        case .always where service.image != nil, .every where service.image != nil: return nil
        default: break
        }
        // One that somebody else built counts as built from what was deployed with it.
        let has = image.buildHash.flatMap(BuildFingerprint.init) ?? target.previous?.builds[service.name]
        guard let has, let wanted = target.builds[service.name], has != wanted else { return nil }
        return (wanted.changes(since: has), false)
    }
}

extension Duration {
    fileprivate var milliseconds: Int {
        let (seconds, attoseconds) = components
        return Int(clamping: seconds.multipliedReportingOverflow(by: 1000).partialValue)
            + Int(attoseconds / 1_000_000_000_000_000)
    }
}
