/// Which value a scalar stands for, by go-yaml's rules: YAML 1.1 numbers, but only `true` and `false` as booleans.
enum ScalarResolution {
    private static let corePrefix = "tag:yaml.org,2002:"

    /// The tag if it is not one of YAML's own.
    static func localTag(_ tag: String?) -> String? {
        guard let tag, tag != "!", !tag.hasPrefix(corePrefix) else { return nil }
        return tag
    }

    static func node(for scalar: Event.Scalar, at location: SourceLocation) throws(YAMLError) -> YAMLNode {
        if scalar.text.utf8.contains(0) { throw YAMLError("the text contains a NUL character", at: location) }
        let value = try value(of: scalar, at: location)
        return YAMLNode(value, tag: localTag(scalar.tag), location: location)
    }

    private static func value(of scalar: Event.Scalar, at location: SourceLocation) throws(YAMLError) -> YAMLNode.Value
    {
        guard let tag = scalar.tag, tag != "!", tag.hasPrefix(corePrefix) else {
            let isString = !scalar.isPlain || localTag(scalar.tag) != nil
            return isString ? .string(scalar.text) : plainValue(scalar.text)
        }
        let kind = tag.dropFirst(corePrefix.count)
        let resolved = plainValue(scalar.text)
        switch (kind, resolved) {
        case ("str", _): return .string(scalar.text)
        case ("null", .null), ("bool", .bool), ("int", .int), ("float", .float), ("timestamp", .timestamp):
            return resolved
        case ("float", .int(let number)): return .float(Double(number))
        default: throw YAMLError("\"\(scalar.text)\" does not fit its tag !!\(kind)", at: location)
        }
    }

    /// The value of an unquoted scalar without tag.
    static func plainValue(_ text: String) -> YAMLNode.Value {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        case ".nan", ".NaN", ".NAN": return .float(.nan)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .float(.infinity)
        case "-.inf", "-.Inf", "-.INF": return .float(-.infinity)
        default: break
        }
        guard let first = text.utf8.first, (0x30...0x39).contains(first) || [0x2B, 0x2D, 0x2E].contains(first) else {
            return .string(text)
        }
        if isTimestamp(text) { return .timestamp(text) }
        if first == 0x2E { return float(Array(text.utf8)) ?? .string(text) }
        let digits = text.utf8.filter { $0 != 0x5F }
        return integer(digits) ?? float(digits) ?? .string(text)
    }

    /// `0x`, `0b`, `0o`, a leading zero (octal) or decimal; nil if the text is no integer of 64 bits. What only fits
    /// unsigned becomes a string of decimal digits.
    private static func integer(_ text: [UInt8]) -> YAMLNode.Value? {
        var digits = text[...]
        let isNegative = digits.first == 0x2D
        if isNegative || digits.first == 0x2B { digits = digits.dropFirst() }
        guard let first = digits.first, (0x30...0x39).contains(first) else { return nil }
        var radix = 10
        if first == 0x30, digits.count > 1 {
            switch digits[digits.startIndex + 1] | 0x20 {
            case 0x78: (radix, digits) = (16, digits.dropFirst(2))
            case 0x62: (radix, digits) = (2, digits.dropFirst(2))
            case 0x6F: (radix, digits) = (8, digits.dropFirst(2))
            default: (radix, digits) = (8, digits.dropFirst())
            }
        }
        guard let leading = digits.first, leading != 0x2B, leading != 0x2D,
            let magnitude = UInt64(String(decoding: digits, as: UTF8.self), radix: radix)
        else { return nil }
        if isNegative {
            guard magnitude <= UInt64(1) << 63 else { return nil }
            return .int(magnitude == UInt64(1) << 63 ? .min : -Int(magnitude))
        }
        // Beyond Int the exact digits matter more than the kind: nothing computes with such a number.
        return magnitude <= UInt64(Int.max) ? .int(Int(magnitude)) : .string(String(magnitude))
    }

    /// `[-+]?(\.d+|d+(\.d*)?)([eE][-+]?d+)?`
    private static func float(_ text: [UInt8]) -> YAMLNode.Value? {
        var rest = text[...]
        func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
        if rest.first == 0x2B || rest.first == 0x2D { rest = rest.dropFirst() }
        let whole = rest.prefix(while: isDigit)
        rest = rest.dropFirst(whole.count)
        if rest.first == 0x2E {
            let fraction = rest.dropFirst().prefix(while: isDigit)
            guard !whole.isEmpty || !fraction.isEmpty else { return nil }
            rest = rest.dropFirst(1 + fraction.count)
        } else if whole.isEmpty {
            return nil
        }
        if let mark = rest.first, mark | 0x20 == 0x65 {
            rest = rest.dropFirst()
            if rest.first == 0x2B || rest.first == 0x2D { rest = rest.dropFirst() }
            let exponent = rest.prefix(while: isDigit)
            guard !exponent.isEmpty else { return nil }
            rest = rest.dropFirst(exponent.count)
        }
        guard rest.isEmpty else { return nil }
        var literal = String(decoding: text, as: UTF8.self)
        if literal.hasSuffix(".") { literal += "0" }
        guard let number = Double(literal), number.isFinite else { return nil }
        return .float(number)
    }

    /// `2001-12-14` or a date and time with `T`, `t` or spaces between and an optional zone.
    private static func isTimestamp(_ text: String) -> Bool {
        guard text.utf8.count >= 8, text.utf8.dropFirst(4).first == 0x2D else { return false }
        return text.wholeMatch(of: timestamp) != nil
    }

    nonisolated(unsafe) private static let timestamp =
        /[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]*)?[ \t]*(?:Z|[-+][0-9]{1,2}(?::?[0-9]{2})?)?)?/
}
