import Deploy
import FoundationEssentials
import Glibc
import Reconcile

/// Where a project's commits are built on the host, and where what was built is kept: `build` and `builds` in the
/// project's directory. The caller holds the project's lock.
struct BuildPlace: Sendable {
    let projectDirectory: String

    /// The directory of the build under way. Another user's builds are elsewhere, because the state directory is closed
    /// to everybody else; this is a link there then.
    private var work: String { projectDirectory + "/build" }
    private var builds: String { projectDirectory + "/builds" }
    private static let elsewhere = "/var/tmp/watcher-build."

    /// What was kept of a build.
    func kept(_ build: BuildID) throws -> KeptBuild { try KeptBuild(directory: "\(builds)/\(build)") }

    func all() throws -> Set<BuildID> { Set(try HostFile.names(in: builds).compactMap(BuildID.init)) }

    /// Removes what was kept of all other builds, and what a run that died was about to keep, or was building.
    func keep(_ wanted: Set<BuildID>) throws {
        try clear()
        for name in try HostFile.names(in: builds) where BuildID(name).map({ !wanted.contains($0) }) ?? true {
            try HostFile.remove("\(builds)/\(name)")
        }
    }

    // MARK: - Building

    /// Removes the directory of a build, be it under way or left behind.
    func clear() throws {
        var status = stat()
        if lstat(work, &status) == 0, status.st_mode & S_IFMT == S_IFLNK {
            let target = try HostFile.target(ofLink: work)
            if target.hasPrefix(Self.elsewhere), !target.dropFirst(Self.elsewhere.count).contains("/") {
                try HostFile.remove(target)
            }
        }
        try HostFile.remove(work)
    }

    /// Writes the commit's files into a fresh directory, which only the user can enter; returns its path.
    func begin(_ tree: CommitTree, user: String?) throws -> String {
        try clear()
        try makePrivateDirectory(projectDirectory)
        let owner = try user.map(Owner.init)
        let directory = try owner == nil ? work : makeElsewhere()
        if owner == nil {
            guard mkdir(directory, 0o700) == 0 else { throw GitError.system("make \(directory)", errno) }
        }
        var made: Set<TreePath> = []
        for (path, entry) in try tree.allFiles() {
            for parent in path.parents where made.insert(parent).inserted {
                let place = "\(directory)/\(parent.text)"
                guard mkdir(place, 0o755) == 0 else { throw GitError.system("make \(place)", errno) }
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
        var template = Array((Self.elsewhere + "XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw GitError.system("make a directory in /var/tmp", errno) }
        let path = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard symlink(path, work) == 0 else {
            let code = errno
            rmdir(path)
            throw GitError.system("make the link \(work)", code)
        }
        return path
    }

    /// Keeps what the build made and removes its directory; returns how many files there are.
    func finish(_ build: BuildID, _ tree: CommitTree) throws -> Int {
        let new = "\(builds)/new", place = "\(builds)/\(build)"
        try makePrivateDirectory(builds)
        try HostFile.remove(new)
        guard mkdir(new, 0o700) == 0 else { throw GitError.system("make \(new)", errno) }
        guard let pointer = realpath(work, nil) else { throw GitError.system("find \(work)", errno) }
        defer { free(pointer) }
        let real = String(cString: pointer)
        var harvest = try Harvest(directory: try CheckoutDirectory(existing: real), tree: tree, target: new)
        try harvest.run()
        let list = try? JSONEncoder().encode(harvest.outputs)
        guard let list, FileManager.default.createFile(atPath: "\(new)/\(KeptBuild.list)", contents: list) else {
            throw GitError(.stateUnusable, "cannot write \(new)/\(KeptBuild.list)")
        }
        sync(new)
        try HostFile.remove(place)
        guard rename(new, place) == 0 else { throw GitError.system("keep \(place)", errno) }
        sync(builds)
        try clear()
        return harvest.outputs.count
    }

    /// Waits until everything in the directory's file system is on disk: the list must not survive its files.
    private func sync(_ path: String) {
        let directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return }
        for name in (try? HostFile.names(in: path)) ?? [] {
            let file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
            if file >= 0 {
                fsync(file)
                close(file)
            }
        }
        fsync(directory)
        close(directory)
    }

    private func makePrivateDirectory(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch { throw GitError(.stateUnusable, "cannot make the directory \(path): \(error)") }
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

/// Collects what is in a directory and not, or not just so, in the commit.
private struct Harvest {
    let directory: CheckoutDirectory
    let wanted: [TreePath: CommitTree.Entry]
    let tree: CommitTree
    /// Where files are copied to.
    let target: String
    private(set) var outputs: [KeptBuild.Output] = []

    init(directory: CheckoutDirectory, tree: CommitTree, target: String) throws {
        self.directory = directory
        self.tree = tree
        self.target = target
        wanted = try tree.allFiles()
    }

    mutating func run() throws { try visit(TreePath("")) }

    private mutating func visit(_ path: TreePath) throws {
        for name in try HostFile.names(in: "\(directory.path)/\(path.text)") {
            let child = path.appending(name)
            guard case .present(let status) = try directory.look(at: child) else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: try visit(child)
            case S_IFREG, S_IFLNK: try collect(child, status)
            default: break
            }
        }
    }

    private mutating func collect(_ path: TreePath, _ status: stat) throws {
        if let entry = wanted[path],
            try directory.holds(entry, at: path, status: status, size: { try tree.size(of: entry) })
        {
            return
        }
        let name = String(outputs.count)
        let source = "\(directory.path)/\(path.text)"
        var output = KeptBuild.Output(path: path, name: name, id: "", size: 0, permissions: nil)
        if status.st_mode & S_IFMT == S_IFLNK {
            let link = try HostFile.target(ofLink: source)
            guard symlink(link, "\(target)/\(name)") == 0 else { throw GitError.system("keep \(source)", errno) }
            output.id = try Array(link.utf8).withUnsafeBytes { try CommitTree.id(ofContent: $0).hex }
            output.size = link.utf8.count
        } else {
            let permissions = UInt32(status.st_mode & 0o777)
            let copied = try HostFile.copy(source, to: "\(target)/\(name)", permissions: permissions)
            (output.id, output.size, output.permissions) = (copied.id.hex, copied.size, permissions)
        }
        outputs.append(output)
    }
}
