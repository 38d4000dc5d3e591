import YAML

/// How one string is written in YAML: plain, single-quoted, double-quoted or as a literal block, chosen as go-yaml
/// chooses.
enum YAMLScalar {
    /// A string as a value; `indent` is the column of a literal block's lines.
    static func text(_ value: String, indent: Int) -> String {
        let analysis = ScalarAnalysis(value)
        if value.unicodeScalars.contains("\n") {
            return analysis.allowsBlock ? literal(value, indent: indent) : doubleQuoted(value)
        }
        if value.isEmpty || resolvesToAnotherType(value) { return doubleQuoted(value) }
        if analysis.allowsPlain { return value }
        return analysis.allowsSingleQuotes ? singleQuoted(value) : doubleQuoted(value)
    }

    /// A string as a mapping key: always on one line.
    static func key(_ value: String) -> String {
        value.unicodeScalars.contains("\n") ? doubleQuoted(value) : text(value, indent: 0)
    }

    private static func singleQuoted(_ value: String) -> String {
        "'" + value.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
    }

    private static func literal(_ value: String, indent: Int) -> String {
        let scalars = Array(value.unicodeScalars)
        var header = "|"
        if let first = scalars.first, first == " " || first == "\n" { header += "2" }
        if scalars.last != "\n" {
            header += "-"
        } else if scalars.count == 1 || scalars[scalars.count - 2] == "\n" {
            header += "+"
        }
        var lines = scalars.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        let margin = String(repeating: " ", count: indent)
        return lines.reduce(into: header) { text, line in
            text += "\n"
            if !line.isEmpty { text += margin }
            text.unicodeScalars.append(contentsOf: line)
        }
    }

    private static func doubleQuoted(_ value: String) -> String {
        var text = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\0": text += "\\0"
            case "\u{7}": text += "\\a"
            case "\u{8}": text += "\\b"
            case "\t": text += "\\t"
            case "\n": text += "\\n"
            case "\u{b}": text += "\\v"
            case "\u{c}": text += "\\f"
            case "\r": text += "\\r"
            case "\u{1b}": text += "\\e"
            case "\u{85}": text += "\\N"
            case "\u{2028}": text += "\\L"
            case "\u{2029}": text += "\\P"
            case _ where ScalarAnalysis.isPrintable(scalar): text.unicodeScalars.append(scalar)
            default: text += escape(scalar.value)
            }
        }
        return text + "\""
    }

    private static func escape(_ value: UInt32) -> String {
        let (letter, width) = value <= 0xff ? ("x", 2) : value <= 0xffff ? ("u", 4) : ("U", 8)
        let digits = String(value, radix: 16, uppercase: true)
        return "\\" + letter + String(repeating: "0", count: width - digits.count) + digits
    }
}

extension YAMLScalar {
    private static let words: Set<String> = [
        "~", "null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE",
        "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF",
        ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF",
    ]

    /// A plain scalar with this text would be read as null, a boolean, a number or a date by some YAML reader.
    private static func resolvesToAnotherType(_ value: String) -> Bool {
        if words.contains(value) { return true }
        guard let first = value.unicodeScalars.first, "+-.0123456789".unicodeScalars.contains(first) else {
            return false
        }
        return isNumber(value) || ScalarGrammar.isTimestamp(value) || isSexagesimal(value)
    }

    private static func isNumber(_ value: String) -> Bool {
        let plain = value.utf8.contains(0x5F) ? String(value.unicodeScalars.filter { $0 != "_" }) : value
        return ScalarGrammar.isDecimal(plain) || isPrefixedInteger(plain)
    }

    /// `0x`, `0o` or `0b` with digits of that base, and perhaps a sign before.
    private static func isPrefixedInteger(_ plain: String) -> Bool {
        var scanner = ByteScanner(plain)
        _ = scanner.skip { $0 == 0x2B || $0 == 0x2D }
        guard scanner.skip("0"), let letter = scanner.next, scanner.skip(\.isASCIILetter) else { return false }
        let count =
            switch Unicode.Scalar(letter | 0x20) {
            case "x": scanner.skipAll(\.isASCIIHexDigit)
            case "o": scanner.skipAll { (0x30...0x37).contains($0) }
            case "b": scanner.skipAll { (0x30...0x31).contains($0) }
            default: 0
            }
        return count > 0 && scanner.isAtEnd
    }

    /// `[-+]?d[d_]*(:[0-5]?d)+(\.[d_]*)?`: what YAML 1.1 reads as minutes and seconds.
    private static func isSexagesimal(_ value: String) -> Bool {
        func isDigitOrLine(_ byte: UInt8) -> Bool { byte.isASCIIDigit || byte == 0x5F }
        var scanner = ByteScanner(value)
        _ = scanner.skip { $0 == 0x2B || $0 == 0x2D }
        guard scanner.skip(\.isASCIIDigit) else { return false }
        _ = scanner.skipAll(isDigitOrLine)
        guard scanner.next == UInt8(ascii: ":") else { return false }
        while scanner.skip(":") {
            guard let tens = scanner.next, scanner.skip(\.isASCIIDigit) else { return false }
            if scanner.skip(\.isASCIIDigit), tens > UInt8(ascii: "5") { return false }
        }
        if scanner.skip(".") { _ = scanner.skipAll(isDigitOrLine) }
        return scanner.isAtEnd
    }
}

/// Which styles can carry a string without changing it (libyaml's analysis of a scalar, block context).
struct ScalarAnalysis {
    var allowsPlain = true
    var allowsSingleQuotes = true
    var allowsBlock = true

    init(_ value: String) {
        let scalars = Array(value.unicodeScalars)
        guard let first = scalars.first, let last = scalars.last else {
            allowsBlock = false
            return
        }
        if value.hasPrefix("---") || value.hasPrefix("...") || Self.startsAsIndicator(scalars, first) {
            allowsPlain = false
        }
        if Self.isBlank(first) || Self.isBlank(last) { allowsPlain = false }
        if last == " " { allowsBlock = false }
        var previous: Unicode.Scalar = " "
        for (index, scalar) in scalars.enumerated() {
            let isLast = index == scalars.count - 1
            if index > 0, scalar == ":", isLast || Self.isWhite(scalars[index + 1]) { allowsPlain = false }
            if index > 0, scalar == "#", Self.isWhite(previous) { allowsPlain = false }
            if scalar == "\n" {
                allowsPlain = false
                if index > 0, previous == " " { forbidAllButDoubleQuotes() }
            } else if scalar == "\t" {
                allowsPlain = false
                allowsSingleQuotes = false
            } else if !Self.isPrintable(scalar) {
                forbidAllButDoubleQuotes()
            }
            if scalar == " ", index > 0, previous == "\n" { allowsSingleQuotes = false }
            previous = scalar
        }
    }

    private mutating func forbidAllButDoubleQuotes() {
        allowsPlain = false
        allowsSingleQuotes = false
        allowsBlock = false
    }

    private static func startsAsIndicator(_ scalars: [Unicode.Scalar], _ first: Unicode.Scalar) -> Bool {
        switch first {
        case "#", ",", "[", "]", "{", "}", "&", "*", "!", "|", ">", "'", "\"", "%", "@", "`": true
        case "?", ":", "-": scalars.count == 1 || isWhite(scalars[1])
        default: false
        }
    }

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || scalar == "\n" }

    private static func isWhite(_ scalar: Unicode.Scalar) -> Bool {
        scalar == " " || scalar == "\t" || scalar == "\n"
    }

    /// go-yaml escapes everything beyond the basic multilingual plane.
    static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x0a, 0x20...0x7e, 0xa0...0xd7ff, 0xe000...0xfefe, 0xff00...0xfffd:
            scalar != "\u{2028}" && scalar != "\u{2029}"
        default: false
        }
    }
}
