import YAML

/// Loads Compose files into one tree: the files of a project, or those of one `include` entry.
struct FileLoader {
    /// How much of the pipeline a file goes through.
    enum Mode {
        /// A file of the project or of an `include`.
        case project
        /// A file that is only read for a service to extend.
        case extended
    }

    let session: LoadSession
    /// What interpolation reads.
    let environment: [String: String]
    /// The absolute directory against which relative paths are taken.
    let directory: String
    var extendedFiles = ExtendedFiles()

    init(session: LoadSession, environment: [String: String], directory: String) {
        self.session = session
        self.environment = environment
        self.directory = directory
    }

    /// All files merged in order, with includes and extended services taken in, canonical, with defaults and absolute
    /// paths.
    /// - Parameter chain: The files whose `include` led here.
    mutating func model(
        from paths: [(path: String, location: SourceLocation?)], includedBy chain: [String] = []
    ) throws(ComposeError) -> YAMLNode {
        let start = SourceLocation(file: paths.first?.path ?? "", line: 1, column: 1)
        var tree = YAMLNode(.mapping(YAMLMapping()), location: start)
        for (path, location) in paths {
            tree = try load(path, onto: tree, mode: .project, askedForAt: location, includedBy: chain).tree
        }
        Defaults.apply(to: &tree)
        let problems = SemanticChecks.problems(of: tree)
        if !problems.isEmpty { throw ComposeError(problems) }
        try PathResolution(directory: directory, home: session.home, confinement: session.confinement).resolve(&tree)
        EnvironmentValues.resolve(in: &tree, from: environment)
        return tree
    }

    /// One file, document by document, laid onto a tree; also the `!reset` and `!override` tags of the last document.
    mutating func load(
        _ path: String, onto base: YAMLNode, mode: Mode, askedForAt location: SourceLocation?,
        includedBy chain: [String] = []
    ) throws(ComposeError) -> (tree: YAMLNode, tags: ResetTags) {
        var tree = base
        var tags = ResetTags()
        for document in try session.documents(of: path, askedForAt: location) {
            tags = ResetTags()
            guard var part = tags.collect(from: document), part.mapping != nil else {
                throw ComposeError(
                    .init(
                        .schema, at: document.location,
                        "a Compose file must be a mapping, got \(document.kindDescription)"))
            }
            part = try interpolated(part)
            if mode == .project { try applyExtends(in: &part, file: path, tags: tags) }
            tags.apply(to: &tree)
            if mode == .project { try applyIncludes(in: &part, includedBy: chain + [path]) }
            tree = try Merge.merged(tree, with: part)
            try session.charge(tree, at: part.location)
            try ListUniqueness.enforce(on: &tree)
            if mode == .project { try validate(&tree) }
            try ExpansionLimits.enforce(on: tree, keepsUnreadable: !session.interpolates)
            try Canonicalization.canonicalize(&tree, keepsUnreadable: !session.interpolates)
            try ListUniqueness.enforce(on: &tree)
        }
        return (tree, tags)
    }

    private func interpolated(_ tree: YAMLNode) throws(ComposeError) -> YAMLNode {
        guard session.interpolates else { return tree }
        var warnings: [ComposeError.Problem] = []
        defer { warnings.forEach(session.warn) }
        return try TreeInterpolation.interpolated(
            tree, environment: environment, warnings: &warnings, writtenTexts: &session.writtenTexts)
    }

    private func validate(_ tree: inout YAMLNode) throws(ComposeError) {
        let problems = SchemaValidation.problems(of: tree)
        if !problems.isEmpty { throw ComposeError(problems) }
        if let version = tree.mapping?.entry(for: "version") {
            session.warn(
                ComposeError.Problem(
                    .schema, at: version.keyLocation, path: "version", "is obsolete and has no effect; remove it"))
            tree.updateMapping { $0["version"] = nil }
        }
    }

    /// Where a relative path of `extends` or `include` leads; remote ones are refused.
    func localPath(
        _ path: String, at location: SourceLocation, of attribute: ModelPath
    ) throws(ComposeError) -> String {
        if path.contains("://") || path.hasPrefix("git@") || path.hasPrefix("github.com/") || path.hasPrefix("oci:") {
            throw attribute.error(
                .unsupported, at: location,
                "\"\(path)\" is remote; only files of the repository can be used, so vendor it")
        }
        if let problem = session.confinement?.problem(of: path, in: directory) {
            throw attribute.error(.file, at: location, problem)
        }
        return CleanPath.absolute(CleanPath.expandingHome(path, session.home), in: directory)
    }
}
