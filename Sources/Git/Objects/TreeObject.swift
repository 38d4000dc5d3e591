import Reconcile

/// The bytes of a tree object, read and checked as strictly as `git fsck` does and more: what is in it ends up as names
/// in a file system.
struct TreeObject {
    typealias Entry = CommitTree.Entry

    /// An entry as it is written, unchecked.
    struct Raw {
        var mode: String
        var name: Slice<UnsafeRawBufferPointer>
        var id: ObjectID
    }

    /// In the order of the object.
    let entries: [(name: TreePath, entry: Entry)]

    /// - Throws: `GitError` of reason `invalidProject` for a tree that Git itself would not have made.
    init(_ bytes: UnsafeRawBufferPointer, _ limits: RepositoryLimits) throws {
        var entries: [(name: TreePath, entry: Entry)] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let raw = Self.next(&rest) else { throw Self.invalid("the list of a directory breaks off") }
            let name = try Self.name(raw.name, limits)
            let kind = try Self.kind(raw.mode, of: name)
            guard !raw.id.isZero else {
                throw Self.invalid("\"\(TreePath(name))\" has no content, not even an empty one")
            }
            guard kind != .link || name.lowercased() != ".gitmodules" else {
                throw Self.invalid("`.gitmodules` is a symbolic link")
            }
            entries.append((TreePath(name), Entry(kind: kind, id: raw.id)))
        }
        try Self.checkOrder(entries)
        self.entries = entries
    }

    /// The entries, unchecked, as far as the list goes on.
    static func all(in bytes: UnsafeRawBufferPointer) -> [Raw] {
        var rest = bytes[...]
        var found: [Raw] = []
        while let raw = next(&rest) { found.append(raw) }
        return found
    }

    /// The entry of that name, unchecked; nil when there is none, or the list breaks off before it.
    static func find(_ name: [UInt8], in bytes: UnsafeRawBufferPointer) -> Raw? {
        var rest = bytes[...]
        while let raw = next(&rest) {
            if raw.name.elementsEqual(name) { return raw }
        }
        return nil
    }

    /// Takes the next entry; nil when none is left, or not a whole one.
    private static func next(_ rest: inout Slice<UnsafeRawBufferPointer>) -> Raw? {
        guard let space = rest.prefix(8).firstIndex(of: UInt8(ascii: " ")),
            let end = rest[(space + 1)...].firstIndex(of: 0), rest.endIndex - end > 20
        else { return nil }
        let raw = Raw(
            mode: String(decoding: rest[..<space], as: UTF8.self), name: rest[(space + 1)..<end],
            id: ObjectID(bytes: UnsafeRawBufferPointer(rebasing: rest[(end + 1)...(end + 20)])))
        rest = rest[(end + 21)...]
        return raw
    }

    private static func invalid(_ what: String, _ advice: String = "") -> GitError {
        GitError(
            .invalidProject, "the commit is damaged or was made to do harm: \(what)",
            advice: advice.isEmpty
                ? "`git fsck --strict` in a clone names the object; push a commit without it." : advice)
    }

    // MARK: - Modes

    private static func kind(_ text: String, of name: String) throws -> Entry.Kind {
        // Old programs wrote a zero in front of the mode of directories.
        guard let mode = UInt32(text, radix: 8), !text.hasPrefix("+"), let kind = Entry.Kind(mode: mode) else {
            throw invalid("\"\(TreePath(name))\" has the mode \"\(TreePath(text))\", which Git does not know")
        }
        return kind
    }

    // MARK: - Names

    private static func name(_ bytes: Slice<UnsafeRawBufferPointer>, _ limits: RepositoryLimits) throws -> String {
        guard let name = String(validating: bytes, as: UTF8.self) else {
            throw GitError(
                .invalidProject,
                "the commit holds the file name \"\(TreePath(String(decoding: bytes, as: UTF8.self)))\", which is not UTF-8",
                advice: "Rename the file.")
        }
        guard bytes.count <= limits.nameBytes else {
            throw GitError.exceeds(
                "the commit holds a file name of \(bytes.count) bytes, and at most \(limits.nameBytes) are possible: "
                    + "\"\(TreePath(String(name.prefix(40))))…\"", "Rename the file.")
        }
        guard !["", ".", ".."].contains(name), !bytes.contains(UInt8(ascii: "/")), !isGitsOwn(name) else {
            throw invalid("it holds the forbidden file name \"\(TreePath(name))\"")
        }
        return name
    }

    /// Names that are `.git` to some file system: in other case, to NTFS with dots, spaces or a stream behind it or as
    /// `git~1`, to HFS+ with characters between that do not count.
    static func isGitsOwn(_ name: String) -> Bool {
        let visible = String(String.UnicodeScalarView(name.unicodeScalars.filter { !isIgnoredByHFS($0) }))
        if visible.lowercased() == ".git" { return true }
        return name.split(separator: "\\", omittingEmptySubsequences: false).contains { part in
            let part = part.lowercased()
            guard let start = [".git", "git~1"].first(where: { part.hasPrefix($0) }) else { return false }
            let rest = part.dropFirst(start.count).drop { $0 == "." || $0 == " " }
            return rest.isEmpty || rest.hasPrefix(":")
        }
    }

    private static func isIgnoredByHFS(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x200c...0x200f, 0x202a...0x202e, 0x206a...0x206f, 0xfeff: true
        default: false
        }
    }

    // MARK: - Order

    /// Git sorts by bytes, directories as if their names ended with a slash; nothing is there twice, also not as a file and
    /// as a directory.
    private static func checkOrder(_ entries: [(name: TreePath, entry: Entry)]) throws {
        var names: Set<TreePath> = []
        names.reserveCapacity(entries.count)
        var last: TreePath?
        for (name, entry) in entries {
            guard names.insert(name).inserted else { throw invalid("it holds \"\(name)\" twice in one directory") }
            let key = entry.kind == .directory ? TreePath(name.text + "/") : name
            if let last, !(last < key) { throw invalid("\"\(name)\" is not where Git sorts it") }
            last = key
        }
    }
}

extension CommitTree.Entry.Kind {
    /// Reads a Git file mode; nil for one that Git does not write.
    init?(mode: UInt32) {
        switch mode {
        case 0o100644: self = .file
        case 0o100755: self = .executable
        case 0o040000: self = .directory
        case 0o120000: self = .link
        case 0o160000: self = .submodule
        default: return nil
        }
    }

    /// The mode in Git's spelling.
    var mode: String {
        switch self {
        case .file: "100644"
        case .executable: "100755"
        case .link: "120000"
        case .directory: "040000"
        case .submodule: "160000"
        }
    }
}
