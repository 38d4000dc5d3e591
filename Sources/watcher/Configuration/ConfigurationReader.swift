internal import Compose
internal import Deploy
internal import DockerEngine
internal import Foundation
internal import Git
internal import Trust
internal import YAML

/// Turns the configuration file into `Configuration`, or into everything that is wrong with it.
struct ConfigurationReader {
    private static let projectKeys = [
        "repository", "branch", "tag", "commit", "directory", "files", "project_name", "profiles", "env_files",
        "environment", "host_files", "git", "engine", "health", "retry", "prune",
        "build", "run", "hooks", "policy",
    ]
    private static let laterProjectKeys = ["notify"]

    let file: String
    let environment: [String: String]
    let problems = SectionReader.Problems()

    init(file: String, environment: [String: String]) {
        self.file = file
        self.environment = environment
    }

    /// Reads the file from disk.
    ///
    /// - Throws: `ConfigurationError`.
    func read() throws -> Configuration { try read(bytes()) }

    /// The text of the file.
    ///
    /// - Throws: `ConfigurationError`.
    func bytes() throws -> [UInt8] {
        do {
            try TrustedFile.check(file, as: "the configuration")
            return try FileAccess.disk().read(file)
        } catch let refusal as TrustedFile.Refusal {
            var error = ConfigurationError(refusal.message, advice: refusal.advice)
            error.isRefusal = true
            throw error
        } catch FileAccessError.notFound {
            throw ConfigurationError(
                "there is no configuration at \(file)",
                advice: "`watcher init` writes an example; --config and WATCHER_CONFIG name another file.")
        } catch FileAccessError.unreadable(_, let reason) {
            var error = ConfigurationError(
                "the configuration \(file) cannot be read: \(reason)",
                advice: "Run watcher as a user who may read it, or correct its owner and mode.")
            error.isRefusal = true
            throw error
        } catch let error as FileAccessError {
            throw ConfigurationError("the configuration cannot be read: \(error)")
        }
    }

    /// The one document of a text.
    func root(of bytes: [UInt8]) throws -> YAMLNode {
        let documents: [YAMLNode]
        do {
            documents = try YAMLParser.documents(in: bytes, file: file)
        } catch {
            throw ConfigurationError(error.message, at: error.location)
        }
        guard documents.count == 1, let root = documents.first else {
            let found = documents.isEmpty ? "nothing" : "\(documents.count) YAML documents"
            throw ConfigurationError(
                "\(file): expected one YAML document, found \(found)",
                advice: documents.isEmpty ? "`watcher init --force` writes an example." : "")
        }
        return root
    }

    /// Reads the text of a configuration.
    func read(_ bytes: [UInt8]) throws -> Configuration {
        let root = try root(of: bytes)
        var projects: [ProjectConfiguration] = []
        if let section = SectionReader(
            root, path: "", keys: ["projects", "policy"] + RunLimits.projectKeys, problems: problems)
        {
            let limits = runLimits(section, RunLimits())
            if let list = section.node("projects")?.mapping {
                projects = list.entries.compactMap { project($0, limits) }
                if let policy = policy(section) {
                    for index in projects.indices { projects[index].settings.policies.insert(policy, at: 0) }
                }
                if list.entries.isEmpty { problems.add("projects: there is none", at: section.location) }
            } else {
                problems.add("projects: expected a mapping of project names", at: section.location)
            }
        }
        checkNames(of: projects)
        guard problems.list.isEmpty else {
            throw ConfigurationError(
                problems.list.sorted { left, right in
                    guard let left = left.location, let right = right.location else { return false }
                    return (left.line, left.column) < (right.line, right.column)
                })
        }
        return Configuration(projects: projects, file: file, text: bytes)
    }

    private func project(_ entry: YAMLMapping.Entry, _ limits: RunLimits) -> ProjectConfiguration? {
        let path = "projects.\(entry.key)"
        guard isProjectName(entry.key) else {
            problems.add(
                "\(path): a project's name has lower-case letters, digits, - and _ only, and begins with a letter or "
                    + "digit",
                at: entry.keyLocation)
            return nil
        }
        guard
            let section = SectionReader(
                entry.value, path: path, keys: Self.projectKeys + RunLimits.projectKeys, later: Self.laterProjectKeys,
                problems: problems)
        else { return nil }
        let repository = section.requiredString("repository").flatMap { remote($0, section) }
        let revision = revision(section)
        var settings = ProjectSettings(
            name: entry.key, repository: repository?.description ?? "", revision: revision?.description ?? "")
        if case .branch(let name) = revision { settings.branch = name }
        settings.configuredProjectName = section.string("project_name")
        if let name = settings.configuredProjectName, !isProjectName(name) {
            problems.add(
                "\(section.name("project_name")): must be lower-case letters, digits, - and _, and begin with a letter "
                    + "or digit",
                at: section.node("project_name")?.location ?? section.location)
        }
        readSources(section, &settings)
        readBehaviour(section, &settings)
        readCommands(section, &settings)
        settings.policies = policy(section).map { [$0] } ?? []
        settings.home = environment["HOME"]
        let (access, modules) = git(section, &settings)
        checkPrivacy(of: repository, access, section)
        let engine = engine(section)
        if engine.host.hasPrefix("unix://") {
            settings.engineSocket = CleanPath.cleaned(String(engine.host.dropFirst("unix://".count)))
        }
        let limits = runLimits(section, limits)
        // Whatever is missing was reported; all the other problems of the project were found as well.
        guard let repository, let revision else { return nil }
        return ProjectConfiguration(
            settings: settings, repository: repository, revision: revision, access: access,
            modules: modules, engine: engine,
            limits: limits, nameLocation: section.node("project_name")?.location ?? entry.keyLocation)
    }

    /// Two projects of one name on one engine would each remove what the other has.
    private func checkNames(of projects: [ProjectConfiguration]) {
        var first: [String: ProjectConfiguration] = [:]
        for project in projects {
            let name = project.settings.composeName(recorded: nil)
            guard let other = first.updateValue(project, forKey: "\(name) \(project.engine.place)") else { continue }
            problems.add(
                "projects.\(project.settings.name): the Compose project name \"\(name)\" is that of "
                    + "projects.\(other.settings.name)\(other.nameLocation.map { " (\($0))" } ?? "") too, on the same engine; give one of them "
                    + "another project_name",
                at: project.nameLocation ?? SourceLocation(file: file, line: 1, column: 1))
        }
    }

    private func isProjectName(_ name: String) -> Bool {
        guard let first = name.utf8.first, first != UInt8(ascii: "-"), first != UInt8(ascii: "_") else { return false }
        return name.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
        }
    }

    private func remote(_ address: String, _ section: SectionReader) -> GitRemoteURL? {
        do {
            return try GitRemoteURL(address)
        } catch {
            let message = (error as? any ReasonedError)?.message ?? String(describing: error)
            problems.add(
                "\(section.name("repository")): \(message)",
                at: section.node("repository")?.location ?? section.location)
            return nil
        }
    }

    /// `http://` to another machine needs consent.
    private func checkPrivacy(of repository: GitRemoteURL?, _ access: GitAccess, _ section: SectionReader) {
        do { try repository?.checkPrivacy(access) } catch {
            let advice =
                (error as? any ReasonedError).map { "\($0.message). \($0.advice)" } ?? String(describing: error)
            problems.add(
                "\(section.name("repository")): \(advice)", at: section.node("repository")?.location ?? section.location
            )
        }
    }

    private func revision(_ section: SectionReader) -> Revision? {
        let given = ["branch", "tag", "commit"].compactMap { key in section.string(key).map { (key, $0) } }
        guard given.count <= 1 else {
            problems.add("\(section.path): branch, tag and commit exclude each other", at: section.location)
            return nil
        }
        for (key, value) in given where value.isEmpty {
            problems.add("\(section.name(key)): is empty", at: section.node(key)?.location ?? section.location)
        }
        switch given.first {
        case ("tag", let pattern)?: return .tag(pattern: pattern)
        case ("commit", let id)?:
            if !id.isEmpty, id.count != 40 || !id.allSatisfy(\.isHexDigit) {
                problems.add(
                    "\(section.name("commit")): expected a full commit id of 40 hexadecimal digits",
                    at: section.node("commit")?.location ?? section.location)
            }
            return .commit(id)
        case (_, let branch)?: return .branch(branch)
        case nil: return .branch("main")
        }
    }

    private func readSources(_ section: SectionReader, _ settings: inout ProjectSettings) {
        var directory = section.string("directory") ?? "."
        while directory.hasSuffix("/"), directory.count > 1 { directory.removeLast() }
        if directory.hasPrefix("./") { directory = String(directory.dropFirst(2)) }
        if directory.hasPrefix("/") || directory.split(separator: "/").contains("..") {
            problems.add(
                "\(section.name("directory")): must be a path inside the repository",
                at: section.node("directory")?.location ?? section.location)
        }
        settings.directory = directory.isEmpty ? "." : directory
        settings.files = section.strings("files")
        settings.profiles = section.strings("profiles")
        settings.envFiles = section.strings("env_files").map(absolute)
        settings.environment = section.variables("environment")
        settings.hostFiles = hostFiles(section)
    }

    /// Files and directories of this host that a project's files may name.
    private func hostFiles(_ section: SectionReader) -> [String] {
        section.strings("host_files").filter { path in
            guard !path.hasPrefix("/") || path.split(separator: "/").contains("..") else { return true }
            problems.add(
                "\(section.name("host_files")): \"\(path)\" is not a clean absolute path",
                at: section.node("host_files")?.location ?? section.location)
            return false
        }
    }

    private func readBehaviour(_ section: SectionReader, _ settings: inout ProjectSettings) {
        if let health = section.node("health").flatMap({
            SectionReader($0, path: section.name("health"), keys: ["timeout", "settle"], problems: problems)
        }) {
            settings.healthTimeout = health.duration("timeout", above: .zero)
            settings.settle = health.duration("settle") ?? settings.settle
        }
        if let retry = section.node("retry").flatMap({
            SectionReader($0, path: section.name("retry"), keys: ["after", "attempts"], problems: problems)
        }) {
            settings.retryAfter = retry.duration("after", above: .zero)
            if retry.node("after") == nil {
                problems.add("\(retry.path): after is missing; without it nothing is tried again", at: retry.location)
            }
            settings.retryAttempts = retry.int("attempts", in: 1...1000, default: settings.retryAttempts)
        }
        if let prune = section.node("prune").flatMap({
            SectionReader(
                $0, path: section.name("prune"), keys: ["orphans", "images"], problems: problems)
        }) {
            settings.prunesOrphans = prune.bool("orphans", default: true)
            settings.prunesImages = prune.bool("images", default: false)
        }
    }

    private func git(
        _ section: SectionReader, _ settings: inout ProjectSettings
    ) -> (access: GitAccess, modules: ModuleSettings) {
        var access = GitAccess()
        guard let node = section.node("git"),
            let git = SectionReader(
                node, path: section.name("git"),
                keys: [
                    "ssh_key", "known_hosts", "ca", "username", "password", "allow_rewrite", "insecure_http",
                    "safe_directory", "verify",
                ] + Self.moduleKeys, problems: problems)
        else { return (access, ModuleSettings()) }
        settings.allowsRewrite = git.bool("allow_rewrite", default: false)
        settings.verification = verification(git)
        access.knownHosts = git.string("known_hosts").map(absolute)
        access.certificateAuthority = git.string("ca").map(absolute)
        access.username = git.string("username")
        access.allowsInsecureHTTP = git.bool("insecure_http", default: false)
        access.isSafeDirectory = git.bool("safe_directory", default: false)
        access.sshKey = secret("ssh_key", git)
        access.password = secret("password", git)
        return (access, modules(git))
    }

    /// Where a secret is: `PATH`, `{file: PATH}` or `{credential: NAME}` of systemd. Nothing is looked up on disk.
    func secret(_ key: String, _ section: SectionReader) -> SecretSource? {
        guard let node = section.node(key) else { return nil }
        if node.mapping != nil {
            guard
                let secret = SectionReader(
                    node, path: section.name(key), keys: ["file", "credential"], problems: problems)
            else { return nil }
            switch (secret.string("file"), secret.string("credential")) {
            case (let file?, nil): return .file(absolute(file))
            case (nil, let name?):
                if SecretSource.isCredentialName(name) { return .credential(name) }
                problems.add(
                    "\(secret.name("credential")): \"\(name)\" is not the name of a credential: it has no slash",
                    at: secret.node("credential")?.location ?? node.location)
            default: problems.add("\(secret.path): expected either file or credential", at: node.location)
            }
        } else if key == "password" {
            problems.add(
                "\(section.name(key)): secrets are never values here; write {file: PATH} or {credential: NAME}",
                at: node.location)
        } else if let path = section.string(key) {
            return .file(absolute(path))
        }
        return nil
    }

    private func engine(_ section: SectionReader) -> EngineConfiguration {
        var engine = EngineConfiguration(host: environment["DOCKER_HOST"] ?? "unix:///var/run/docker.sock")
        guard let node = section.node("engine"),
            let reader = SectionReader(
                node, path: section.name("engine"), keys: ["host", "tls", "ssh_key", "known_hosts", "timeout"],
                problems: problems)
        else { return engine }
        engine.timeout = reader.duration("timeout", above: .zero)
        engine.knownHosts = reader.string("known_hosts").map(absolute)
        engine.sshKey = secret("ssh_key", reader)
        if let host = reader.string("host") {
            engine.host = host
            do { _ = try EngineEndpoint(host) } catch {
                problems.add(
                    "\(reader.name("host")): \((error as? any ReasonedError)?.message ?? String(describing: error))",
                    at: reader.node("host")?.location ?? reader.location)
            }
        }
        if let tls = reader.node("tls").flatMap({
            SectionReader($0, path: reader.name("tls"), keys: ["ca", "cert", "key"], problems: problems)
        }) {
            engine.usesTLS = true
            if !engine.host.hasPrefix("tcp://") {
                problems.add(
                    "\(tls.path): is for tcp:// only, and the engine is \(engine.host.withoutUserinfo)",
                    at: tls.location)
            }
            engine.certificateAuthority = tls.string("ca").map(absolute)
            engine.certificate = tls.string("cert").map(absolute)
            engine.key = secret("key", tls)
        }
        return engine
    }

    /// Relative paths are taken from the configuration's directory.
    func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        if path.hasPrefix("~/"), let home = environment["HOME"] { return home + path.dropFirst() }
        let base = URL(fileURLWithPath: file).deletingLastPathComponent().path
        return URL(fileURLWithPath: path, relativeTo: URL(fileURLWithPath: base, isDirectory: true)).standardizedFileURL
            .path
    }
}
