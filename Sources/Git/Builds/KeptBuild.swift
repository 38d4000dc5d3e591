import FoundationEssentials
import Glibc
import Reconcile

/// What one build on the host made: files that the commit does not hold just so, kept in a directory of their own
/// (`outputs.json`, and the files under their numbers). The directory is complete or not there.
struct KeptBuild: Sendable {
    /// A file or link that the build made.
    struct Output: Sendable, Codable, Hashable {
        var path: TreePath
        /// The name of the file in the directory.
        var name: String
        /// The object id that the content would have in Git.
        var id: String
        var size: Int
        /// The permissions; nil for a link.
        var permissions: UInt32?

        var entry: CommitTree.Entry {
            let kind: CommitTree.Entry.Kind =
                permissions.map { $0 & 0o100 != 0 ? .executable : .file } ?? .link
            return CommitTree.Entry(kind: kind, id: ObjectID(hex: id))
        }

        /// The mode as Git would write it if it knew more than two.
        var gitMode: String {
            guard let permissions else { return CommitTree.Entry.Kind.link.mode }
            return "100" + String(repeating: "0", count: permissions < 0o100 ? permissions < 0o10 ? 2 : 1 : 0)
                + String(permissions, radix: 8)
        }

        /// Whether a file has the permissions of this one; links have none.
        func hasMode(of status: stat) -> Bool { permissions.map { status.st_mode & 0o777 == $0 } ?? true }
    }

    let directory: String
    let outputs: [TreePath: Output]
    private let sorted: [Output]

    static let list = "outputs.json"

    init(directory: String) throws {
        self.directory = directory
        guard let data = FileManager.default.contents(atPath: "\(directory)/\(Self.list)"),
            let outputs = try? JSONDecoder().decode([Output].self, from: data)
        else {
            throw GitError(
                .stateUnusable, "what was built cannot be read: \(directory)",
                advice: "Remove that directory; the next run builds again.")
        }
        self.outputs = Dictionary(outputs.map { ($0.path, $0) }) { $1 }
        sorted = self.outputs.values.sorted { $0.path < $1.path }
    }

    /// The outputs below a directory, sorted by their paths; all of them below the empty path.
    func outputs(below directory: String) -> ArraySlice<Output> {
        guard !directory.isEmpty else { return sorted[...] }
        // Those with a beginning in common are neighbours.
        let start = TreePath(directory + "/")
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle].path < start { low = middle + 1 } else { high = middle }
        }
        return sorted[low...].prefix { $0.path.text.utf8.starts(with: start.text.utf8) }
    }

    /// Writes the output to a path where nothing is, and checks that it is what the build made.
    func write(_ output: Output, of path: TreePath, as target: String) throws {
        let source = "\(directory)/\(output.name)"
        guard let permissions = output.permissions else {
            let link = try HostFile.target(ofLink: source)
            guard symlink(link, target) == 0 else { throw GitError.system("write \(target)", errno) }
            return
        }
        let id = try HostFile.copy(source, to: target, permissions: permissions).id
        guard id.hex == output.id else {
            throw GitError(
                .stateUnusable, "\(source), what was built as \(path), is damaged",
                advice: "Remove \(directory); the next run builds again.")
        }
    }

    /// The content of a file, or the target of a link.
    func content(of output: Output) throws -> [UInt8] {
        let source = "\(directory)/\(output.name)"
        guard output.permissions != nil else { return Array(try HostFile.target(ofLink: source).utf8) }
        return try HostFile.withContent(of: source) { content, _ in Array(content) }
    }
}

/// Files on the host, never through a link.
enum HostFile {
    /// Calls `body` with the file's content and status.
    static func withContent<R>(of path: String, _ body: (UnsafeRawBufferPointer, stat) throws -> R) throws -> R {
        let file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { throw GitError.system("read \(path)", errno) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw GitError(.stateUnusable, "\(path) is not a file")
        }
        let size = Int(status.st_size)
        guard size > 0 else { return try body(.init(start: nil, count: 0), status) }
        guard let map = mmap(nil, size, PROT_READ, MAP_PRIVATE, file, 0), map != MAP_FAILED else {
            throw GitError.system("read \(path)", errno)
        }
        defer { munmap(map, size) }
        return try body(UnsafeRawBufferPointer(start: map, count: size), status)
    }

    /// Copies a file to a path where nothing is; returns the object id of what was copied, and its size.
    @discardableResult
    static func copy(_ path: String, to target: String, permissions: UInt32) throws -> (id: ObjectID, size: Int) {
        try withContent(of: path) { content, _ in
            let file = open(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            guard file >= 0 else { throw GitError.system("write \(target)", errno) }
            defer { close(file) }
            try OpenFile.writeAll(content, to: file, called: target)
            guard fchmod(file, permissions & 0o777) == 0 else {
                throw GitError.system("set the mode of \(target)", errno)
            }
            return (try CommitTree.id(ofContent: content), content.count)
        }
    }

    static func target(ofLink path: String) throws -> String {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &buffer, buffer.count)
        guard count >= 0 else { throw GitError.system("read the link \(path)", errno) }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }
}
