/// Reads YAML 1.1 texts as go-yaml does, the parser of docker compose: what it accepts, how plain scalars resolve, how
/// anchors and merge keys combine. Never reads a file; never returns a node without its place.
package enum YAMLParser {
    /// All documents of a text in order; none for an empty one.
    ///
    /// Throws at the first thing that is not acceptable: bytes that are not UTF-8, a syntax error, a duplicate or
    /// non-string key, an alias to an unknown or enclosing anchor, or a text beyond the limits.
    /// - Parameters:
    ///   - bytes: UTF-8, with or without byte order mark.
    ///   - file: The name that locations carry.
    package static func documents(
        in bytes: [UInt8], file: String, limits: YAMLLimits = .standard
    ) throws(YAMLError) -> [YAMLNode] {
        try checkText(bytes, file: file, limits: limits)
        let hasMark = bytes.starts(with: [0xEF, 0xBB, 0xBF])
        let text = hasMark ? Array(bytes.dropFirst(3)) : bytes
        return try text.withUnsafeBufferPointer { (buffer) throws(YAMLError) -> [YAMLNode] in
            var composer = NodeComposer(events: EventReader(buffer, file: file), limits: limits)
            return try composer.documents()
        }
    }

    private static func checkText(_ bytes: [UInt8], file: String, limits: YAMLLimits) throws(YAMLError) {
        let start = SourceLocation(file: file, line: 1, column: 1)
        if bytes.count > limits.bytes {
            throw YAMLError("the file has \(bytes.count) bytes; at most \(limits.bytes) are accepted", at: start)
        }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            throw YAMLError("the file is UTF-16; only UTF-8 is accepted", at: start)
        }
        if let offset = bytes.firstIndex(of: 0) {
            throw YAMLError("NUL byte", at: location(ofByte: offset, in: bytes, file: file))
        }
        if let offset = firstInvalidByte(in: bytes) {
            throw YAMLError("the text is not valid UTF-8", at: location(ofByte: offset, in: bytes, file: file))
        }
    }

    /// The offset of the first byte that begins no valid UTF-8 sequence, or nil.
    private static func firstInvalidByte(in bytes: [UInt8]) -> Int? {
        var decoder = Unicode.UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        var offset = 0
        while true {
            switch decoder.parseScalar(from: &iterator) {
            case .valid(let sequence): offset += sequence.count
            case .emptyInput: return nil
            case .error: return offset
            }
        }
    }

    /// Where the byte at `offset` lies; the bytes before it are counted as UTF-8.
    static func location(ofByte offset: Int, in bytes: some Sequence<UInt8>, file: String) -> SourceLocation {
        var line = 1
        var column = 1
        for byte in bytes.prefix(offset) {
            if byte == 0x0A {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
        return SourceLocation(file: file, line: line, column: column)
    }
}
