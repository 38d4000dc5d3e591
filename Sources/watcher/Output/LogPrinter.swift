internal import DockerEngine
internal import Reconcile
internal import Synchronization

/// Writes lines of containers: each with its service in front, aligned and in a colour of its own, or as JSON.
final class LogPrinter: Sendable {
    /// Nobody reads any more: the command ends, and that is no failure.
    struct ReaderGone: Error {}

    private struct Line: Encodable {
        let schema = JSONOutput.schema
        var service: String
        var container: String
        var stream: String
        var at: Int?
        var line: String
    }

    private static let palette: [String.Color] = [.cyan, .yellow, .green, .magenta, .blue]

    private let terminal: Terminal
    private let isJSON: Bool
    private let hasTimestamps: Bool
    /// The services in order, which decides their colours.
    private let services: [String]
    private let width: Mutex<Int>

    init(_ wiring: Wiring, timestamps: Bool, services: [String]) {
        terminal = wiring.terminal
        isJSON = wiring.options.format == .json
        hasTimestamps = timestamps
        self.services = services
        width = Mutex(services.map { $0.count + 2 }.max() ?? 0)
    }

    /// - Throws: `ReaderGone`.
    func print(_ line: LogLine, of container: ObservedState.Container) throws {
        terminal.output(isJSON ? json(line, container) : text(line, container))
        if Terminal.hasLostReader { throw ReaderGone() }
    }

    private func json(_ line: LogLine, _ container: ObservedState.Container) -> String {
        JSONOutput.line(
            Line(
                service: container.service, container: container.name, stream: line.stream.rawValue,
                at: line.nanoseconds.map { $0 / 1_000_000 }, line: line.text))
    }

    private func text(_ line: LogLine, _ container: ObservedState.Container) -> String {
        let name = "\(container.service)-\(container.number)"
        let width = width.withLock { width in
            width = max(width, name.count)
            return width
        }
        let index = services.firstIndex(of: container.service) ?? services.count
        let color = Self.palette[index % Self.palette.count]
        let label = (name + String(repeating: " ", count: width - name.count) + " |").colored(
            color, terminal.colorsOutput)
        let time = hasTimestamps ? line.at.map { "\($0) " } ?? "" : ""
        // A terminal would obey what a container writes.
        let words = terminal.isOutputTTY ? line.text.strippingControlCharacters() : line.text
        return "\(label) \(time)\(words)\n"
    }
}
