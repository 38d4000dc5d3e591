import YAML

/// The dotenv format, as `.env`, `env_file` and `label_file` have it.
package struct Dotenv {
    /// How an `env_file` entry is written.
    package enum Format: String, Sendable {
        /// Quotes, escapes, `export`, interpolation.
        case dotenv
        /// One `KEY=value` a line, taken literally.
        case raw
    }

    /// The largest accepted file.
    private static let maximumBytes = 1 << 20

    /// The name that error locations carry.
    package var file: String
    /// Values from outside: they win over keys of the file in interpolation, and give keys without `=` their value.
    package var lookup: (String) -> String?

    package init(file: String, lookup: @escaping (String) -> String?) {
        self.file = file
        self.lookup = lookup
    }

    /// Adds the variables of a text to `variables`; a later definition wins.
    ///
    /// Throws `ComposeError` with file, line and column at the first line that is not in the format.
    package func read(
        _ bytes: [UInt8], format: Format = .dotenv, into variables: inout [String: String]
    ) throws(ComposeError) {
        if bytes.count > Self.maximumBytes {
            throw error(
                "the file has \(bytes.count) bytes; at most \(Self.maximumBytes) are accepted", line: 1, column: 1)
        }
        let hasMark = bytes.starts(with: [0xEF, 0xBB, 0xBF])
        guard let text = String(validating: hasMark ? Array(bytes.dropFirst(3)) : bytes, as: UTF8.self) else {
            throw error("the text is not valid UTF-8", line: 1, column: 1)
        }
        switch format {
        case .raw: try readRaw(text, into: &variables)
        case .dotenv:
            var scanner = DotenvScanner(text, file: self)
            try scanner.read(into: &variables)
        }
    }

    private func readRaw(_ text: String, into variables: inout [String: String]) throws(ComposeError) {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            let statement = line.drop(while: \.isWhitespace)
            if statement.isEmpty || statement.hasPrefix("#") { continue }
            let column = line.count - statement.count + 1
            let sign = statement.firstIndex(of: "=") ?? statement.endIndex
            let key = String(statement[..<sign])
            if key.isEmpty || key.contains(where: { $0 == " " || $0 == "\t" }) {
                throw error("\"\(key)\" is no name of a variable", line: index + 1, column: column)
            }
            if sign < statement.endIndex {
                variables[key] = String(statement[statement.index(after: sign)...])
            } else if let value = lookup(key) {
                variables[key] = value
            }
        }
    }

    func error(_ message: String, line: Int, column: Int) -> ComposeError {
        ComposeError(.init(.syntax, at: SourceLocation(file: file, line: line, column: column), message))
    }
}
