/// A path in a commit, relative to its root, equal to another only when the bytes are: to Swift's strings two spellings
/// of “é” are the same, to a file system they are not.
struct TreePath: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    let text: String

    init(_ text: String) { self.text = text }

    init(from decoder: any Decoder) throws { text = try decoder.singleValueContainer().decode(String.self) }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    static func == (a: Self, b: Self) -> Bool {
        a.text.utf8.count == b.text.utf8.count && a.text.utf8.elementsEqual(b.text.utf8)
    }

    static func < (a: Self, b: Self) -> Bool { a.text.utf8.lexicographicallyPrecedes(b.text.utf8) }

    func hash(into hasher: inout Hasher) {
        let isDone: Void? = text.utf8.withContiguousStorageIfAvailable {
            hasher.combine(bytes: UnsafeRawBufferPointer($0))
        }
        if isDone == nil { Array(text.utf8).withUnsafeBytes { hasher.combine(bytes: $0) } }
    }

    func appending(_ name: String) -> TreePath { TreePath(text.isEmpty ? name : "\(text)/\(name)") }

    var components: [String] { text.split(separator: "/").map(String.init) }

    /// The directories above it, outermost first, without the root.
    var parents: [TreePath] {
        let names = components.dropLast()
        return names.indices.map { TreePath(names[...$0].joined(separator: "/")) }
    }

    /// The directories that paths lead through, without the root; each is made once, however many paths there are.
    static func directories(of paths: some Sequence<TreePath>) -> Set<TreePath> {
        var found: Set<TreePath> = []
        for path in paths {
            var rest = Substring(path.text)
            while let slash = rest.utf8.lastIndex(of: UInt8(ascii: "/")) {
                rest = rest[..<slash]
                guard found.insert(TreePath(String(rest))).inserted else { break }
            }
        }
        return found
    }

    var description: String { text.withoutControlCharacters(keepingLines: false) }
}
