import Deploy
import Synchronization

/// A host whose commands do what the test says.
final class CommandsStandIn: HostCommands {
    struct State: Sendable {
        /// What was run, in order.
        var run: [HostCommand] = []
        /// How a command ends, by its title; else with status 0.
        var ends: [String: HostCommandEnd] = [:]
        /// What a command prints, by its title.
        var prints: [String: [String]] = [:]
    }

    private let held = Mutex(State())

    func with<Value: Sendable>(_ body: (inout State) -> Value) -> Value { held.withLock { body(&$0) } }

    var titles: [String] { with { $0.run.map(\.title) } }

    func run(_ command: HostCommand, output: @escaping @Sendable (String) -> Void) async throws -> HostCommandEnd {
        let (end, lines) = with { state in
            state.run.append(command)
            return (state.ends[command.title] ?? .exited(status: 0), state.prints[command.title] ?? [])
        }
        for line in lines { output(line) }
        return end
    }
}
