internal import Deploy
internal import Foundation
internal import Synchronization

/// Shows events while they happen: NDJSON on stdout, a coloured line each on a terminal, a plain line each elsewhere.
struct Progress: Sendable {
    enum Style: Sendable { case quiet, lines, json }

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
        }
    }

    private func say(_ event: Event, _ project: String) {
        let (text, priority) = line(event, of: project)
        terminal.message(text, priority: priority)
    }

    func isWorthALine(_ event: Event) -> Bool {
        switch (event.kind, event.state) {
        case (.log, _), (_, .failed), (_, .warning): true
        case (.progress, .started): event.stage == .fetch || event.stage == .rollback || event.stage == .pull
        case (.progress, .running), (.progress, .succeeded): event.stage != .record
        case (.status, _), (_, .skipped): false
        }
    }

    /// The line for people and its syslog priority.
    func line(_ event: Event, of project: String) -> (text: String, priority: Int) {
        var text = namesProject ? "\(project): " : ""
        let stage = event.stage.rawValue.padding(toLength: 9, withPad: " ", startingAt: 0)
        text += stage.colored(.dim, terminal.colorsError)
        if let service = event.service?.printable, !event.line.hasPrefix("\(service): ") {
            text += "\(service): ".colored(.bold, terminal.colorsError)
        }
        let line = event.line.printable
        switch event.state {
        case .failed: text += line.colored(.red, terminal.colorsError)
        case .warning: text += "warning: ".colored(.yellow, terminal.colorsError) + line
        case .succeeded: text += line.colored(.green, terminal.colorsError)
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
