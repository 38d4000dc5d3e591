import Glibc

/// Paths on this host, as the kernel finds them.
package enum HostDirectory {
    // Swift's Glibc is built without _GNU_SOURCE, which shows it.
    private static let pathOnly: Int32 = 0o10_000_000

    /// What is at a path below a directory when no symbolic link is followed.
    package enum Finding: Sendable, Equatable {
        case nothing
        case file, directory
        /// A symbolic link stands at this path, relative to the directory: at the end, or on the way.
        case link(String)
    }

    /// Looks a path up below a directory, one component after the other, each from the descriptor of the one above it:
    /// whoever can change the directory's contents cannot lead the look elsewhere.
    ///
    /// - Parameter path: relative and clean; `..` is never followed.
    package static func find(_ path: String, below directory: String) -> Finding {
        var here = open(directory, pathOnly | O_DIRECTORY | O_CLOEXEC)
        guard here >= 0 else { return .nothing }
        defer { close(here) }
        var finding = Finding.directory
        var trail = ""
        for part in path.split(separator: "/") where part != "." {
            guard part != ".." else { return .nothing }
            trail += trail.isEmpty ? String(part) : "/\(part)"
            let next = openat(here, String(part), pathOnly | O_NOFOLLOW | O_CLOEXEC)
            guard next >= 0 else { return .nothing }
            close(here)
            here = next
            var status = stat()
            guard fstat(here, &status) == 0 else { return .nothing }
            switch status.st_mode & S_IFMT {
            case S_IFLNK: return .link(trail)
            case S_IFDIR: finding = .directory
            default: finding = .file
            }
        }
        return finding
    }

    /// The path with every symbolic link on it followed. What does not exist stays as it is written, below what does.
    ///
    /// What `/proc` shows of a process is what is behind it: its root, and anything for its working directory and its open
    /// files.
    package static func resolved(_ path: String) -> String {
        let found = followed(path)
        let parts = found.split(separator: "/")
        guard parts.count >= 3, parts[0] == "proc",
            let index = parts.indices.dropFirst(2).first(where: {
                ["root", "cwd", "fd", "map_files"].contains(parts[$0])
            })
        else { return found }
        return parts[index] == "root" ? followed("/" + parts[(index + 1)...].joined(separator: "/")) : "/"
    }

    private static func followed(_ path: String) -> String {
        var missing: [Substring] = []
        var rest = path[...]
        while true {
            if let found = realpath(rest.isEmpty ? "/" : String(rest), nil) {
                defer { free(found) }
                let start = String(cString: found)
                let tail = missing.reversed().joined(separator: "/")
                return tail.isEmpty ? start : start == "/" ? "/\(tail)" : "\(start)/\(tail)"
            }
            guard let slash = rest.lastIndex(of: "/") else { return path }
            // A link that leads nowhere yet: what it will lead to once it is there is what counts.
            if let target = TrustedFile.target(of: String(rest)), missing.count < 64 {
                let base = target.hasPrefix("/") ? target : "\(rest[..<slash])/\(target)"
                let tail = missing.reversed().joined(separator: "/")
                guard base != rest else { return path }
                return lexicallyClean(tail.isEmpty ? base : "\(base)/\(tail)")
            }
            missing.append(rest[rest.index(after: slash)...])
            rest = rest[..<slash]
        }
    }

    private static func lexicallyClean(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}
