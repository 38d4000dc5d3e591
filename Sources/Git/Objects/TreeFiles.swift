import Compose
import Glibc
import Reconcile
import Synchronization

/// A commit's files as the loader sees them: laid virtually over the checkout path, and nothing else, except for the
/// paths that the configuration allows by name.
struct TreeFiles: Sendable {
    /// Bytes that one read may take.
    static let sizeLimit = RepositoryLimits.standard.readBytes

    let tree: CommitTree
    let checkoutPath: String
    /// What may be read outside of the checkout.
    let outside: OutsideFiles
    /// Called when an object turns out to be missing or damaged.
    let damaged: @Sendable () -> Void
    /// How many entries were listed by now.
    private let listed = Counter()

    init(
        tree: CommitTree, checkoutPath: String, outside: OutsideFiles, damaged: @escaping @Sendable () -> Void
    ) {
        self.tree = tree
        self.checkoutPath = checkoutPath
        self.outside = outside
        self.damaged = damaged
    }

    var access: FileAccess {
        FileAccess(
            kind: { try kind($0) }, read: { try read($0) }, contentID: { try contentID($0) }, list: { try list($0) })
    }

    func kind(_ path: String) throws -> FileAccess.Kind? {
        guard let below = below(path) else { return try outside.kind(path) }
        guard let entry = try resolve(below, path) else { return nil }
        return entry.kind == .directory ? .directory : .file
    }

    func read(_ path: String) throws -> [UInt8] {
        guard let below = below(path) else { return try outside.read(path, limit: Self.sizeLimit) }
        guard let entry = try resolve(below, path) else { throw FileAccessError.notFound(path: path) }
        guard entry.kind != .directory else { throw FileAccessError.notAFile(path: path) }
        return try readable(path) {
            guard try tree.size(of: entry) <= Self.sizeLimit else {
                throw FileAccessError.tooLarge(path: path, limit: Self.sizeLimit)
            }
            return try tree.withContent(of: entry) { Array($0) }
        }
    }

    func contentID(_ path: String) throws -> String? {
        guard let below = below(path) else { return nil }
        return try resolve(below, path)?.identity
    }

    func list(_ path: String) throws -> [FileAccess.Entry] {
        guard let below = below(path) else { throw FileAccessError.outside(path: path) }
        guard let directory = try resolve(below, path) else { throw FileAccessError.notFound(path: path) }
        guard directory.kind == .directory else {
            throw FileAccessError.unreadable(path: path, reason: "it is not a directory")
        }
        return try readable(path) {
            let entries = try tree.entries(of: directory)
            guard listed.add(entries.count) <= tree.limits.listedEntries else {
                throw GitError.exceeds(
                    "the build contexts hold more than \(tree.limits.listedEntries) files and directories", "")
            }
            return entries.map { name, entry in
                let place = "\(path)/\(name.text)"
                return FileAccess.Entry(
                    name: name.text, kind: .init(entry.kind), id: entry.identity,
                    content: { try content(of: entry, at: place) })
            }
        }
    }

    private func content(of entry: CommitTree.Entry, at path: String) throws -> [UInt8] {
        try readable(path) {
            guard entry.kind != .link else { return Array(try tree.target(of: entry, at: TreePath(path)).utf8) }
            let size = try tree.size(of: entry)
            guard size <= tree.limits.fileBytes else {
                throw FileAccessError.tooLarge(path: path, limit: tree.limits.fileBytes)
            }
            return try tree.withContent(of: entry) { Array($0) }
        }
    }

    /// The components of a path below the checkout; nil when it is elsewhere.
    private func below(_ path: String) -> [String]? {
        let clean = Self.clean(path)
        let root = Self.clean(checkoutPath)
        return clean.starts(with: root) ? Array(clean.dropFirst(root.count)) : nil
    }

    private static func clean(_ path: String) -> [String] {
        var result: [String] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = result.popLast() } else { result.append(String(part)) }
        }
        return result
    }

    /// Follows directories and symbolic links; nil when nothing is there.
    private func resolve(_ components: [String], _ path: String) throws -> CommitTree.Entry? {
        try readable(path) {
            var trail = [tree.root]
            var rest = Array(components.reversed())
            var links = 0
            while let name = rest.popLast() {
                guard let here = trail.last, here.kind == .directory else { return nil }
                if name == ".." {
                    guard trail.count > 1 else { throw FileAccessError.outside(path: path) }
                    trail.removeLast()
                    continue
                }
                guard let entry = try tree.entries(of: here)[TreePath(name)] else { return nil }
                switch entry.kind {
                case .file, .executable, .directory: trail.append(entry)
                case .submodule:
                    throw FileAccessError.unreadable(
                        path: path, reason: "\"\(name)\" is a submodule that was not fetched")
                case .link:
                    links += 1
                    guard links <= 40 else {
                        throw FileAccessError.unreadable(path: path, reason: "too many levels of symbolic links")
                    }
                    let target = try tree.target(of: entry, at: TreePath(path))
                    if target.hasPrefix("/") {
                        guard let inside = below(target) else { throw FileAccessError.outside(path: path) }
                        trail = [tree.root]
                        rest += inside.reversed()
                    } else {
                        rest += target.split(separator: "/").filter { $0 != "." }.map(String.init).reversed()
                    }
                }
            }
            return trail.last
        }
    }

    private func readable<R>(_ path: String, _ body: () throws -> R) throws -> R {
        do { return try body() } catch let failure as LibGit2.Failure {
            damaged()
            throw FileAccessError.unreadable(
                path: path, reason: "the repository cache is damaged (\(failure.text)); the next run fetches it again")
        } catch let error as GitError {
            throw FileAccessError.unreadable(path: path, reason: error.message)
        }
    }
}

/// Counts from several threads.
final class Counter: Sendable {
    private let count = Mutex(0)

    /// Adds and returns the sum.
    func add(_ number: Int) -> Int {
        count.withLock {
            $0 += number
            return $0
        }
    }
}

extension FileAccess.Entry.Kind {
    init(_ kind: CommitTree.Entry.Kind) {
        self =
            switch kind {
            case .file: .file
            case .executable: .executable
            case .link: .link
            case .directory: .directory
            case .submodule: .submodule
            }
    }
}
