import Deploy
package import Glibc
package import Reconcile

/// Files and directories of this host on which watcher relies: nobody but root and the user that runs watcher may be able
/// to change them, or to put something else in their place.
///
/// This is what `StrictModes` of OpenSSH asks for: every directory on the way, every symbolic link and the file itself
/// belong to root or to us and are not writable for anybody else. In a directory with the sticky bit, such as `/tmp`, only
/// the owner of a file can replace it, so that one may be on the way.
package enum TrustedFile {
    /// Why a file is not to be relied on, and the command that repairs it.
    package struct Refusal: ReasonedError, Equatable, CustomStringConvertible {
        package var reason: Reason { .permissions }
        package let message: String
        package let advice: String

        package var description: String { "\(message)\n\(advice)" }
    }

    /// Refuses a file or directory that somebody else can change or replace. One that is missing is fine: whoever opens it
    /// says so.
    ///
    /// - Parameter name: What the file is to a person: `the configuration`, `git.known_hosts`.
    package static func check(_ path: String, as name: String) throws(Refusal) {
        var walk = Walk(path: path, name: name)
        try walk.run()
    }

    /// Refuses a symbolic link in a place where only watcher makes files; nothing is fine.
    package static func checkIsNoLink(_ path: String, as name: String) throws(Refusal) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK else { return }
        throw Refusal(
            message: "\(name) \(path) is a symbolic link",
            advice:
                "watcher follows no links in its state directory. Run `rm \(path)`, or choose another state directory.")
    }

    /// Whether files of this owner are trusted: root's, and those of the user that runs watcher.
    package static func isTrusted(owner: uid_t) -> Bool { owner == 0 || owner == geteuid() }

    /// `ada (1000)`, or the number alone when it has no name.
    package static func userName(_ id: uid_t) -> String {
        var buffer = [CChar](repeating: 0, count: 16384)
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        guard getpwuid_r(id, &entry, &buffer, buffer.count, &found) == 0, found != nil, let name = entry.pw_name else {
            return "\(id)"
        }
        return "\(String(cString: name)) (\(id))"
    }

    /// One look at every component of a path, links followed.
    private struct Walk {
        let path: String
        let name: String
        private var links = 0

        init(path: String, name: String) {
            self.path = path
            self.name = name
        }

        mutating func run() throws(Refusal) {
            var rest = Array(path.split(separator: "/").map(String.init).reversed())
            var here = "/"
            try check(here, isLast: rest.isEmpty)
            while let part = rest.popLast() {
                if part == "." { continue }
                if part == ".." {
                    here = String(here[..<(here.lastIndex(of: "/") ?? here.startIndex)])
                    if here.isEmpty { here = "/" }
                    continue
                }
                let next = here == "/" ? "/\(part)" : "\(here)/\(part)"
                guard let target = try check(next, isLast: rest.isEmpty) else {
                    here = next
                    continue
                }
                links += 1
                guard links <= 40 else { return }
                if target.hasPrefix("/") { here = "/" }
                rest += target.split(separator: "/").map(String.init).reversed()
            }
        }

        /// Returns where a link leads.
        @discardableResult
        private func check(_ place: String, isLast: Bool) throws(Refusal) -> String? {
            var status = stat()
            guard lstat(place, &status) == 0 else { return nil }
            let type = status.st_mode & S_IFMT
            guard TrustedFile.isTrusted(owner: status.st_uid) else {
                throw refusal(
                    place, "belongs to the user \(TrustedFile.userName(status.st_uid))",
                    "Run `chown \(type == S_IFLNK ? "-h " : "")\(Self.me) \(place)`, if nobody else is to decide what it says."
                )
            }
            if type == S_IFLNK { return TrustedFile.target(of: place) }
            guard type != S_IFCHR, type != S_IFBLK else {
                throw refusal(place, "is a device", "Name a file.")
            }
            let isSticky = type == S_IFDIR && !isLast && status.st_mode & S_ISVTX != 0
            guard isSticky || status.st_mode & 0o022 == 0 else {
                let mode = "0" + String(status.st_mode & 0o7777, radix: 8)
                throw refusal(
                    place, "is writable for \(status.st_mode & 0o002 != 0 ? "everybody" : "its group") (mode \(mode))",
                    "Run `chmod go-w \(place)`.")
            }
            return nil
        }

        private func refusal(_ place: String, _ why: String, _ advice: String) -> Refusal {
            let what = place == path ? "\(name) \(path)" : "\(name) \(path) could be replaced: \(place)"
            return Refusal(message: "\(what) \(why)", advice: advice)
        }

        /// For `chown`: who may own what is trusted.
        private static var me: String {
            geteuid() == 0 ? "root" : String(TrustedFile.userName(geteuid()).prefix { $0 != " " })
        }
    }

    /// Where a symbolic link leads, as it is written; nil for anything else.
    static func target(of path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &buffer, buffer.count)
        return count < 0 ? nil : String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
