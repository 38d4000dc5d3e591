import Compose

/// A commit's files with what was built from them laid over, as the loader sees them.
struct BuiltFiles: Sendable {
    let files: FileAccess
    let build: KeptBuild
    let checkoutPath: String

    var access: FileAccess {
        FileAccess(
            kind: { try kind($0, links: 0) }, read: { try read($0, links: 0) }, contentID: { try contentID($0) },
            list: { try list($0) })
    }

    private enum Place {
        case file(KeptBuild.Output)
        /// Where a link that was built leads.
        case link(String)
        case commit
    }

    private func kind(_ path: String, links: Int) throws -> FileAccess.Kind? {
        switch try place(path, links) {
        case .file: return .file
        case .link(let target): return try kind(target, links: links + 1)
        case .commit:
            if let kind = try files.kind(path) { return kind }
            guard let below = below(path) else { return nil }
            return build.outputs(below: below).isEmpty ? nil : .directory
        }
    }

    private func read(_ path: String, links: Int) throws -> [UInt8] {
        switch try place(path, links) {
        case .file(let output):
            guard output.size <= TreeFiles.sizeLimit else {
                throw FileAccessError.tooLarge(path: path, limit: TreeFiles.sizeLimit)
            }
            do { return try build.content(of: output) } catch let error as GitError {
                throw FileAccessError.unreadable(path: path, reason: error.message)
            }
        case .link(let target): return try read(target, links: links + 1)
        case .commit: return try files.read(path)
        }
    }

    /// The commit's own identity of what is there, with those of everything that was built there.
    private func contentID(_ path: String) throws -> String? {
        let id = try files.contentID(path)
        guard let below = below(path) else { return id }
        let built = [build.outputs[TreePath(below)]].compactMap { $0 } + build.outputs(below: below)
        guard !built.isEmpty else { return id }
        let lines = [id ?? ""] + built.map { "\($0.path.text)\0\($0.gitMode)\0\($0.id)" }
        return try Array(lines.joined(separator: "\n").utf8).withUnsafeBytes {
            "built:" + (try CommitTree.id(ofContent: $0).hex)
        }
    }

    private func list(_ path: String) throws -> [FileAccess.Entry] {
        guard let below = below(path), case .commit = try place(path, 0) else { return try files.list(path) }
        let depth = below.split(separator: "/").count
        let built = build.outputs(below: below)
        let isInCommit = try files.kind(path) == .directory
        guard isInCommit || !built.isEmpty else { return try files.list(path) }
        var entries = Dictionary(try isInCommit ? files.list(path).map { ($0.name, $0) } : []) { $1 }
        var last: String?
        for output in built {
            let rest = output.path.components.dropFirst(depth)
            guard let name = rest.first, name != last else { continue }
            last = name
            if rest.count == 1 {
                let kind: FileAccess.Entry.Kind =
                    switch output.entry.kind {
                    case .executable: .executable
                    case .link: .link
                    default: .file
                    }
                entries[name] = FileAccess.Entry(
                    name: name, kind: kind, id: "\(output.gitMode):\(output.id)",
                    content: { try build.content(of: output) })
            } else if entries[name]?.kind != .link {
                entries[name] = FileAccess.Entry(
                    name: name, kind: .directory, id: try contentID("\(path)/\(name)") ?? "", content: { [] })
            }
        }
        return Array(entries.values)
    }

    private func place(_ path: String, _ links: Int) throws -> Place {
        guard let below = below(path), let output = build.outputs[TreePath(below)] else { return .commit }
        if output.permissions != nil { return .file(output) }
        guard links < 40 else {
            throw FileAccessError.unreadable(path: path, reason: "too many levels of symbolic links")
        }
        let target = String(decoding: try build.content(of: output), as: UTF8.self)
        if target.hasPrefix("/") { return .link(target) }
        let parent = below.split(separator: "/").dropLast().joined(separator: "/")
        return .link("\(checkoutPath)/\(parent)/\(target)")
    }

    /// The path relative to the checkout, empty for the checkout itself; nil for one that is elsewhere.
    private func below(_ path: String) -> String? {
        let clean = Self.clean(path)
        let root = Self.clean(checkoutPath)
        return clean.starts(with: root) ? clean.dropFirst(root.count).joined(separator: "/") : nil
    }

    private static func clean(_ path: String) -> [Substring] {
        var result: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = result.popLast() } else { result.append(part) }
        }
        return result
    }
}
