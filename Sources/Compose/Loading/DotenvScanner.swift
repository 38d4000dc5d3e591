/// Reads one text in dotenv format, keeping count of lines.
struct DotenvScanner {
    private let scalars: [Unicode.Scalar]
    private let file: Dotenv
    private var position = 0
    /// How many bytes of expanded text the file may still have.
    private var remainingLength = 4 << 20

    init(_ text: String, file: Dotenv) {
        scalars = Array(text.unicodeScalars)
        self.file = file
    }

    mutating func read(into variables: inout [String: String]) throws(ComposeError) {
        while skipToStatement() {
            let start = position
            guard let (key, hasValue) = try key() else { continue }
            if !hasValue {
                if let value = file.lookup(key) { variables[key] = value }
            } else if let quote = current, quote == "\"" || quote == "'" {
                variables[key] = try quoted(quote, keyAt: start, variables)
            } else {
                variables[key] = try expand(unquoted(), at: start, variables)
            }
        }
    }

    private var current: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        ["\t", "\u{B}", "\u{C}", "\r", " ", "\u{85}", "\u{A0}"].contains(scalar)
    }

    private mutating func skipSpaces() {
        while let scalar = current, Self.isSpace(scalar) { position += 1 }
    }

    /// Moves over blank lines and comments; false at the end.
    private mutating func skipToStatement() -> Bool {
        while let scalar = current {
            if scalar == "#" {
                while let rest = current, rest != "\n" { position += 1 }
            } else if scalar.properties.isWhitespace {
                position += 1
            } else {
                return true
            }
        }
        return false
    }

    /// Reads `[export] KEY` and the sign behind it; nil when nothing but a key without meaning is left.
    private mutating func key() throws(ComposeError) -> (key: String, hasValue: Bool)? {
        skipExport()
        var name = String.UnicodeScalarView()
        let start = position
        while let scalar = current {
            if Self.isSpace(scalar) || scalar == "_" || scalar == "." || scalar == "-" || scalar == "["
                || scalar == "]" || scalar.properties.isAlphabetic || scalar.properties.numericType != nil
            {
                name.append(scalar)
                position += 1
                continue
            }
            guard scalar == "=" || scalar == ":" || scalar == "\n" else {
                throw error("unexpected character \"\(scalar)\" in a variable name", at: position)
            }
            position += 1
            if scalar != "\n" { skipSpaces() }
            return (try trimmed(name, at: start), scalar != "\n")
        }
        return (try trimmed(name, at: start), false)
    }

    private func trimmed(_ name: String.UnicodeScalarView, at start: Int) throws(ComposeError) -> String {
        var name = name
        while let last = name.last, Self.isSpace(last) { name.removeLast() }
        if name.contains(" ") { throw error("key cannot contain a space", at: start) }
        return String(name)
    }

    private mutating func skipExport() {
        let word: [Unicode.Scalar] = ["e", "x", "p", "o", "r", "t"]
        guard scalars[position...].starts(with: word), position + word.count < scalars.count,
            scalars[position + word.count].properties.isWhitespace
        else { return }
        position += word.count
        skipSpaces()
    }

    /// The rest of the line up to a comment, without spaces at its end.
    private mutating func unquoted() -> String {
        var value = String.UnicodeScalarView()
        var isComment = false
        while let scalar = current, scalar != "\n" {
            if scalar == " ", position + 1 < scalars.count, scalars[position + 1] == "#" { isComment = true }
            if !isComment { value.append(scalar) }
            position += 1
        }
        while let last = value.last, last.properties.isWhitespace { value.removeLast() }
        return String(value)
    }

    private mutating func quoted(
        _ quote: Unicode.Scalar, keyAt start: Int, _ variables: [String: String]
    ) throws(ComposeError) -> String {
        let opening = position
        position += 1
        var value = String.UnicodeScalarView()
        var isEscaped = false
        while let scalar = current {
            position += 1
            if scalar == quote {
                if !isEscaped {
                    let text = String(value)
                    return quote == "'" ? text : try expand(Self.unescaped(text), at: start, variables)
                }
                isEscaped = false
                value.append(scalar)
            } else if scalar == "\\", !isEscaped {
                isEscaped = true
            } else {
                if isEscaped { value.append("\\") }
                isEscaped = false
                value.append(scalar)
            }
        }
        throw error("the quoted value is not terminated", at: opening)
    }

    /// The escapes of double-quoted values. `\$` becomes `$$`, which interpolation turns into a dollar sign.
    static func unescaped(_ text: String) -> String {
        let simple: [Unicode.Scalar: Unicode.Scalar] = [
            "a": "\u{7}", "b": "\u{8}", "f": "\u{C}", "n": "\n", "r": "\r", "t": "\t", "v": "\u{B}", "\"": "\"",
            "\\": "\\",
        ]
        let scalars = Array(text.unicodeScalars)
        var output = String.UnicodeScalarView()
        var index = 0
        while index < scalars.count {
            guard scalars[index] == "\\", index + 1 < scalars.count else {
                output.append(scalars[index])
                index += 1
                continue
            }
            let next = scalars[index + 1]
            index += 2
            if next == "$" {
                output.append(contentsOf: ["$", "$"])
            } else if let replacement = simple[next] {
                output.append(replacement)
            } else if next == "0", let code = octal(scalars[index...].prefix(3)) {
                output.append(code)
                index += 3
            } else {
                output.append(contentsOf: ["\\", next])
            }
        }
        return String(output)
    }

    private static func octal(_ digits: ArraySlice<Unicode.Scalar>) -> Unicode.Scalar? {
        guard digits.count == 3, digits.allSatisfy({ ("0"..."7").contains($0) }) else { return nil }
        return UInt8(String(String.UnicodeScalarView(digits)), radix: 8).map { Unicode.Scalar($0) }
    }

    private mutating func expand(
        _ text: String, at start: Int, _ variables: [String: String]
    ) throws(ComposeError) -> String {
        let lookup = file.lookup
        do throws(Interpolation.Failure) {
            let expanded = try Interpolation(lookup: { lookup($0) ?? variables[$0] }).expand(text)
            remainingLength -= expanded.utf8.count
            if remainingLength < 0 { throw Interpolation.Failure.tooLong }
            return expanded
        } catch {
            throw self.error(error.description, at: start)
        }
    }

    private func error(_ message: String, at position: Int) -> ComposeError {
        var line = 1
        var column = 1
        for scalar in scalars.prefix(position) {
            (line, column) = scalar == "\n" ? (line + 1, 1) : (line, column + 1)
        }
        return file.error(message, line: line, column: column)
    }
}
