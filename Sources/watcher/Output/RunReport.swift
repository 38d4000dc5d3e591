internal import Deploy
internal import Reconcile

/// What a run did for its projects: one value for text, JSON and the exit status.
struct RunReport: Encodable {
    struct Project: Encodable {
        var result: RunResult
        var status: ExitStatus

        private enum CodingKeys: String, CodingKey { case exitStatus }

        func encode(to encoder: any Encoder) throws {
            try result.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(status.rawValue, forKey: .exitStatus)
        }
    }

    let schema = JSONOutput.schema
    let kind = "result"
    var command: String
    var projects: [Project]
    /// Set when a signal ended the run: the process ends with it, whatever the projects' own statuses are.
    var interruption: ExitStatus?
    var status: ExitStatus { interruption ?? ExitStatus.mostSerious(projects.map(\.status)) }

    init(command: String, results: [RunResult], interruption: ExitStatus? = nil) {
        self.command = command
        self.interruption = interruption
        projects = results.map { Project(result: $0, status: ExitStatus($0)) }
    }

    private enum CodingKeys: String, CodingKey { case schema, kind, command, projects, exitStatus }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(schema, forKey: .schema)
        try container.encode(kind, forKey: .kind)
        try container.encode(command, forKey: .command)
        try container.encode(projects, forKey: .projects)
        try container.encode(status.rawValue, forKey: .exitStatus)
    }

    /// The result for people: a headline, what would change, and what follows, for each project.
    func text(colors: Bool) -> String {
        projects.map { project in
            let result = project.result
            let color: String.Color =
                switch project.status {
                case .success: .green
                case .changesPending, .drift, .skipListed, .suspended: .yellow
                default: .red
                }
            var lines = ["\(result.project.colored(.bold, colors)): \(result.summary.printable.colored(color, colors))"]
            if result.isOnlyPlanned { lines += result.changes.map { "  \($0.description.printable)" } }
            lines += result.warnings.map { "  \("warning".colored(.yellow, colors)): \($0.printable)" }
            if let until = result.suspended?.until {
                lines.append("  suspended until \(Times.local(until))")
            }
            lines += result.next.map { "  next: \($0.printable)" }
            return lines.joined(separator: "\n") + "\n"
        }.joined()
    }

    /// What went wrong, for stderr: what, where, what the health check and the container said, what to do next.
    ///
    /// - Parameter now: Unix milliseconds.
    func failures(now: Int) -> [String] {
        projects.compactMap { project in
            let lines = failure(of: project.result) + broken(of: project.result, now: now)
            return lines.isEmpty ? nil : lines.joined(separator: "\n")
        }
    }

    private func failure(of result: RunResult) -> [String] {
        guard let failure = result.failure else { return [] }
        let service = failure.service.map { " of \($0.printable)" } ?? ""
        var lines = failure.message.printable.split(separator: "\n").map { "watcher: \(result.project): \($0)" }
        if let probe = failure.probe, !probe.isEmpty {
            lines.append("  health check\(service):")
            lines += quoted(probe)
        }
        if !failure.logLines.isEmpty {
            lines.append("  last lines\(service):")
            lines += failure.logLines.map { "  | \($0.printable)" }
        }
        return lines + failure.advice.printable.split(separator: "\n").map { "  \($0)" }
    }

    /// What runs as it was deployed, and does not work.
    private func broken(of result: RunResult, now: Int) -> [String] {
        guard [.notWorking, .restoreFailed].contains(result.outcome) else { return [] }
        return (result.standing?.broken ?? []).flatMap { service in
            let since = service.since.map { " since \(Times.since($0, now: now))" } ?? ""
            let what = "\(service.name.printable) \(service.trouble?.text.printable ?? "does not work")\(since)"
            return ["watcher: \(result.project): \(what)"] + (service.trouble?.probe.map(quoted) ?? [])
        }
    }

    private func quoted(_ text: String) -> [String] { text.printable.split(separator: "\n").map { "  | \($0)" } }
}

extension RunResult {
    /// The changes have not been made: the run only looked, or left them to the next one.
    fileprivate var isOnlyPlanned: Bool {
        deployment == nil && ![.stopped, .started, .removed].contains(outcome)
    }
}
