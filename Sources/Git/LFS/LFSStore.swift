import Crypto
import FoundationEssentials
import Glibc
import Reconcile

/// Where contents that one repository keeps in Git LFS lie: `aa/bb/<oid>` in a directory of its own below `git/lfs`.
///
/// A directory serves one repository as seen with one set of credentials, as caches do. A file is whole and verified, or not
/// there.
struct LFSStore: Sendable, Hashable {
    let directory: String

    func path(of pointer: LFSPointer) -> String {
        "\(directory)/\(pointer.oid.prefix(2))/\(pointer.oid.dropFirst(2).prefix(2))/\(pointer.oid)"
    }

    func has(_ pointer: LFSPointer) -> Bool {
        var status = stat()
        return lstat(path(of: pointer), &status) == 0 && status.st_mode & S_IFMT == S_IFREG
            && Int(status.st_size) == pointer.size
    }

    private var incoming: String { directory + "/incoming" }

    /// Makes the directory, and removes what processes that died were receiving.
    func prepare() throws {
        try PrivateFile.makeDirectory(incoming)
        for name in (try? FileManager.default.contentsOfDirectory(atPath: incoming)) ?? [] {
            guard let process = pid_t(name.prefix { $0 != "-" }), process != getpid(), kill(process, 0) != 0,
                errno == ESRCH
            else { continue }
            unlink("\(incoming)/\(name)")
        }
    }

    /// A content that is being received.
    func receive(_ pointer: LFSPointer) throws -> Incoming {
        try Incoming(pointer, in: self, at: "\(incoming)/\(getpid())-\(UInt64.random(in: 0 ... .max))")
    }

    /// Takes the content from a file of this host; false when there is none.
    func copy(_ pointer: LFSPointer, from source: String) throws -> Bool {
        let file = open(source, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
        let incoming = try receive(pointer)
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let got = read(file, &buffer, buffer.count)
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw GitError.system("read \(source)", errno) }
            if got == 0 { break }
            try buffer[..<got].withUnsafeBytes { try incoming.add($0) }
        }
        try incoming.finish(from: source)
        return true
    }

    /// Receives one content; what is not finished vanishes with the value. Used by one task at a time.
    final class Incoming: @unchecked Sendable {
        private let pointer: LFSPointer
        private let store: LFSStore
        private let path: String
        private let file: Int32
        private var hash = SHA256()
        private var size = 0
        private var isDone = false

        fileprivate init(_ pointer: LFSPointer, in store: LFSStore, at path: String) throws {
            self.pointer = pointer
            self.store = store
            self.path = path
            file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            guard file >= 0 else { throw GitError.system("write \(path)", errno) }
        }

        deinit {
            close(file)
            if !isDone { unlink(path) }
        }

        func add(_ bytes: UnsafeRawBufferPointer) throws {
            size += bytes.count
            guard size <= pointer.size else { throw wrong("it is larger than \(pointer.size) bytes") }
            hash.update(bufferPointer: bytes)
            try OpenFile.writeAll(bytes, to: file, called: path)
        }

        /// Puts the content in place once it is whole and what the pointer says.
        func finish(from source: String) throws {
            guard size == pointer.size else { throw wrong("it has \(size) bytes of \(pointer.size)") }
            guard hash.finalize().elementsEqual(pointer.digest) else { throw wrong("it is another content") }
            guard fsync(file) == 0 else { throw GitError.system("write \(path)", errno) }
            let target = store.path(of: pointer)
            try PrivateFile.makeDirectory(String(target.dropLast(pointer.oid.utf8.count + 1)))
            guard rename(path, target) == 0 else { throw GitError.system("put \(target) in place", errno) }
            isDone = true
        }

        private func wrong(_ how: String) -> GitError {
            GitError(
                .remoteUnreachable, "what was sent for the Git LFS object \(pointer.oid.prefix(12)) is not it: \(how)",
                advice:
                    "`git lfs fsck` in a clone shows whether the server's copy is damaged; the next run tries again.")
        }
    }
}

extension LFSPointer {
    /// The oid in binary.
    fileprivate var digest: [UInt8] {
        var rest = oid[...]
        var bytes: [UInt8] = []
        while !rest.isEmpty {
            bytes.append(UInt8(rest.prefix(2), radix: 16) ?? 0)
            rest = rest.dropFirst(2)
        }
        return bytes
    }
}

/// The content of a file in a commit that is kept by Git LFS.
struct LFSContent: Sendable, Hashable {
    let pointer: LFSPointer
    let store: LFSStore

    /// How the content is named in the record of a checkout.
    var id: String { Self.mark + pointer.oid }
    private static let mark = "sha256:"

    static func isID(_ text: String) -> Bool { text.hasPrefix(mark) }

    static func id(of content: UnsafeRawBufferPointer) -> String {
        var hash = SHA256()
        hash.update(bufferPointer: content)
        return mark + hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Calls `body` with the bytes, which are mapped rather than read.
    func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> sending R) throws -> sending R {
        guard pointer.size > 0 else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        let path = store.path(of: pointer)
        let file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else {
            throw GitError(
                .stateUnusable, "the content of the Git LFS object \(pointer.oid.prefix(12)) is not here (\(path))",
                advice: "The next run downloads it.")
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, Int(status.st_size) == pointer.size,
            let map = mmap(nil, pointer.size, PROT_READ, MAP_PRIVATE, file, 0), map != MAP_FAILED
        else { throw GitError(.stateUnusable, "cannot read \(path)", advice: "Remove it; the next run downloads it.") }
        defer { munmap(map, pointer.size) }
        return try body(UnsafeRawBufferPointer(start: map, count: pointer.size))
    }
}
