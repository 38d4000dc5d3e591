package import Compose
import Foundation

/// Files in memory, by absolute path: what a checkout or a commit holds in tests.
package struct FileTree: Sendable, Equatable {
    package var files: [String: String]

    package init(_ files: [String: String]) { self.files = files }

    package var access: FileAccess {
        let files = files
        return FileAccess(
            kind: { path in
                if files[path] != nil { return .file }
                return files.keys.contains { $0.hasPrefix(path + "/") } ? .directory : nil
            },
            read: { path in
                guard let text = files[path] else { throw FileAccessError.notFound(path: path) }
                return Array(text.utf8)
            },
            contentID: { path in
                let below = files.filter { $0.key == path || $0.key.hasPrefix(path + "/") }
                guard !below.isEmpty else { return nil }
                return below.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ";")
            },
            list: { directory in
                var entries: [String: FileAccess.Entry] = [:]
                for (path, text) in files where path.hasPrefix(directory + "/") {
                    let parts = path.dropFirst(directory.count + 1).split(separator: "/").map(String.init)
                    entries[parts[0]] = FileAccess.Entry(
                        name: parts[0], kind: parts.count > 1 ? .directory : .file, id: parts.count > 1 ? "" : text,
                        content: { Array(text.utf8) })
                }
                return Array(entries.values)
            })
    }

    /// The project that a Compose file below `/checkout` means.
    package static func project(
        _ yaml: String, files: [String: String] = [:], name: String = "shop", profiles: [String] = []
    ) throws -> Project {
        var tree = FileTree(files)
        tree.files["/checkout/compose.yaml"] = yaml
        var request = ProjectLoader.Request(workingDirectory: "/checkout")
        request.projectName = name
        request.profiles = profiles
        request.honoursComposeVariables = false
        request.searchesParents = false
        return try ProjectLoader(files: tree.access).load(request).project.resolvingEnvironment(files: tree.access)
            .resolvingSecurityProfiles(files: tree.access)
    }
}
