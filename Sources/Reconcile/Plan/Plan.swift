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
    /// Why the plan must not be carried out, whatever is done about the commit: containers that belong to others. It has
    /// no steps then.
    package var refusals: [String] = []
    /// What the user should know although nothing is done about it.
    package var warnings: [String] = []
    /// Per service and resource: what happens and why, in the user's terms, in dependency order.
    package var changes: [Change] = []
    /// What differs from what was deployed and changes nothing that runs: `web: build removed`.
    package var changesWithoutEffect: [Change] = []

    package init() {}

    /// Nothing is to be done to containers, networks and volumes. (A pull alone may still change that.)
    package var isEmpty: Bool { steps.isEmpty }

    /// Services of which a container is made or started.
    package var touchedServices: Set<String> {
        var services: Set<String> = []
        for step in steps where step.phase == .apply {
            switch step.operation {
            case .create(let creation): services.insert(creation.service)
            case .start, .unpause: if let service = step.service { services.insert(service) }
            default: break
            }
        }
        return services
    }

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
            /// Recorded anew; nothing that runs changes.
            case update
        }

        /// `service`, `network`, `volume`, `image`, `file` or `project`.
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
}
