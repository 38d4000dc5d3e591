internal import Deploy
internal import Foundation

/// When systemd starts the next run; nothing on a machine without systemd, or where its answer cannot be read.
enum NextRun {
    private struct Timer: Decodable {
        var unit: String
        /// Microseconds since 1970; nil for a timer whose unit runs or that is not started.
        var next: UInt64?
    }

    /// Asks systemd for the timers of watcher: their next times in Unix milliseconds, by unit.
    ///
    /// `list-timers` and not `show`: a timer that counts from the end of the last run has a time of the monotonic clock, and
    /// only `list-timers` translates it.
    static func timers(_ commands: some HostCommands) async -> [String: Int] {
        guard FileManager.default.fileExists(atPath: "/run/systemd/system") else { return [:] }
        let arguments = ["systemctl", "list-timers", "--output=json", "watcher.timer", "watcher@*.timer"]
        let command = HostCommand(arguments: arguments, title: "systemctl", directory: "/", timeout: .seconds(2))
        let lines = OutputTail(count: 1000)
        guard let end = try? await commands.run(command, output: { lines.add($0) }), end == .exited(status: 0) else {
            return [:]
        }
        return times(lines.lines.joined(separator: "\n"))
    }

    /// Reads the answer of `systemctl list-timers --output=json`.
    static func times(_ json: String) -> [String: Int] {
        guard let timers = try? JSONDecoder().decode([Timer].self, from: Data(json.utf8)) else { return [:] }
        let known = timers.compactMap { timer in
            // systemd writes "never" as the greatest number there is.
            timer.next.flatMap { $0 > 0 && $0 < UInt64(Int.max) ? (timer.unit, Int($0 / 1000)) : nil }
        }
        return Dictionary(known, uniquingKeysWith: { first, _ in first })
    }

    /// The sooner of the timer for all projects and the project's own.
    static func next(of project: String, _ timers: [String: Int]) -> Int? {
        [timers["watcher.timer"], timers["watcher@\(project).timer"]].compactMap(\.self).min()
    }
}
