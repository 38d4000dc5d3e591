import Crypto
import Deploy
import Glibc
import Reconcile

/// What a build may leave behind, so that no commit fills the disk or the memory of the host.
struct BuildLimits: Sendable {
    /// Files and links that are kept.
    var outputs = 100_000
    /// Their bytes.
    var bytes = 4 << 30
    /// Everything in the directory, the commit's own files included.
    var entries = 1_000_000
    /// Directories above a file.
    var depth = 100
}

/// Collects what is in a build's directory and not, or not just so, in the commit.
///
/// The directory is another user's, who may have put anything there. Only what that user owns is copied, so that a hard
/// link to somebody else's file gives nothing away; devices, sockets and pipes are left alone.
struct Harvest {
    private let root: OpenDirectory
    /// Where files are copied to: a directory that nobody else can enter.
    private let target: OpenDirectory
    private let tree: CommitTree
    private let wanted: [TreePath: CommitTree.Entry]
    private let wantedDirectories: Set<TreePath>
    private let limits: BuildLimits
    /// Who has to own a file; nil when the build ran as the user who runs this.
    private let owner: uid_t?
    private var entries = 0
    private var bytes = 0
    private(set) var outputs: [KeptBuild.Output] = []

    init(_ root: OpenDirectory, of tree: CommitTree, into target: OpenDirectory, limits: BuildLimits) throws {
        self.root = root
        self.tree = tree
        self.target = target
        self.limits = limits
        wanted = try tree.allFiles()
        wantedDirectories = TreePath.directories(of: wanted.keys)
        let user = try root.status().st_uid
        owner = user == geteuid() ? nil : user
    }

    mutating func run() throws { try visit(root, TreePath(""), depth: 0) }

    private mutating func visit(_ directory: OpenDirectory, _ path: TreePath, depth: Int) throws {
        let names = try directory.names(limit: limits.entries - entries + 1)
        entries += names.count
        guard entries <= limits.entries else {
            throw Self.failure("left more than \(limits.entries) files and directories")
        }
        for name in names {
            guard let text = name.text else {
                throw Self.failure("made \(directory.path)/\(name.shown), whose name is not UTF-8")
            }
            let child = path.appending(text)
            guard child.text.utf8.count <= tree.limits.pathBytes else {
                throw Self.failure(
                    "made a path of more than \(tree.limits.pathBytes) bytes: \(child.description.prefix(80))...")
            }
            guard let status = try directory.status(of: name) else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                guard depth < limits.depth else {
                    throw Self.failure(
                        "nests directories deeper than \(limits.depth): \(child.description.prefix(80))...")
                }
                try visit(OpenDirectory(name, in: directory), child, depth: depth + 1)
            case S_IFREG: try collectFile(name, in: directory, child)
            case S_IFLNK: try collectLink(name, in: directory, child)
            default: break
            }
        }
    }

    private mutating func collectLink(_ name: OpenDirectory.Name, in directory: OpenDirectory, _ path: TreePath) throws
    {
        let link = try directory.target(ofLink: name)
        guard String(validating: link, as: UTF8.self) != nil else {
            throw Self.failure("made the link \(path), whose target is not UTF-8")
        }
        let id = try link.withUnsafeBytes { try CommitTree.id(ofContent: $0) }
        if let entry = wanted[path], entry.kind == .link, entry.id == id { return }
        let number = try announce(path, size: link.count)
        guard symlinkat(link.map { CChar(bitPattern: $0) } + [0], target.file, number) == 0 else {
            throw GitError.system("keep the link \(path)", errno)
        }
        outputs.append(KeptBuild.Output(path: path, name: number, id: id.hex, size: link.count, permissions: nil))
    }

    private mutating func collectFile(_ name: OpenDirectory.Name, in directory: OpenDirectory, _ path: TreePath) throws
    {
        let file = openat(directory.file, name.bytes, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { throw GitError.system("read \(directory.path)/\(name.shown)", errno) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Self.failure("changed \(path) while it was read")
        }
        if let owner, status.st_uid != owner {
            throw Self.failure(
                "left \(path), which belongs to another user (\(status.st_uid), not \(owner)); it is not read")
        }
        if try holds(wanted[path], file, status) { return }
        let size = Int(status.st_size)
        let number = try announce(path, size: size)
        let permissions = UInt32(status.st_mode & 0o777)
        let id = try copy(file, size, as: number, path)
        outputs.append(
            KeptBuild.Output(path: path, name: number, id: id.hex, size: size, permissions: permissions))
    }

    /// Whether the file is what the commit has in its place.
    private func holds(_ entry: CommitTree.Entry?, _ file: Int32, _ status: stat) throws -> Bool {
        guard let entry, entry.kind == (status.st_mode & S_IXUSR != 0 ? .executable : .file),
            try tree.size(of: entry) == Int(status.st_size)
        else { return false }
        let size = Int(status.st_size)
        if let content = entry.content { return try digest(of: file, size, SHA256()) == content.pointer.oid }
        var hash = Insecure.SHA1()
        hash.update(data: Array("blob \(size)\0".utf8))
        return try digest(of: file, size, hash) == entry.id.hex
    }

    /// The hash of so many bytes of the file, in hexadecimal digits; nil when there are not that many. The file is not mapped:
    /// who shortened it meanwhile would end this process.
    private func digest(of file: Int32, _ size: Int, _ start: some HashFunction) throws -> String? {
        var hash = start
        var done = 0
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while done < size {
            let got = pread(file, &buffer, min(buffer.count, size - done), off_t(done))
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { return nil }
            buffer[..<got].withUnsafeBytes { hash.update(bufferPointer: $0) }
            done += got
        }
        return hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Counts an output; returns the name that it is kept under.
    private mutating func announce(_ path: TreePath, size: Int) throws -> String {
        if let file = path.parents.first(where: { wanted[$0] != nil }) {
            throw Self.failure("made \(path), but the commit has a file \(file)")
        }
        if wantedDirectories.contains(path) { throw Self.failure("made \(path), which is a directory in the commit") }
        bytes += size
        guard outputs.count < limits.outputs else { throw Self.failure("made more than \(limits.outputs) files") }
        guard bytes <= limits.bytes else {
            throw Self.failure("made more than \(limits.bytes >> 20) MiB of files (\(path) is \(size >> 20) MiB)")
        }
        return String(outputs.count)
    }

    /// Copies so many bytes of the file; returns their object id.
    private func copy(
        _ source: Int32, _ size: Int, as name: String, _ path: TreePath
    ) throws -> ObjectID {
        let place = "\(target.path)/\(name)"
        let file = openat(target.file, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw GitError.system("write \(place)", errno) }
        defer { close(file) }
        var left = size
        var buffer = [UInt8](repeating: 0, count: min(max(size, 1), 1 << 20))
        while left > 0 {
            let got = read(source, &buffer, min(left, buffer.count))
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { throw Self.failure("changed \(path) while it was read") }
            try buffer[..<got].withUnsafeBytes { try OpenFile.writeAll($0, to: file, called: place) }
            left -= got
        }
        // What is kept is closed to others; its permissions are in the list, and set in the checkout.
        guard fchmod(file, 0o600) == 0 else { throw GitError.system("set the mode of \(place)", errno) }
        guard size > 0 else { return try CommitTree.id(ofContent: .init(start: nil, count: 0)) }
        guard let map = mmap(nil, size, PROT_READ, MAP_PRIVATE, file, 0), map != MAP_FAILED else {
            throw GitError.system("read \(place)", errno)
        }
        defer { munmap(map, size) }
        return try CommitTree.id(ofContent: UnsafeRawBufferPointer(start: map, count: size))
    }

    private static func failure(_ what: String) -> GitError {
        GitError(
            .buildFailed, "the build \(what)",
            advice: "Correct what the build leaves in its directory; nothing was touched.")
    }
}
