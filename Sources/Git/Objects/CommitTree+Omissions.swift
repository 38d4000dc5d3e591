/// What a commit has and a checkout of it does not.
extension CommitTree {
    /// How many paths a sentence names.
    private static let longestList = 5

    /// A sentence on submodules, and one on files whose contents are kept by Git LFS, if there are any.
    func omissions(_ settings: ModuleSettings) throws -> [String] {
        var sentences: [String] = []
        let submodules = try submodules()
        if !submodules.isEmpty {
            sentences.append(
                settings.fetchesSubmodules
                    ? "the checkout lacks \(Self.list(submodules)): .gitmodules does not say where they come from, or "
                        + "says `update = none`"
                    : "the checkout lacks the submodules \(Self.list(submodules)), because git.submodules is false")
        }
        let pointers = try settings.fetchesLFS ? [] : pointers()
        if !pointers.isEmpty {
            sentences.append(
                "these files are only pointers to their contents, because git.lfs is false: \(Self.list(pointers))")
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

    private func pointers() throws -> [TreePath] {
        let files = try allFiles()
        let attributes = try LFSSurvey.attributes(of: files, TreePath(""), self)
        guard attributes.isUsed else { return [] }
        return try files.filter {
            try $0.value.kind != .link && attributes.isLFS($0.key) && LFSSurvey.pointer($0.value, self) != nil
        }.keys.sorted()
    }

    private static func list(_ paths: [TreePath]) -> String {
        let named = paths.prefix(longestList).map(\.description).joined(separator: ", ")
        return paths.count > longestList ? "\(named) and \(paths.count - longestList) more" : named
    }
}
