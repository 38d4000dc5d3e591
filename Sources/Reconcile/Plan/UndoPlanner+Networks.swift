import Compose

extension UndoPlanner {
    /// Removes networks the attempt made, and makes those once more that it made anew.
    mutating func restoreNetworks() {
        for network in observed.networks.values.sorted(by: { $0.name < $1.name })
        where before.networks[network.name] == nil && isOwn(network) && !isUsedBySurvivors(network) {
            builder.add(
                .removeNetwork(id: network.id, name: network.name), cause: "made by the deployment that is undone",
                after: cleared)
        }
        for network in before.networks.values.sorted(by: { $0.name < $1.name }) where isOwn(network) {
            restore(network)
        }
    }

    private func isUsedBySurvivors(_ network: ObservedState.Network) -> Bool {
        observed.containers.contains {
            $0.labels[ComposeLabels.watcherDeployment] != attempt.label && $0.networks[network.name] != nil
        }
    }

    func isOwn(_ network: ObservedState.Network) -> Bool {
        network.labels[ComposeLabels.network] != nil && network.labels[ComposeLabels.project] == model.name
    }

    /// The network is as it was, or is made anew; then everybody who left it comes back.
    private mutating func restore(_ network: ObservedState.Network) {
        let users = observed.containers.filter { earlier[$0.id]?.networks.keys.contains(network.name) == true }
        guard !users.isEmpty, let (key, definition) = model.networks.first(where: { $0.value.name == network.name })
        else { return }
        let cause = "network \(network.name) was made anew by the deployment that is undone"
        let current = observed.networks[network.name]
        let isRight = current.map {
            $0.id == network.id || ConfigHash.accepts($0.labels[ComposeLabels.configHash], of: definition)
        }
        var made: [Int] = []
        if isRight != true {
            let left = current.map { leave($0, users, cause) } ?? []
            let network = NetworkSpecification(definition, key: key, in: model)
            made = [builder.add(.createNetwork(network), cause: cause, after: cleared + left)]
        }
        for container in users where isRight != true || container.networks[network.name] == nil {
            guard let service = model.services[container.service], service.networks[key] != nil else { continue }
            let after = made + [stopped[container.id]].compactMap { $0 }
            connected[container.id, default: []].append(
                builder.add(
                    .connect(.existing(container.id), endpoint(of: container, service, on: key)), cause: cause,
                    service: container.service, after: after))
        }
    }

    /// Stops and disconnects the users of a network that is in the way, and removes it.
    private mutating func leave(
        _ network: ObservedState.Network, _ users: [ObservedState.Container], _ cause: String
    ) -> [Int] {
        var left: [Int] = []
        for container in users where container.networks[network.name] != nil {
            let reference = ContainerReference.existing(container.id)
            if container.isUp, !container.isOneOff, stopped[container.id] == nil {
                stopped[container.id] = builder.addStop(
                    container, model.anyService(container.service), cause: cause, after: [])
            }
            left.append(
                builder.add(
                    .disconnect(reference, networkID: network.id), cause: cause, service: container.service,
                    after: [stopped[container.id]].compactMap { $0 }))
        }
        return [
            builder.add(
                .removeNetwork(id: network.id, name: network.name), cause: cause, after: cleared + left)
        ]
    }

    /// A container's place on a network, as its service says.
    private func endpoint(of container: ObservedState.Container, _ service: Service, on key: String) -> Endpoint {
        var linked: [String: [String]] = [:]
        for name in service.links.map({ String($0.prefix { $0 != ":" }) }) {
            guard let target = model.anyService(name) else { continue }
            let numbers = before.containers.filter { $0.service == name && !$0.isOneOff && $0.parked == nil }
                .map(\.number)
            linked[name] = Set(numbers).sorted().map { target.containerName(in: model, number: $0) }
        }
        return model.endpoint(
            of: service, on: key, finalName: service.containerName(in: model, number: container.number),
            links: model.links(of: service, number: container.number, to: linked),
            on: observed.traits ?? EngineTraits(version: .oldest))
    }
}
