/// What a commit has and a checkout of it does not.
extension CommitTree {
    /// A pointer of Git LFS is smaller than this; the specification of its format says so.
    private static let longestPointer = 1024
    private static let pointer = "version https://git-lfs.github.com/spec/v1"
    /// How many paths a sentence names.
    private static let longestList = 5

    /// A sentence on submodules, and one on files whose contents are kept by Git LFS, if there are any.
    func omissions() throws -> [String] {
        var sentences: [String] = []
        let submodules = try submodules()
        if !submodules.isEmpty {
            sentences.append(
                "submodules are not fetched, so the checkout lacks \(Self.list(submodules)); "
                    + "commit the files themselves if the project needs them")
        }
        let pointers = try pointers()
        if !pointers.isEmpty {
            sentences.append(
                "Git LFS is not supported, so these files are only pointers to their contents: \(Self.list(pointers)); "
                    + "keep in Git what the project needs")
        }
        return sentences
    }

    private func submodules() throws -> [TreePath] {
        var found: [TreePath] = []
        var waiting = [(path: TreePath(""), entry: root)]
        while let next = waiting.popLast() {
            for (name, entry) in try entries(of: next.entry) {
                let path = next.path.appending(name.text)
                if entry.kind == .directory { waiting.append((path, entry)) }
                if entry.kind == .submodule { found.append(path) }
            }
        }
        return found.sorted()
    }

    /// Looked for only where some `.gitattributes` says that Git LFS is used.
    private func pointers() throws -> [TreePath] {
        let files = try allFiles().filter { $0.value.kind != .link }
        let attributes = files.filter { $0.key.components.last == ".gitattributes" }
        let isUsed = try attributes.values.contains {
            try text(of: $0, atMost: 1 << 20)?.contains("filter=lfs") ?? false
        }
        guard isUsed else { return [] }
        return try files.filter {
            try text(of: $0.value, atMost: Self.longestPointer)?.hasPrefix(Self.pointer) ?? false
        }.keys.sorted()
    }

    /// The file's text; nil for a larger file.
    private func text(of entry: Entry, atMost limit: Int) throws -> String? {
        guard try size(of: entry) <= limit else { return nil }
        return try withContent(of: entry) { String(decoding: $0, as: UTF8.self) }
    }

    private static func list(_ paths: [TreePath]) -> String {
        let named = paths.prefix(longestList).map(\.description).joined(separator: ", ")
        return paths.count > longestList ? "\(named) and \(paths.count - longestList) more" : named
    }
}
