/// Variable substitution in one text: `$NAME`, `${NAME}`, `${NAME:-default}` and its relatives, `$$`.
struct Interpolation {
    /// What is wrong with a template.
    enum Failure: Error, Hashable {
        case invalidFormat(template: String)
        case missing(variable: String, message: String)
        case tooDeep(template: String)
        /// The result has more than `maximumLength` bytes.
        case tooLong
    }

    private enum Operator {
        case useDefault, useAlternative, require
    }

    /// A bound on what one template may become, against variables that double each other.
    static let maximumLength = 1 << 20

    /// The value of a variable, nil if it is not set.
    var lookup: (String) -> String?
    /// Called for each variable that is used plainly and not set.
    var reportUnset: (String) -> Void = { _ in }

    /// The text with every variable replaced by its value; values are not expanded again.
    func expand(_ template: String) throws(Failure) -> String {
        guard template.utf8.contains(0x24) else { return template }
        if template.utf8.count > Self.maximumLength { throw .tooLong }
        return String(decoding: try expand(Array(template.utf8)[...], depth: 0), as: UTF8.self)
    }

    private func expand(_ template: ArraySlice<UInt8>, depth: Int) throws(Failure) -> [UInt8] {
        if depth > 50 { throw .tooDeep(template: String(decoding: template, as: UTF8.self)) }
        var output: [UInt8] = []
        var rest = template
        func checkLength() throws(Failure) { if output.count > Self.maximumLength { throw .tooLong } }
        while let dollar = rest.firstIndex(of: 0x24) {
            output += rest[..<dollar]
            rest = rest[(dollar + 1)...]
            switch rest.first {
            case 0x24:
                output.append(0x24)
                rest = rest.dropFirst()
            case 0x7B:
                let (body, end) = try braced(rest, in: template)
                output += try value(of: body, in: template, depth: depth)
                rest = rest[end...]
            default:
                let name = rest.prefix(nameLength(rest))
                if name.isEmpty {
                    output.append(0x24)
                } else {
                    output += plainValue(String(decoding: name, as: UTF8.self)).utf8
                    rest = rest.dropFirst(name.count)
                }
            }
            try checkLength()
        }
        return output + rest
    }

    /// The text between a brace and the one that closes it, and the index behind that one.
    private func braced(
        _ text: ArraySlice<UInt8>, in template: ArraySlice<UInt8>
    ) throws(Failure) -> (body: ArraySlice<UInt8>, end: Int) {
        var depth = 0
        var last: Int?
        // Looks no further than the brace that closes: a text may have many.
        scan: for index in text.indices {
            switch text[index] {
            case 0x0A: break scan
            case 0x7B: depth += 1
            case 0x7D:
                depth -= 1
                if depth == 0 { return (text[(text.startIndex + 1)..<index], index + 1) }
                last = index
            default: break
            }
        }
        // Unbalanced braces in a default: it reaches to the last closing brace of the line.
        guard let last else { throw invalid(template) }
        return (text[(text.startIndex + 1)..<last], last + 1)
    }

    private func value(
        of body: ArraySlice<UInt8>, in template: ArraySlice<UInt8>, depth: Int
    ) throws(Failure) -> [UInt8] {
        let name = String(decoding: body.prefix(nameLength(body)), as: UTF8.self)
        if name.isEmpty { throw invalid(template) }
        var rest = body.dropFirst(name.utf8.count)
        if rest.isEmpty { return Array(plainValue(name).utf8) }
        let emptyCountsAsUnset = rest.first == 0x3A
        if emptyCountsAsUnset { rest = rest.dropFirst() }
        let operation: Operator
        switch rest.first {
        case 0x2D: operation = .useDefault
        case 0x2B: operation = .useAlternative
        case 0x3F: operation = .require
        default: throw invalid(template)
        }
        // Expanded even when it is not used, as docker compose 2 does: a required variable in it must be set.
        let argument = try expand(rest.dropFirst(), depth: depth + 1)
        let value = lookup(name)
        let counts = value.map { !emptyCountsAsUnset || !$0.isEmpty } ?? false
        switch operation {
        case .useDefault: return counts ? Array((value ?? "").utf8) : argument
        case .useAlternative: return counts ? argument : Array((value ?? "").utf8)
        case .require:
            if counts { return Array((value ?? "").utf8) }
            throw .missing(variable: name, message: String(decoding: argument, as: UTF8.self))
        }
    }

    private func plainValue(_ name: String) -> String {
        if let value = lookup(name) { return value }
        reportUnset(name)
        return ""
    }

    private func invalid(_ template: ArraySlice<UInt8>) -> Failure {
        .invalidFormat(template: String(decoding: template, as: UTF8.self))
    }

    /// How many bytes at the start are a variable's name: `[A-Za-z_][A-Za-z0-9_]*`.
    private func nameLength(_ text: ArraySlice<UInt8>) -> Int {
        var length = 0
        for byte in text {
            let isLetter = byte == 0x5F || (0x41...0x5A).contains(byte & 0xDF)
            guard isLetter || (length > 0 && (0x30...0x39).contains(byte)) else { break }
            length += 1
        }
        return length
    }
}
