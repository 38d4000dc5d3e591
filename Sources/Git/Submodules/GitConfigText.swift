/// A file in the syntax of Git's configuration (`.gitmodules`, `.lfsconfig`), as a commit holds it.
///
/// libgit2's parser is not used: it follows `include.path` to files of this host.
struct GitConfigText {
    struct Entry: Equatable {
        /// In lower case.
        var section: String
        /// Nil when the section has none.
        var subsection: String?
        /// In lower case.
        var key: String
        /// Empty for a key without `=`.
        var value: String
    }

    /// What a file may hold at most.
    static let sizeLimit = 1 << 20

    struct Malformed: Error { var line: Int }

    private(set) var entries: [Entry] = []
    private var rest: ArraySlice<UInt8>
    private var line = 1

    /// Reads the text; throws `Malformed` where git would say "bad config line".
    init(_ text: [UInt8]) throws(Malformed) {
        let mark: [UInt8] = [0xef, 0xbb, 0xbf]
        rest = text.starts(with: mark) ? text.dropFirst(mark.count) : text[...]
        var section: (name: String, subsection: String?)?
        while true {
            skipBlank()
            guard let byte = rest.first else { return }
            if byte == UInt8(ascii: "[") {
                rest.removeFirst()
                section = try readSection()
            } else {
                guard let section else { throw Malformed(line: line) }
                let key = try readKey()
                entries.append(
                    Entry(section: section.name, subsection: section.subsection, key: key, value: try readValue()))
            }
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        let lower = byte | 0x20
        return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lower)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
    }

    /// Spaces, empty lines and comments.
    private mutating func skipBlank() {
        while let byte = rest.first {
            if byte == UInt8(ascii: "\n") {
                line += 1
                rest.removeFirst()
            } else if Self.isSpace(byte) {
                rest.removeFirst()
            } else if byte == UInt8(ascii: "#") || byte == UInt8(ascii: ";") {
                rest = rest.drop { $0 != UInt8(ascii: "\n") }
            } else {
                return
            }
        }
    }

    /// After the `[`: `name]`, `name.subsection]` or `name "subsection"]`.
    private mutating func readSection() throws(Malformed) -> (String, String?) {
        let name = rest.prefix { Self.isWord($0) || $0 == UInt8(ascii: ".") }
        rest = rest.dropFirst(name.count)
        let parts = String(decoding: name, as: UTF8.self).lowercased()
            .split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard !parts[0].isEmpty else { throw Malformed(line: line) }
        var subsection = parts.count > 1 ? parts[1] : nil
        let spaces = rest.prefix(while: Self.isSpace)
        rest = rest.dropFirst(spaces.count)
        if !spaces.isEmpty, rest.first == UInt8(ascii: "\"") {
            rest.removeFirst()
            subsection = try readSubsection()
        }
        guard rest.popFirst() == UInt8(ascii: "]") else { throw Malformed(line: line) }
        return (parts[0], subsection)
    }

    private mutating func readSubsection() throws(Malformed) -> String {
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return try text(bytes)
            case UInt8(ascii: "\n"): throw Malformed(line: line)
            case UInt8(ascii: "\\"):
                guard let next = rest.popFirst(), next != UInt8(ascii: "\n") else { throw Malformed(line: line) }
                bytes.append(next)
            default: bytes.append(byte)
            }
        }
        throw Malformed(line: line)
    }

    private mutating func readKey() throws(Malformed) -> String {
        let key = rest.prefix(while: Self.isWord)
        rest = rest.dropFirst(key.count)
        guard let first = key.first, Self.isWord(first), first != UInt8(ascii: "-"),
            !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
        else { throw Malformed(line: line) }
        return String(decoding: key, as: UTF8.self).lowercased()
    }

    /// What follows the key to the end of the line, and of those that it is continued on.
    private mutating func readValue() throws(Malformed) -> String {
        rest = rest.drop(while: Self.isSpace)
        guard let byte = rest.first, byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "#"), byte != UInt8(ascii: ";")
        else { return "" }
        guard byte == UInt8(ascii: "=") else { throw Malformed(line: line) }
        rest.removeFirst()
        rest = rest.drop(while: Self.isSpace)
        var bytes: [UInt8] = []
        // Spaces count only when something follows them.
        var spaces: [UInt8] = []
        var isQuoted = false
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\n") {
                guard !isQuoted else { throw Malformed(line: line) }
                line += 1
                return try text(bytes)
            }
            if !isQuoted, Self.isSpace(byte) {
                spaces.append(byte)
                continue
            }
            if !isQuoted, byte == UInt8(ascii: "#") || byte == UInt8(ascii: ";") {
                rest = rest.drop { $0 != UInt8(ascii: "\n") }
                continue
            }
            bytes += spaces
            spaces = []
            if byte == UInt8(ascii: "\"") {
                isQuoted.toggle()
            } else if byte == UInt8(ascii: "\\") {
                if let escaped = try readEscape() { bytes.append(escaped) }
            } else {
                bytes.append(byte)
            }
        }
        guard !isQuoted else { throw Malformed(line: line) }
        return try text(bytes)
    }

    /// After a backslash; nil for a line that goes on.
    private mutating func readEscape() throws(Malformed) -> UInt8? {
        if rest.first == UInt8(ascii: "\r"), rest.dropFirst().first == UInt8(ascii: "\n") { rest.removeFirst() }
        switch rest.popFirst() {
        case UInt8(ascii: "\n"):
            line += 1
            return nil
        case UInt8(ascii: "n"): return UInt8(ascii: "\n")
        case UInt8(ascii: "t"): return UInt8(ascii: "\t")
        case UInt8(ascii: "b"): return 8
        case let byte? where byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\"): return byte
        default: throw Malformed(line: line)
        }
    }

    private func text(_ bytes: [UInt8]) throws(Malformed) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw Malformed(line: line) }
        return text
    }
}
