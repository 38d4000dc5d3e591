package import Compose

/// An address that a service asks for in a network, by the network's real name.
package struct NetworkAddress: Sendable, Hashable {
    package var network: String
    package var ip: String

    package init(network: String, ip: String) {
        self.network = network
        self.ip = ip
    }
}

extension Project {
    /// The fixed addresses of the service, in order.
    package func fixedAddresses(of service: Service) -> [NetworkAddress] {
        guard service.networkMode == nil else { return [] }
        return service.networks.sorted { $0.key < $1.key }.flatMap { key, attachment in
            [attachment?.ipv4Address, attachment?.ipv6Address].compactMap { $0 }.filter { !$0.isEmpty }
                .map { NetworkAddress(network: networks[key]?.name ?? key, ip: $0) }
        }
    }

    /// The fixed addresses of all services.
    package var fixedAddresses: [NetworkAddress] {
        services.values.filter { $0.replicas > 0 }.sorted { $0.name < $1.name }.flatMap(fixedAddresses)
    }
}

extension Plan {
    /// The fixed addresses that containers which this plan creates or starts want, and that containers outside of the project
    /// have, known before anything is touched: a sentence each, with its service.
    package func addressProblems(
        of project: Project, _ observed: ObservedState
    ) -> [(service: String, message: String, advice: String)] {
        let starting = Set(steps.filter { $0.phase == .apply && $0.startsContainer }.compactMap(\.service))
        return project.services.values.filter { starting.contains($0.name) }.sorted { $0.name < $1.name }.flatMap {
            service in
            project.fixedAddresses(of: service).compactMap { address in
                observed.addressHolders[address].map { holder in
                    (
                        service.name,
                        "\(service.name): address \(address.ip) in network \(address.network) is held by \(holder)",
                        "Free it, or choose another one; the next run tries again."
                    )
                }
            }
        }
    }
}
