internal import Deploy
internal import YAML

extension ConfigurationReader {
    /// Whose signatures `git.verify` demands. Nothing is looked up on disk.
    func verification(_ git: SectionReader) -> VerificationSettings? {
        guard let node = git.node("verify"),
            let section = SectionReader(
                node, path: git.name("verify"), keys: ["allowed_signers", "revoked_keys", "gpg_keyring", "mode"],
                problems: problems)
        else { return nil }
        var settings = VerificationSettings()
        for (key, path) in [
            ("allowed_signers", \VerificationSettings.allowedSigners), ("revoked_keys", \.revokedKeys),
            ("gpg_keyring", \.gpgKeyring),
        ] {
            guard let file = section.string(key) else { continue }
            if file.isEmpty {
                problems.add("\(section.name(key)): is empty", at: section.node(key)?.location ?? section.location)
            }
            settings[keyPath: path] = absolute(file)
        }
        if settings.allowedSigners == nil, settings.gpgKeyring == nil {
            problems.add(
                "\(section.path): nobody is trusted: it needs allowed_signers, gpg_keyring, or both",
                at: section.location)
        }
        if settings.revokedKeys != nil, settings.allowedSigners == nil {
            problems.add(
                "\(section.name("revoked_keys")): is about SSH keys, and needs allowed_signers",
                at: section.node("revoked_keys")?.location ?? section.location)
        }
        if let mode = section.string("mode") {
            if let mode = VerificationSettings.Mode(rawValue: mode) {
                settings.mode = mode
            } else {
                problems.add(
                    "\(section.name("mode")): expected tip or every, found \"\(mode)\"",
                    at: section.node("mode")?.location ?? section.location)
            }
        }
        return settings
    }
}
