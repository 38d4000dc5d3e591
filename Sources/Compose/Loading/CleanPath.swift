/// Slash-separated paths as text, never looked up anywhere.
package enum CleanPath {
    /// The shortest equal path: no `.`, no doubled slash, `..` resolved; `.` for an empty one.
    package static func cleaned(_ path: String) -> String {
        let isAbsolute = path.hasPrefix("/")
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part != ".." {
                parts.append(part)
            } else if let last = parts.last, last != ".." {
                parts.removeLast()
            } else if !isAbsolute {
                parts.append(part)
            }
        }
        let joined = parts.joined(separator: "/")
        return isAbsolute ? "/" + joined : joined.isEmpty ? "." : joined
    }

    /// `path` itself if it is absolute, else below `base`; cleaned.
    package static func absolute(_ path: String, in base: String) -> String {
        cleaned(path.hasPrefix("/") ? path : "\(base)/\(path)")
    }

    /// The path without its last part.
    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return cleaned(slash == path.startIndex ? "/" : String(path[..<slash]))
    }

    /// The last part of the path.
    static func lastPart(of path: String) -> String {
        cleaned(path).split(separator: "/").last.map(String.init) ?? "/"
    }

    /// `~` at the start replaced by the home directory, if there is one.
    static func expandingHome(_ path: String, _ home: String?) -> String {
        guard path.hasPrefix("~"), let home else { return path }
        return cleaned("\(home)/\(path.dropFirst())")
    }
}
