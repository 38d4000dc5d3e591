import FoundationEssentials
import Glibc
import Reconcile
import Trust

/// A repository of this machine that is fetched from, before libgit2 opens it: whose it is, and whether it leads to objects
/// of somebody else.
///
/// Whoever owns a repository decides what root reads as a part of it: a `.git` file, `objects/info/alternates` or a link
/// may name any repository, and its content would be deployed. git calls it "dubious ownership".
struct LocalRepository {
    let path: String
    /// The user consents to what the owner does, as with git's `safe.directory`.
    let isSafe: Bool

    private static let mostEntries = 1_000_000

    /// Throws `GitError` with the reason `permissions`. What is no repository is for libgit2 to say.
    func check() throws {
        guard let top = Self.status(path, following: true) else { return }
        try checkLinks(owner: top.st_uid)
        let directory = try gitDirectory(of: HostDirectory.resolved(path), top.st_uid)
        let owners = [top.st_uid, Self.status(directory, following: false)?.st_uid ?? top.st_uid]
        let stranger = owners.first { !TrustedFile.isTrusted(owner: $0) }
        if let stranger, !isSafe { throw dubious(stranger) }
        try checkReferences(of: directory, owner: stranger, depth: 0)
    }

    /// A link on the way to the repository is whose it is: a stranger's must not lead to a repository of somebody else.
    private func checkLinks(owner: uid_t) throws {
        var here = ""
        var rest = Array(path.split(separator: "/").map(String.init).reversed())
        for _ in 0..<256 {
            guard let part = rest.popLast() else { return }
            if part == ".." { here = String(here[..<(here.lastIndex(of: "/") ?? here.startIndex)]) }
            if part == "." || part == ".." { continue }
            let place = "\(here)/\(part)"
            guard let status = Self.status(place, following: false), status.st_mode & S_IFMT == S_IFLNK,
                let target = try? FileManager.default.destinationOfSymbolicLink(atPath: place)
            else {
                here = place
                continue
            }
            if !TrustedFile.isTrusted(owner: status.st_uid) {
                guard status.st_uid == owner else {
                    throw elsewhere(
                        "\(place), a link of the user \(TrustedFile.userName(status.st_uid)), leads to a repository of "
                            + "the user \(TrustedFile.userName(owner))")
                }
                if !isSafe { throw dubious(status.st_uid) }
            }
            if target.hasPrefix("/") { here = "" }
            rest += target.split(separator: "/").map(String.init).reversed()
        }
    }

    /// The directory with the objects: the path itself, `.git` in it, or where a `.git` file leads.
    private func gitDirectory(of path: String, _ owner: uid_t) throws -> String {
        let inner = path + "/.git"
        guard let status = Self.status(inner, following: false) else { return path }
        if !TrustedFile.isTrusted(owner: status.st_uid), !isSafe { throw dubious(status.st_uid) }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: return inner
        case S_IFLNK: throw elsewhere("\(inner) is a symbolic link")
        default:
            guard let text = Self.text(inner), text.hasPrefix("gitdir:") else { return path }
            let target = text.dropFirst("gitdir:".count).drop { $0 == " " }
            let place = HostDirectory.resolved(target.hasPrefix("/") ? String(target) : "\(path)/\(target)")
            try checkOwner(of: place, named: inner, sameAs: status.st_uid)
            return place
        }
    }

    /// What the repository refers to has to belong to whom the repository belongs to, or, when that is root or us, to root
    /// or us.
    private func checkOwner(of place: String, named file: String, sameAs owner: uid_t) throws {
        guard let status = Self.status(place, following: true) else { return }
        let isFine =
            TrustedFile.isTrusted(owner: owner)
            ? TrustedFile.isTrusted(owner: status.st_uid) : status.st_uid == owner
        guard isFine else {
            throw elsewhere(
                "\(file), of the user \(TrustedFile.userName(owner)), leads to \(place), which belongs to the user "
                    + TrustedFile.userName(status.st_uid))
        }
    }

    private func checkReferences(of directory: String, owner: uid_t?, depth: Int) throws {
        if let common = Self.text(directory + "/commondir"), depth < 5 {
            let place = HostDirectory.resolved(common.hasPrefix("/") ? common : "\(directory)/\(common)")
            try checkOwner(of: place, named: directory + "/commondir", sameAs: Self.owner(directory + "/commondir"))
            try checkReferences(of: place, owner: owner, depth: depth + 1)
        }
        try checkAlternates(of: directory + "/objects", depth: depth)
        // A stranger could have made links to anything; root's own are root's business.
        if let owner { try checkHasNoLinks(directory, owner) }
    }

    private func checkAlternates(of objects: String, depth: Int) throws {
        let file = objects + "/info/alternates"
        guard depth < 5, let text = Self.text(file, whole: true) else { return }
        for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
            let place = HostDirectory.resolved(line.hasPrefix("/") ? String(line) : "\(objects)/\(line)")
            try checkOwner(of: place, named: file, sameAs: Self.owner(file))
            try checkAlternates(of: place, depth: depth + 1)
        }
    }

    /// No link, and nothing of a third user, anywhere in the repository.
    private func checkHasNoLinks(_ directory: String, _ owner: uid_t) throws {
        var waiting = [directory]
        var count = 0
        while let next = waiting.popLast() {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: next)) ?? [] {
                count += 1
                guard count < Self.mostEntries else {
                    throw elsewhere("\(directory) has more than \(Self.mostEntries) files, too many to look at")
                }
                let place = "\(next)/\(name)"
                guard let status = Self.status(place, following: false) else { continue }
                if status.st_mode & S_IFMT == S_IFDIR { waiting.append(place) }
                if status.st_mode & S_IFMT == S_IFLNK { throw elsewhere("\(place) is a symbolic link") }
            }
        }
    }

    private func dubious(_ owner: uid_t) -> GitError {
        GitError(
            .permissions,
            "the repository \(path) has a dubious ownership: it belongs to the user \(TrustedFile.userName(owner)), who "
                + "decides what is read as a part of it",
            advice: "Fetch it over ssh or https, or consent with `git: {safe_directory: true}` (git's safe.directory).")
    }

    private func elsewhere(_ why: String) -> GitError {
        GitError(
            .permissions, "the repository \(path) leads elsewhere: \(why)",
            advice:
                "Make it a repository of its own: `git repack -a -d` in a clone without alternates, or fetch it over ssh "
                + "or https.")
    }

    private static func status(_ path: String, following: Bool) -> stat? {
        var status = stat()
        return (following ? stat(path, &status) : lstat(path, &status)) == 0 ? status : nil
    }

    private static func owner(_ path: String) -> uid_t { status(path, following: false)?.st_uid ?? 0 }

    /// The first line of a small file, or all of it; nil when there is none.
    private static func text(_ path: String, whole: Bool = false) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(file, &buffer, buffer.count)
        guard count > 0 else { return nil }
        let text = String(decoding: buffer.prefix(count), as: UTF8.self)
        return whole ? text : String(text.prefix { !$0.isNewline })
    }
}
