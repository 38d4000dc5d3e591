/// Collects steps; every step's `after` names earlier steps only.
struct PlanBuilder {
    private(set) var steps: [Plan.Step] = []
    private(set) var changes: [Plan.Change] = []
    var warnings: [String] = []

    /// Adds a step and returns its id.
    @discardableResult
    mutating func add(
        _ operation: Operation<ContainerReference>, cause: String, service: String? = nil, after: [Int] = [],
        phase: Plan.Phase = .apply
    ) -> Int {
        let id = steps.count + 1
        steps.append(
            Plan.Step(
                id: id, operation: operation, cause: cause, service: service, after: Array(Set(after)).sorted(),
                phase: phase))
        return id
    }

    mutating func note(_ kind: String, _ name: String, _ action: Plan.Change.Action, _ causes: [String]) {
        changes.append(Plan.Change(kind: kind, name: name, action: action, causes: causes))
    }
}
