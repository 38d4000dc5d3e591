/// How a project is doing now, service by service: the one value from which everything that is said about what runs, and
/// the exit status, are made.
package struct Standing: Sendable, Equatable, Codable {
    /// What should run, in order of name.
    package var services: [Service]

    package struct Service: Sendable, Equatable, Codable {
        package enum State: String, Sendable, Codable {
            case works
            /// Its health check has not decided yet.
            case starting
            /// A job that has exited with status 0.
            case done
            case doesNotWork = "does-not-work"
        }

        package var name: String
        package var state: State
        /// Containers that work, and how many there should be.
        package var ready: Int
        package var wanted: Int
        /// Containers whose process runs, whether it works or not.
        package var running: Int
        /// How often the engine has restarted its containers.
        package var restarts: Int
        /// Since when the service is in this state, in Unix milliseconds; nil when the engine did not say.
        package var since: Int?
        /// Why it does not work.
        package var trouble: Trouble?
        /// False for a service that all its dependants can do without: it fails nothing.
        package var isRequired: Bool

        package init(
            name: String, state: State, ready: Int, wanted: Int, running: Int? = nil, restarts: Int,
            since: Int? = nil, trouble: Trouble? = nil, isRequired: Bool = true
        ) {
            self.running = running ?? (state == .done ? 0 : ready)
            self.name = name
            self.state = state
            self.ready = ready
            self.wanted = wanted
            self.restarts = restarts
            self.since = since
            self.trouble = trouble
            self.isRequired = isRequired
        }
    }

    /// Why a service does not work.
    package struct Trouble: Sendable, Equatable, Codable {
        package enum Kind: String, Sendable, Codable {
            case unhealthy, exited, restarting, paused, missing, dead
            case notStarted = "not-started"
            case portNotPublished = "port-not-published"
        }

        package var kind: Kind
        /// What is wrong, to follow the service's name: `is unhealthy`, `has exited (137)`.
        package var text: String
        /// The last thing its health check printed; nil when it has none or printed nothing.
        package var probe: String?
        /// The container concerned; nil for one that is missing.
        package var container: ContainerID?

        package init(kind: Kind, text: String, probe: String? = nil, container: ContainerID? = nil) {
            self.kind = kind
            self.text = text
            self.probe = probe
            self.container = container
        }
    }

    package init(services: [Service]) { self.services = services }

    /// What does not work although it must.
    package var broken: [Service] { services.filter { $0.state == .doesNotWork && $0.isRequired } }

    /// Everything that must work does, or is on its way.
    package var works: Bool { broken.isEmpty }

    /// Everything is decided: no health check is still starting.
    package var isSettled: Bool { !services.contains { $0.state == .starting } }

    /// At least one container runs, or nothing has to.
    package var runsAnything: Bool { services.contains { $0.running > 0 } || services.isEmpty }

    /// What differs from what was deployed only because containers are missing: the next deployment makes them again.
    package var isOnlyMissing: Bool { broken.allSatisfy { $0.trouble?.kind == .missing } }
}

extension Standing {
    /// Compares what should run with what does.
    ///
    /// - Parameters:
    ///   - completed: services that are known to have run to completion.
    ///   - now: the wall clock in Unix milliseconds.
    ///   - loopRestarts: restarts after which a container that has just started counts as being in a loop.
    package init(
        _ expectation: Expectation, _ observed: ObservedState, completed: Set<String> = [], now: Int,
        loopRestarts: Int = 1
    ) {
        let containers = Dictionary(
            grouping: observed.containers.filter { !$0.isOneOff && $0.parked == nil }, by: \.service)
        services = expectation.services.values.sorted { $0.name < $1.name }.map { wanted in
            Service(
                wanted, containers[wanted.name] ?? [], isCompleted: completed.contains(wanted.name),
                Clock(now: now, loopRestarts: loopRestarts))
        }
    }
}

extension Standing {
    /// The time, and what tells a loop of restarts.
    fileprivate struct Clock {
        /// For how long a container has to run not to count as being in a loop, in milliseconds: the engine doubles its pause
        /// as long as a container ends within ten seconds.
        static let loopUptime = 10_000

        var now: Int
        var loopRestarts: Int
    }
}

extension Standing.Service.State {
    /// Which of several containers count first.
    fileprivate var rank: Int {
        switch self {
        case .works: 0
        case .done: 1
        case .starting: 2
        case .doesNotWork: 3
        }
    }
}

extension Standing.Service {
    fileprivate init(
        _ wanted: Expectation.Service, _ all: [ObservedState.Container], isCompleted: Bool, _ clock: Standing.Clock
    ) {
        // While a deployment is under way there are more than there should be.
        let best = all.map { ($0, Self.judge($0, wanted, isCompleted: isCompleted, clock)) }
            .sorted { $0.1.state.rank < $1.1.state.rank }.prefix(wanted.replicas)
        let containers = best.map(\.0)
        let judged = best.map(\.1)
        let good = judged.filter { $0.state != .doesNotWork }
        let missing = wanted.replicas - containers.count
        self.init(
            name: wanted.name, state: .works, ready: good.count, wanted: wanted.replicas,
            running: containers.count { $0.state == .running }, restarts: containers.map(\.restartCount).reduce(0, +),
            isRequired: wanted.isRequired)
        if let worst = judged.first(where: { $0.state == .doesNotWork }) {
            (state, since, trouble) = (.doesNotWork, worst.since, worst.trouble)
        } else if containers.isEmpty, isCompleted, wanted.isJob {
            // Somebody removed what was left of it.
            state = .done
        } else if missing > 0 {
            state = .doesNotWork
            let what = wanted.replicas == 1 ? "is missing" : "misses \(missing) of \(wanted.replicas) containers"
            trouble = .init(kind: .missing, text: what)
        } else if let starting = judged.first(where: { $0.state == .starting }) {
            (state, since) = (.starting, starting.since)
        } else {
            state = !judged.isEmpty && judged.allSatisfy { $0.state == .done } ? .done : .works
            since = judged.compactMap(\.since).max()
        }
    }

    private typealias Judgement = (state: State, since: Int?, trouble: Standing.Trouble?)

    private static func judge(
        _ container: ObservedState.Container, _ wanted: Expectation.Service, isCompleted: Bool, _ clock: Standing.Clock
    ) -> Judgement {
        func broken(_ kind: Standing.Trouble.Kind, _ text: String, since: Int?) -> Judgement {
            let probe = kind == .unhealthy ? container.probe?.output : nil
            let trouble = Standing.Trouble(
                kind: kind, text: text, probe: probe.flatMap { $0.isEmpty ? nil : $0 }, container: container.id)
            return (.doesNotWork, since, trouble)
        }
        switch container.state {
        case .running:
            return running(container, wanted, clock, broken)
        case .exited where container.exitCode == 0 && isDone(container, wanted, isCompleted: isCompleted):
            return (.done, container.finishedAt, nil)
        case .exited:
            return broken(.exited, "has exited (\(container.exitCode))", since: container.finishedAt)
        case .restarting:
            return broken(.restarting, restarts(container), since: container.finishedAt)
        case .paused: return broken(.paused, "is paused", since: nil)
        case .created: return broken(.notStarted, "was never started", since: nil)
        case .dead, .removing: return broken(.dead, "is being removed by the engine", since: container.finishedAt)
        }
    }

    private static func running(
        _ container: ObservedState.Container, _ wanted: Expectation.Service, _ clock: Standing.Clock,
        _ broken: (Standing.Trouble.Kind, String, Int?) -> Judgement
    ) -> Judgement {
        if container.health == .unhealthy {
            return broken(.unhealthy, "is unhealthy", container.probe?.failingSince)
        }
        if container.health != .healthy, container.restartCount >= clock.loopRestarts,
            let started = container.startedAt, clock.now - started < Standing.Clock.loopUptime
        {
            return broken(.restarting, restarts(container), started)
        }
        let published = container.ports.compactMap { $0.split(separator: ">").last.map(String.init) }
        if let port = wanted.publishedPorts.subtracting(published).min() {
            return broken(.portNotPublished, "does not publish its port \(port)", container.startedAt)
        }
        return (container.health == .starting ? .starting : .works, container.startedAt, nil)
    }

    private static func restarts(_ container: ObservedState.Container) -> String {
        let count = container.restartCount
        return "keeps restarting (\(count) time\(count == 1 ? "" : "s"), last exit status \(container.exitCode))"
    }

    /// Whether exit status 0 means that a job is done, and not that somebody stopped it.
    private static func isDone(
        _ container: ObservedState.Container, _ wanted: Expectation.Service, isCompleted: Bool
    ) -> Bool {
        if container.restartsAfterSuccess { return false }
        return isCompleted || wanted.isJob && container.endedByItself != false
    }
}
