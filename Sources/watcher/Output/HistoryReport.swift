internal import Deploy
internal import Reconcile

/// The record of one deployment as it is shown: the same keys in lists and details.
struct DeploymentView: Encodable {
    var id: DeploymentID
    var project: String
    var kind: Deployment.Kind
    var status: Deployment.Status
    var commit: Commit
    var reason: Reason?
    var message: String?
    /// The service it failed with, and its container's last lines; in details only.
    var service: String?
    var logLines: [String]?
    /// Who signed the commit, as it was verified then; in details only.
    var signature: Signer?
    var startedAt: Int
    var finishedAt: Int?
    var attempts: Int
    var changes: [Plan.Change]

    init(_ deployment: Deployment) {
        id = deployment.id
        project = deployment.id.project
        kind = deployment.kind
        status = deployment.status
        commit = deployment.commit
        reason = deployment.reason
        message = deployment.message
        service = deployment.service
        logLines = deployment.logLines.isEmpty ? nil : deployment.logLines
        signature = deployment.signature
        startedAt = deployment.startedAt
        finishedAt = deployment.finishedAt
        attempts = deployment.attempts
        changes = deployment.changes
    }

    /// How long it took; nil while it is open, and for one that was repeated.
    var duration: Int? { attempts > 1 ? nil : finishedAt.map { $0 - startedAt } }
}

/// `history`: a line each, newest first.
struct HistoryReport: Encodable {
    let schema = JSONOutput.schema
    var deployments: [DeploymentView]

    init(_ deployments: [Deployment]) { self.deployments = deployments.map(DeploymentView.init) }

    /// - Parameter nothing: what to say when there is none.
    func text(nothing: String) -> String {
        guard !deployments.isEmpty else { return "\(nothing)\n" }
        let rows = deployments.map { deployment -> [String] in
            // Of a repeated one the times are those of the first and the last try.
            let took = deployment.duration.map(Times.span) ?? "-"
            var what = deployment.commit.subject
            if let message = deployment.message { what += ": " + String(message.prefix { $0 != "\n" }) }
            if deployment.attempts > 1 {
                let last =
                    deployment.finishedAt.map { ", last \(Times.short($0, besides: deployment.startedAt))" } ?? ""
                what += " (\(deployment.attempts) times\(last))"
            }
            return [
                deployment.id.description, deployment.kind.rawValue, deployment.status.rawValue,
                deployment.commit.id.short, Times.local(deployment.startedAt), took, what.printable,
            ]
        }
        return Table(header: ["ID", "KIND", "STATUS", "COMMIT", "STARTED", "TOOK", "WHAT"], rows: rows).text()
    }
}

/// `history show`: everything about one deployment.
struct DeploymentReport: Encodable {
    let schema = JSONOutput.schema
    var deployment: DeploymentView
    /// The Compose files as they were, by path; with `--compose`.
    var composeFiles: [String: String]?
    /// With `--events`.
    var events: [Event]?
    /// The image id of each service.
    var images: [String: String]

    private enum CodingKeys: String, CodingKey { case schema, deployment, composeFiles, events, images }

    func text() -> String {
        let view = deployment
        var lines = [
            "deployment \(view.id)",
            "Kind:     \(view.kind.rawValue)",
            "Status:   \(view.status.rawValue)",
            "Commit:   \(view.commit.id.hex)",
            "Author:   \(view.commit.author.printable)",
            "Subject:  \(view.commit.subject.printable)",
        ]
        if let signer = view.signature { lines.append("Signed:   \(signer.description.printable)") }
        lines.append("Started:  \(Times.local(view.startedAt))")
        if let duration = view.duration { lines.append("Took:     \(Times.span(duration))") }
        if view.attempts > 1, let finished = view.finishedAt {
            lines.append("Last try: \(Times.local(finished)) (\(view.attempts) times)")
        }
        if let reason = view.reason { lines.append("Reason:   \(reason.rawValue)") }
        if let message = view.message {
            lines.append("Message:  \(message.printable.split(separator: "\n").joined(separator: "\n          "))")
        }
        lines += failureLines
        if !view.changes.isEmpty {
            lines.append("Changes:")
            lines += view.changes.map { "  \($0.description.printable)" }
        }
        if !images.isEmpty {
            lines.append("Images:")
            lines += images.sorted { $0.key < $1.key }.map { "  \($0.key): \($0.value)".printable }
        }
        for (path, text) in (composeFiles ?? [:]).sorted(by: { $0.key < $1.key }) {
            lines += ["", "--- \(path.printable)", text.printable]
        }
        if let events {
            lines.append("Events:")
            lines += events.map { event in
                let service = event.service.map { "\($0.printable): " } ?? ""
                let what = "\(event.stage.rawValue) \(event.state.rawValue)"
                return "  \(Times.local(event.at))  \(what)  \(service)\(event.line.printable)"
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension DeploymentReport {
    /// What the health check and the container printed last before it failed.
    fileprivate var failureLines: [String] {
        let all = deployment.logLines ?? []
        let service = deployment.service.map { " of \($0.printable)" } ?? ""
        let mark = Deployment.probeMark
        let probe = all.filter { $0.hasPrefix(mark) }.map { "  | \($0.dropFirst(mark.count))".printable }
        let log = all.filter { !$0.hasPrefix(mark) }.map { "  | \($0.printable)" }
        return (probe.isEmpty ? [] : ["Health check\(service):"] + probe)
            + (log.isEmpty ? [] : ["Last lines\(service):"] + log)
    }
}

/// `history diff`: what differs between the Compose files of two deployments, line by line.
struct DeploymentDifference: Encodable {
    struct Line: Encodable {
        /// ` `, `-` or `+`.
        var mark: String
        var text: String
    }

    struct File: Encodable {
        var path: String
        var lines: [Line]
    }

    let schema = JSONOutput.schema
    var from: DeploymentID
    var to: DeploymentID
    var files: [File]

    init(from old: Deployment, to new: Deployment) {
        from = old.id
        to = new.id
        let before = old.snapshot?.composeFiles ?? [:]
        let after = new.snapshot?.composeFiles ?? [:]
        files = Set(before.keys).union(after.keys).sorted().compactMap { path in
            before[path] == after[path]
                ? nil : File(path: path, lines: Self.lines(before[path] ?? "", after[path] ?? ""))
        }
    }

    private enum CodingKeys: String, CodingKey { case schema, from, to, files }

    /// The lines of a text; what ends the last one makes no further line.
    private static func split(_ text: String) -> [String] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        return lines
    }

    private static func lines(_ old: String, _ new: String) -> [Line] {
        let before = split(old)
        let after = split(new)
        let difference = after.difference(from: before)
        let removed = Set(difference.removals.compactMap { if case .remove(let at, _, _) = $0 { at } else { nil } })
        let inserted = Set(difference.insertions.compactMap { if case .insert(let at, _, _) = $0 { at } else { nil } })
        var lines: [Line] = []
        var next = 0
        for (index, text) in before.enumerated() {
            if removed.contains(index) {
                lines.append(Line(mark: "-", text: text))
                continue
            }
            while inserted.contains(next) {
                lines.append(Line(mark: "+", text: after[next]))
                next += 1
            }
            lines.append(Line(mark: " ", text: text))
            next += 1
        }
        lines += after[min(next, after.count)...].map { Line(mark: "+", text: $0) }
        return lines
    }

    /// As `diff -u` shows it, with three lines around every change.
    func text(colors: Bool) -> String {
        guard !files.isEmpty else { return "the Compose files are the same\n" }
        return files.map { file in
            let path = file.path.printable
            return "--- \(from) \(path)\n+++ \(to) \(path)\n" + Self.hunks(file.lines, colors)
        }.joined()
    }

    private static func hunks(_ lines: [Line], _ colors: Bool) -> String {
        var isShown = [Bool](repeating: false, count: lines.count)
        for index in lines.indices where lines[index].mark != " " {
            for near in max(0, index - 3)...min(lines.count - 1, index + 3) { isShown[near] = true }
        }
        var text = ""
        var number = 0
        var isInside = true
        for (index, line) in lines.enumerated() {
            if line.mark != "-" { number += 1 }
            if isShown[index] {
                if !isInside { text += "@@ line \(line.mark == "-" ? number + 1 : number)\n" }
                text += colored(line, colors) + "\n"
            }
            isInside = isShown[index]
        }
        return text
    }

    private static func colored(_ line: Line, _ colors: Bool) -> String {
        let text = "\(line.mark)\(line.text.printable)"
        switch line.mark {
        case "+": return text.colored(.green, colors)
        case "-": return text.colored(.red, colors)
        default: return text
        }
    }
}
