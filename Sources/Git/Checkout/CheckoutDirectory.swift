internal import CLibGit2
import Glibc
import Reconcile

/// The checkout's directory, reached component by component and never through a symbolic link.
///
/// Used by one thread. Paths are relative to the checkout.
final class CheckoutDirectory {
    /// What is found on the way to a path.
    enum Sight {
        case absent
        /// Something that is not a directory stands where one has to be.
        case blocked(by: TreePath)
        case present(stat)
    }

    private enum Descent {
        case directory(Int32)
        case absent
        case blocked(by: TreePath)
    }

    let path: String
    /// -1 when there is no such directory.
    private let root: Int32
    private var chain: [(name: String, file: Int32)] = []

    /// Changes nothing: everything is absent when there is no such directory.
    init(existing path: String) throws {
        root = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard root >= 0 || errno == ENOENT else { throw GitError.system("open the checkout \(path)", errno) }
        self.path = path
    }

    /// Makes the directory (0755) when there is none.
    init(making path: String) throws {
        if mkdir(path, 0o755) == 0 {
            chmod(path, 0o755)
        } else if errno != EEXIST {
            throw GitError.system("make the checkout \(path)", errno)
        }
        root = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard root >= 0 else { throw GitError.system("open the checkout \(path)", errno) }
        self.path = path
    }

    deinit {
        forget()
        if root >= 0 { close(root) }
    }

    /// Closes what is kept open from earlier calls; needed before directories are removed.
    func forget() {
        for link in chain { close(link.file) }
        chain = []
    }

    private func descend(_ names: ArraySlice<String>, making: Bool) throws -> Descent {
        guard root >= 0 else { return .absent }
        let common = zip(chain, names).prefix { $0.name.utf8.elementsEqual($1.utf8) }.count
        for link in chain[common...] { close(link.file) }
        chain.removeSubrange(common...)
        for index in names.indices.dropFirst(common) {
            let name = names[index]
            let here = chain.last?.file ?? root
            var file = openat(here, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            if file < 0, errno == ENOENT {
                guard making else { return .absent }
                guard mkdirat(here, name, 0o755) == 0 else { throw failure("make the directory", name) }
                file = openat(here, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                if file >= 0 { fchmod(file, 0o755) }
            }
            guard file >= 0 else {
                if errno == ENOTDIR || errno == ELOOP {
                    return .blocked(by: TreePath(names[...index].joined(separator: "/")))
                }
                throw failure("open the directory", names[...index].joined(separator: "/"))
            }
            chain.append((name, file))
        }
        return .directory(chain.last?.file ?? root)
    }

    func look(at path: TreePath) throws -> Sight {
        let names = path.components
        switch try descend(names.dropLast(), making: false) {
        case .absent: return .absent
        case .blocked(let by): return .blocked(by: by)
        case .directory(let parent):
            var status = stat()
            if fstatat(parent, names.last ?? ".", &status, AT_SYMLINK_NOFOLLOW) == 0 { return .present(status) }
            if errno == ENOENT { return .absent }
            throw failure("look at", path.text)
        }
    }

    /// Whether what stands at the path, a file or link with this status, holds what the entry does.
    /// - Parameter size: The size of a file that the entry means.
    func holds(
        _ entry: CommitTree.Entry, at path: TreePath, status: stat, size: () throws -> Int
    ) throws -> Bool {
        let type = status.st_mode & S_IFMT
        if entry.kind == .link {
            guard type == S_IFLNK else { return false }
        } else {
            let isExecutable = status.st_mode & S_IXUSR != 0
            guard type == S_IFREG, isExecutable == (entry.kind == .executable), try size() == Int(status.st_size)
            else { return false }
        }
        return try id(at: path, status: status, isLFS: entry.content != nil) == entry.contentID
    }

    /// Whether what stands at the path, a file or link with this status, is the file of the manifest.
    func holds(_ file: CheckoutManifest.File, at path: TreePath, status: stat) throws -> Bool {
        let isLink = file.mode == CommitTree.Entry.Kind.link.mode
        guard (status.st_mode & S_IFMT == S_IFLNK) == isLink else { return false }
        if !isLink, let mode = UInt32(file.mode, radix: 8), mode & 0o777 != status.st_mode & 0o777 { return false }
        return try id(at: path, status: status, isLFS: LFSContent.isID(file.id)) == file.id
    }

    /// The id that Git, or Git LFS, gives to the content of a file or link; nil for what cannot be read.
    private func id(at path: TreePath, status: stat, isLFS: Bool) throws -> String? {
        guard case .directory(let parent) = try descend(path.components.dropLast(), making: false),
            let name = path.components.last
        else { return nil }
        if status.st_mode & S_IFMT == S_IFLNK {
            var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
            let count = readlinkat(parent, name, &buffer, buffer.count)
            guard count >= 0 else { return nil }
            return try buffer[..<count].withUnsafeBytes { try CommitTree.id(ofContent: $0).hex }
        }
        guard status.st_mode & S_IFMT == S_IFREG else { return nil }
        let file = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        let size = Int(status.st_size)
        guard size > 0 else { return try Self.id(of: .init(start: nil, count: 0), isLFS) }
        guard let map = mmap(nil, size, PROT_READ, MAP_PRIVATE, file, 0), map != MAP_FAILED else { return nil }
        defer { munmap(map, size) }
        return try Self.id(of: UnsafeRawBufferPointer(start: map, count: size), isLFS)
    }

    private static func id(of content: UnsafeRawBufferPointer, _ isLFS: Bool) throws -> String {
        isLFS ? LFSContent.id(of: content) : try CommitTree.id(ofContent: content).hex
    }

    /// Moves a staged file to the path, making the directories above it. With `replacing` false, something that
    /// appeared there meanwhile is left alone and an error thrown. Returns the file's status in its place.
    func place(_ name: String, from stage: Int32, at path: TreePath, replacing: Bool) throws -> stat {
        let names = path.components
        guard case .directory(let parent) = try descend(names.dropLast(), making: true), let last = names.last else {
            throw GitError.inTheWay(path, of: path, in: self.path)
        }
        var code: Int32 = -1
        if !replacing {
            code = clibgit2_rename_new(stage, name, parent, last)
            if code != 0, errno == EEXIST { throw GitError.inTheWay(path, of: path, in: self.path) }
        }
        // Not every file system can rename without replacing.
        if code != 0, replacing || errno == EINVAL || errno == ENOSYS { code = renameat(stage, name, parent, last) }
        guard code == 0 else { throw failure("put in place", path.text) }
        var status = stat()
        guard fstatat(parent, last, &status, AT_SYMLINK_NOFOLLOW) == 0 else { throw failure("look at", path.text) }
        return status
    }

    /// Removes a file or link; nothing happens when there is none.
    func removeFile(_ path: TreePath) throws {
        guard case .directory(let parent) = try descend(path.components.dropLast(), making: false),
            let name = path.components.last
        else { return }
        if unlinkat(parent, name, 0) != 0, errno != ENOENT, errno != EISDIR { throw failure("remove", path.text) }
    }

    /// Removes a directory if it is empty.
    func removeIfEmpty(_ path: TreePath) throws {
        forget()
        guard case .directory(let parent) = try descend(path.components.dropLast(), making: false),
            let name = path.components.last
        else { return }
        _ = unlinkat(parent, name, AT_REMOVEDIR)
    }

    /// A file or directory below the directory that `isOurs` does not know; nil when there is none.
    func stranger(below path: TreePath, isOurs: (TreePath) -> Bool) throws -> TreePath? {
        guard case .directory(let directory) = try descend(path.components[...], making: false) else { return nil }
        let copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = fdopendir(copy) else { throw failure("read the directory", path.text) }
        defer { closedir(stream) }
        while let item = readdir(stream) {
            let name = withUnsafePointer(to: &item.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            let child = path.appending(name)
            guard isOurs(child) else { return child }
            if case .present(let status) = try look(at: child), status.st_mode & S_IFMT == S_IFDIR,
                let found = try stranger(below: child, isOurs: isOurs)
            {
                return found
            }
        }
        return nil
    }

    private func failure(_ doing: String, _ name: String) -> GitError {
        GitError.system("\(doing) \(name) in the checkout \(path)", errno)
    }
}

extension GitError {
    /// Something that we did not write stands where a file of the commit has to be.
    static func inTheWay(_ obstacle: TreePath, of path: TreePath, in checkout: String) -> GitError {
        let place = obstacle == path ? "" : " for \(path)"
        return GitError(
            .stateUnusable, "\(checkout)/\(obstacle) is in the way\(place): it differs from the commit and is not ours",
            advice: "Move it away: watcher never overwrites or removes files that it did not write.")
    }
}
