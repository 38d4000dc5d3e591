internal import Deploy
internal import Foundation
internal import Synchronization

/// Shows events while they happen: NDJSON on stdout; a plain line each on stderr; or, on a terminal, a live view: what
/// has just begun stands in one line at the end that the next event replaces.
struct Progress: Sendable {
    enum Style: Sendable { case quiet, lines, live, json }

    let terminal: Terminal
    let style: Style
    /// Show what otherwise only matters when it fails.
    let isVerbose: Bool
    /// Several projects are worked on: lines name theirs.
    let namesProject: Bool

    func show(_ event: Event, of project: String) {
        switch style {
        case .json: terminal.output(JSONOutput.line(StreamedEvent(event, of: project)))
        // What fails is said once, at the end, with what to do about it.
        case .quiet: break
        case .lines: if isVerbose || isWorthALine(event) { say(event, project) }
        case .live:
            if isVerbose || isWorthALine(event) && event.state != .started {
                terminal.clearTransient()
                say(event, project)
            } else if event.kind == .progress, event.state == .started {
                terminal.show(transient: line(event, of: project, colors: false).text)
            }
        }
    }

    /// Takes the live view's last line away, before anything else is written.
    func end() { if style == .live { terminal.clearTransient() } }

    private func say(_ event: Event, _ project: String) {
        let (text, priority) = line(event, of: project)
        terminal.message(text, priority: priority)
    }

    func isWorthALine(_ event: Event) -> Bool {
        switch (event.kind, event.state) {
        case (.status, _): false
        case (.log, _), (_, .failed), (_, .warning): true
        case (.progress, .started): event.stage == .fetch || event.stage == .rollback || event.stage == .pull
        case (.progress, .running), (.progress, .succeeded): event.stage != .record
        case (.progress, .skipped): false
        }
    }

    /// The line for people and its syslog priority.
    func line(_ event: Event, of project: String, colors: Bool? = nil) -> (text: String, priority: Int) {
        let colors = colors ?? terminal.colorsError
        var text = namesProject ? "\(project): " : ""
        let stage = event.stage.rawValue.padding(toLength: 9, withPad: " ", startingAt: 0)
        text += stage.colored(.dim, colors)
        if let service = event.service?.printable, !event.line.hasPrefix("\(service): ") {
            text += "\(service): ".colored(.bold, colors)
        }
        let line = event.line.printable
        switch event.state {
        case .failed: text += line.colored(.red, colors)
        case .warning: text += "warning: ".colored(.yellow, colors) + line
        case .succeeded: text += line.colored(.green, colors)
        case .started, .running, .skipped: text += event.kind == .log ? "| \(line)" : line
        }
        let priority =
            switch event.state {
            case .failed: 3
            case .warning: 4
            default: 6
            }
        return (text, priority)
    }
}

/// An event as it is streamed: with its project, because one run may concern several; without a deployment it is null.
struct StreamedEvent: Encodable {
    let event: Event
    let project: String

    private enum CodingKeys: String, CodingKey { case project, deploymentID = "deployment_id" }

    init(_ event: Event, of project: String) {
        self.event = event
        self.project = project
    }

    func encode(to encoder: any Encoder) throws {
        try event.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(project, forKey: .project)
        if event.deploymentID == nil { try container.encodeNil(forKey: .deploymentID) }
    }
}
