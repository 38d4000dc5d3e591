import Compose
import Reconcile

/// How one replica of a service becomes a container: pure, total, and the same for the same input.
struct ContainerMapping {
    let creation: ContainerCreation<ContainerID>
    /// Proxy variables of Docker's configuration; the service's own environment wins.
    let proxies: [String: String]
    /// With references to other services resolved to containers.
    let service: Service

    init(_ creation: ContainerCreation<ContainerID>, proxies: [String: String] = [:]) {
        self.creation = creation
        self.proxies = proxies
        service = creation.resolvedService
    }

    var specification: ContainerSpecification { creation.specification }

    /// The body of the create call.
    var body: ContainerCreateBody {
        var body = ContainerCreateBody(image: creation.image, labels: creation.labels, hostConfig: hostConfig)
        body.hostname = service.hostname
        body.domainname = service.domainname
        body.user = service.user
        body.tty = service.tty.orNil
        body.openStdin = service.stdinOpen.orNil
        body.exposedPorts = exposedPorts
        body.env = environment.orNil
        body.cmd = service.command
        body.entrypoint = service.entrypoint
        body.healthcheck = healthcheck
        body.workingDir = service.workingDir
        body.networkDisabled = service.networkMode == "disabled" ? true : nil
        body.macAddress = specification.macAddress
        body.stopSignal = service.stopSignal
        body.stopTimeout = service.stopGracePeriod.map { Int($0.components.seconds) }
        if !specification.endpoints.isEmpty {
            body.networkingConfig = .init(
                endpointsConfig: Dictionary(
                    specification.endpoints.map { ($0.network, EndpointSettings($0)) },
                    uniquingKeysWith: { first, _ in first }))
        }
        return body
    }

    /// The query of the create call.
    var query: [(name: String, value: String)] {
        [("name", creation.name)] + (service.platform.map { [("platform", $0)] } ?? [])
    }

    private var environment: [String] {
        var variables: [String: String?] = proxies
        for (key, value) in service.environment { variables.updateValue(value, forKey: key) }
        return variables.sorted { $0.key < $1.key }.map { key, value in value.map { "\(key)=\($0)" } ?? key }
    }

    private var exposedPorts: [String: ContainerCreateBody.Nothing]? {
        let ports = service.expose + service.ports.map { "\($0.target)/\($0.proto ?? "tcp")" }
        return Dictionary(ports.map { ($0, .init()) }) { first, _ in first }.orNil
    }

    private var healthcheck: ContainerCreateBody.Healthcheck? {
        guard let check = service.healthcheck else { return nil }
        return ContainerCreateBody.Healthcheck(
            test: check.disable ? ["NONE"] : check.test.orNil, interval: check.interval?.nanoseconds,
            timeout: check.timeout?.nanoseconds, startPeriod: check.startPeriod?.nanoseconds,
            startInterval: check.startInterval?.nanoseconds, retries: check.retries)
    }
}

extension EndpointSettings {
    init(_ endpoint: Endpoint) {
        ipamConfig = endpoint.addresses.map {
            .init(ipv4Address: $0.ipv4, ipv6Address: $0.ipv6, linkLocalIPs: $0.linkLocal.orNil)
        }
        links = endpoint.links.orNil
        aliases = endpoint.aliases
        macAddress = endpoint.macAddress
        driverOpts = endpoint.driverOptions.orNil
        gwPriority = endpoint.gatewayPriority.orNil
    }
}

extension APIVersion {
    static let endpointsAtCreate = APIVersion(1, 44)
    static let enableIPv4 = APIVersion(1, 48)
}

extension Duration {
    var nanoseconds: Int {
        let (seconds, attoseconds) = components
        return Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
    }
}

extension Collection {
    /// Nil for an empty one: what the engine need not be told.
    var orNil: Self? { isEmpty ? nil : self }
}

extension Bool {
    /// Nil for false: what the engine need not be told.
    var orNil: Bool? { self ? true : nil }
}

extension Int {
    /// Nil for zero: what the engine need not be told.
    var orNil: Int? { self == 0 ? nil : self }
}
