internal import Compose
internal import Deploy
internal import DockerEngine
internal import Reconcile

/// `status`: how every project is doing, in one look.
struct StatusReport: Encodable {
    struct Container: Encodable {
        var name: String
        var id: String
        var state: String
        /// Only of a container that runs: what the engine remembers of one that does not is about an earlier life.
        var health: String?
        var exitCode: Int?
        var ports: [String]
        /// Only when asked for, and only of a container that runs.
        var stats: ContainerUsage?
    }

    struct Trouble: Encodable {
        var kind: Standing.Trouble.Kind
        var text: String
        var probe: String?
    }

    struct Service: Encodable {
        var name: String
        var image: String?
        var dependsOn: [String]
        var containers: [Container]
        /// How it is doing; nil where it should not run, or the engine could not be asked.
        var state: Standing.Service.State?
        var ready: Int?
        var wanted: Int?
        var restarts: Int?
        var since: Int?
        var trouble: Trouble?
    }

    /// The newest commit that a deploy saw, and what became of it.
    struct Tip: Encodable {
        enum State: String, Encodable {
            case deployed, skipped, suspended, waiting, invalid, refused, failed, pending, unfinished
            case inProgress = "in-progress"
        }

        var commit: Commit
        /// When it was seen first.
        var since: Int
        var state: State
        /// Why it is not deployed.
        var reason: String?
        var lastTry: DeploymentView?
    }

    /// The run that is under way.
    struct Run: Encodable {
        var pid: Int32
        var command: String
        var since: Int
    }

    struct Project: Encodable {
        var project: String
        /// False for a project that was deployed and is not in the configuration any more.
        var configured: Bool
        /// The last deployment that succeeded.
        var deployment: DeploymentView?
        /// The deployment that containers name, where it is newer than what is recorded: the database is an older copy.
        var unrecorded: DeploymentID?
        /// The commit that is deployed.
        var deployed: Commit?
        var tip: Tip?
        var outcome: Outcome
        var standing: Standing?
        /// A deployment that could not be rolled back, since the last that succeeded.
        var unresolved: DeploymentView?
        /// A deployment that has begun and not ended.
        var open: DeploymentView?
        var suspended: Suspension?
        /// That new commits have to wait for a deploy window, and until when.
        var closedWindow: String?
        var skipped: Int
        var run: Run?
        var nextRunAt: Int?
        var services: [Service]
        /// Why the engine could not be asked.
        var trouble: String?
        var exitStatus: Int32

        var status: ExitStatus { ExitStatus(rawValue: exitStatus) ?? .unexpected }
    }

    let schema = JSONOutput.schema
    var projects: [Project]

    private enum CodingKeys: String, CodingKey { case schema, projects }

    /// The most serious status of the configured projects.
    var status: ExitStatus { ExitStatus.mostSerious(projects.filter(\.configured).map(\.status)) }

    func text(colors: Bool, now: Int) -> String {
        projects.map { StatusText(project: $0, colors: colors, now: now).text() }.joined(separator: "\n")
    }
}

/// What is known of a project beside its record.
struct StatusFacts {
    var observed: ObservedState?
    /// Why the engine could not be asked.
    var trouble: String?
    var usage: [ContainerID: ContainerUsage] = [:]
    var run: StatusReport.Run?
    var nextRunAt: Int?
    var isConfigured = true
    /// That new commits have to wait for a deploy window, and until when.
    var closedWindow: String?
    /// Unix milliseconds.
    var now: Int
}

extension StatusFacts {
    /// The newest deployment that the containers of the project name.
    fileprivate func newestDeployment(of project: String) -> DeploymentID? {
        (observed?.containers ?? []).compactMap { container -> DeploymentID? in
            guard container.labels[ComposeLabels.watcherProject] == project else { return nil }
            return container.labels[ComposeLabels.watcherDeployment].flatMap(DeploymentID.init)
        }.max { $0.number < $1.number }
    }
}

extension StatusReport.Project {
    /// Joins what was recorded with what the engine, the lock and systemd say.
    init(_ name: String, _ record: ProjectRecord, _ facts: StatusFacts) {
        project = name
        configured = facts.isConfigured
        deployment = record.lastGood.map(DeploymentView.init)
        deployed = record.deployed ?? record.lastGood?.commit
        suspended = record.suspension(at: facts.now)
        closedWindow = facts.closedWindow
        skipped = record.skipped.count
        run = facts.run
        nextRunAt = facts.nextRunAt
        trouble = facts.trouble
        unresolved = record.unresolved.map(DeploymentView.init)
        open = record.open.map(DeploymentView.init)
        tip = StatusReport.Tip(record, facts)
        let standing = facts.observed.map { record.standing($0, now: facts.now) }
        let verdict = record.verdict(standing, now: facts.now, closedWindow: facts.closedWindow)
        outcome = facts.trouble == nil ? verdict.outcome : .error
        exitStatus = (facts.trouble == nil ? verdict.exitStatus : .engineUnreachable).rawValue
        self.standing = record.lastGood == nil ? nil : standing
        unrecorded = facts.newestDeployment(of: name).flatMap { $0.number >= record.nextNumber ? $0 : nil }
        if unrecorded != nil, outcome == .inSync {
            // What runs is not what is recorded, however well it works.
            outcome = .drift
            exitStatus = ExitStatus(.drift).rawValue
        }
        services = StatusReport.services(record.lastGood?.snapshot?.project, facts, self.standing)
    }
}

extension StatusReport {
    fileprivate static func services(
        _ model: Compose.Project?, _ facts: StatusFacts, _ standing: Standing?
    ) -> [Service] {
        let containers = Dictionary(
            grouping: (facts.observed?.containers ?? []).filter { $0.parked == nil && !$0.isOneOff }, by: \.service)
        let names = Set(containers.keys).union((model?.services).map { Set($0.keys) } ?? [])
        return names.sorted().map { name in
            let service = model?.services[name]
            var shown = Service(
                name: name, image: service.flatMap { service in model.map { service.imageName(in: $0) } },
                dependsOn: service?.dependsOn.keys.sorted() ?? [],
                containers: (containers[name] ?? []).sorted { $0.number < $1.number }.map {
                    Container($0, facts.usage[$0.id])
                })
            guard let state = standing?.services.first(where: { $0.name == name }) else { return shown }
            (shown.state, shown.ready, shown.wanted) = (state.state, state.ready, state.wanted)
            (shown.restarts, shown.since) = (state.restarts, state.since)
            shown.trouble = state.trouble.map { Trouble(kind: $0.kind, text: $0.text, probe: $0.probe) }
            return shown
        }
    }
}

extension StatusReport.Container {
    init(_ container: ObservedState.Container, _ usage: ContainerUsage?) {
        stats = usage
        name = container.name
        id = container.id.short
        state = container.state.rawValue
        health = container.state == .running ? container.health?.rawValue : nil
        exitCode = container.state == .exited ? container.exitCode : nil
        ports = container.ports
    }
}

extension StatusReport.Tip {
    /// Nil when no deploy has seen one.
    fileprivate init?(_ record: ProjectRecord, _ facts: StatusFacts) {
        guard let seen = record.observedTip else { return nil }
        // A heal of what is deployed may have come after the try.
        let latest = [record.latest, record.latestAttempt].lazy.compactMap(\.self)
            .first { $0.commit.id == seen.commit.id && $0.status != .open }
        self.init(commit: seen.commit, since: seen.since, state: .pending)
        if record.deployed?.id == seen.commit.id {
            state = .deployed
            return
        }
        lastTry = latest.map(DeploymentView.init)
        if record.open?.commit.id == seen.commit.id {
            state = facts.run == nil ? .unfinished : .inProgress
        } else if let skipped = record.skippedTip {
            (state, reason) = (.skipped, skipped.reason)
        } else if let latest, latest.status != .succeeded {
            (state, reason) = (State(latest.status), latest.message ?? latest.reason?.rawValue)
        }
        if state == .pending, let followed = record.followed, followed.commit != seen.commit.id {
            reason = "it does not follow \(followed.commit.short), the tip before"
        }
        if state == .pending, let window = facts.closedWindow { (state, reason) = (.waiting, window) }
        if [.pending, .failed, .waiting].contains(state), let suspension = record.suspension(at: facts.now) {
            (state, reason) = (.suspended, suspension.reason)
        }
    }
}

extension StatusReport.Tip.State {
    /// What became of a tip whose last try did not succeed.
    fileprivate init(_ status: Deployment.Status) {
        self =
            switch status {
            case .invalid: .invalid
            case .refused: .refused
            default: .failed
            }
    }
}
