import Compose
import Reconcile
import Synchronization

/// The body of `POST /networks/create`.
struct NetworkCreateBody: Encodable, Sendable {
    struct IPAM: Encodable, Sendable {
        var driver: String?
        var config: [Pool]?
    }

    struct Pool: Encodable, Sendable {
        var subnet: String?
        var ipRange: String?
        var gateway: String?
        var auxiliaryAddresses: [String: String]?
    }

    var name: String
    var checkDuplicate: Bool?
    var driver: String?
    var options: [String: String]?
    var `internal`: Bool?
    var attachable: Bool?
    var enableIPv4: Bool?
    var enableIPv6: Bool?
    var ipam: IPAM?
    var labels: [String: String]

    init(_ specification: NetworkSpecification, version: APIVersion) {
        let network = specification.definition
        name = network.name
        checkDuplicate = version < .endpointsAtCreate ? true : nil
        driver = network.driver
        options = network.driverOpts.orNil
        `internal` = network.internalOnly.orNil
        attachable = network.attachable.orNil
        enableIPv6 = network.enableIPv6
        // Older engines have none without it.
        if version >= .enableIPv4 { enableIPv4 = network.enableIPv4 }
        let pools = network.ipam.config.map {
            Pool(subnet: $0.subnet, ipRange: $0.ipRange, gateway: $0.gateway, auxiliaryAddresses: $0.auxAddresses.orNil)
        }
        // Without `ipam.options`, which docker compose 2.40 accepts and drops.
        if network.ipam.driver != nil || !pools.isEmpty {
            ipam = IPAM(driver: network.ipam.driver, config: pools.orNil)
        }
        labels = specification.labels
    }
}

/// The body of `POST /volumes/create`.
struct VolumeCreateBody: Encodable, Sendable {
    var name: String
    var driver: String?
    var driverOpts: [String: String]?
    var labels: [String: String]

    init(_ specification: VolumeSpecification) {
        let volume = specification.definition
        name = volume.name
        driver = volume.driver
        driverOpts = volume.driverOpts.orNil
        labels = specification.labels
    }
}

extension EngineClient {
    private struct DisconnectBody: Encodable, Sendable {
        var container: String
        var force = true
    }

    func createNetwork(_ network: NetworkSpecification) async throws {
        let body = NetworkCreateBody(network, version: try await connection.version())
        let request = try EngineRequest.post("/networks/create", to: "create network \(network.name)").sending(body)
            .calling(.resource)
        do {
            let created: CreatedNetwork = try await connection.decoded(request)
            if let warning = created.warning, !warning.isEmpty {
                warn("network \(network.name): \(warning.strippingControlCharacters())")
            }
        } catch let error as EngineError where error.status == 409 {
            // Another run may have made it since the state was observed.
            let found: [NetworkAnswer] = try await connection.decoded(
                .get("/networks", to: request.operation).filtering(["name": [network.name]]))
            let isOurs = found.contains {
                $0.name == network.name && $0.labels?[ComposeLabels.configHash] == body.labels[ComposeLabels.configHash]
                    && $0.labels?[ComposeLabels.project] == body.labels[ComposeLabels.project]
            }
            if !isOurs { throw error }
        }
    }

    func removeNetwork(id: String, name: String) async throws {
        _ = try await connection.send(
            EngineRequest(.delete, "/networks/\(id.percentEncoded())", to: "remove network \(name)").expecting(404))
    }

    func createVolume(_ volume: VolumeSpecification) async throws {
        let body = VolumeCreateBody(volume)
        _ = try await connection.send(
            .post("/volumes/create", to: "create volume \(volume.name)").sending(body).calling(.resource).within(
                deadlines.create))
    }

    /// Removes a volume; one that is gone is fine.
    func removeVolume(_ name: String) async throws {
        _ = try await connection.send(
            EngineRequest(.delete, "/volumes/\(name.percentEncoded())", to: "remove volume \(name)").expecting(404))
    }

    func connect(_ id: ContainerID, to endpoint: Endpoint) async throws {
        let container: Unstarted
        if let new = unstarted.withLock({ $0[id] }) {
            container = new
        } else {
            container = Unstarted(try await existing(id, to: "connect"))
        }
        let body = NetworkConnectBody(container: id.hex, endpointConfig: EndpointSettings(endpoint))
        let request = try EngineRequest.post(
            "/networks/\(endpoint.network.percentEncoded())/connect",
            to: "connect container \(container.name) to network \(endpoint.network)"
        ).sending(body).calling(.create, service: container.service)
        _ = try await namingHolders(for: id) { try await connection.send(request) }
    }

    /// A container or network that is gone is fine.
    func disconnect(_ id: ContainerID, _ network: String) async throws {
        _ = try await connection.send(
            .post("/networks/\(network.percentEncoded())/disconnect", to: "disconnect container \(id.short)")
                .sending(DisconnectBody(container: id.hex)).expecting(404))
    }
}
