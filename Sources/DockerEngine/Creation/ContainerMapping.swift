import Compose
import Deploy
import Reconcile

/// How one replica of a service becomes a container: pure, and the same for the same input.
struct ContainerMapping {
    /// What the create call needs to know beyond the model.
    struct Facts: Sendable {
        /// The mounts of the container that is replaced.
        var previousMounts: [ContainerDetails.MountPoint] = []
        /// The paths that the image declares as volumes.
        var imageVolumes: Set<String> = []
        /// The seccomp profiles that `security_opt` names, as JSON text, by absolute path.
        var seccompProfiles: [String: String] = [:]
        /// The names of the containers of services that `links` names.
        var linkedContainers: [String: [String]] = [:]
        /// Proxy variables of Docker's configuration; the service's own environment wins.
        var proxies: [String: String] = [:]
    }

    let project: Project
    /// With references to other services resolved to containers.
    let service: Service
    let creation: ContainerCreation<ContainerID>
    let stamp: DeploymentStamp
    let version: APIVersion
    let facts: Facts
    private let configHash: String

    init(
        project: Project, service: Service, creation: ContainerCreation<ContainerID>, stamp: DeploymentStamp,
        version: APIVersion, facts: Facts = Facts()
    ) {
        let references = creation.references.mapValues(\.hex)
        self.project = project
        self.service = service.resolvingReferences(references)
        self.creation = creation
        self.stamp = stamp
        self.version = version
        self.facts = facts
        configHash = ConfigHash.label(of: service, references: references)
    }

    /// The body of the create call. Throws `EngineError` naming the service and the attribute that cannot be expressed.
    func body() throws -> ContainerCreateBody {
        try refuseWhatHasNoContainer()
        var body = ContainerCreateBody(image: creation.image, labels: labels, hostConfig: try hostConfig())
        body.hostname = service.hostname
        body.domainname = service.domainname
        body.user = service.user
        body.tty = service.tty.orNil
        body.openStdin = service.stdinOpen.orNil
        body.exposedPorts = exposedPorts
        body.env = environment.orNil
        body.cmd = service.command
        body.entrypoint = service.entrypoint
        body.healthcheck = try healthcheck()
        body.workingDir = service.workingDir
        body.networkDisabled = service.networkMode == "disabled" ? true : nil
        body.macAddress = try version < .endpointsAtCreate ? containerMAC() : nil
        body.stopSignal = service.stopSignal
        body.stopTimeout = service.stopGracePeriod.map { Int($0.components.seconds) }
        let endpoints = try endpointsAtCreate()
        if !endpoints.isEmpty {
            body.networkingConfig = .init(
                endpointsConfig: Dictionary(endpoints.map { ($0.name, $0.settings) }) { first, _ in first })
        }
        return body
    }

    /// The query of the create call.
    var query: [(name: String, value: String)] {
        [("name", creation.name)] + (service.platform.map { [("platform", $0)] } ?? [])
    }

    func cannot(_ attribute: String, _ why: String) -> EngineError {
        .inexpressible(service.name, attribute, why)
    }

    /// Throws unless the engine speaks `needed`.
    func require(_ needed: APIVersion, for attribute: String) throws {
        guard version < needed else { return }
        throw EngineError.inexpressible(
            service.name, attribute, "needs Engine API \(needed), and this engine speaks \(version)",
            advice: "Update the engine, or leave the attribute out.")
    }

    private func refuseWhatHasNoContainer() throws {
        if service.provider != nil { throw cannot("provider", "services run by a provider are not supported") }
        if !service.models.isEmpty { throw cannot("models", "AI models are not supported") }
        if service.useAPISocket {
            throw cannot("use_api_socket", "is not supported; mount the engine's socket instead")
        }
        if service.credentialSpec != nil { throw cannot("credential_spec", "is for Windows containers only") }
    }

    private var labels: [String: String] {
        var labels = service.containerLabels(
            in: project, number: creation.number, imageID: creation.imageID.orNil, configHash: configHash)
        if creation.replaces != nil {
            labels[ComposeLabels.replaces] = service.containerName ?? "\(service.name)-\(creation.number)"
        }
        labels[ComposeLabels.watcherProject] = stamp.project
        labels[ComposeLabels.watcherCommit] = stamp.commit.hex
        labels[ComposeLabels.watcherDeployment] =
            DeploymentID(project: stamp.project, number: stamp.deployment).description
        labels[ComposeLabels.watcherContentHash] = creation.contentHash
        return labels
    }

    private var environment: [String] {
        var variables: [String: String?] = facts.proxies
        for (key, value) in service.environment { variables.updateValue(value, forKey: key) }
        return variables.sorted { $0.key < $1.key }.map { key, value in value.map { "\(key)=\($0)" } ?? key }
    }

    private var exposedPorts: [String: ContainerCreateBody.Nothing]? {
        let ports = service.expose + service.ports.map { "\($0.target)/\($0.proto ?? "tcp")" }
        return Dictionary(ports.map { ($0, .init()) }) { first, _ in first }.orNil
    }

    private func healthcheck() throws -> ContainerCreateBody.Healthcheck? {
        guard let check = service.healthcheck else { return nil }
        if check.startInterval != nil {
            try require(.startInterval, for: "healthcheck.start_interval")
            guard check.startPeriod != nil else {
                throw cannot("healthcheck.start_interval", "needs healthcheck.start_period")
            }
        }
        return ContainerCreateBody.Healthcheck(
            test: check.disable ? ["NONE"] : check.test.orNil, interval: check.interval?.nanoseconds,
            timeout: check.timeout?.nanoseconds, startPeriod: check.startPeriod?.nanoseconds,
            startInterval: check.startInterval?.nanoseconds, retries: check.retries)
    }
}

extension APIVersion {
    static let clusterVolumes = APIVersion(1, 42)
    static let annotations = APIVersion(1, 43)
    static let startInterval = APIVersion(1, 44)
    /// From here on a container is created on all of its networks at once.
    static let endpointsAtCreate = APIVersion(1, 44)
    static let recursiveReadOnly = APIVersion(1, 44)
    static let volumeSubpath = APIVersion(1, 45)
    static let enableIPv4 = APIVersion(1, 48)
    static let imageMounts = APIVersion(1, 48)
    static let gatewayPriority = APIVersion(1, 48)
    static let interfaceName = APIVersion(1, 49)
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
