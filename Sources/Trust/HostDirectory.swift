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
        var links = 0
        return followed(path, &links)
    }

    /// Follows every link, also one to something that is missing: a container engine would make it there. What may not be
    /// looked at stays as it is.
    private static func followed(_ path: String, _ links: inout Int) -> String {
        var resolved: [Substring] = []
        var rest = Array(path.split(separator: "/").reversed())
        while let part = rest.popLast() {
            if part == "." { continue }
            if part == ".." {
                _ = resolved.popLast()
                continue
            }
            // Where these lead is up to the process, and another one than this may be asked for its own.
            if resolved.first == "proc", [2, 4].contains(resolved.count), part == "root" {
                resolved = []
                continue
            }
            if resolved.first == "proc", [2, 4].contains(resolved.count), ["cwd", "fd", "map_files"].contains(part) {
                return "/"
            }
            let place = "/" + (resolved + [part]).joined(separator: "/")
            guard links < 40, let target = TrustedFile.target(of: place) else {
                resolved.append(part)
                continue
            }
            links += 1
            if target.hasPrefix("/") { resolved = [] }
            rest += target.split(separator: "/").map { Substring($0) }.reversed()
        }
        return "/" + resolved.joined(separator: "/")
    }
}
