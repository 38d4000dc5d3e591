import Compose

/// Compares what should run with what runs and says what to do: the pure heart of every deploy, heal and rollback.
///
/// Nothing running is touched by a step that does not come after the creation of all new containers (except that a
/// network is made anew before containers are created in it), and a container that is replaced or no longer wanted is
/// only parked; removing it is cleanup.
package struct Reconciler {
    let target: Target
    let observed: ObservedState
    /// The services, each after those it depends on.
    let order: [String]
    /// Containers a service may keep, by service: no one-off and no parked ones.
    let present: [String: [ObservedState.Container]]
    var builder = PlanBuilder()
    /// Network keys that are removed and made anew.
    var recreatedNetworks: Set<String> = []
    /// Steps after which all networks and volumes are as they should be.
    var resourceSteps: [Int] = []
    /// Stop steps of containers that had to leave a network that is made anew.
    var stoppedForNetwork: [ContainerID: Int] = [:]
    /// Keys of the networks made anew that a container was in.
    var networksLeft: [ContainerID: [String]] = [:]
    var work: [String: ServiceWork] = [:]
    /// Steps that create containers: nothing running is touched before they are through.
    var creationSteps: [Int] = []
    /// Steps that stop containers whose names and ports others may need: nothing starts before they are through.
    var clearingSteps: [Int] = []
    /// The rename and the stop of each container that is parked.
    var retired: [ContainerID: (renamed: Int, stopped: Int)] = [:]
    /// Containers whose successors run beside them until the whole deployment is verified.
    var handovers: [(replacement: ServiceWork.Replacement, service: Service)] = []
    /// Steps after which the service's containers have been started.
    var startSteps: [String: [Int]] = [:]
    /// Services with a kept container that is started again.
    var restarted: Set<String> = []
    var waitSteps: [WaitKey: Int] = [:]
    /// What the dependants of a service that stays as it is wait for in its place.
    var inherited: [String: [Int]] = [:]

    struct WaitKey: Hashable {
        var service: String
        var condition: DependencyCondition
        var isRequired: Bool
    }

    package init(_ target: Target, _ observed: ObservedState) {
        self.target = target
        self.observed = observed
        order = target.project.dependencyOrder
        present = Dictionary(
            grouping: observed.containers.filter { !$0.isOneOff && $0.parked == nil }, by: \.service)
    }

    /// The plan that makes `observed` into `target`.
    package static func plan(_ target: Target, _ observed: ObservedState) -> Plan {
        var reconciler = Reconciler(target, observed)
        return reconciler.plan()
    }

    private mutating func plan() -> Plan {
        planNetworks()
        planVolumes()
        for name in order { work[name] = serviceWork(name) }
        planCreations()
        planClearing()
        for name in order { planRollout(name) }
        planHandovers()
        planLeftovers()
        planNetworkRemoval()
        var plan = Plan()
        plan.pulls = pulls()
        plan.builds = builds()
        plan.steps = builder.steps
        plan.changes = builder.changes
        plan.warnings = builder.warnings
        plan.missing = builder.missing
        return plan
    }
}
