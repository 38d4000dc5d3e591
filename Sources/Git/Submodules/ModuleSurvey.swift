import Glibc
import Reconcile

/// Which submodules a commit has, nested ones included, and which of them the caches hold.
///
/// Reads the disk only. Everything is bounded: whoever can push writes `.gitmodules`.
struct ModuleSurvey {
    /// How many submodules a commit may have, nested ones included.
    static let countLimit = 100
    /// How deeply they may be nested. A repository may be a submodule of its own older self; this is what ends a circle.
    static let depthLimit = 5

    /// One submodule at one place.
    struct Module: Sendable {
        /// Relative to the root of the project's repository.
        var path: TreePath
        var remote: ModuleRemote
        var commit: CommitID
    }

    struct Place {
        var path: TreePath
        /// Without submodules.
        var tree: CommitTree
        var remote: ModuleRemote
        var depth: Int
    }

    let tree: CommitTree
    let project: ModuleRemote
    let settings: ModuleSettings
    let stateDirectory: String
    /// The root directories of the submodules that are here, by their commits: a commit is the same wherever it is found.
    private(set) var roots: [ObjectID: CommitTree.Entry] = [:]
    private(set) var present: [Module] = []
    /// The commit and its submodules that are here, each with its own files.
    private(set) var places: [Place] = []
    private(set) var missing: [Module] = []

    init(_ tree: CommitTree, project: ModuleRemote, settings: ModuleSettings, stateDirectory: String) {
        self.tree = tree
        self.project = project
        self.settings = settings
        self.stateDirectory = stateDirectory
    }

    /// - Throws: `GitError` of reason `invalidProject` for a `.gitmodules` that is not sound.
    mutating func run() throws {
        var waiting = [Place(path: TreePath(""), tree: tree, remote: project, depth: 0)]
        while let place = waiting.popLast() {
            places.append(place)
            guard settings.fetchesSubmodules else { return }
            for module in try modules(of: place) {
                guard place.depth < Self.depthLimit else {
                    throw Self.refusal("\(module.path): submodules are nested deeper than \(Self.depthLimit) times")
                }
                guard present.count + missing.count < Self.countLimit else {
                    throw Self.refusal("the commit has more than \(Self.countLimit) submodules")
                }
                guard let root = try root(of: module) else {
                    missing.append(module)
                    continue
                }
                present.append(module)
                roots[ObjectID(hex: module.commit.hex)] = root
                waiting.append(
                    Place(
                        path: module.path, tree: try CommitTree(root: root, in: tree.cache, limits: tree.limits),
                        remote: module.remote,
                        depth: place.depth + 1))
            }
        }
    }

    private static func refusal(_ what: String) -> GitError {
        GitError(.invalidProject, what, advice: "Push a commit with fewer, or set git.submodules to false.")
    }

    /// The submodules that a repository's `.gitmodules` declares and its tree has.
    private func modules(of place: Place) throws -> [Module] {
        let tree = place.tree
        guard let file = try tree.entries(of: tree.root)[TreePath(".gitmodules")] else { return [] }
        let name = place.path.appending(".gitmodules").description
        guard file.kind == .file || file.kind == .executable else {
            throw GitError(
                .invalidProject, "\(name) is not a file", advice: "git refuses that, too; push it as a file.")
        }
        guard try tree.size(of: file) <= GitConfigText.sizeLimit else {
            throw GitError(.invalidProject, "\(name) is larger than 1 MiB")
        }
        let declared = try GitModules(tree.withContent(of: file) { Array($0) }, place: name)
        return try declared.modules.compactMap { module in
            guard let commit = try gitlink(module, in: place, name), !module.isLeftAlone else { return nil }
            let url = try GitRemoteURL(
                module: module.url, of: place.remote.url, project: project.url, place: name, name: module.name)
            return Module(
                path: place.path.text.isEmpty ? module.path : place.path.appending(module.path.text),
                remote: ModuleRemote(url, project: project, settings: settings), commit: commit)
        }
    }

    /// The commit that stands at the submodule's path; nil when nothing does, which a removed submodule leaves behind.
    private func gitlink(_ module: GitModules.Module, in place: Place, _ file: String) throws -> CommitID? {
        var here = place.tree.root
        for name in module.path.components {
            guard here.kind == .directory else {
                throw GitModules.refusal(
                    file, module.name, "its path \(module.path) leads through what is no directory")
            }
            guard let next = try place.tree.entries(of: here)[TreePath(name)] else { return nil }
            here = next
        }
        guard here.kind == .submodule else {
            throw GitModules.refusal(
                file, module.name, "\(module.path) is not a submodule in this commit, but something else")
        }
        return CommitID(hex: here.id.hex)
    }

    /// The root directory of the submodule's commit; nil when the cache lacks it, or is damaged.
    private func root(of module: Module) throws -> CommitTree.Entry? {
        let directory = module.remote.cache(in: stateDirectory)
        guard access(directory.path, F_OK) == 0, !directory.isDamaged else { return nil }
        do {
            guard try ObjectCache(opening: directory.path).commit(module.commit) != nil else { return nil }
            try tree.cache.addObjects(of: directory.path)
            return try tree.cache.root(of: module.commit)
        } catch is LibGit2.Failure {
            directory.markDamaged()
            return nil
        }
    }
}
