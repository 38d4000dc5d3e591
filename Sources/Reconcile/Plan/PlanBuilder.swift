/// Collects steps; every step's `after` names earlier steps only, and none that another of them waits for anyway.
struct PlanBuilder {
    private(set) var steps: [Plan.Step] = []
    private(set) var changes: [Plan.Change] = []
    var warnings: [String] = []
    var missing: [String] = []
    /// All steps that each step waits for, directly or not.
    private var ancestors: [StepSet] = [StepSet()]

    /// Adds a step and returns its id.
    @discardableResult
    mutating func add(
        _ operation: Operation<ContainerReference>, cause: String, service: String? = nil, after: [Int] = [],
        phase: Plan.Phase = .apply
    ) -> Int {
        let id = steps.count + 1
        let named = Set(after).sorted()
        var implied = StepSet()
        // The latest first: what it waits for often is most of what is named.
        for step in named.reversed() where !implied.contains(step) { implied.formUnion(ancestors[step]) }
        let kept = named.filter { !implied.contains($0) }
        for step in kept { implied.insert(step) }
        ancestors.append(implied)
        steps.append(
            Plan.Step(id: id, operation: operation, cause: cause, service: service, after: kept, phase: phase))
        return id
    }

    /// Notes a change; the same one of several replicas counts once.
    mutating func note(
        _ kind: String, _ name: String, _ action: Plan.Change.Action, _ causes: [String], details: [Plan.Cause]? = nil
    ) {
        let change = Plan.Change(kind: kind, name: name, action: action, causes: causes, details: details)
        if !changes.contains(change) { changes.append(change) }
    }
}

/// A set of step ids, one bit each: plans of hundreds of services have thousands of steps.
private struct StepSet {
    private var words: [UInt64] = []

    func contains(_ step: Int) -> Bool {
        step >> 6 < words.count && words[step >> 6] & (1 << UInt64(step & 63)) != 0
    }

    mutating func insert(_ step: Int) {
        if step >> 6 >= words.count { words += Array(repeating: 0, count: (step >> 6) + 1 - words.count) }
        words[step >> 6] |= 1 << UInt64(step & 63)
    }

    mutating func formUnion(_ other: StepSet) {
        if other.words.count > words.count {
            words += Array(repeating: 0, count: other.words.count - words.count)
        }
        for index in other.words.indices { words[index] |= other.words[index] }
    }
}
