package import Compose

/// A container an operation speaks of: one that is there, or one that an earlier step creates.
package enum ContainerReference: Sendable, Hashable {
    case existing(ContainerID)
    /// Created by the step with this id.
    case created(step: Int)
}

/// One call to the engine, or one wait, with everything that it needs. `Container` is `ContainerReference` in a plan and
/// `ContainerID` at the engine.
package enum Operation<Container: Sendable & Hashable>: Sendable, Equatable {
    case createNetwork(NetworkSpecification)
    case removeNetwork(id: String, name: String)
    case connect(Container, Endpoint)
    case disconnect(Container, networkID: String)
    case createVolume(VolumeSpecification)
    case removeVolume(name: String)
    case create(ContainerCreation<Container>)
    /// Copies configs and secrets that are no files of the host into a container that was never started.
    case copyFiles(Container, [GrantedFile])
    case rename(Container, to: String)
    /// Starts a container; one that runs is left alone.
    case start(Container)
    case unpause(Container)
    /// Stops with the container's own stop signal and timeout.
    case stop(Container)
    /// Runs a hook to its end. A `pre_stop` hook that fails is only warned of.
    case runHook(Container, HookRun)
    /// Removes the container; its anonymous volumes too if they belong to nobody else.
    case remove(Container, volumes: Bool)
    /// Makes the reference name the image with this id.
    case tagImage(id: String, reference: String)
    /// Takes the reference from the image it names, and removes the image if nothing else names or uses it.
    case untagImage(reference: String)
    /// Waits until the expectation holds for all of the service's containers, or fails.
    case wait(Wait<Container>)
}

/// A container to create for one replica of a service.
package struct ContainerCreation<Container: Sendable & Hashable>: Sendable, Equatable {
    package var service: String
    package var number: Int
    /// The name to create it under; a temporary one while the old container holds the final name.
    package var name: String
    /// The name it ends up with, which is also its network alias.
    package var finalName: String
    /// What to put into the create call: the reference, or an image id when the reference has moved on.
    package var image: String
    /// The container it replaces, whose anonymous volumes it takes over.
    package var replaces: ContainerID?
    /// Containers of the services that this one shares a namespace or volumes with, by service name.
    package var references: [String: Container]
    package var specification: ContainerSpecification

    package init(
        service: String, number: Int, name: String, finalName: String, image: String, replaces: ContainerID? = nil,
        references: [String: Container] = [:], specification: ContainerSpecification
    ) {
        self.service = service
        self.number = number
        self.name = name
        self.finalName = finalName
        self.image = image
        self.replaces = replaces
        self.references = references
        self.specification = specification
    }
}

extension ContainerCreation where Container == ContainerID {
    /// The service with references to other services resolved to containers.
    package var resolvedService: Service {
        specification.service.resolvingReferences(references.mapValues(\.hex))
    }

    /// All labels of the container.
    package var labels: [String: String] {
        var labels = specification.labels
        labels[ComposeLabels.configHash] = ConfigHash.label(
            of: specification.service, references: references.mapValues(\.hex))
        return labels
    }
}

/// What a wait is for.
package enum WaitExpectation: Sendable, Equatable {
    /// `service_healthy`: the health check says healthy; without one the wait fails.
    case healthy
    /// `service_completed_successfully`: exited with status 0.
    case completed
    /// Healthy; or, without a health check, running for `settle` without a restart; or, where that is how the service
    /// succeeds (see `Project.isJob`), exited with status 0.
    case verified(settle: Duration, mayComplete: Bool)
}

/// What is waited for, and for how long.
package struct Wait<Container: Sendable & Hashable>: Sendable, Equatable {
    package var service: String
    package var containers: [Container]
    package var expectation: WaitExpectation
    /// A wait that is not required only warns when it fails (`depends_on … required: false`).
    package var isRequired: Bool
    /// The longest it may take, from the start of the wait.
    package var timeout: Duration
    /// The plan leaves the containers as they are, so that a failure is not its doing.
    package var isOfKept = false
    /// How long the step goes on once the expectation holds.
    package var delay: Duration = .zero
    /// Restarts by the engine after which a container counts as crash-looping.
    package var mostRestarts = Self.defaultMostRestarts

    package static var defaultMostRestarts: Int { 3 }

    package init(
        service: String, containers: [Container], expectation: WaitExpectation, isRequired: Bool = true,
        timeout: Duration, isOfKept: Bool = false, delay: Duration = .zero, mostRestarts: Int = Self.defaultMostRestarts
    ) {
        self.isOfKept = isOfKept
        self.delay = delay
        self.mostRestarts = mostRestarts
        self.service = service
        self.containers = containers
        self.expectation = expectation
        self.isRequired = isRequired
        self.timeout = timeout
    }
}

extension Operation {
    /// The same operation on other names for the containers.
    package func map<Other>(_ transform: (Container) throws -> Other) rethrows -> Operation<Other> {
        switch self {
        case .createNetwork(let network): .createNetwork(network)
        case .removeNetwork(let id, let name): .removeNetwork(id: id, name: name)
        case .connect(let container, let endpoint): .connect(try transform(container), endpoint)
        case .disconnect(let container, let networkID): .disconnect(try transform(container), networkID: networkID)
        case .createVolume(let volume): .createVolume(volume)
        case .removeVolume(let name): .removeVolume(name: name)
        case .create(let creation):
            .create(
                ContainerCreation<Other>(
                    service: creation.service, number: creation.number, name: creation.name,
                    finalName: creation.finalName, image: creation.image, replaces: creation.replaces,
                    references: try creation.references.mapValues(transform), specification: creation.specification))
        case .copyFiles(let container, let files): .copyFiles(try transform(container), files)
        case .rename(let container, let name): .rename(try transform(container), to: name)
        case .start(let container): .start(try transform(container))
        case .unpause(let container): .unpause(try transform(container))
        case .stop(let container): .stop(try transform(container))
        case .runHook(let container, let run): .runHook(try transform(container), run)
        case .remove(let container, let volumes): .remove(try transform(container), volumes: volumes)
        case .tagImage(let id, let reference): .tagImage(id: id, reference: reference)
        case .untagImage(let reference): .untagImage(reference: reference)
        case .wait(let wait):
            .wait(
                Wait<Other>(
                    service: wait.service, containers: try wait.containers.map(transform),
                    expectation: wait.expectation, isRequired: wait.isRequired, timeout: wait.timeout,
                    isOfKept: wait.isOfKept, delay: wait.delay, mostRestarts: wait.mostRestarts))
        }
    }
}
