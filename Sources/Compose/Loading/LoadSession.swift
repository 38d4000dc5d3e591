import YAML

/// What all file loads of one request share: the file access, the bounds, the warnings.
final class LoadSession {
    /// How many files one project may consist of, includes and extended files counted.
    private static let maximumFiles = 1_000
    /// How many warnings are kept.
    static let mostWarnings = 1_000

    let files: FileAccess
    let home: String?
    let interpolates: Bool
    let standardInput: [UInt8]?
    let confinement: Confinement?
    private(set) var warnings: [ComposeError.Problem] = []
    /// What stood where a text was interpolated, for messages.
    var writtenTexts = WrittenTexts()
    private var knownWarnings: Set<String> = []
    private var documentsRead: [String: [YAMLNode]]
    private var loadCount = 0
    private var documentCount = 0
    private var remainingNodes = 1_000_000
    /// How many bytes of env files may still be read.
    private var remainingVariables = DotenvBudget()

    init(
        files: FileAccess, home: String?, interpolates: Bool, standardInput: [UInt8]?,
        preparsed: [String: [YAMLNode]] = [:], confinement: Confinement? = nil
    ) {
        documentsRead = preparsed
        self.files = files
        self.home = home
        self.interpolates = interpolates
        self.standardInput = standardInput
        self.confinement = confinement
    }

    func warn(_ problem: ComposeError.Problem) {
        if warnings.count < Self.mostWarnings, knownWarnings.insert(problem.description).inserted {
            warnings.append(problem)
        }
    }

    /// The documents of a Compose file; `-` is standard input.
    /// - Parameter location: Where the file is asked for.
    func documents(of path: String, askedForAt location: SourceLocation?) throws(ComposeError) -> [YAMLNode] {
        loadCount += 1
        if loadCount > Self.maximumFiles {
            throw ComposeError(
                .init(.unsupported, at: location, "the project consists of more than \(Self.maximumFiles) files"))
        }
        let documents: [YAMLNode]
        if let known = documentsRead[path] {
            documents = known
        } else {
            documents = try parsedDocuments(of: path, askedForAt: location)
        }
        documentCount += max(documents.count, 1)
        if documentCount > Self.maximumFiles {
            throw ComposeError(
                .init(.unsupported, at: location, "the project consists of more than \(Self.maximumFiles) documents"))
        }
        for document in documents { try charge(document, at: location) }
        return documents
    }

    private func parsedDocuments(
        of path: String, askedForAt location: SourceLocation?
    ) throws(ComposeError) -> [YAMLNode] {
        let bytes = try path == "-" ? standardInputBytes(at: location) : read(path, askedForAt: location)
        do throws(YAMLError) {
            let documents = try YAMLParser.documents(in: bytes, file: path)
            documentsRead[path] = documents
            return documents
        } catch {
            throw ComposeError(.init(.syntax, at: error.location, error.message))
        }
    }

    /// Counts nodes that are about to be worked on; throws when the project as a whole has too many.
    func charge(_ node: YAMLNode, at location: SourceLocation?) throws(ComposeError) {
        try charge(node.nodeCount, at: location ?? node.location)
    }

    func charge(_ count: Int, at location: SourceLocation?) throws(ComposeError) {
        remainingNodes -= count
        if remainingNodes < 0 {
            throw ComposeError(.init(.unsupported, at: location, "the project is too large"))
        }
    }

    private func standardInputBytes(at location: SourceLocation?) throws(ComposeError) -> [UInt8] {
        guard let standardInput else {
            throw ComposeError(.init(.file, at: location, "there is no standard input to read a Compose file from"))
        }
        return standardInput
    }

    func read(_ path: String, askedForAt location: SourceLocation?) throws(ComposeError) -> [UInt8] {
        do {
            return try files.read(path)
        } catch {
            throw ComposeError(.init(.file, at: location, Self.message(of: error, path: path)))
        }
    }

    func kind(of path: String, askedForAt location: SourceLocation?) throws(ComposeError) -> FileAccess.Kind? {
        do {
            return try files.kind(path)
        } catch {
            throw ComposeError(.init(.file, at: location, Self.message(of: error, path: path)))
        }
    }

    /// Reads env files over each other, later ones winning; `environment` wins in their interpolation.
    func variables(
        from paths: [(path: String, location: SourceLocation?)], environment: [String: String]
    ) throws(ComposeError) -> [String: String] {
        var variables: [String: String] = [:]
        for (path, location) in paths {
            let bytes = try read(path, askedForAt: location)
            let dotenv = Dotenv(file: path) { environment[$0] }
            try dotenv.read(bytes, into: &variables)
            try remainingVariables.charge(bytes.count, at: location, path: path)
        }
        return variables
    }

    /// What a failed look at a file means to the user.
    static func message(of error: any Error, path: String) -> String {
        switch error {
        case FileAccessError.notFound(let path): "\(path) does not exist"
        case FileAccessError.notAFile(let path): "\(path) is not a file"
        case FileAccessError.outside(let path):
            "\(path) leads out of the checkout; a file outside is read only when `host_files` of the project in the "
                + "configuration names its absolute path, or a directory above it"
        case FileAccessError.unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
        case FileAccessError.tooLarge(let path, let limit): "\(path) has more than \(limit) bytes"
        default: "\(path) cannot be read: \(error)"
        }
    }
}
