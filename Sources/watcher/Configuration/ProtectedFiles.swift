internal import Compose
internal import Deploy
internal import DockerEngine
internal import Git
internal import Reconcile

extension ProjectConfiguration {
    /// Files of variables that the configuration itself names for the project.
    var ownFiles: [String] { settings.envFiles + (settings.run?.envFiles ?? []) }

    /// Files of the host by which the project proves who it is, and knows whom it speaks with.
    fileprivate var credentials: [ProtectedPath] {
        func path(_ source: SecretSource?) -> String? {
            if case .file(let path) = source { return path }
            return nil
        }
        let name = settings.name
        let files = [
            ("git.ssh_key", path(access.sshKey)), ("git.password", path(access.password)),
            ("git.known_hosts", access.knownHosts), ("git.ca", access.certificateAuthority),
            ("engine.ssh_key", path(engine.sshKey)),
            ("engine.known_hosts", engine.knownHosts), ("engine.tls.key", path(engine.key)),
            ("engine.tls.cert", engine.certificate), ("engine.tls.ca", engine.certificateAuthority),
            ("git.verify.allowed_signers", settings.verification?.allowedSigners),
            ("git.verify.revoked_keys", settings.verification?.revokedKeys),
            ("git.verify.gpg_keyring", settings.verification?.gpgKeyring),
        ]
        let modules = modules.rules.map(\.access).flatMap {
            [path($0.sshKey), path($0.password), $0.knownHosts, $0.certificateAuthority].map { ("git.submodules", $0) }
        }
        return (files + modules).compactMap { key, file in file.map { ProtectedPath($0, "\(key) of \(name)") } }
    }
}

extension Wiring {
    /// The configuration with what is watcher's own on this host: the state of all projects, the configuration, credentials
    /// of all projects, and the variables of other projects.
    func protected(_ configuration: Configuration) -> Configuration {
        var configuration = configuration
        var common = [
            ProtectedPath(stateDirectory, "the state directory"),
            ProtectedPath(configuration.file, "the configuration"),
        ]
        if let directory = environment["CREDENTIALS_DIRECTORY"], directory.hasPrefix("/") {
            common.append(ProtectedPath(directory, "systemd's credentials"))
        }
        if let directory = RegistryCredentials.directory(environment: environment), directory.hasPrefix("/") {
            common.append(ProtectedPath("\(directory)/config.json", "the logins of registries"))
        }
        if let home = environment["HOME"], home.hasPrefix("/") {
            common.append(ProtectedPath("\(home)/.ssh", "the keys of ssh"))
        }
        common += configuration.projects.flatMap(\.credentials)
        for index in configuration.projects.indices {
            let project = configuration.projects[index]
            let others = configuration.projects.filter { $0.settings.name != project.settings.name }.flatMap { other in
                other.ownFiles.filter { !project.ownFiles.contains($0) }.map {
                    ProtectedPath($0, "env_files of \(other.settings.name)")
                }
            }
            configuration.projects[index].settings.protectedPaths = common + others
        }
        return configuration
    }
}
