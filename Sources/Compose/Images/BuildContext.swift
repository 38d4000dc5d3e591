/// The files an image is built from, as they go to the engine: the context directory without what `.dockerignore`
/// leaves out, and the Dockerfile wherever it comes from.
package struct BuildContext: Sendable {
    package struct Item: Sendable {
        /// Relative to the context.
        package var path: String
        package var kind: FileAccess.Entry.Kind
        /// Changes exactly when kind or content do.
        package var id: String
        /// The bytes of a file, or the target of a link; each call reads them. Throws `FileAccessError`.
        package var content: @Sendable () throws -> [UInt8]
    }

    /// Every directory before what is in it.
    package let items: [Item]
    /// The Dockerfile's path among the items.
    package let dockerfile: String
    /// The Dockerfile's text.
    package let dockerfileText: String
    package let fingerprint: BuildFingerprint

    /// - Throws: `ComposeError` with a path below the service's `build` when context, Dockerfile or ignore file cannot be
    ///   used; `FileAccessError` for other files that cannot be read.
    package init(of build: ImageBuild, files: FileAccess) throws {
        let section = "services.\(build.service).build"
        guard try Self.kind(build.context, files, "\(section).context") == .directory else {
            throw Self.problem("\(section).context", "the directory \(build.context) is not in the commit")
        }
        let text = try Self.dockerfileText(build, files, section)
        var walk = Walk(files: files, patterns: try Self.patterns(build, files, section), section: section)
        try walk.enter(build.context, "", walk.patterns.root)
        fingerprint = BuildFingerprint(build, dockerfile: text, items: walk.items)
        dockerfileText = text
        let path: String? =
            if case .file(let path) = build.dockerfile, path.hasPrefix(build.context + "/") {
                String(path.dropFirst(build.context.count + 1))
            } else { nil }
        if let path, walk.items.contains(where: { $0.path == path && ($0.kind == .file || $0.kind == .executable) }) {
            (items, dockerfile) = (walk.items, path)
        } else {
            (items, dockerfile) = try Self.adding(text, to: walk.items)
        }
    }

    /// A Dockerfile from elsewhere goes along under a name of its own, which the engine removes after reading it because
    /// an ignore file says so: as docker's own command line does it.
    private static func adding(_ text: String, to items: [Item]) throws -> ([Item], String) {
        let name = ".dockerfile." + ContentFingerprint.digest(text).prefix(20)
        var items = items
        func item(_ path: String, _ text: String) -> Item {
            Item(path: path, kind: .file, id: "", content: { Array(text.utf8) })
        }
        if let index = items.firstIndex(where: { $0.path == ".dockerignore" }) {
            let ignored = String(decoding: try items[index].content(), as: UTF8.self)
            items[index] = item(".dockerignore", "\(ignored)\n\(name)\n")
        } else {
            items.append(item(".dockerignore", ".dockerignore\n\(name)\n"))
        }
        items.append(item(name, text))
        return (items, name)
    }

    private static func dockerfileText(_ build: ImageBuild, _ files: FileAccess, _ section: String) throws -> String {
        switch build.dockerfile {
        case .inline(let text): return text
        case .file(let path):
            guard try kind(path, files, "\(section).dockerfile") == .file else {
                throw problem("\(section).dockerfile", "there is no file \(path) in the commit")
            }
            return String(decoding: try files.read(path), as: UTF8.self)
        }
    }

    /// The ignore file that belongs to the Dockerfile, else the context's own.
    private static func patterns(_ build: ImageBuild, _ files: FileAccess, _ section: String) throws -> IgnorePatterns {
        var candidates = [build.context + "/.dockerignore"]
        if case .file(let path) = build.dockerfile { candidates.insert(path + ".dockerignore", at: 0) }
        for path in candidates where try kind(path, files, section) == .file {
            do {
                return try IgnorePatterns(String(decoding: try files.read(path), as: UTF8.self))
            } catch let error as IgnorePatterns.Malformed {
                throw problem(section, "\(path): \(error)")
            } catch let error as IgnorePatterns.TooMany {
                throw problem(section, "\(path): \(error)")
            }
        }
        return try IgnorePatterns("")
    }

    private static func kind(_ path: String, _ files: FileAccess, _ place: String) throws -> FileAccess.Kind? {
        do {
            return try files.kind(path)
        } catch let error as FileAccessError {
            throw problem(place, "\(error)")
        }
    }

    private static func problem(_ path: String, _ message: String) -> ComposeError {
        ComposeError(.init(.file, at: nil, path: path, message))
    }
}

/// Collects what is not ignored below a directory.
private struct Walk {
    let files: FileAccess
    let patterns: IgnorePatterns
    let section: String
    var items: [BuildContext.Item] = []
    /// Comparisons of paths with patterns that a context may take: a minute's worth.
    private static let mostSteps = 500_000_000
    private var steps = 0
    private var directories: Set<String> = []

    init(files: FileAccess, patterns: IgnorePatterns, section: String) {
        self.files = files
        self.patterns = patterns
        self.section = section
    }

    mutating func enter(_ directory: String, _ prefix: String, _ trail: IgnorePatterns.Trail) throws {
        for entry in try files.list(directory).sorted(by: { $0.name < $1.name }) {
            let path = prefix.isEmpty ? entry.name : "\(prefix)/\(entry.name)"
            let (isIgnored, below) = patterns.judge(path, below: trail, &steps)
            guard steps <= Self.mostSteps else {
                throw ComposeError(
                    .init(
                        .unsupported, at: nil, path: "\(section).context",
                        "it takes too long to find out what the ignore file leaves out; use fewer patterns"))
            }
            if entry.kind == .directory {
                if isIgnored, !patterns.hasExceptions { continue }
                if !isIgnored { add(directory: path) }
                try enter("\(directory)/\(entry.name)", path, below)
            } else if !isIgnored {
                guard entry.kind != .submodule else {
                    throw ComposeError(
                        .init(
                            .file, at: nil, path: "\(section).context",
                            "\(path) is a submodule that was not fetched"))
                }
                if let slash = path.lastIndex(of: "/") { add(directory: String(path[..<slash])) }
                items.append(.init(path: path, kind: entry.kind, id: entry.id, content: entry.content))
            }
        }
    }

    /// Adds a directory and those above it that are not there yet: an exception may lie in an ignored one.
    private mutating func add(directory path: String) {
        guard directories.insert(path).inserted else { return }
        if let slash = path.lastIndex(of: "/") { add(directory: String(path[..<slash])) }
        items.append(.init(path: path, kind: .directory, id: "", content: { [] }))
    }
}
