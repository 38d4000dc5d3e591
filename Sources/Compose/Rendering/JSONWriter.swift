/// Writes documents as Go's `encoding/json` does, byte for byte: config hashes depend on it.
struct JSONWriter {
    /// nil writes everything on one line without spaces.
    var indentation: String?
    private var output: [UInt8] = []

    /// The one-line form that config hashes are made of.
    static func compact(_ document: Document) -> [UInt8] {
        var writer = JSONWriter(indentation: nil)
        writer.write(document, depth: 0)
        return writer.output
    }

    /// The form `docker compose config --format json` prints, without the final newline.
    static func indented(_ document: Document) -> String {
        var writer = JSONWriter(indentation: "  ")
        writer.write(document, depth: 0)
        return String(decoding: writer.output, as: UTF8.self)
    }

    private init(indentation: String?) { self.indentation = indentation }

    private mutating func write(_ document: Document, depth: Int) {
        switch document {
        case .null: append("null")
        case .bool(let value): append(value ? "true" : "false")
        case .int(let value): append(String(value))
        case .float(let value): append(GoNumber.json(value))
        case .double(let value): append(GoNumber.json(value))
        case .string(let value): write(string: value)
        case .list(let values):
            write(values, between: "[", and: "]", depth: depth) { writer, value in
                writer.write(value, depth: depth + 1)
            }
        case .fields(let fields):
            write(fields, between: "{", and: "}", depth: depth) { writer, field in
                writer.write(key: field.name, field.value, depth: depth + 1)
            }
        case .map(let values):
            let entries = values.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            write(entries, between: "{", and: "}", depth: depth) { writer, entry in
                writer.write(key: entry.key, entry.value, depth: depth + 1)
            }
        }
    }

    private mutating func write<Element>(
        _ elements: [Element], between open: String, and close: String, depth: Int,
        _ body: (inout JSONWriter, Element) -> Void
    ) {
        append(open)
        for (index, element) in elements.enumerated() {
            if index > 0 { append(",") }
            breakLine(depth: depth + 1)
            body(&self, element)
        }
        if !elements.isEmpty { breakLine(depth: depth) }
        append(close)
    }

    private mutating func write(key: String, _ value: Document, depth: Int) {
        write(string: key)
        append(indentation == nil ? ":" : ": ")
        write(value, depth: depth)
    }

    private mutating func breakLine(depth: Int) {
        guard let indentation else { return }
        append("\n" + String(repeating: indentation, count: depth))
    }

    private mutating func append(_ text: String) { output.append(contentsOf: text.utf8) }

    /// Go escapes for HTML too: `<`, `>`, `&` and the two Unicode line separators.
    private mutating func write(string: String) {
        append("\"")
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": append("\\\"")
            case "\\": append("\\\\")
            case "\n": append("\\n")
            case "\r": append("\\r")
            case "\t": append("\\t")
            case "\u{8}": append("\\b")
            case "\u{c}": append("\\f")
            case "<", ">", "&", "\u{2028}", "\u{2029}": append(escape(scalar))
            case _ where scalar.value < 0x20: append(escape(scalar))
            default: output.append(contentsOf: UTF8.encode(scalar)?.map { $0 } ?? [])
            }
        }
        append("\"")
    }

    private func escape(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
}
