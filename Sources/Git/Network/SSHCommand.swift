import Reconcile
import Trust

/// The command line with which git's server side is reached over ssh, as git itself would write it.
struct SSHCommand: Equatable {
    /// Searched for in `PATH` when it holds no slash.
    var program: String
    /// The whole vector, the program's name first.
    var arguments: [String]
    /// The configuration with which the command would connect, as OpenSSH's `-G` tells it; nil for a plain `ssh`, whose
    /// options are ours.
    var inspection: [String]?
    /// What follows `ssh`, where that is what runs.
    var plainArguments: [String]? { inspection == nil ? Array(arguments.dropFirst()) : nil }

    /// Honours `GIT_SSH_COMMAND` and `GIT_SSH` as git does. Our options come after those of `GIT_SSH_COMMAND`, and ssh takes
    /// the first value of an option: what the command says wins, and so `inspection` is to be looked at first.
    ///
    /// Throws for `GIT_SSH_VARIANT=simple`: a program that takes no options cannot be told to verify host keys.
    ///
    /// - Parameters:
    ///   - isAnonymous: Offers no key, not even those that ssh finds by itself.
    ///   - remoteCommand: What runs there; nil is what a fetch needs.
    init(
        to url: GitRemoteURL, sshKey: String?, knownHosts: String?, isAnonymous: Bool = false,
        remoteCommand: String? = nil, environment: [String: String]
    ) throws {
        func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        guard variable("GIT_SSH_VARIANT") != "simple" else {
            throw GitError(
                .invalidConfiguration, "GIT_SSH_VARIANT=simple: such a program cannot be told to verify host keys",
                advice: "Unset GIT_SSH and GIT_SSH_VARIANT, and write what ssh needs into ssh_config.")
        }
        var options = StrictSSH.options(key: sshKey, knownHosts: knownHosts)
        if isAnonymous {
            for way in ["Pubkey", "GSSAPI", "Hostbased"] { options += ["-o", "\(way)Authentication=no"] }
        }
        if let port = url.port { options += ["-p", String(port)] }
        let destination = url.user.map { "\($0)@\(url.host)" } ?? url.host
        let tail = options + [destination, remoteCommand ?? "git-upload-pack \(Self.shellQuoted(url.path))"]
        if let command = variable("GIT_SSH_COMMAND") {
            program = "/bin/sh"
            let head = ["sh", "-c", "\(command) \"$@\"", command]
            arguments = head + tail
            inspection = head + ["-G"] + options + [destination]
        } else if let other = variable("GIT_SSH") {
            program = other
            arguments = [other] + tail
            inspection = [other, "-G"] + options + [destination]
        } else {
            program = "ssh"
            arguments = ["ssh"] + tail
        }
    }

    /// One word for the remote shell; `!` is kept out of quotes for csh, as git does.
    static func shellQuoted(_ text: String) -> String {
        var result = "'"
        for character in text {
            switch character {
            case "'": result += "'\\''"
            case "!": result += "'\\!'"
            default: result.append(character)
            }
        }
        return result + "'"
    }
}

extension SSHCommand {
    /// Refuses a command of `GIT_SSH_COMMAND` or `GIT_SSH` that would let in a host that is not known.
    ///
    /// Asks it with OpenSSH's `-G` how it would connect; one that does not answer is refused, too.
    func checkStrictness(knownHosts: String?, environment: [String: String]) throws {
        guard let inspection else { return }
        let process = try SSHProcess(
            SSHCommand(program: program, arguments: inspection), environment: environment)
        var text: [UInt8] = []
        var buffer = [CChar](repeating: 0, count: 65536)
        while case let got = try process.read(into: &buffer, count: buffer.count), got > 0, text.count < 1 << 20 {
            text += buffer[..<got].map { UInt8(bitPattern: $0) }
        }
        let status = process.end()
        let weaknesses = StrictSSH.weaknesses(
            inConfiguration: String(decoding: text, as: UTF8.self), knownHosts: knownHosts)
        guard status != 0 || !weaknesses.isEmpty else { return }
        let name = program == "/bin/sh" ? "GIT_SSH_COMMAND" : "GIT_SSH"
        throw GitError(
            .invalidConfiguration,
            status != 0
                ? "\(name) does not say with -G, as OpenSSH does, whether it verifies host keys:\n\(process.said)"
                : "\(name) switches the verification of host keys off: \(weaknesses.joined(separator: ", "))",
            advice:
                "Host keys are always verified, with git.known_hosts only where that is set. Unset \(name), or remove "
                + "the option from it.")
    }

    private init(program: String, arguments: [String]) {
        self.program = program
        self.arguments = arguments
    }
}
