import Compose
import Reconcile

extension ContainerMapping {
    var networksByPriority: [String] { service.networksByPriority }

    /// The network that gives the container its default route in older engines.
    var mainNetwork: String? { service.networkMode == nil ? networksByPriority.first : nil }

    func realName(_ key: String) -> String { project.networks[key]?.name ?? key }

    /// The endpoints that go into the create call.
    func endpointsAtCreate() throws -> [(name: String, settings: EndpointSettings)] {
        guard service.networkMode == nil else { return [] }
        let keys = networksByPriority
        let atOnce = version < .endpointsAtCreate ? Array(keys.prefix(1)) : keys
        return try atOnce.map { (realName($0), try endpoint($0)) }
    }

    /// The networks to connect between creation and start, in this order.
    func endpointsAfterCreate() throws -> [(name: String, settings: EndpointSettings)] {
        guard service.networkMode == nil, version < .endpointsAtCreate else { return [] }
        return try networksByPriority.dropFirst().map { (realName($0), try endpoint($0)) }
    }

    /// The service's place on the network with that key.
    func endpoint(_ key: String) throws -> EndpointSettings {
        var settings = EndpointSettings()
        settings.aliases = [creation.finalName, service.name]
        settings.links = links.orNil
        if version >= .endpointsAtCreate { settings.macAddress = try endpointMAC(key) }
        guard let attachment = service.networks[key] ?? nil else { return settings }
        settings.aliases?.append(contentsOf: attachment.aliases)
        settings.ipamConfig = .init(
            ipv4Address: attachment.ipv4Address, ipv6Address: attachment.ipv6Address,
            linkLocalIPs: attachment.linkLocalIPs.orNil)
        var options = attachment.driverOpts
        if let name = attachment.interfaceName {
            try require(.interfaceName, for: "networks.\(key).interface_name")
            options["com.docker.network.endpoint.ifname"] = name
        }
        settings.driverOpts = options.orNil
        if attachment.gwPriority != 0 {
            try require(.gatewayPriority, for: "networks.\(key).gw_priority")
            settings.gwPriority = attachment.gwPriority
        }
        return settings
    }

    private func endpointMAC(_ key: String) throws -> String? {
        let own = (service.networks[key] ?? nil)?.macAddress
        guard key == mainNetwork, let common = service.macAddress else { return own }
        if let own, own != common { throw cannot("mac_address", "\(common) differs from \(own) of network \(key)") }
        return common
    }

    /// The one MAC address that an engine below API 1.44 takes.
    func containerMAC() throws -> String? {
        guard let mainNetwork else { return service.macAddress }
        for key in networksByPriority.dropFirst() where (service.networks[key] ?? nil)?.macAddress != nil {
            try require(.endpointsAtCreate, for: "networks.\(key).mac_address")
        }
        return try endpointMAC(mainNetwork)
    }
}
