import Reconcile

/// Which files of a commit, submodules included, are kept by Git LFS, and which of their contents are here.
///
/// A file is when its attributes say `filter=lfs` and it is a pointer, exactly as for git. Two files that are the same pointer
/// are one: when one is kept by Git LFS, so is the other.
struct LFSSurvey {
    /// How many files a commit may keep in Git LFS, how large one may be, and all of them together.
    static let countLimit = 20_000
    static let objectLimit = 2 << 30
    static let totalLimit = 10 << 30
    private static let deadline = Duration.seconds(60)

    typealias Part = ModuleSurvey.Place

    let project: ModuleRemote
    let settings: ModuleSettings
    let stateDirectory: String
    /// The contents by the ids of their pointers in Git.
    private(set) var contents: [ObjectID: LFSContent] = [:]
    /// What is not here.
    private(set) var missing: [LFSEndpoint: Set<LFSPointer>] = [:]
    private var count = 0
    private var total = 0
    private let start = ContinuousClock.now

    init(project: ModuleRemote, settings: ModuleSettings, stateDirectory: String) {
        self.project = project
        self.settings = settings
        self.stateDirectory = stateDirectory
    }

    /// Looks through one repository's part. Throws `GitError` of reason `invalidProject` for more than the limits.
    mutating func add(_ part: Part) throws {
        let files = try part.tree.allFiles()
        let attributes = try Self.attributes(of: files, part.path, part.tree)
        guard attributes.isUsed else { return }
        let endpoint = try LFSEndpoint(
            of: part.remote, configured: Self.configuredURL(of: part), project: project, settings: settings,
            place: Self.place(".lfsconfig", in: part), stateDirectory: stateDirectory)
        for (path, entry) in files where entry.kind != .link {
            guard ContinuousClock.now - start < Self.deadline else {
                throw Self.refusal("looking for files that are kept by Git LFS takes longer than \(Self.deadline)")
            }
            let known = contents[entry.id]?.pointer
            guard let pointer = try known ?? Self.pointer(entry, part.tree), known != nil || attributes.isLFS(path)
            else { continue }
            try add(pointer, entry.id, endpoint, part.path.appending(path.text))
        }
    }

    private mutating func add(
        _ pointer: LFSPointer, _ id: ObjectID, _ endpoint: LFSEndpoint, _ path: TreePath
    ) throws {
        guard pointer.size <= Self.objectLimit else {
            throw Self.refusal("\(path) is larger than 2 GiB, which is the most that one Git LFS object may be")
        }
        count += 1
        guard count <= Self.countLimit else {
            throw Self.refusal("the commit keeps more than \(Self.countLimit) files in Git LFS")
        }
        total += pointer.size
        guard total <= Self.totalLimit else {
            throw Self.refusal("the commit keeps more than 10 GiB in Git LFS")
        }
        guard contents[id] == nil else { return }
        contents[id] = LFSContent(pointer: pointer, store: endpoint.store)
        if !endpoint.store.has(pointer) { missing[endpoint, default: []].insert(pointer) }
    }

    private static func refusal(_ what: String) -> GitError {
        GitError(.invalidProject, what, advice: "Push a commit with less, or set git.lfs to false.")
    }

    private static func place(_ file: String, in part: Part) -> String { part.path.appending(file).description }

    static func pointer(_ entry: CommitTree.Entry, _ tree: CommitTree) throws -> LFSPointer? {
        guard try tree.size(of: entry) < LFSPointer.sizeLimit else { return nil }
        return try tree.withContent(of: entry) { bytes in
            String(validating: bytes, as: UTF8.self).flatMap(LFSPointer.init(text:))
        }
    }

    /// The `.gitattributes` of all directories, that of the root first.
    static func attributes(
        of files: [TreePath: CommitTree.Entry], _ place: TreePath, _ tree: CommitTree
    ) throws -> GitAttributes {
        var attributes = GitAttributes()
        let own = files.filter { $0.key.components.last == ".gitattributes" && $0.value.kind != .link }
        for (path, entry) in own.sorted(by: { $0.key.components.count < $1.key.components.count }) {
            guard try tree.size(of: entry) <= GitAttributes.sizeLimit else { continue }
            let text = try tree.withContent(of: entry) { Array($0) }
            attributes.add(text, of: path.parents.last ?? TreePath(""))
            guard attributes.lineCount <= GitAttributes.lineLimit else {
                throw refusal(
                    "\(place.appending(path.text)): more than \(GitAttributes.lineLimit) lines about filters in all")
            }
        }
        return attributes
    }

    /// `lfs.url` of the commit's `.lfsconfig`.
    private static func configuredURL(of part: Part) throws -> String? {
        guard let entry = try part.tree.entries(of: part.tree.root)[TreePath(".lfsconfig")], entry.kind != .directory,
            entry.kind != .link, entry.kind != .submodule, try part.tree.size(of: entry) <= GitConfigText.sizeLimit
        else { return nil }
        let text = try part.tree.withContent(of: entry) { Array($0) }
        let entries: [GitConfigText.Entry]
        do { entries = try GitConfigText(text).entries } catch {
            throw GitError(
                .invalidProject,
                "\(place(".lfsconfig", in: part)): line \(error.line) is not in the syntax of Git's configuration")
        }
        return entries.last { $0.section == "lfs" && $0.subsection == nil && $0.key == "url" }?.value
    }
}
