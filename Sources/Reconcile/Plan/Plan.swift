package import Compose

/// What will be done to the engine, and why: a graph of operations that execution follows without an opinion.
package struct Plan: Sendable, Equatable {
    /// Images to pull before anything else, each reference once.
    package var pulls: [ImagePull] = []
    /// Images to build after that and before anything else, each reference once, in dependency order.
    package var builds: [Build] = []
    /// In an order in which every step comes after the steps it waits for.
    package var steps: [Step] = []
    /// External networks and volumes that do not exist; with any of these the plan cannot be carried out.
    package var missing: [String] = []
    /// What the user should know although nothing is done about it.
    package var warnings: [String] = []
    /// Per service and resource: what happens and why, in the user's terms, in dependency order.
    package var changes: [Change] = []

    package init() {}

    /// Nothing is to be done to containers, networks and volumes. (A pull alone may still change that.)
    package var isEmpty: Bool { steps.isEmpty }

    package struct ImagePull: Sendable, Hashable {
        package var reference: String
        package var platform: String?
        /// Services that use the image, sorted.
        package var services: [String]
        /// Failing to pull is an error only when the image is not there.
        package var isRequired: Bool
        /// It is pulled again after some time, so the engine has to know when it was.
        package var isPeriodic = false

        package init(
            reference: String, platform: String?, services: [String], isRequired: Bool, isPeriodic: Bool = false
        ) {
            self.reference = reference
            self.platform = platform
            self.services = services
            self.isRequired = isRequired
            self.isPeriodic = isPeriodic
        }
    }

    package struct Build: Sendable, Equatable {
        package var image: ImageBuild
        package var causes: [String]
        /// It is built by every deploy, whatever changed.
        package var isRoutine: Bool
    }

    package struct Step: Sendable, Equatable {
        /// Position in `Plan.steps`, counted from 1.
        package var id: Int
        package var operation: Operation<ContainerReference>
        package var cause: String
        /// The service the step belongs to; nil for networks and volumes.
        package var service: String?
        /// Ids of the steps that must have succeeded before.
        package var after: [Int]
        package var phase: Phase
    }

    /// When a step runs: cleanup comes only after everything is verified and recorded.
    package enum Phase: String, Sendable { case apply, cleanup }

    /// What happens to one service, network or volume.
    package struct Change: Sendable, Equatable, Codable {
        package enum Action: String, Sendable, Codable {
            case create, recreate, start, stop, restart, unpause, remove, scaleDown = "scale-down", reconnect, rename,
                build, restore
        }

        /// `service`, `network`, `volume`, `image` or `file`.
        package var kind: String
        package var name: String
        package var action: Action
        /// Each names the field, file or fact: `image nginx:1.25 → 1.27`.
        package var causes: [String]
        /// The same for programs, where it is known which field or file it was.
        package var details: [Cause]?

        package init(kind: String, name: String, action: Action, causes: [String], details: [Cause]? = nil) {
            self.kind = kind
            self.name = name
            self.action = action
            self.causes = causes
            self.details = details
        }
    }

    /// Why something happens.
    package struct Cause: Sendable, Hashable, Codable {
        /// For people, without values of variables: `environment FOO changed`, `nginx.conf changed in 3f2a1c9d0e`.
        package var text: String
        /// The attribute of the service that differs: `image`, `stop_grace_period`.
        package var field: String?
        /// The file that differs, relative to the repository.
        package var file: String?
        /// The newest commit that changed the file.
        package var commit: CommitID?

        package init(_ text: String, field: String? = nil, file: String? = nil, commit: CommitID? = nil) {
            self.text = text
            self.field = field
            self.file = file
            self.commit = commit
        }
    }
}

/// A container an operation speaks of: one that is there, or one that an earlier step creates.
package enum ContainerReference: Sendable, Hashable {
    case existing(ContainerID)
    /// Created by the step with this id.
    case created(step: Int)
}

/// One call to the engine, or one wait. `Container` is `ContainerReference` in a plan and `ContainerID` at the engine.
package enum Operation<Container: Sendable & Hashable>: Sendable, Equatable {
    /// Creates the network of the model with this key.
    case createNetwork(key: String)
    case removeNetwork(id: String, name: String)
    /// Connects a container to the model's network as its service says.
    case connect(Container, network: String, service: String)
    case disconnect(Container, networkID: String)
    /// Creates the volume of the model with this key.
    case createVolume(key: String)
    case removeVolume(name: String)
    case create(ContainerCreation<Container>)
    case rename(Container, to: String)
    case start(Container)
    case unpause(Container)
    /// Stops with the container's own stop signal and timeout.
    case stop(Container)
    /// Removes the container; its anonymous volumes too if they belong to nobody else.
    case remove(Container, volumes: Bool)
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
    /// The id the image had when it was planned; the value of the image label.
    package var imageID: String
    /// The container it replaces, whose anonymous volumes it takes over.
    package var replaces: ContainerID?
    /// Containers of the services that this one shares a namespace or volumes with, by service name.
    package var references: [String: Container]
    /// The value of the `watcher.content-hash` label; nil for none.
    package var contentHash: String?

    package init(
        service: String, number: Int, name: String, finalName: String, image: String, imageID: String,
        replaces: ContainerID? = nil, references: [String: Container] = [:], contentHash: String? = nil
    ) {
        self.service = service
        self.number = number
        self.name = name
        self.finalName = finalName
        self.image = image
        self.imageID = imageID
        self.replaces = replaces
        self.references = references
        self.contentHash = contentHash
    }
}

/// What a wait is for.
package enum WaitExpectation: Sendable, Equatable {
    /// `service_healthy`: the health check says healthy; without one the wait fails.
    case healthy
    /// `service_completed_successfully`: exited with status 0.
    case completed
    /// Healthy; or, without a health check, running for `settle` without a restart; or, unless a restart policy
    /// forbids, exited with status 0.
    case verified(settle: Duration)
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

    package init(
        service: String, containers: [Container], expectation: WaitExpectation, isRequired: Bool = true,
        timeout: Duration, isOfKept: Bool = false, delay: Duration = .zero
    ) {
        self.isOfKept = isOfKept
        self.delay = delay
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
        case .createNetwork(let key): .createNetwork(key: key)
        case .removeNetwork(let id, let name): .removeNetwork(id: id, name: name)
        case .connect(let container, let network, let service):
            .connect(try transform(container), network: network, service: service)
        case .disconnect(let container, let networkID): .disconnect(try transform(container), networkID: networkID)
        case .createVolume(let key): .createVolume(key: key)
        case .removeVolume(let name): .removeVolume(name: name)
        case .create(let creation):
            .create(
                ContainerCreation<Other>(
                    service: creation.service, number: creation.number, name: creation.name,
                    finalName: creation.finalName, image: creation.image, imageID: creation.imageID,
                    replaces: creation.replaces, references: try creation.references.mapValues(transform),
                    contentHash: creation.contentHash))
        case .rename(let container, let name): .rename(try transform(container), to: name)
        case .start(let container): .start(try transform(container))
        case .unpause(let container): .unpause(try transform(container))
        case .stop(let container): .stop(try transform(container))
        case .remove(let container, let volumes): .remove(try transform(container), volumes: volumes)
        case .wait(let wait):
            .wait(
                Wait<Other>(
                    service: wait.service, containers: try wait.containers.map(transform),
                    expectation: wait.expectation, isRequired: wait.isRequired, timeout: wait.timeout,
                    isOfKept: wait.isOfKept, delay: wait.delay))
        }
    }
}
