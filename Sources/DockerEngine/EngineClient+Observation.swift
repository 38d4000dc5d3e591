import Compose
package import Deploy
import FoundationEssentials
package import Reconcile

extension EngineClient {
    package func observe(_ query: ObservationQuery) async throws -> ObservedState {
        let traits = try await connection.traits()
        // To list the containers takes about as long as all the rest, which shares a connection: more of them would cost
        // more than they save.
        async let surroundings = surroundings(query)
        // What Podman lists is not what it tells of a single container.
        var state = ObservedState()
        state.containers = try await containers(of: query.project, isBrief: query.isBrief && !traits.isPodman)
        let others = try await surroundings
        (state.networks, state.volumes, state.images) = (others.networks, others.volumes, others.images)
        state.portHolders = others.portHolders
        state.addressHolders = others.addressHolders
        state.apiVersion = "\(traits.version)"
        if traits.isPodman { state.isPodman = true }
        return state
    }

    /// All but the containers, one call after the other.
    private func surroundings(_ query: ObservationQuery) async throws -> ObservedState {
        var state = ObservedState()
        state.networks = try await networks(of: query.project, and: query.networks)
        state.volumes = try await volumes(of: query.project, and: query.volumes)
        state.images = try await images(query.images)
        if !query.containers.isEmpty { state.otherContainers = try await otherContainers(query.containers) }
        state.portHolders = try await holders(of: query.hostPorts, for: query.project)
        state.addressHolders = try await holders(of: query.fixedAddresses, outside: query.project)
        return state
    }

    package func stamps(of project: String) async throws -> [ContainerStamp] {
        let listed: [ContainerSummary] = try await connection.decoded(
            .get("/containers/json", to: "list the containers of \(project)").adding("all", "1")
                .filtering(["label": ["\(ComposeLabels.watcherProject)=\(project)"]]))
        return listed.compactMap { ContainerStamp(labels: $0.labels ?? [:], of: project) }
    }

    package func container(_ id: ContainerID) async throws -> ObservedState.Container? {
        try await details(of: id.hex).map(ObservedState.Container.init)
    }

    /// The container as the engine describes it; nil when it is gone.
    func details(of id: String) async throws -> ContainerDetails? {
        try await connection.decodedIfPresent(
            .get("/containers/\(id.percentEncoded())/json", to: "inspect container \(id.prefix(12))"))
    }

    /// Containers that docker compose would see: those of the project with a config hash.
    private func containers(of project: String, isBrief: Bool) async throws -> [ObservedState.Container] {
        let labels = [ComposeLabels.configHash, "\(ComposeLabels.project)=\(project)"]
        let listed: [ContainerSummary] = try await connection.decoded(
            .get("/containers/json", to: "list the containers of \(project)").adding("all", "1")
                .filtering(["label": labels]))
        let known = isBrief ? listed.compactMap(ObservedState.Container.init(running:)) : []
        let unknown = Set(listed.map(\.id)).subtracting(known.map(\.id.hex))
        // One that goes away between the list and the inspection is not there.
        let details = try await mapConcurrently(unknown.sorted(), atMost: 16) { try await self.details(of: $0) }
        let containers = known + details.compactMap { $0 }.map(ObservedState.Container.init)
        return await tellingHowTheyEnded(containers.sorted { $0.name < $1.name }, of: project)
    }

    /// The containers, those that stopped successfully with whether somebody stopped them. The engine remembers only its
    /// last events; where it does not answer, or tells nothing of a container, nothing is known.
    private func tellingHowTheyEnded(
        _ containers: [ObservedState.Container], of project: String
    ) async -> [ObservedState.Container] {
        let ended = containers.filter {
            $0.state == .exited && $0.exitCode == 0 && !$0.restartsAfterSuccess && !$0.isOneOff && $0.parked == nil
        }
        guard let since = ended.compactMap(\.startedAt).min(),
            let events = try? await pastEvents(["start", "kill", "die"], of: project, since: since)
        else { return containers }
        return containers.map { container in
            guard ended.contains(where: { $0.id == container.id }) else { return container }
            var container = container
            let actions = events.filter { $0.container == container.id }.map(\.action)
            let last = actions.suffix(from: actions.lastIndex(of: "start").map { $0 + 1 } ?? 0)
            container.endedByItself = last.contains("die") ? !last.contains("kill") : nil
            return container
        }
    }

    /// Containers of others by the names or ids that were asked for.
    private func otherContainers(_ names: [String]) async throws -> [String: ObservedState.OtherContainer] {
        var result: [String: ObservedState.OtherContainer] = [:]
        for name in names {
            guard let details = try await details(of: name) else { continue }
            result[name] = .init(id: ContainerID(hex: details.id), ipcMode: details.hostConfig?.ipcMode ?? "")
        }
        return result
    }

    /// The project's own by their label, then those it uses that are not among them by their names.
    private func networks(
        of project: String, and names: [String]
    ) async throws -> [String: ObservedState.Network] {
        let request = EngineRequest.get("/networks", to: "list the networks of \(project)")
        let labelled: [NetworkAnswer] = try await connection.decoded(
            request.filtering(["label": ["\(ComposeLabels.project)=\(project)"]]))
        var result: [String: ObservedState.Network] = [:]
        // The engine's filters match more than asked for: parts of names, and in old releases any label.
        for network in labelled where network.labels?[ComposeLabels.project] == project {
            result[network.name] = ObservedState.Network(network)
        }
        let others = names.filter { result[$0] == nil }
        guard !others.isEmpty else { return result }
        let named: [NetworkAnswer] = try await connection.decoded(request.filtering(["name": others]))
        for network in named where others.contains(network.name) {
            result[network.name] = ObservedState.Network(network)
        }
        return result
    }

    /// As `networks(of:and:)`.
    private func volumes(of project: String, and names: [String]) async throws -> [String: ObservedState.Volume] {
        let request = EngineRequest.get("/volumes", to: "list the volumes of \(project)")
        let labelled: VolumeListAnswer = try await connection.decoded(
            request.filtering(["label": ["\(ComposeLabels.project)=\(project)"]]))
        var result: [String: ObservedState.Volume] = [:]
        for volume in labelled.volumes ?? [] where volume.labels?[ComposeLabels.project] == project {
            result[volume.name] = ObservedState.Volume(volume)
        }
        let others = names.filter { result[$0] == nil }
        guard !others.isEmpty else { return result }
        let named: VolumeListAnswer = try await connection.decoded(request.filtering(["name": others]))
        for volume in named.volumes ?? [] where others.contains(volume.name) {
            result[volume.name] = ObservedState.Volume(volume)
        }
        return result
    }

    private func images(_ references: [String]) async throws -> [String: ObservedState.Image] {
        let unique = Array(Set(references))
        let found = try await mapConcurrently(unique, atMost: 16) { reference in
            (reference, try await self.imageDetails(of: reference))
        }
        var result: [String: ObservedState.Image] = [:]
        for (reference, image) in found {
            if let image { result[reference] = ObservedState.Image(image) }
        }
        return result
    }

    package func removeImage(_ id: String) async throws -> Bool {
        do {
            _ = try await connection.send(
                EngineRequest(.delete, "/images/\(id.percentEncoded(keeping: ":"))", to: "remove image \(id)")
                    .expecting(404).within(deadlines.create))
            return true
        } catch let error as EngineError where error.status == 409 {
            return false
        }
    }

    /// The local image behind a reference or id; nil when there is none.
    func imageDetails(of reference: String) async throws -> ImageAnswer? {
        try await connection.decodedIfPresent(
            .get("/images/\(reference.percentEncoded(keeping: "/:@"))/json", to: "inspect image \(reference)"))
    }
}

/// The results in order of the elements; at most `limit` run at a time.
func mapConcurrently<Element: Sendable, Result: Sendable>(
    _ elements: [Element], atMost limit: Int, _ transform: @escaping @Sendable (Element) async throws -> Result
) async throws -> [Result] {
    try await withThrowingTaskGroup(of: (Int, Result).self) { group in
        var results: [Int: Result] = [:]
        var waiting = elements.enumerated().makeIterator()
        func addNext() {
            guard let (index, element) = waiting.next() else { return }
            group.addTask { (index, try await transform(element)) }
        }
        for _ in 0..<limit { addNext() }
        while let (index, result) = try await group.next() {
            results[index] = result
            addNext()
        }
        return elements.indices.compactMap { results[$0] }
    }
}
