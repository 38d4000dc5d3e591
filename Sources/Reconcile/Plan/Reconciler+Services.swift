import Compose

/// What is to be done with the containers of one service.
struct ServiceWork {
    struct Replacement {
        var old: ObservedState.Container
        var causes: [Plan.Cause]
        /// The step that creates the successor.
        var creation = 0
        /// All causes in one line.
        var cause: String { causes.map(\.text).joined(separator: ", ") }
    }

    struct Addition {
        var number: Int
        var name: String
        var creation = 0
    }

    var kept: [ObservedState.Container] = []
    var replaced: [Replacement] = []
    var added: [Addition] = []
    var surplus: [ObservedState.Container] = []
    var isEmpty: Bool { replaced.isEmpty && added.isEmpty && surplus.isEmpty }
}

extension Reconciler {
    /// Sorts a service's containers into kept, replaced and surplus, and counts what is missing.
    func serviceWork(_ name: String) -> ServiceWork {
        guard let service = target.project.services[name], service.provider == nil else { return ServiceWork() }
        let assessment = ContainerAssessment(
            target: target, observed: observed, recreatedNetworks: recreatedNetworks)
        let shared = service.referencedServices.sorted().filter {
            work[$0].map { !$0.replaced.isEmpty || $0.kept.isEmpty } == true
        }
        let references = currentReferences(service)
        var judged = (present[name] ?? []).map { container in
            var causes = shared.map { Plan.Cause(.sharedContainerReplaced(service: $0)) }
            if causes.isEmpty {
                causes = assessment.obsolescence(of: container, as: service, references: references)
            }
            return ServiceWork.Replacement(old: container, causes: causes)
        }
        judged.sort { one, other in
            if one.causes.isEmpty != other.causes.isEmpty { return one.causes.isEmpty }
            if one.old.number != other.old.number { return one.old.number < other.old.number }
            let isNamed = (one.old.name == service.containerName(in: target.project, number: one.old.number))
            let otherIsNamed = (other.old.name == service.containerName(in: target.project, number: other.old.number))
            return isNamed == otherIsNamed ? one.old.name < other.old.name : isNamed
        }
        let wanted = max(service.replicas, 0)
        var result = ServiceWork()
        result.surplus = judged.dropFirst(wanted).map(\.old)
        for entry in judged.prefix(wanted) {
            if entry.causes.isEmpty { result.kept.append(entry.old) } else { result.replaced.append(entry) }
        }
        let highest = (present[name] ?? []).map(\.number).max() ?? 0
        let missing = judged.isEmpty && isDone(service) ? 0 : max(wanted - judged.count, 0)
        result.added = (0..<missing).map { index in
            let number = highest + 1 + index
            return ServiceWork.Addition(number: number, name: service.containerName(in: target.project, number: number))
        }
        return result
    }

    /// A job that has completed as it is deployed, and whose container somebody has removed since: its work is done.
    private func isDone(_ service: Service) -> Bool {
        guard let previous = target.previous, previous.completed.contains(service.name), isJob(service) else {
            return false
        }
        return previous.project.services[service.name] == service
            && previous.contentHashes[service.name] == target.contentHashes[service.name]
            && previous.builds[service.name] == target.builds[service.name]
    }

    /// The container ids that the running containers of shared services have now.
    private func currentReferences(_ service: Service) -> [String: String] {
        var references: [String: String] = [:]
        for name in service.referencedServices.sorted() {
            references[name] = present[name]?.min { $0.name < $1.name }?.id.hex
        }
        return references
    }

    /// Creates every new container before anything running is touched.
    mutating func planCreations() {
        for name in order {
            guard let service = target.project.services[name], var entry = work[name] else { continue }
            for index in entry.replaced.indices {
                let old = entry.replaced[index].old
                // The name is final where the old one's was made by hand or left by a broken recreation.
                let final = service.containerName(in: target.project, number: old.number)
                entry.replaced[index].creation = create(
                    service, number: old.number, name: freeName("\(old.id.short)_\(final)"), final: final,
                    replacing: old,
                    cause: entry.replaced[index].cause)
            }
            for index in entry.added.indices {
                let addition = entry.added[index]
                entry.added[index].creation = create(
                    service, number: addition.number, name: freeName(addition.name), final: addition.name,
                    replacing: nil,
                    cause: present[name] == nil ? "the service has no container" : "a replica is missing")
            }
            work[name] = entry
            note(service, entry)
        }
    }

    /// The name, unless a container that is on its way out, or that a broken recreation left, still holds it.
    private func freeName(_ name: String) -> String {
        observed.containers.contains { $0.name == name } ? "\(target.stamp.deployment)_\(name)" : name
    }

    private mutating func create(
        _ service: Service, number: Int, name: String, final: String, replacing old: ObservedState.Container?,
        cause: String
    ) -> Int {
        let references = createdReferences(service)
        let referenced = references.values.compactMap { if case .created(let step) = $0 { step } else { nil } }
        // The engine looks for linked containers when it makes the one that links to them.
        let linked = service.links.flatMap { link in
            (work[String(link.prefix { $0 != ":" })]?.added ?? []).map(\.creation)
        }
        let reference = imageToCreateFrom(service)
        let names = linkedNames(of: service)
        let specification = target.deployable.specification(
            of: service, number: number, finalName: final,
            image: observed.images[reference]?.id ?? target.pinnedImages[service.name], stamp: target.stamp,
            contentHash: target.contentHashes[service.name], linked: names, replacing: old,
            imageVolumes: observed.images[reference]?.volumes ?? [])
        let creation = ContainerCreation<ContainerReference>(
            service: service.name, number: number, name: name, finalName: final, image: reference, replaces: old?.id,
            references: references, specification: specification)
        let id = builder.add(
            .create(creation), cause: cause, service: service.name, after: resourceSteps + referenced + linked)
        creationSteps.append(id)
        var last = id
        for endpoint in target.deployable.laterEndpoints(of: service, number: number, finalName: final, linked: names) {
            last = builder.add(
                .connect(.created(step: id), endpoint), cause: "a network beyond the first", service: service.name,
                after: [last])
            connected[id, default: []].append(last)
            creationSteps.append(last)
        }
        return id
    }

    /// The containers that the shared services will have when this one is created.
    private func createdReferences(_ service: Service) -> [String: ContainerReference] {
        var references: [String: ContainerReference] = [:]
        for name in service.referencedServices.sorted() {
            guard let entry = work[name] else { continue }
            let candidates: [(String, ContainerReference)] =
                entry.kept.map { ($0.name, .existing($0.id)) }
                + entry.replaced.map { ($0.old.name, .created(step: $0.creation)) }
                + entry.added.map { ($0.name, .created(step: $0.creation)) }
            references[name] = candidates.min { $0.0 < $1.0 }?.1
        }
        return references
    }

    private mutating func note(_ service: Service, _ entry: ServiceWork) {
        if !entry.replaced.isEmpty {
            var causes: [Plan.Cause] = []
            for cause in entry.replaced.flatMap(\.causes) where !causes.contains(cause) { causes.append(cause) }
            let details = causes.filter { $0.field != nil || $0.file != nil }
            builder.note(
                "service", service.name, .recreate, causes.map(\.text), details: details.isEmpty ? nil : details)
        } else if !entry.added.isEmpty {
            let isNew = present[service.name] == nil
            builder.note(
                "service", service.name, .create,
                [
                    !isNew
                        ? "\(entry.added.count) of \(service.replicas) replicas missing"
                        : target.previous?.project.services[service.name] == nil
                            ? "no container yet" : "the container is missing"
                ])
        }
        if !entry.surplus.isEmpty {
            builder.note(
                "service", service.name, .scaleDown,
                ["\(entry.surplus.count) more than \(service.replicas) wanted"])
        }
    }
}
