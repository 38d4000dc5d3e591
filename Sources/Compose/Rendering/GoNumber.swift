/// Numbers as Go prints them: Compose's hashes and free-form values depend on every digit.
enum GoNumber {
    /// `fmt.Sprint` and `%g`: the exponent form below 1e-4 and from 1e+06 on.
    static func text(_ value: Double) -> String { general(value.description, value.isNaN, value.isInfinite) }

    /// `%g` of a 32-bit float: digits that read back as the same 32-bit number.
    static func text(_ value: Float) -> String { general(value.description, value.isNaN, value.isInfinite) }

    /// `encoding/json`: plain decimals from 1e-6 to 1e21, the exponent form outside.
    static func json(_ value: Double) -> String { json(value.description, value.magnitude) }

    /// `encoding/json` of a 32-bit float.
    static func json(_ value: Float) -> String { json(value.description, Double(value.magnitude)) }

    private static func general(_ description: String, _ isNaN: Bool, _ isInfinite: Bool) -> String {
        if isNaN { return "NaN" }
        let digits = ShortestDecimal(description)
        if isInfinite { return digits.isNegative ? "-Inf" : "+Inf" }
        let exponent = digits.point - 1
        // With the shortest digits Go compares the exponent with a precision of 6.
        return exponent < -4 || exponent >= 6 ? digits.scientific(exponentDigits: 2) : digits.plain
    }

    private static func json(_ description: String, _ magnitude: Double) -> String {
        let digits = ShortestDecimal(description)
        let isPlain = magnitude == 0 || (magnitude >= 1e-6 && magnitude < 1e21)
        return isPlain ? digits.plain : digits.scientific(exponentDigits: 1)
    }
}

/// The shortest decimal digits of a finite number: `0.d₁d₂d₃… × 10^point`.
private struct ShortestDecimal {
    var isNegative: Bool
    var digits: [UInt8]
    var point: Int

    /// Reads Swift's description of a floating-point number, which is the shortest that reads back as the same.
    init(_ description: String) {
        var text = description[...]
        isNegative = text.hasPrefix("-")
        if isNegative { text = text.dropFirst() }
        let halves = text.split(separator: "e", maxSplits: 1)
        let mantissa = halves.first.map { $0.split(separator: ".", omittingEmptySubsequences: false) } ?? []
        let exponent = halves.count > 1 ? Int(halves[1]) ?? 0 : 0
        let whole = mantissa.first.map { Array($0.utf8) } ?? []
        let fraction = mantissa.count > 1 ? Array(mantissa[1].utf8) : []
        digits = whole + fraction
        point = whole.count + exponent
        let zero = UInt8(ascii: "0")
        while digits.first == zero {
            digits.removeFirst()
            point -= 1
        }
        while digits.last == zero { digits.removeLast() }
        if digits.isEmpty { point = 1 }
    }

    private var sign: String { isNegative ? "-" : "" }

    private func text(_ digits: some Sequence<UInt8>) -> String { String(decoding: Array(digits), as: UTF8.self) }

    var plain: String {
        if digits.isEmpty { return sign + "0" }
        if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + text(digits) }
        if point >= digits.count { return sign + text(digits) + String(repeating: "0", count: point - digits.count) }
        return sign + text(digits.prefix(point)) + "." + text(digits.dropFirst(point))
    }

    func scientific(exponentDigits: Int) -> String {
        let exponent = point - 1
        let size = String(exponent.magnitude)
        let padding = String(repeating: "0", count: max(0, exponentDigits - size.count))
        let fraction = digits.count > 1 ? "." + text(digits.dropFirst()) : ""
        return sign + text(digits.prefix(1)) + fraction + (exponent < 0 ? "e-" : "e+") + padding + size
    }
}
