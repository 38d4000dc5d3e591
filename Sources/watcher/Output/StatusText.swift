internal import Deploy
internal import DockerEngine
internal import Reconcile

/// Draws one project: a headline, a line for each thing that one would ask, and the tree of its services.
struct StatusText {
    let project: StatusReport.Project
    let colors: Bool
    /// Unix milliseconds.
    let now: Int

    func text() -> String {
        let lines =
            [headline] + deployedLines + tipLines + standingLines + rollbackLines + runLines + tree()
        return lines.joined(separator: "\n") + "\n"
    }

    // MARK: - In a word

    private var headline: String {
        let (text, color) = word
        return "\(project.project.colored(.bold, colors)): \(text.colored(color, colors))"
    }

    private var word: (String, String.Color) {
        guard project.configured else { return ("no longer configured", .yellow) }
        if project.trouble != nil { return ("the engine could not be asked", .red) }
        let doing = project.standing.map(word) ?? "not deployed"
        switch project.outcome {
        case .suspended:
            return ("\(doing), suspended", project.standing?.works == false ? .red : .yellow)
        case .outsideWindow where project.deployment == nil: return ("not deployed yet", .yellow)
        case .skipped, .outsideWindow: return ("\(doing), but the tip is not deployed", .yellow)
        case .failed: return ("not deployed: no deployment has succeeded", .red)
        case .restoreFailed: return ("\(doing): a deployment failed, and so did rolling it back", .red)
        case .drift: return ("\(doing), but what runs is not what is recorded", .yellow)
        case _ where project.deployment == nil: return ("not deployed yet", .yellow)
        case .notWorking: return (doing, .red)
        case _ where project.standing?.works == true && [.invalid, .refused, .failed].contains(project.tip?.state):
            return ("\(doing), but the tip is not deployed", .yellow)
        default: return (doing, project.standing?.isSettled == false ? .yellow : .green)
        }
    }

    private func word(_ standing: Standing) -> String {
        if !standing.works { return standing.runsAnything ? "does not work" : "nothing runs" }
        return standing.isSettled ? "works" : "is starting"
    }

    // MARK: - Line by line

    /// `  label      text`
    private func line(_ label: String, _ text: String) -> String {
        "  \(label)\(String(repeating: " ", count: max(1, 12 - label.count)))\(text)"
    }

    private func more(_ text: String) -> String { line("", text) }

    private func firstLine(_ text: String) -> String { String(text.printable.prefix { $0 != "\n" }) }

    private var deployedLines: [String] {
        var lines: [String] = []
        if let unrecorded = project.unrecorded {
            lines.append(line("running", "\(unrecorded), which the database does not know: it is an older copy"))
        }
        guard let deployment = project.deployment, let commit = project.deployed else { return lines }
        let time = Times.since(deployment.finishedAt ?? deployment.startedAt, now: now)
        return lines + [
            line(
                project.unrecorded == nil ? "deployed" : "recorded",
                "\(commit.id.short) \(firstLine(commit.subject)), \(deployment.id) since \(time)")
        ]
    }

    private var tipLines: [String] {
        guard project.configured else { return [] }
        guard let tip = project.tip else {
            return project.deployment == nil
                ? [line("next", "`watcher deploy \(project.project)` deploys it for the first time")] : []
        }
        if tip.state == .deployed {
            let what = project.unrecorded == nil ? "deployed" : "recorded as deployed"
            return [line("tip", "\(tip.commit.id.short) is \(what)")]
        }
        let seen = "\(Times.local(tip.since)) (\(Times.age(now - tip.since)) ago)"
        let isOn = tip.state == .inProgress ? "is being deployed" : "is not deployed"
        var lines = [
            line("tip", "\(tip.commit.id.short) \(firstLine(tip.commit.subject)) \(isOn), first seen \(seen)")
        ]
        let why: String? =
            switch tip.state {
            case .skipped: "it is on the skip list"
            case .suspended: "deploys are suspended"
            case .waiting: "it waits for a deploy window"
            case .invalid: "its Compose project is invalid"
            case .refused: "it is refused"
            case .failed: "the last try failed"
            case .unfinished: "its deployment was never finished; the next run undoes that first"
            case .pending: "no run has deployed it yet"
            case .deployed, .inProgress: nil
            }
        if let why {
            let reason = tip.state == .suspended ? nil : tip.reason
            lines.append(more(why + (reason.map { ": \(firstLine($0))" } ?? "")))
        }
        if let last = tip.lastTry {
            let times = last.attempts > 1 ? " (\(last.attempts) times since \(Times.local(last.startedAt)))" : ""
            let end = Times.local(last.finishedAt ?? last.startedAt)
            lines.append(more("last try \(last.id) at \(end): \(last.status.rawValue)\(times)"))
        }
        return lines
    }

    private var standingLines: [String] {
        if let trouble = project.trouble {
            return trouble.printable.split(separator: "\n").map { line("engine", String($0).colored(.red, colors)) }
        }
        guard let standing = project.standing else { return [] }
        if standing.works { return worksLines(standing) }
        return standing.broken.flatMap { service -> [String] in
            var text = "\(service.name.printable) \(service.trouble?.text.printable ?? "does not work")"
            if let since = service.since { text += " since \(Times.since(since, now: now))" }
            if service.ready > 0 { text += ", \(service.ready) of \(service.wanted) work" }
            if service.restarts > 0, service.trouble?.kind != .restarting {
                text += ", restarted \(service.restarts) time\(service.restarts == 1 ? "" : "s")"
            }
            return [line("broken", text.colored(.red, colors))] + probeLines(service.trouble?.probe)
        }
    }

    private func worksLines(_ standing: Standing) -> [String] {
        let starting = standing.services.filter { $0.state == .starting }
        if !starting.isEmpty {
            return [line("starting", starting.map(\.name.printable).joined(separator: ", "))]
        }
        guard !standing.services.isEmpty else { return [] }
        let count = standing.services.count
        let since = standing.services.compactMap(\.since).max().map { " since \(Times.since($0, now: now))" } ?? ""
        return [line("works", "\(count == 1 ? "its service" : "all \(count) services")\(since)")]
    }

    private func probeLines(_ probe: String?) -> [String] {
        guard let probe else { return [] }
        return probe.printable.split(separator: "\n").map { more("| \($0)") }
    }

    private var rollbackLines: [String] {
        guard project.outcome == .restoreFailed, let failed = project.unresolved else { return [] }
        let why = failed.message.map { ": \(firstLine($0))" } ?? ""
        return [line("rollback", "of \(failed.id) failed\(why)")]
    }

    private var runLines: [String] {
        var lines: [String] = []
        if let suspension = project.suspended {
            let until = suspension.until.map(Times.local) ?? "`watcher resume \(project.project)`"
            lines.append(
                line(
                    "suspended",
                    "until \(until), since \(Times.local(suspension.since)): \(firstLine(suspension.reason))"))
        }
        if let window = project.closedWindow, project.tip?.state != .waiting {
            lines.append(line("window", window))
        }
        if project.skipped > 0 {
            lines.append(line("skip list", "\(project.skipped) commit\(project.skipped == 1 ? "" : "s")"))
        }
        if let run = project.run {
            lines.append(
                line("running now", "\(run.command) since \(Times.since(run.since, now: now)), process \(run.pid)"))
        } else if let open = project.open {
            let began = "\(open.id) was begun at \(Times.local(open.startedAt)) and never finished"
            lines.append(line("unfinished", "\(began); the next deploy undoes it first"))
        }
        if let next = project.nextRunAt {
            lines.append(line("next run", "\(Times.local(next)) (in \(Times.age(next - now)))"))
        }
        if !project.configured {
            lines.append(line("to remove", "`watcher down \(project.project)`"))
        }
        return lines
    }
}
