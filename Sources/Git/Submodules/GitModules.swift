import Reconcile

/// What a commit's `.gitmodules` declares: hostile input until it is checked.
///
/// What git refuses since CVE-2018-11235 and CVE-2018-17456 is refused here too, and so is what git only skips with a warning:
/// a deployer has nobody who would read it.
struct GitModules {
    struct Module: Equatable {
        var name: String
        /// Relative to the root of the commit.
        var path: TreePath
        /// As written.
        var url: String
        /// `update = none`: git leaves it alone unless it is asked for by name.
        var isLeftAlone: Bool
    }

    /// In the order of their paths.
    let modules: [Module]

    /// Reads the file; throws `GitError` of reason `invalidProject` that names the submodule.
    ///
    /// - Parameter place: The file, for messages.
    init(_ text: [UInt8], place: String) throws {
        let entries: [GitConfigText.Entry]
        do { entries = try GitConfigText(text).entries } catch {
            throw GitError(
                .invalidProject, "\(place): line \(error.line) is not in the syntax of Git's configuration",
                advice: "Correct it and push.")
        }
        var declared: [String: [String: String]] = [:]
        for entry in entries where entry.section == "submodule" {
            guard let name = entry.subsection, ["path", "url", "update"].contains(entry.key) else { continue }
            guard declared[name, default: [:]].updateValue(entry.value, forKey: entry.key) == nil else {
                throw Self.refusal(place, name, "\(entry.key) is given twice")
            }
        }
        var seen: Set<TreePath> = []
        var modules: [Module] = []
        for (name, keys) in declared.sorted(by: { $0.key < $1.key }) {
            // Like git, leave alone what is not a whole declaration.
            guard let path = keys["path"] else { continue }
            try Self.check(name: name, path: path, place)
            guard seen.insert(TreePath(path)).inserted else {
                throw Self.refusal(place, name, "another submodule has the path \"\(path)\", too")
            }
            guard let url = keys["url"], !url.isEmpty else { throw Self.refusal(place, name, "it has no url") }
            guard !url.hasPrefix("-"), !Self.hasControlCharacters(url) else {
                throw Self.refusal(place, name, "its url begins with - or holds control characters")
            }
            let update = keys["update"] ?? ""
            guard !update.hasPrefix("!") else {
                throw Self.refusal(place, name, "its update is a command, and a commit's commands are never run")
            }
            modules.append(
                Module(name: name, path: TreePath(path), url: url, isLeftAlone: update.lowercased() == "none"))
        }
        self.modules = modules.sorted { $0.path < $1.path }
    }

    private static func check(name: String, path: String, _ place: String) throws {
        let names = name.split(omittingEmptySubsequences: false) { $0 == "/" || $0 == "\\" }
        guard !name.isEmpty, !names.contains(".."), !hasControlCharacters(name) else {
            throw refusal(place, name, "its name is empty, leads elsewhere or holds control characters")
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard !path.isEmpty, !path.hasPrefix("-"), !hasControlCharacters(path),
            parts.allSatisfy({ !["", ".", ".."].contains($0) && $0.lowercased() != ".git" })
        else {
            throw refusal(place, name, "its path \"\(path)\" is not a clean path below the repository")
        }
    }

    private static func hasControlCharacters(_ text: String) -> Bool {
        text.unicodeScalars.contains { $0.value < 0x20 || (0x7f..<0xa0).contains($0.value) }
    }

    static func refusal(_ place: String, _ name: String, _ why: String) -> GitError {
        GitError(
            .invalidProject, "\(place): the submodule \"\(name.prefix(200))\" is refused: \(why)",
            advice: "Correct \(place) and push; nothing was touched.")
    }
}
