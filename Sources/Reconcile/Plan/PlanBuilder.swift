/// Collects steps; every step's `after` names earlier steps only, and none that another of them waits for anyway.
struct PlanBuilder {
    private(set) var steps: [Plan.Step] = []
    private(set) var changes: [Plan.Change] = []
    var warnings: [String] = []
    var missing: [String] = []
    /// All steps that a step waits for, directly or not.
    private var ancestors: [Int: Set<Int>] = [:]

    /// Adds a step and returns its id.
    @discardableResult
    mutating func add(
        _ operation: Operation<ContainerReference>, cause: String, service: String? = nil, after: [Int] = [],
        phase: Plan.Phase = .apply
    ) -> Int {
        let id = steps.count + 1
        let named = Set(after)
        let implied = named.reduce(into: Set<Int>()) { $0.formUnion(ancestors[$1] ?? []) }
        ancestors[id] = implied.union(named)
        steps.append(
            Plan.Step(
                id: id, operation: operation, cause: cause, service: service,
                after: named.subtracting(implied).sorted(), phase: phase))
        return id
    }

    /// Notes a change; the same one of several replicas counts once.
    mutating func note(_ kind: String, _ name: String, _ action: Plan.Change.Action, _ causes: [String]) {
        let change = Plan.Change(kind: kind, name: name, action: action, causes: causes)
        if !changes.contains(change) { changes.append(change) }
    }
}
