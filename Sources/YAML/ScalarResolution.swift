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
        if ScalarGrammar.isTimestamp(text) { return .timestamp(text) }
        if first == 0x2E { return float(text) ?? .string(text) }
        let digits = text.utf8.filter { $0 != 0x5F }
        return integer(digits) ?? float(String(decoding: digits, as: UTF8.self)) ?? .string(text)
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

    /// A finite number with a point, an exponent or both; nil for any other text.
    private static func float(_ text: String) -> YAMLNode.Value? {
        guard ScalarGrammar.isDecimal(text) else { return nil }
        let literal = text.utf8.last == 0x2E ? text + "0" : text
        guard let number = Double(literal), number.isFinite else { return nil }
        return .float(number)
    }
}
