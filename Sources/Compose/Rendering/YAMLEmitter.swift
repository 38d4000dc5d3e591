import YAML

/// Writes documents as YAML in the style of `docker compose config`: block style, two spaces, sequences indented below
/// their key, user keys in natural order, quotes only where a plain scalar would read back as something else.
struct YAMLEmitter {
    private var output = ""

    /// The document's text, ending with a newline.
    static func text(_ document: Document) -> String {
        var emitter = YAMLEmitter()
        emitter.write(document, indent: 0, at: .lineStart)
        return emitter.output
    }

    /// Where on the line a value starts.
    private enum Position { case lineStart, afterKey, afterDash }

    private mutating func write(_ document: Document, indent: Int, at position: Position) {
        switch document {
        case .list(let values) where !values.isEmpty: write(values, indent: indent, at: position)
        case .fields(let fields) where !fields.isEmpty:
            write(fields.map { ($0.name, $0.value) }, indent: indent, at: position)
        case .map(let values) where !values.isEmpty:
            let keys = values.keys.sorted(by: NaturalOrder.precedes)
            write(keys.map { ($0, values[$0] ?? .null) }, indent: indent, at: position)
        case .string(let value):
            if position == .afterKey { output += " " }
            output += YAMLScalar.text(value, indent: indent) + "\n"
        default:
            if position == .afterKey { output += " " }
            output += atom(document) + "\n"
        }
    }

    private mutating func write(_ values: [Document], indent: Int, at position: Position) {
        if position == .afterKey { output += "\n" }
        for (index, value) in values.enumerated() {
            if index > 0 || position != .afterDash { output += spaces(indent) }
            output += "- "
            write(value, indent: indent + 2, at: .afterDash)
        }
    }

    private mutating func write(_ entries: [(key: String, value: Document)], indent: Int, at position: Position) {
        if position == .afterKey { output += "\n" }
        for (index, entry) in entries.enumerated() {
            if index > 0 || position != .afterDash { output += spaces(indent) }
            output += YAMLScalar.key(entry.key) + ":"
            write(entry.value, indent: indent + 2, at: .afterKey)
        }
    }

    private func spaces(_ count: Int) -> String { String(repeating: " ", count: count) }

    private func atom(_ document: Document) -> String {
        switch document {
        case .bool(let value): value ? "true" : "false"
        case .int(let value): String(value)
        case .float(let value): special(GoNumber.text(value))
        case .double(let value): special(GoNumber.text(value))
        case .list: "[]"
        case .fields, .map: "{}"
        case .null, .string: "null"
        }
    }

    private func special(_ number: String) -> String {
        switch number {
        case "+Inf": ".inf"
        case "-Inf": "-.inf"
        case "NaN": ".nan"
        default: number
        }
    }
}

/// The order in which go-yaml writes the keys of a map: letters after everything else, numbers by their value.
enum NaturalOrder {
    static func precedes(_ left: String, _ right: String) -> Bool {
        var left = left.unicodeScalars[...]
        var right = right.unicodeScalars[...]
        var afterDigit = false
        var afterNumber = false
        while let first = left.first, let second = right.first {
            if first == second {
                afterDigit = isDigit(first)
                afterNumber = afterDigit && (afterNumber || first != "0")
                left.removeFirst()
                right.removeFirst()
                continue
            }
            let firstIsLetter = isLetter(first)
            let secondIsLetter = isLetter(second)
            if firstIsLetter && secondIsLetter { return first < second }
            if firstIsLetter || secondIsLetter { return afterDigit ? firstIsLetter : secondIsLetter }
            return numberPrecedes(left, right, afterNumber: afterNumber)
        }
        return left.isEmpty && !right.isEmpty
    }

    /// Compares what is left from the first difference on.
    /// - Parameter afterNumber: Whether digits that are not all zero stand before it.
    private static func numberPrecedes(
        _ left: Substring.UnicodeScalarView, _ right: Substring.UnicodeScalarView, afterNumber: Bool
    ) -> Bool {
        let start = afterNumber && (left.first == "0" || right.first == "0") ? 1 : 0
        let leftDigits = left.prefix(while: isDigit)
        let rightDigits = right.prefix(while: isDigit)
        let leftValue = value(leftDigits, from: start)
        let rightValue = value(rightDigits, from: start)
        if leftValue != rightValue { return leftValue < rightValue }
        if leftDigits.count != rightDigits.count { return leftDigits.count < rightDigits.count }
        return (left.first?.value ?? 0) < (right.first?.value ?? 0)
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII ? UInt8(truncatingIfNeeded: scalar.value).isASCIILetter : scalar.properties.isAlphabetic
    }

    private static func value(_ digits: some Sequence<Unicode.Scalar>, from start: Int) -> Int {
        digits.reduce(start) { ($0 &* 10) &+ Int($1.value) &- 48 }
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { scalar >= "0" && scalar <= "9" }
}
