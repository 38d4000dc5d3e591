import FoundationEssentials
import Reconcile
import Trust

/// An engine on another host, reached as docker does it: `docker system dial-stdio` there, through OpenSSH.
struct SSHDestination: Sendable, Equatable {
    var user: String?
    /// A name, an alias of ssh_config or an address; IPv6 without brackets.
    var host: String
    var port: Int?
    /// The engine's socket on that host; nil is what `docker` there takes.
    var socket: String?

    /// Reads what follows `ssh://`: `[user@]host[:port][/path/of/docker.sock]`; nil for anything else.
    init?(_ text: String) {
        var rest = text[...]
        if let slash = rest.firstIndex(of: "/") {
            let path = rest[slash...]
            socket = path == "/" ? nil : String(path)
            rest = rest[..<slash]
        }
        if let at = rest.lastIndex(of: "@") {
            let user = String(rest[..<at])
            // A password in the address would be an argument that others can see.
            guard !user.isEmpty, !user.contains(":"), Self.isWord(user) else { return nil }
            self.user = user
            rest = rest[rest.index(after: at)...]
        }
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { return nil }
            host = String(rest[rest.index(after: rest.startIndex)..<end])
            rest = rest[rest.index(after: end)...]
        } else {
            host = String(rest.prefix { $0 != ":" })
            rest = rest.dropFirst(host.count)
        }
        guard !host.isEmpty, Self.isWord(host) else { return nil }
        if rest.isEmpty { return }
        guard rest.first == ":", let port = Int(rest.dropFirst()), (1...65535).contains(port) else { return nil }
        self.port = port
    }

    /// Nothing that ssh could take for an option, or a shell for anything but a word.
    private static func isWord(_ text: String) -> Bool {
        !text.hasPrefix("-")
            && text.unicodeScalars.allSatisfy { $0.value > 0x20 && !"'\"\\`$;&|<>?#".unicodeScalars.contains($0) }
    }

    /// The whole command line after `ssh`. Host keys are always verified, and nobody is asked anything.
    func arguments(_ access: EngineEndpoint.SSHAccess) -> [String] {
        var arguments = StrictSSH.options(key: access.key, knownHosts: access.knownHosts)
        if let port { arguments += ["-p", String(port)] }
        if let user { arguments += ["-l", user] }
        let docker = socket.map { "docker --host \(Self.shellQuoted("unix://\($0)"))" } ?? "docker"
        return arguments + ["--", host, "\(docker) system dial-stdio"]
    }

    /// One word for the remote shell.
    private static func shellQuoted(_ text: String) -> String {
        "'" + text.replacing("'", with: "'\\''") + "'"
    }
}

extension SSHDestination {
    /// Which key the host shows, by asking it once more. Blocks for seconds.
    func finding(_ access: EngineEndpoint.SSHAccess, said: [String]) -> HostKeyFinding {
        HostKeyProbe.finding(
            HostKeyFinding(host: host, port: port, knownHosts: access.knownHosts), arguments: arguments(access),
            said: said, environment: ProcessInfo.processInfo.environment)
    }

    /// What an ssh that failed means, by its words: there are no codes for it.
    ///
    /// - Parameter finding: asked which key the host shows, when ssh refused it; given what ssh said.
    func failure(
        said text: String, status: String, _ access: EngineEndpoint.SSHAccess, finding: ([String]) -> HostKeyFinding
    ) -> SSHFailure {
        let lines = text.split(whereSeparator: \.isNewline).map { String($0).strippingControlCharacters() }
            .filter { !$0.allSatisfy { "@ ".contains($0) } }
        let said =
            lines.isEmpty ? "ssh exited (\(status)) and printed nothing" : lines.suffix(6).joined(separator: "\n")
        func says(_ parts: String...) -> Bool { parts.contains { part in lines.contains { $0.contains(part) } } }
        if says("REVOKED HOST KEY") {
            return SSHFailure(
                .hostKeyChanged, "the host key of \(host) is revoked in known_hosts:\n\(said)",
                "Ask the host's operator for its new key.")
        }
        if says("IDENTIFICATION HAS CHANGED", "Offending") {
            let (message, advice) = finding(lines).changed
            return SSHFailure(.hostKeyChanged, message, advice)
        }
        if says("Host key verification failed", "host key is known for") {
            let (message, advice) = finding(lines).unknown
            return SSHFailure(.hostKeyUnknown, message, advice)
        }
        if says("UNPROTECTED PRIVATE KEY", "Bad owner or permissions") {
            return SSHFailure(.permissions, "ssh refuses a file:\n\(said)", "Make it private: chmod 600.")
        }
        if says("Docker daemon socket", "docker.sock") {
            return SSHFailure(
                .engineUnreachable, "\(host) lets us in, but its engine cannot be reached:\n\(said)",
                "See whether the engine runs there, and whether the user is in the group that owns its socket.")
        }
        if says("docker: not found", "docker: command not found", "No such file or directory") {
            return SSHFailure(
                .engineUnreachable, "\(host) lets us in, but there is no docker command:\n\(said)",
                "Install Docker's command line there: it connects us to the engine (docker system dial-stdio).")
        }
        if says("Permission denied", "Too many authentication failures", "No supported authentication methods") {
            return SSHFailure(
                .authenticationFailed, "\(host) does not accept our key:\n\(said)",
                "Let the key in there (authorized_keys), or set engine.ssh_key to one that is.")
        }
        return SSHFailure(
            .engineUnreachable, "\(host) cannot be reached over ssh:\n\(said)",
            "Try it by hand: ssh \(port.map { "-p \($0) " } ?? "")\(host) docker system dial-stdio")
    }
}

/// Why an ssh ended before its time.
struct SSHFailure: Sendable, Equatable {
    var reason: Reason
    var detail: String
    var advice: String

    init(_ reason: Reason, _ detail: String, _ advice: String) {
        self.reason = reason
        self.detail = detail
        self.advice = advice
    }
}
