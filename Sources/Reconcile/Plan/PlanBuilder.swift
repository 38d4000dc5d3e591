import Compose

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

extension PlanBuilder {
    /// Starts a container, then runs the service's `post_start` hooks; returns the last step.
    mutating func addStart(
        _ container: ContainerReference, _ service: Service?, named name: String, cause: String, after: [Int]
    ) -> Int {
        let started = add(.start(container), cause: cause, service: name, after: after)
        var last = started
        for hook in service?.postStart ?? [] {
            let run = HookRun(.postStart, hook, service: name, start: started)
            last = add(.runHook(container, run), cause: "post_start", service: name, after: [last])
        }
        return last
    }

    /// Copies the service's configs and secrets that are no files into a container that was never started; returns what
    /// its start comes after.
    mutating func addCopies(
        _ container: ContainerReference, _ service: Service, of project: Project, after: [Int]
    ) -> [Int] {
        let files = project.copiedFiles(of: service)
        guard !files.isEmpty else { return after }
        return [
            add(.copyFiles(container, files), cause: "configs and secrets", service: service.name, after: after)
        ]
    }

    /// Runs the `pre_stop` hooks of the service as the container was made with, if it runs, and stops it; one that is
    /// paused goes on first. Returns the last step, nil when the container does not run.
    mutating func addStop(
        _ container: ObservedState.Container, _ service: Service?, cause: String, after: [Int]
    ) -> Int? {
        let reference = ContainerReference.existing(container.id)
        var last = after
        switch container.state {
        case .created, .exited, .dead, .removing: return nil
        case .paused: last = [add(.unpause(reference), cause: cause, service: container.service, after: last)]
        case .running, .restarting: break
        }
        for hook in container.state == .restarting ? [] : service?.preStop ?? [] {
            let run = HookRun(.preStop, hook, service: container.service)
            last = [add(.runHook(reference, run), cause: "pre_stop", service: container.service, after: last)]
        }
        return add(.stop(reference), cause: cause, service: container.service, after: last)
    }
}

extension Project {
    /// The service, enabled or not.
    func anyService(_ name: String) -> Service? { services[name] ?? disabledServices[name] }
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
