/// The attribute `filter` as a commit's `.gitattributes` give it: the only one that decides what a checkout holds.
struct GitAttributes {
    /// A file may be this large, and all of them together may have so many lines about filters.
    static let sizeLimit = 1 << 20
    static let lineLimit = 1000

    private struct Line {
        /// How many names of a path lead to the file's directory.
        var depth: Int
        var pattern: GlobPattern
        var isLFS: Bool
    }

    private var macros: [String: Bool] = [:]
    private var files: [TreePath: [Line]] = [:]
    private(set) var lineCount = 0

    /// Whether anything can be kept by Git LFS.
    var isUsed: Bool { files.values.contains { $0.contains { $0.isLFS } } }

    /// Adds the file of a directory. That of the root comes first: only it can define macros.
    mutating func add(_ text: [UInt8], of directory: TreePath) {
        let depth = directory.components.count
        var lines: [Line] = []
        for line in text.split(whereSeparator: { $0 == UInt8(ascii: "\n") }) {
            var rest = line.drop(while: Self.isSpace)
            guard let first = rest.first, first != UInt8(ascii: "#") else { continue }
            guard let pattern = Self.word(&rest) else { continue }
            let isLFS = filter(rest)
            if pattern.starts(with: Array("[attr]".utf8)) {
                let name = String(decoding: pattern.dropFirst("[attr]".utf8.count), as: UTF8.self)
                if directory.text.isEmpty, let isLFS { macros[name] = isLFS }
                continue
            }
            guard let isLFS, let glob = GlobPattern(pattern) else { continue }
            lines.append(Line(depth: depth, pattern: glob, isLFS: isLFS))
        }
        lineCount += lines.count
        if !lines.isEmpty { files[directory] = lines }
    }

    /// Whether a file's content goes through the filter `lfs`: the last line decides that says anything about it, in the
    /// nearest directory that does.
    func isLFS(_ path: TreePath) -> Bool {
        let names = path.components
        for directory in path.parents.reversed() + [TreePath("")] {
            guard let lines = files[directory] else { continue }
            if let line = lines.last(where: { $0.pattern.matches(names[$0.depth...]) }) { return line.isLFS }
        }
        return false
    }

    /// What the attributes say about the filter; nil when they say nothing.
    private func filter(_ attributes: ArraySlice<UInt8>) -> Bool? {
        var result: Bool?
        for word in attributes.split(whereSeparator: Self.isSpace) {
            let text = String(decoding: word, as: UTF8.self)
            if text == "filter=lfs" {
                result = true
            } else if text == "filter" || text.hasPrefix("filter=") || text == "-filter" || text == "!filter" {
                result = false
            } else if let macro = macros[text] {
                result = macro
            }
        }
        return result
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
    }

    /// The pattern at the beginning of a line, which may be quoted as C does it.
    private static func word(_ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
        guard rest.first == UInt8(ascii: "\"") else {
            let word = rest.prefix { !isSpace($0) }
            rest = rest.dropFirst(word.count)
            return Array(word)
        }
        rest = rest.dropFirst()
        var word: [UInt8] = []
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\"") { return word }
            guard byte == UInt8(ascii: "\\") else {
                word.append(byte)
                continue
            }
            guard let next = rest.popFirst() else { return nil }
            let digits = ([next] + rest.prefix(2)).prefix { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }
            if digits.count == 3, let octal = UInt8(String(decoding: digits, as: UTF8.self), radix: 8) {
                word.append(octal)
                rest = rest.dropFirst(2)
            } else {
                let escapes: [UInt8: UInt8] = [UInt8(ascii: "n"): 10, UInt8(ascii: "t"): 9, UInt8(ascii: "r"): 13]
                word.append(escapes[next] ?? next)
            }
        }
        return nil
    }
}
