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

    /// The result for people: a headline and what changes, for each project.
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
            let isPreview = result.outcome == .pending || result.outcome == .drift
            if isPreview || command == "check" {
                lines += result.changes.map { "  \($0.description.printable)" }
            }
            lines += result.warnings.map { "  \("warning".colored(.yellow, colors)): \($0.printable)" }
            return lines.joined(separator: "\n") + "\n"
        }.joined()
    }

    /// What went wrong, for stderr: what, where, the last words of the container, what to do next.
    func failures() -> [String] {
        projects.compactMap { project in
            guard let failure = project.result.failure else { return nil }
            let problems = failure.message.printable.split(separator: "\n")
            var lines = problems.map { "watcher: \(project.result.project): \($0)" }
            if !failure.logLines.isEmpty {
                lines.append("  last lines\(failure.service.map { " of \($0)" } ?? ""):")
                lines += failure.logLines.map { "  | \($0.printable)" }
            }
            if !failure.advice.isEmpty { lines += failure.advice.printable.split(separator: "\n").map { "  \($0)" } }
            return lines.joined(separator: "\n")
        }
    }
}
