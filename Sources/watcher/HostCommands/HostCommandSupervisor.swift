internal import CLinux
internal import Deploy
internal import Foundation

/// The process that runs one command on the host and answers for everything that comes of it.
///
/// It reads an order (a line of JSON) from standard input, a socket, on which it answers when all is over. It keeps its own
/// user: the command runs below a keeper, in a PID namespace where that is permitted, and whatever the command leaves
/// behind, daemons included, is killed before the answer. What cannot be killed makes the answer a failure.
enum HostCommandSupervisor {
    /// The name of the hidden command.
    static let command = "host-command"

    struct Order: Codable {
        var arguments: [String]
        /// All variables of the command, but HOME of another user.
        var environment: [String: String]
        /// Absolute.
        var directory: String
        var seconds: Double
        var user: String?
        /// The file mode creation mask; nil keeps this process's.
        var mask: Int?
        var input: String
    }

    struct Answer: Codable {
        var status: Int?
        var signal: Int?
        var isLate = false
        /// Why the command never ran.
        var trouble: String?
        /// Why nothing that it did can be relied on.
        var loss: String?

        var end: HostCommandEnd {
            if let loss { return .lost(loss) }
            if let trouble { return .notStarted(trouble) }
            if isLate { return .timedOut }
            if let signal { return .killed(signal: signal) }
            return status.map { .exited(status: $0) } ?? .lost("ended without a status")
        }
    }

    /// Why a command cannot be run.
    struct Trouble: Error {
        var text: String

        init(_ text: String) { self.text = text }
        init(_ doing: String, _ code: Int32) { text = "cannot \(doing): \(String(cString: strerror(code)))" }
    }

    static func main() -> Never {
        signal(SIGPIPE, SIG_IGN)
        guard let line = readLine(strippingNewline: true),
            let order = try? JSONDecoder().decode(Order.self, from: Data(line.utf8))
        else { exit(64) }
        _ = clinux_adopt_orphans()
        _ = clinux_hide_from_debuggers()
        var answer = Answer()
        do {
            answer = try SupervisedCommand(order).run()
        } catch let error as Trouble {
            answer.trouble = error.text
        } catch {
            answer.trouble = "\(error)"
        }
        let said = (try? JSONEncoder().encode(answer)) ?? Data()
        _ = said.withUnsafeBytes { send(0, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        exit(0)
    }
}
