import Deploy
import FoundationEssentials
import Glibc
import Reconcile

/// Where a project's commits are built on the host, and where what was built is kept: `build` and `builds` in the
/// project's directory. The caller holds the project's lock.
struct BuildPlace: Sendable {
    let projectDirectory: String
    var limits = BuildLimits()

    /// The directory of the build under way. Another user's builds are elsewhere, because the state directory is closed
    /// to everybody else; this is a link there then. The user owns `tree` in that directory and not the directory itself,
    /// and so cannot put anything else in the place of `tree`.
    private var work: String { projectDirectory + "/build" }
    private static let workName = OpenDirectory.Name("build")
    private var builds: String { projectDirectory + "/builds" }
    private static let (shared, prefix, tree) = ("/var/tmp", "watcher-build.", "tree")

    /// What was kept of a build.
    func kept(_ build: BuildID) throws -> KeptBuild { try KeptBuild(directory: "\(builds)/\(build)") }

    func all() throws -> Set<BuildID> { Set(try keptNames().compactMap(BuildID.init)) }

    private func keptNames() throws -> [String] {
        try OpenDirectory(existing: builds)?.names().compactMap(\.text) ?? []
    }

    /// Removes what was kept of all other builds, and what a run that died was about to keep, or was building.
    func keep(_ wanted: Set<BuildID>) throws {
        try clear()
        guard let directory = try OpenDirectory(existing: builds) else { return }
        for name in try directory.names() where name.text.flatMap(BuildID.init).map({ !wanted.contains($0) }) ?? true {
            try directory.remove(name)
        }
    }

    // MARK: - Building

    /// Removes the directory of a build, be it under way or left behind.
    func clear() throws {
        guard let project = try OpenDirectory(existing: projectDirectory) else { return }
        if let name = try nameElsewhere(project) { try Self.sharedDirectory().remove(name) }
        try project.remove(Self.workName)
    }

    /// The name, among the directories of all users, of another user's build; nil when there is none.
    private func nameElsewhere(_ project: OpenDirectory) throws -> OpenDirectory.Name? {
        guard let status = try project.status(of: Self.workName), status.st_mode & S_IFMT == S_IFLNK else { return nil }
        let target = String(decoding: try project.target(ofLink: Self.workName), as: UTF8.self)
        let start = "\(Self.shared)/\(Self.prefix)"
        guard target.hasPrefix(start), !target.dropFirst(start.count).contains("/") else { return nil }
        return OpenDirectory.Name(String(target.dropFirst(Self.shared.count + 1)))
    }

    private static func sharedDirectory() throws -> OpenDirectory {
        // Some systems make it a link to /tmp.
        guard let real = realpath(shared, nil) else { throw GitError.system("find \(shared)", errno) }
        defer { free(real) }
        return try OpenDirectory(String(cString: real))
    }

    /// Opens the directory of the build under way.
    private func openWork() throws -> OpenDirectory {
        let project = try OpenDirectory(projectDirectory)
        guard let name = try nameElsewhere(project) else { return try OpenDirectory(Self.workName, in: project) }
        let place = try OpenDirectory(name, in: Self.sharedDirectory())
        guard try place.status().st_uid == geteuid() else {
            throw GitError(.stateUnusable, "\(place.path) was replaced by another user")
        }
        return try OpenDirectory(OpenDirectory.Name(Self.tree), in: place)
    }

    /// Writes the commit's files into a fresh directory, which only the user can enter; returns its path.
    func begin(_ tree: CommitTree, user: String?) throws -> String {
        try clear()
        try PrivateFile.makeDirectory(projectDirectory)
        let owner = try user.map(Owner.init)
        let directory = try owner == nil ? work : makeElsewhere() + "/" + Self.tree
        // Given away last, so that nobody else is in there before.
        guard mkdir(directory, 0o700) == 0 else { throw GitError.system("make \(directory)", errno) }
        var made: Set<TreePath> = []
        for (path, entry) in try tree.allFiles() {
            for parent in path.parents where made.insert(parent).inserted {
                let place = "\(directory)/\(parent.text)"
                guard mkdir(place, 0o755) == 0, chmod(place, 0o755) == 0 else {
                    throw GitError.system("make \(place)", errno)
                }
                try owner?.own(place)
            }
            let place = "\(directory)/\(path.text)"
            try Checkout.write(entry, as: place, tree)
            try owner?.own(place)
        }
        try owner?.own(directory)
        return directory
    }

    private func makeElsewhere() throws -> String {
        var template = Array("\(Self.shared)/\(Self.prefix)XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw GitError.system("make a directory in /var/tmp", errno) }
        let path = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard symlink(path, work) == 0 else {
            let code = errno
            rmdir(path)
            throw GitError.system("make the link \(work)", code)
        }
        // The user passes through it to what is the user's.
        guard chmod(path, 0o711) == 0 else { throw GitError.system("open \(path) to its user", errno) }
        return path
    }

    /// Keeps what the build made and removes its directory; returns how many files there are.
    func finish(_ build: BuildID, _ tree: CommitTree) throws -> Int {
        let new = OpenDirectory.Name("new"), place = OpenDirectory.Name(build.description)
        try PrivateFile.makeDirectory(builds)
        let kept = try OpenDirectory(builds)
        try kept.remove(new)
        guard mkdirat(kept.file, new.bytes, 0o700) == 0 else { throw GitError.system("make \(builds)/new", errno) }
        let target = try OpenDirectory(new, in: kept)
        var harvest = try Harvest(openWork(), of: tree, into: target, limits: limits)
        try harvest.run()
        let list = try? JSONEncoder().encode(harvest.outputs)
        guard let list, FileManager.default.createFile(atPath: "\(target.path)/\(KeptBuild.list)", contents: list)
        else {
            throw GitError(.stateUnusable, "cannot write \(target.path)/\(KeptBuild.list)")
        }
        guard fchmodat(target.file, KeptBuild.list, 0o600, 0) == 0 else {
            throw GitError.system("set the mode of \(target.path)/\(KeptBuild.list)", errno)
        }
        try sync(target)
        try kept.remove(place)
        guard renameat(kept.file, new.bytes, kept.file, place.bytes) == 0 else {
            throw GitError.system("keep \(builds)/\(build)", errno)
        }
        fsync(kept.file)
        try clear()
        return harvest.outputs.count
    }

    /// Waits until the directory and its files are on disk: the list must not survive them.
    private func sync(_ directory: OpenDirectory) throws {
        for name in try directory.names() {
            let file = openat(directory.file, name.bytes, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
            if file >= 0 {
                fsync(file)
                close(file)
            }
        }
        fsync(directory.file)
    }
}

/// Whom files are given to.
private struct Owner {
    let user: uid_t
    let group: gid_t

    init(_ name: String) throws {
        guard let entry = getpwnam(name) else {
            throw GitError(
                .invalidConfiguration, "this host has no user \(name) to build as",
                advice: "Correct build.user in the configuration.")
        }
        user = entry.pointee.pw_uid
        group = entry.pointee.pw_gid
    }

    func own(_ path: String) throws {
        guard lchown(path, user, group) == 0 else { throw GitError.system("give \(path) away", errno) }
    }
}
