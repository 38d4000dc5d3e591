@testable import Compose

/// Files that exist only in a test, below `/p`.
struct MemoryFiles {
    var files: [String: String]

    /// Paths are relative to `/p`.
    init(_ files: [String: String]) {
        self.files = Dictionary(uniqueKeysWithValues: files.map { (CleanPath.absolute($0.key, in: "/p"), $0.value) })
    }

    var access: FileAccess {
        let files = files
        return FileAccess(
            kind: { path in
                if files[path] != nil { return .file }
                let prefix = path == "/" ? "/" : path + "/"
                return files.keys.contains { $0.hasPrefix(prefix) } ? .directory : nil
            },
            read: { path in
                guard let text = files[path] else { throw FileAccessError.notFound(path: path) }
                return Array(text.utf8)
            })
    }

    /// The tree of a request in `/p`, with its files found by discovery unless the request names some.
    func tree(_ change: (inout ProjectLoader.Request) -> Void = { _ in }) throws -> CanonicalTree {
        var request = ProjectLoader.Request(workingDirectory: "/p")
        change(&request)
        return try ProjectLoader(files: access).canonicalTree(request)
    }

    /// The problems of a request in `/p`, one a line; empty if there are none.
    func problems(_ change: (inout ProjectLoader.Request) -> Void = { _ in }) -> String {
        do {
            _ = try tree(change)
            return ""
        } catch {
            return "\(error)"
        }
    }
}

/// The tree of one Compose file in `/p`.
func tree(_ text: String, environment: [String: String] = [:]) throws -> CanonicalTree {
    try MemoryFiles(["compose.yaml": text]).tree { $0.environment = environment }
}

/// The problems of one Compose file in `/p`.
func problems(_ text: String, environment: [String: String] = [:]) -> String {
    MemoryFiles(["compose.yaml": text]).problems { $0.environment = environment }
}
