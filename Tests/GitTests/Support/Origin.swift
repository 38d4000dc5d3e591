import FoundationEssentials
import Glibc
import Reconcile

@testable import Git

/// A repository made by the `git` command: a bare one to fetch from and a tree to commit in.
struct Origin {
    let sandbox: Sandbox
    /// The bare repository.
    let path: String
    let tree: String

    init(_ sandbox: Sandbox, name: String = "infra") throws {
        self.sandbox = sandbox
        path = "\(sandbox.path)/\(name).git"
        tree = "\(sandbox.path)/\(name)-tree"
        try sandbox.run("git", "init", "-q", "--bare", "-b", "main", path)
        try sandbox.run("git", "init", "-q", "-b", "main", tree)
        try sandbox.run("git", "-C", path, "config", "receive.denyDeleteCurrent", "ignore")
        try git("remote", "add", "origin", path)
    }

    var fileURL: String { "file://\(path)" }

    @discardableResult
    func git(_ arguments: String...) throws -> String { try sandbox.run(["git"] + arguments, in: tree) }

    /// Writes files (nil removes one), commits everything in the tree, pushes the branch.
    @discardableResult
    func commit(_ files: [String: String?] = [:], _ message: String = "Change", branch: String = "main") throws
        -> CommitID
    {
        for (name, text) in files {
            if let text {
                try sandbox.write(text, to: "\(tree)/\(name)")
            } else {
                try FileManager.default.removeItem(atPath: "\(tree)/\(name)")
            }
        }
        try git("add", "--all")
        try git("commit", "-q", "--allow-empty", "-m", message)
        try git("push", "-q", "--force", "origin", "HEAD:refs/heads/\(branch)")
        return CommitID(hex: try git("rev-parse", "HEAD"))
    }

    /// The repository as watcher sees it, in a state directory of the sandbox.
    func repository(
        _ url: String? = nil, _ revision: Revision = .branch("main"), access: GitAccess = GitAccess(),
        project: String = "shop", readableOutside: [String] = [], network: GitNetwork = GitNetwork(executable: nil),
        fetches: SharedFetches = SharedFetches([]), modules: ModuleSettings = ModuleSettings()
    ) throws -> GitRepository {
        GitRepository(
            url: try GitRemoteURL(url ?? fileURL), revision: revision, access: access,
            stateDirectory: "\(sandbox.path)/state", projectDirectory: "\(sandbox.path)/state/projects/\(project)",
            readableOutside: readableOutside, modules: modules, network: network, fetches: fetches)
    }

    /// The cache that `repository()` uses.
    func cache(_ url: String? = nil) throws -> String {
        "\(sandbox.path)/state/git/\(try GitRemoteURL(url ?? fileURL).cacheName)"
    }
}

/// What an action throws, as a `GitError`.
func gitError(_ body: () async throws -> some Sendable) async throws -> GitError {
    do {
        let value = try await body()
        throw Sandbox.Failure(description: "nothing was thrown, but came: \(value)")
    } catch let error as GitError { return error }
}

/// The files of a directory tree by relative path, links as `-> target`; directories without files as `name/`.
func contents(of directory: String) throws -> [String: String] {
    var result: [String: String] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: directory) {
        let path = "\(directory)/\(name)"
        var status = stat()
        guard lstat(path, &status) == 0 else { continue }
        switch status.st_mode & S_IFMT {
        case S_IFLNK: result[name] = "-> " + (try FileManager.default.destinationOfSymbolicLink(atPath: path))
        case S_IFDIR:
            if try FileManager.default.contentsOfDirectory(atPath: path).isEmpty { result[name + "/"] = "" }
        default: result[name] = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
        }
    }
    return result
}

func inode(_ path: String) -> UInt64 {
    var status = stat()
    return lstat(path, &status) == 0 ? UInt64(status.st_ino) : 0
}

func mode(_ path: String) -> UInt32 {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
}
