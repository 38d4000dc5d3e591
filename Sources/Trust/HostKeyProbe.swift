import FoundationEssentials
import Glibc

/// Finds out which key a server shows, after ssh refused it: by a second ssh that goes the same way (aliases, jump hosts),
/// logs in nowhere, and notes the key in a file that is thrown away.
package enum HostKeyProbe {
    /// The finding for a refused host. Blocks, for twelve seconds at most.
    ///
    /// - Parameters:
    ///   - arguments: what follows `ssh` on the refused command line; nil when another program was run, whose options could
    ///     win over those of the probe: nothing is asked then.
    ///   - said: what ssh printed, which names the line of the key that it knows.
    package static func finding(
        _ finding: HostKeyFinding, arguments: [String]?, said: [String], environment: [String: String]
    ) -> HostKeyFinding {
        var finding = finding
        finding.shown = arguments.flatMap { shown(by: $0, environment) }
        if let (place, key) = known(said) {
            finding.knownPlace = place
            finding.known = key
        }
        return finding
    }

    /// `Offending ED25519 key in /root/.ssh/known_hosts:3`
    private static func known(_ said: [String]) -> (String, HostKey)? {
        for line in said where line.hasPrefix("Offending ") {
            guard let mark = line.firstRange(of: " key in ") else { continue }
            let place = String(line[mark.upperBound...])
            guard let colon = place.lastIndex(of: ":"), let number = Int(place[place.index(after: colon)...]),
                number > 0,
                let data = FileManager.default.contents(atPath: String(place[..<colon]))
            else { continue }
            let lines = String(decoding: data, as: UTF8.self).split(
                omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            if number <= lines.count, let key = HostKey(knownHostsLine: lines[number - 1]) { return (place, key) }
        }
        return nil
    }

    private static func shown(by arguments: [String], _ environment: [String: String]) -> HostKey? {
        var template = Array("/tmp/watcher-hostkey-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { return nil }
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let file = directory + "/known_hosts"
        // ssh takes the first value of an option, so these win.
        let options = [
            "StrictHostKeyChecking=accept-new", "UserKnownHostsFile=\(file)", "GlobalKnownHostsFile=/dev/null",
            "HashKnownHosts=no", "PreferredAuthentications=none", "PubkeyAuthentication=no", "ConnectTimeout=8",
            "LogLevel=QUIET",
        ]
        run(["ssh"] + options.flatMap { ["-o", $0] } + arguments, environment, seconds: 12)
        guard let data = FileManager.default.contents(atPath: file) else { return nil }
        return String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline).lazy
            .compactMap { HostKey(knownHostsLine: $0) }.first
    }

    /// Runs a program to its end with nothing on its standard input and output; kills it, and what it started, when the time
    /// is over.
    private static func run(_ command: [String], _ environment: [String: String], seconds: Int) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        for output in [Int32(1), 2] { posix_spawn_file_actions_addopen(&actions, output, "/dev/null", O_WRONLY, 0) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var arguments = command.map { strdup($0) } + [nil]
        var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var process: pid_t = 0
        guard posix_spawnp(&process, command[0], &actions, &attributes, &arguments, &variables) == 0 else { return }
        let start = ContinuousClock.now
        var status: Int32 = 0
        while waitpid(process, &status, WNOHANG) == 0 {
            if ContinuousClock.now - start > .seconds(seconds) { kill(-process, SIGKILL) }
            usleep(10_000)
        }
    }
}
