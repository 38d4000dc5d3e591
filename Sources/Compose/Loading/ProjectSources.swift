import YAML

/// Which files, variables and names a request means: everything that is settled before a Compose file is loaded.
struct ProjectSources {
    private static let defaultNames = [
        "compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml",
    ]
    private static let overrideNames = [
        "compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml",
    ]

    private(set) var directory: String
    private(set) var configFiles: [String] = []
    private(set) var environmentFiles: [String] = []
    private(set) var environment: [String: String]
    private(set) var profiles: [String] = []
    private(set) var name = ""

    private let request: ProjectLoader.Request
    private let session: LoadSession

    init(_ request: ProjectLoader.Request, session: LoadSession) throws(ComposeError) {
        self.request = request
        self.session = session
        environment = request.environment
        if environment["PWD"] == nil { environment["PWD"] = request.workingDirectory }
        directory = request.projectDirectory.map { CleanPath.absolute($0, in: request.workingDirectory) } ?? ""
        environmentFiles = explicitEnvironmentFiles()

        let explicit = request.files.map(absolute)
        try readEnvironment(
            in: directory.isEmpty ? Self.directory(of: explicit) ?? request.workingDirectory : directory)
        configFiles = explicit.isEmpty ? try discoveredFiles() : explicit
        if directory.isEmpty { directory = Self.directory(of: configFiles) ?? request.workingDirectory }
        try readEnvironment(in: directory)
        profiles = activeProfiles()
        name = try projectName()
        environment["COMPOSE_PROJECT_NAME"] = name
    }

    private func absolute(_ path: String) -> String {
        path == "-" ? path : CleanPath.absolute(path, in: request.workingDirectory)
    }

    /// The directory of the first file that is not standard input.
    private static func directory(of files: [String]) -> String? {
        files.first { $0 != "-" }.map(CleanPath.directory)
    }

    private func composeVariable(_ name: String) -> String? {
        guard request.honoursComposeVariables, let value = environment[name], !value.isEmpty else { return nil }
        return value
    }

    // MARK: Variables

    private func explicitEnvironmentFiles() -> [String] {
        if !request.envFiles.isEmpty { return request.envFiles.map(absolute) }
        let files = composeVariable("COMPOSE_ENV_FILES") ?? ""
        return files.split(separator: ",").map { absolute(String($0)) }
    }

    /// Lets env files fill the gaps of the environment.
    private mutating func readEnvironment(in directory: String) throws(ComposeError) {
        var files = environmentFiles
        if files.isEmpty {
            let disabled = request.honoursComposeVariables ? request.environment["COMPOSE_DISABLE_ENV_FILE"] : nil
            if ["1", "t", "T", "true", "True", "TRUE"].contains(disabled) { return }
            let own = CleanPath.absolute(".env", in: directory)
            if try session.kind(of: own, askedForAt: nil) == .file { files = [own] }
        }
        let variables = try session.variables(from: files.map { ($0, nil) }, environment: environment)
        environment.merge(variables) { first, _ in first }
    }

    private func activeProfiles() -> [String] {
        if !request.profiles.isEmpty { return request.profiles }
        return (composeVariable("COMPOSE_PROFILES") ?? "").split(separator: ",").map {
            String($0.trimmingSpaces)
        }.filter { !$0.isEmpty }
    }

    // MARK: Files

    private func discoveredFiles() throws(ComposeError) -> [String] {
        if let list = composeVariable("COMPOSE_FILE") {
            let separator = composeVariable("COMPOSE_PATH_SEPARATOR") ?? ":"
            return list.components(separatedBy: separator).map(absolute)
        }
        var directory = directory.isEmpty ? request.workingDirectory : directory
        while true {
            let candidates = try existing(Self.defaultNames, in: directory)
            if let first = candidates.first {
                if candidates.count > 1 {
                    session.warn(
                        .init(
                            .file, at: nil,
                            "found several Compose files, using \(first), not \(candidates.dropFirst().joined(separator: ", "))"
                        ))
                }
                return [first] + (try existing(Self.overrideNames, in: directory).prefix(1))
            }
            let parent = CleanPath.directory(of: directory)
            guard request.searchesParents, parent != directory else { break }
            directory = parent
        }
        let place = self.directory.isEmpty ? request.workingDirectory : self.directory
        let scope = request.searchesParents ? "\(place) or the directories above it" : place
        throw ComposeError(
            .init(
                .file, at: nil, "no Compose file in \(scope); looked for " + Self.defaultNames.joined(separator: ", ")))
    }

    private func existing(_ names: [String], in directory: String) throws(ComposeError) -> [String] {
        var found: [String] = []
        for name in names {
            let path = CleanPath.absolute(name, in: directory)
            if try session.kind(of: path, askedForAt: nil) == .file { found.append(path) }
        }
        return found
    }

    // MARK: Name

    /// Lower case, only letters, digits, `-` and `_`, with a letter or digit first.
    static func normalizedName(_ text: String) -> String {
        let kept = text.lowercased().utf8.filter {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F || $0 == 0x2D
        }
        return String(decoding: kept.drop { $0 == 0x5F || $0 == 0x2D }, as: UTF8.self)
    }

    private func projectName() throws(ComposeError) -> String {
        if let given = request.projectName ?? composeVariable("COMPOSE_PROJECT_NAME"), !given.isEmpty {
            if Self.normalizedName(given) == given { return given }
            throw ComposeError(
                .init(
                    .semantics, at: nil,
                    "invalid project name \"\(given)\": it must consist of lower-case letters, digits, '-' and '_' and "
                        + "start with a letter or digit"))
        }
        if let (declared, location) = try declaredName() {
            let name = Self.normalizedName(declared)
            if !name.isEmpty { return name }
            throw ModelPath(keys: "name").error(.semantics, at: location, "the project name must not be empty")
        }
        let name = Self.normalizedName(request.fallbackProjectName ?? CleanPath.lastPart(of: directory))
        if !name.isEmpty { return name }
        throw ComposeError(.init(.semantics, at: nil, "the project has no name; give one with --project-name"))
    }

    /// The last `name:` of all documents of all files, interpolated, and where it stands.
    private func declaredName() throws(ComposeError) -> (text: String, location: SourceLocation)? {
        var declared: YAMLNode?
        for file in configFiles {
            for document in try session.documents(of: file, askedForAt: nil) {
                guard let name = document["name"], !name.isNull else { continue }
                if name.mapping != nil || name.sequence != nil {
                    throw ModelPath(keys: "name").error(
                        .schema, at: name.location, "expected a string, got \(name.kindDescription)")
                }
                if !name.goText.isEmpty { declared = name }
            }
        }
        guard let declared else { return nil }
        guard session.interpolates else { return (declared.goText, declared.location) }
        let environment = environment
        do throws(Interpolation.Failure) {
            let name = try Interpolation(lookup: { environment[$0] }).expand(declared.goText)
            return (name, declared.location)
        } catch {
            throw ModelPath(keys: "name").error(.interpolation, at: declared.location, error.description)
        }
    }
}

extension StringProtocol {
    fileprivate var trimmingSpaces: SubSequence {
        var text = self[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }

    fileprivate func components(separatedBy separator: String) -> [String] {
        split(separator: separator, omittingEmptySubsequences: false).map { String($0) }
    }
}
