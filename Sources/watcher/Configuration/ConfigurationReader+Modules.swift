internal import Deploy
internal import Git
internal import YAML

// `git.submodules` and `git.lfs`: what a commit refers to outside of its repository.

extension ConfigurationReader {
    static let moduleKeys = ["submodules", "lfs"]

    func modules(_ git: SectionReader) -> ModuleSettings {
        var settings = ModuleSettings(fetchesLFS: git.bool("lfs", default: true))
        guard let node = git.node("submodules") else { return settings }
        guard let mapping = node.mapping else {
            settings.fetchesSubmodules = git.bool("submodules", default: true)
            return settings
        }
        settings.rules = mapping.entries.compactMap { rule($0, path: git.name("submodules")) }
        for (index, rule) in settings.rules.enumerated() {
            guard let other = settings.rules[..<index].firstIndex(where: rule.isSame) else { continue }
            problems.add(
                "\(git.name("submodules")): two of the addresses are the same (entries \(other + 1) and \(index + 1))",
                at: node.location)
        }
        return settings
    }

    private func rule(_ entry: YAMLMapping.Entry, path: String) -> ModuleSettings.Rule? {
        var access = GitAccess()
        if !entry.value.isNull {
            // The address is not shown: it may hold a password by mistake.
            guard
                let section = SectionReader(
                    entry.value, path: path, keys: ["ssh_key", "known_hosts", "ca", "username", "password"],
                    problems: problems)
            else { return nil }
            access.knownHosts = section.string("known_hosts").map(absolute)
            access.certificateAuthority = section.string("ca").map(absolute)
            access.username = section.string("username")
            access.sshKey = secret("ssh_key", section)
            access.password = secret("password", section)
        }
        do { return try ModuleSettings.Rule(entry.key, access: access) } catch {
            problems.add(
                "\(path): \((error as? any ReasonedError)?.message ?? String(describing: error))", at: entry.keyLocation
            )
            return nil
        }
    }
}
