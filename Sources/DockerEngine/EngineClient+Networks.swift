import Compose
import Deploy
import Reconcile

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

    /// Throws `EngineError` naming what the engine's version cannot express.
    init(_ network: Network, key: String, project: Project, version: APIVersion) throws {
        name = network.name
        checkDuplicate = version < .endpointsAtCreate ? true : nil
        driver = network.driver
        options = network.driverOpts.orNil
        `internal` = network.internalOnly.orNil
        attachable = network.attachable.orNil
        enableIPv6 = network.enableIPv6
        if version >= .enableIPv4 {
            enableIPv4 = network.enableIPv4
        } else if network.enableIPv4 == false {
            throw EngineError(
                .invalidContainer, operation: "create network \(network.name)",
                detail:
                    "enable_ipv4: false needs Engine API \(APIVersion.enableIPv4), and this engine speaks \(version)",
                advice: "Update the engine, or leave enable_ipv4 out.")
        }
        let pools = network.ipam.config.map {
            Pool(subnet: $0.subnet, ipRange: $0.ipRange, gateway: $0.gateway, auxiliaryAddresses: $0.auxAddresses.orNil)
        }
        // Without `ipam.options`, which docker compose 2.40 accepts and drops.
        if network.ipam.driver != nil || !pools.isEmpty {
            ipam = IPAM(driver: network.ipam.driver, config: pools.orNil)
        }
        labels = network.labels(key: key, in: project)
    }
}

/// The body of `POST /volumes/create`.
struct VolumeCreateBody: Encodable, Sendable {
    var name: String
    var driver: String?
    var driverOpts: [String: String]?
    var labels: [String: String]

    init(_ volume: Volume, key: String, project: Project) {
        name = volume.name
        driver = volume.driver
        driverOpts = volume.driverOpts.orNil
        labels = volume.labels(key: key, in: project)
    }
}

extension EngineClient {
    private struct DisconnectBody: Encodable, Sendable {
        var container: String
        var force = true
    }

    func createNetwork(_ key: String, _ project: Project) async throws {
        guard let network = project.networks[key] else {
            throw EngineError(
                .unexpected, operation: "create network \(key)", detail: "the project has no such network")
        }
        let body = try NetworkCreateBody(
            network, key: key, project: project, version: try await connection.version())
        let request = try EngineRequest.post("/networks/create", to: "create network \(network.name)").sending(body)
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
                    && $0.labels?[ComposeLabels.project] == project.name
            }
            if !isOurs { throw error }
        }
    }

    func removeNetwork(id: String, name: String) async throws {
        _ = try await connection.send(
            EngineRequest(.delete, "/networks/\(id.percentEncoded())", to: "remove network \(name)").expecting(404))
    }

    func createVolume(_ key: String, _ project: Project) async throws {
        guard let volume = project.volumes[key] else {
            throw EngineError(.unexpected, operation: "create volume \(key)", detail: "the project has no such volume")
        }
        let body = VolumeCreateBody(volume, key: key, project: project)
        _ = try await connection.send(
            .post("/volumes/create", to: "create volume \(volume.name)").sending(body).within(deadlines.create))
    }

    /// Removes a volume; one that is gone is fine.
    func removeVolume(_ name: String) async throws {
        _ = try await connection.send(
            EngineRequest(.delete, "/volumes/\(name.percentEncoded())", to: "remove volume \(name)").expecting(404))
    }

    /// Connects an existing container as its service says.
    func connect(
        _ id: ContainerID, network: String, service name: String, _ project: Project, _ stamp: DeploymentStamp
    ) async throws {
        let service = try service(name, of: project, to: "connect container \(id.short)")
        let details = try await existing(id, to: "connect")
        let number = details.config?.labels?[ComposeLabels.containerNumber].flatMap { Int($0) } ?? 1
        let final = service.containerName(in: project, number: number)
        let creation = ContainerCreation<ContainerID>(
            service: name, number: number, name: details.plainName, finalName: final, image: "", imageID: "")
        var facts = ContainerMapping.Facts()
        for target in Set(service.links.map { String($0.prefix { $0 != ":" }) }) {
            facts.linkedContainers[target] = try await containerNames(of: target, in: project)
        }
        let mapping = ContainerMapping(
            project: project, service: service, creation: creation, stamp: stamp,
            version: try await connection.version(), facts: facts)
        try await connect(
            id, name: details.plainName, to: mapping.realName(network), try mapping.endpoint(network), service: name)
    }

    func connect(
        _ id: ContainerID, name: String, to network: String, _ settings: EndpointSettings, service: String
    ) async throws {
        let body = NetworkConnectBody(container: id.hex, endpointConfig: settings)
        let request = try EngineRequest.post(
            "/networks/\(network.percentEncoded())/connect", to: "connect container \(name) to network \(network)"
        ).sending(body).calling(.create, service: service)
        _ = try await namingHolders(for: id) { try await connection.send(request) }
    }

    /// A container or network that is gone is fine.
    func disconnect(_ id: ContainerID, _ network: String) async throws {
        _ = try await connection.send(
            .post("/networks/\(network.percentEncoded())/disconnect", to: "disconnect container \(id.short)")
                .sending(DisconnectBody(container: id.hex)).expecting(404))
    }
}
