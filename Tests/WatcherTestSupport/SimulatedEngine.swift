import Compose
package import Reconcile

/// An engine in memory with the rules of the real one that a plan can break: names and ports are taken once, networks in
/// use are not removed, running containers are not removed, what is named has to exist.
package struct SimulatedEngine: Sendable {
    /// What a service's containers do when they are started.
    package enum Behaviour: Sendable, Equatable {
        case runs(health: ObservedState.Container.Health?)
        case exits(Int)
        /// The engine restarts it for ever.
        case crashLoops
    }

    package struct Refusal: Error, Equatable, CustomStringConvertible {
        package var reason: Reason
        package var message: String
        package var description: String { message }
    }

    package var state = ObservedState()
    /// By service or image id; others run, and are healthy if they have a health check.
    package var behaviours: [String: Behaviour] = [:]
    /// What the containers were made of.
    private var services: [ContainerID: Service] = [:]
    /// Files copied into containers, by path, and hooks run in them.
    package private(set) var copied: [ContainerID: [String]] = [:]
    package private(set) var hooks: [String] = []
    private var clock = 1_000
    private var made = 0

    package init() {}

    /// Carries out an operation as the engine would; a wait does nothing.
    package mutating func perform(_ operation: Operation<ContainerID>) throws -> ContainerID? {
        defer { state.containers.sort { $0.name < $1.name } }
        switch operation {
        case .createNetwork(let network): try createNetwork(network)
        case .removeNetwork(let id, let name): try removeNetwork(id, name)
        case .createVolume(let volume): createVolume(volume)
        case .removeVolume(let name): state.volumes[name] = nil
        case .create(let creation): return try create(creation)
        case .copyFiles(let id, let files):
            guard try index(id).startedAt == nil else { throw refusal(.unexpected, "files are copied before a start") }
            copied[id, default: []] += files.map(\.target)
        case .rename(let id, let name): try rename(id, name)
        case .start(let id): return try start(id)
        case .runHook(let id, let run):
            guard try index(id).state == .running else { break }
            hooks.append(
                "\(run.kind.rawValue) \(try index(id).service): \(run.hook.command?.joined(separator: " ") ?? "")")
        case .unpause(let id):
            guard try index(id).state == .paused else { throw refusal(.engineFailed, "container is not paused") }
            try change(id) { $0.state = .running }
        case .stop(let id): try stop(id)
        case .remove(let id, _): try remove(id)
        case .connect(let id, let endpoint): try connect(id, endpoint)
        case .disconnect(let id, let networkID):
            let name = state.networks.values.first { $0.id == networkID }?.name
            guard let name else { throw refusal(.engineFailed, "no network \(networkID)") }
            try change(id) { $0.networks[name] = nil }
        case .tagImage(let id, let reference):
            guard let image = state.images[id] else { throw refusal(.imageNotFound, "no image \(id)") }
            state.images[reference] = image
        case .untagImage(let reference): state.images[reference] = nil
        case .wait: break
        }
        return nil
    }

    package mutating func change(_ id: ContainerID, _ body: (inout ObservedState.Container) -> Void) throws {
        guard let position = state.containers.firstIndex(where: { $0.id == id }) else {
            throw refusal(.engineFailed, "no container \(id.short)")
        }
        body(&state.containers[position])
    }

    /// Changes the container of that name.
    package mutating func change(_ name: String, _ body: (inout ObservedState.Container) -> Void) throws {
        guard let id = state.containers.first(where: { $0.name == name })?.id else {
            throw refusal(.engineFailed, "no container \(name)")
        }
        try change(id, body)
    }

    package mutating func remove(_ name: String) { state.containers.removeAll { $0.name == name } }

    package mutating func setImage(_ reference: String, id: String) {
        state.images[reference] = ObservedState.Image(id: id)
        state.images[id] = ObservedState.Image(id: id)
    }

    package mutating func nextID(_ prefix: String) -> String {
        made += 1
        let digits = String(made, radix: 16)
        return prefix + String(repeating: "0", count: 12 - prefix.count - digits.count) + digits
            + String(repeating: "0", count: 52)
    }

    // MARK: - Networks and volumes

    private mutating func createNetwork(_ network: NetworkSpecification) throws {
        guard state.networks[network.name] == nil else {
            throw refusal(.nameConflict, "network \(network.name) already exists")
        }
        state.networks[network.name] = .init(id: nextID("e"), name: network.name, labels: network.labels)
    }

    private mutating func removeNetwork(_ id: String, _ name: String) throws {
        guard state.networks[name]?.id == id else { throw refusal(.engineFailed, "no network \(name)") }
        let users = state.containers.filter { $0.isUp && $0.networks[name] != nil }
        guard users.isEmpty else {
            throw refusal(.engineFailed, "network \(name) has active endpoints: \(users.map(\.name))")
        }
        state.networks[name] = nil
    }

    private mutating func createVolume(_ volume: VolumeSpecification) {
        guard state.volumes[volume.name] == nil else { return }
        state.volumes[volume.name] = .init(
            name: volume.name, driver: volume.definition.driver ?? "local", labels: volume.labels)
        state.volumes[volume.name]?.options = volume.definition.driverOpts
    }

    private mutating func connect(_ id: ContainerID, _ endpoint: Endpoint) throws {
        let container = try index(id)
        guard let existing = state.networks[endpoint.network] else {
            throw refusal(.engineFailed, "cannot connect \(container.name) to network \(endpoint.network)")
        }
        guard container.networks[endpoint.network] == nil else {
            throw refusal(.engineFailed, "\(container.name) is already connected to \(endpoint.network)")
        }
        try change(id) { $0.networks[endpoint.network] = $0.isUp ? existing.id : "" }
    }

    // MARK: - Containers

    private mutating func create(_ creation: ContainerCreation<ContainerID>) throws -> ContainerID {
        guard !state.containers.contains(where: { $0.name == creation.name }) else {
            throw refusal(.nameConflict, "the name \(creation.name) is in use")
        }
        guard let image = state.images[creation.image] else {
            throw refusal(.imageNotFound, "no image \(creation.image)")
        }
        let id = ContainerID(hex: nextID("c"))
        let specification = creation.specification
        var container = ObservedState.Container(
            id: id, name: creation.name, service: creation.service, number: creation.number, state: .created)
        container.imageID = image.id
        container.labels = creation.labels
        container.restartPolicy = specification.service.restart ?? "no"
        for endpoint in specification.endpoints { container.networks[endpoint.network] = "" }
        for mount in specification.mounts where mount.kind == .volume {
            if let name = mount.source, state.volumes[name] == nil { throw refusal(.engineFailed, "no volume \(name)") }
            container.mounts.append(.init(type: "volume", name: mount.source, source: "", target: mount.target))
        }
        state.containers.append(container)
        services[id] = specification.service
        return id
    }

    private mutating func remove(_ id: ContainerID) throws {
        let container = try index(id)
        guard ![.running, .restarting, .paused].contains(container.state) else {
            throw refusal(.engineFailed, "cannot remove running container \(container.name)")
        }
        state.containers.removeAll { $0.id == id }
    }

    private mutating func rename(_ id: ContainerID, _ name: String) throws {
        guard !state.containers.contains(where: { $0.name == name }) else {
            throw refusal(.nameConflict, "the name \(name) is in use")
        }
        try change(id) { $0.name = name }
    }

    /// What the container was made of; one that a test put there is like another of its service.
    private func service(of container: ObservedState.Container) -> Service? {
        services[container.id]
            ?? services.filter { $0.value.name == container.service }
            .max { $0.key.hex < $1.key.hex }?.value
    }

    private mutating func start(_ id: ContainerID) throws -> ContainerID? {
        let container = try index(id)
        guard container.state != .paused else { throw refusal(.engineFailed, "cannot start a paused container") }
        guard !container.isUp else { return nil }
        let service = service(of: container)
        let ports = (service?.ports ?? []).compactMap { port in
            port.published.map { "0.0.0.0:\($0)->\(port.target)/\(port.proto ?? "tcp")" }
        }
        for other in state.containers where other.isUp && other.id != id {
            for port in ports where other.ports.contains(port) {
                throw refusal(.portConflict, "\(container.name): port \(port) is taken by \(other.name)")
            }
        }
        for (name, network) in container.networks
        where state.networks[name] == nil || (!network.isEmpty && state.networks[name]?.id != network) {
            throw refusal(.engineFailed, "\(container.name): network \(name) not found")
        }
        let wanted = addresses(of: service)
        let taken = state.containers.filter { $0.isUp && $0.id != id }.flatMap { addresses(of: self.service(of: $0)) }
        guard wanted.isDisjoint(with: taken) else {
            throw refusal(.engineFailed, "\(container.name): address already in use")
        }
        clock += 1
        let networks = state.networks
        let behaviour =
            behaviours[container.service] ?? behaviours[container.imageID]
            ?? .runs(health: service?.healthcheck == nil ? nil : .healthy)
        let now = clock
        try change(id) { container in
            container.ports = ports
            container.startedAt = now
            for name in container.networks.keys { container.networks[name] = networks[name]?.id }
            container.apply(behaviour)
        }
        return id
    }

    private func addresses(of service: Service?) -> Set<String> {
        Set((service?.networks ?? [:]).values.compactMap { $0?.ipv4Address })
    }

    private mutating func stop(_ id: ContainerID) throws {
        try change(id) { container in
            guard container.isUp || container.state == .paused else { return }
            container.state = .exited
            container.exitCode = 143
            container.health = nil
            container.ports = []
        }
    }

    private func index(_ id: ContainerID) throws -> ObservedState.Container {
        guard let container = state.containers.first(where: { $0.id == id }) else {
            throw refusal(.engineFailed, "no container \(id.short)")
        }
        return container
    }

    private func refusal(_ reason: Reason, _ message: String) -> Refusal { Refusal(reason: reason, message: message) }
}

extension ObservedState.Container {
    fileprivate var isUp: Bool { state == .running || state == .restarting }

    fileprivate mutating func apply(_ behaviour: SimulatedEngine.Behaviour) {
        switch behaviour {
        case .runs(let health):
            state = .running
            exitCode = 0
            self.health = health
        case .exits(let code):
            state = .exited
            exitCode = code
            health = nil
            ports = []
        case .crashLoops:
            state = .restarting
            exitCode = 1
            restartCount += 1
        }
    }
}
