import Reconcile

/// The command line with which git's server side is reached over ssh, as git itself would write it.
struct SSHCommand: Equatable {
    /// Searched for in `PATH` when it holds no slash.
    var program: String
    /// The whole vector, the program's name first.
    var arguments: [String]

    /// Honours `GIT_SSH_COMMAND`, `GIT_SSH` and `GIT_SSH_VARIANT=simple` as git does. Our options come after those of
    /// `GIT_SSH_COMMAND`, and ssh takes the first value of an option: what the command says wins.
    init(to url: GitRemoteURL, sshKey: String?, knownHosts: String?, environment: [String: String]) {
        var options: [String] = []
        if environment["GIT_SSH_VARIANT"] != "simple" {
            for option in [
                "BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=20", "ServerAliveInterval=15",
                "ServerAliveCountMax=4", "ForwardAgent=no", "ForwardX11=no", "ClearAllForwardings=yes",
                "PermitLocalCommand=no",
            ] {
                options += ["-o", option]
            }
            if let sshKey { options += ["-i", sshKey, "-o", "IdentitiesOnly=yes"] }
            if let knownHosts { options += ["-o", "UserKnownHostsFile=\(Self.quoted(knownHosts))"] }
            if let port = url.port { options += ["-p", String(port)] }
        }
        options.append(url.user.map { "\($0)@\(url.host)" } ?? url.host)
        options.append("git-upload-pack \(Self.shellQuoted(url.path))")
        if let command = environment["GIT_SSH_COMMAND"], !command.isEmpty {
            program = "/bin/sh"
            arguments = ["sh", "-c", "\(command) \"$@\"", command] + options
        } else {
            program = environment["GIT_SSH"].flatMap { $0.isEmpty ? nil : $0 } ?? "ssh"
            arguments = [program] + options
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

    /// One word of an ssh_config value, where spaces separate and `%` begins a token.
    private static func quoted(_ text: String) -> String {
        "\"" + text.map { $0 == "%" ? "%%" : String($0) }.joined() + "\""
    }
}
