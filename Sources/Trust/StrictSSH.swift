/// How OpenSSH is run so that nothing on this host switches the verification of host keys off: options of the command line
/// win over every `ssh_config`.
package enum StrictSSH {
    /// The options before the destination.
    ///
    /// - Parameters:
    ///   - key: The only private key to offer; nil leaves it to ssh.
    ///   - knownHosts: The only file of known host keys; nil takes those of ssh's own configuration.
    package static func options(key: String?, knownHosts: String?) -> [String] {
        var options = [
            "BatchMode=yes", "StrictHostKeyChecking=yes", "NoHostAuthenticationForLocalhost=no", "VerifyHostKeyDNS=no",
            "UpdateHostKeys=no", "ConnectTimeout=20", "ServerAliveInterval=15", "ServerAliveCountMax=4",
            "ForwardAgent=no", "ForwardX11=no", "ClearAllForwardings=yes", "PermitLocalCommand=no",
            // A connection that is shared was verified by whoever made it, by rules of theirs.
            "ControlMaster=no", "ControlPath=none",
        ]
        if let knownHosts {
            options += [
                "UserKnownHostsFile=\(quoted(knownHosts))", "GlobalKnownHostsFile=/dev/null", "CheckHostIP=no",
                // Before OpenSSH 8.5 there is no such command.
                "IgnoreUnknown=KnownHostsCommand", "KnownHostsCommand=none",
            ]
        }
        return options.flatMap { ["-o", $0] } + (key.map { ["-i", $0, "-o", "IdentitiesOnly=yes"] } ?? [])
    }

    /// Of `ssh -G`, which says how ssh would connect: what of it would let a host in that is not known; empty when the
    /// verification is strict.
    package static func weaknesses(inConfiguration text: String, knownHosts: String?) -> [String] {
        var values: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: " ", maxSplits: 1)
            if parts.count == 2 { values[parts[0].lowercased()] = String(parts[1]) }
        }
        var allowed: [String: [String]] = [
            "stricthostkeychecking": ["true", "yes"], "nohostauthenticationforlocalhost": ["no", "false"],
            "verifyhostkeydns": ["false", "no"],
        ]
        if let knownHosts {
            allowed["userknownhostsfile"] = [knownHosts]
            allowed["globalknownhostsfile"] = ["/dev/null"]
        }
        if knownHosts != nil {
            allowed["knownhostscommand"] = ["none"]
            values["knownhostscommand"] = values["knownhostscommand"] ?? "none"
        }
        return allowed.keys.sorted().compactMap { key in
            let value = values[key] ?? "nothing"
            return allowed[key]?.contains(value) == true ? nil : "\(key) \(value)"
        }
    }

    /// One word of an ssh_config value, where spaces separate and `%` begins a token.
    private static func quoted(_ text: String) -> String {
        "\"" + text.map { $0 == "%" ? "%%" : String($0) }.joined() + "\""
    }
}
