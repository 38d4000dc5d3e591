/// Durations as Compose writes them: `1m30s`, in the units of Go plus days and weeks.
enum GoDuration {
    private static let nanoseconds: [String: Int] = [
        "ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 1_000_000, "s": 1_000_000_000,
        "m": 60_000_000_000, "h": 3_600_000_000_000, "d": 86_400_000_000_000, "w": 604_800_000_000_000,
    ]

    /// nil when the text is no duration or does not fit 64 bits of nanoseconds.
    static func parse(_ text: String) -> Duration? {
        var rest = text.unicodeScalars[...]
        let isNegative = rest.first == "-"
        if let sign = rest.first, sign == "-" || sign == "+" { rest.removeFirst() }
        if rest.elementsEqual("0".unicodeScalars) { return .zero }
        guard !rest.isEmpty else { return nil }
        var total = 0
        while !rest.isEmpty {
            guard let part = parsePart(&rest) else { return nil }
            let sum = total.addingReportingOverflow(part)
            guard !sum.overflow else { return nil }
            total = sum.partialValue
        }
        return .nanoseconds(isNegative ? -total : total)
    }

    /// One number with its unit, in nanoseconds.
    private static func parsePart(_ rest: inout Substring.UnicodeScalarView) -> Int? {
        let isDigit: (Unicode.Scalar) -> Bool = { $0 >= "0" && $0 <= "9" }
        let whole = String(rest.prefix(while: isDigit))
        rest = rest.dropFirst(whole.count)
        var fraction = ""
        if rest.first == "." {
            fraction = String(rest.dropFirst().prefix(while: isDigit))
            rest = rest.dropFirst(fraction.count + 1)
        }
        let unit = String(rest.prefix { !isDigit($0) && $0 != "." })
        rest = rest.dropFirst(unit.unicodeScalars.count)
        guard !whole.isEmpty || !fraction.isEmpty, let scale = nanoseconds[unit], let count = Int("0" + whole) else {
            return nil
        }
        let product = count.multipliedReportingOverflow(by: scale)
        guard !product.overflow else { return nil }
        let part = (Double("0." + fraction + "0") ?? 0) * Double(scale)
        let sum = product.partialValue.addingReportingOverflow(Int(part.rounded(.down)))
        return sum.overflow ? nil : sum.partialValue
    }

    /// `1m30s`, `500ms`, `0s`: as Go prints a `time.Duration`.
    static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let total = Int(seconds) &* 1_000_000_000 &+ Int(attoseconds / 1_000_000_000)
        if total == 0 { return "0s" }
        let sign = total < 0 ? "-" : ""
        let magnitude = Int(total.magnitude)
        switch magnitude {
        case ..<1_000: return "\(sign)\(magnitude)ns"
        case ..<1_000_000: return sign + decimal(magnitude, 1_000, digits: 3) + "µs"
        case ..<1_000_000_000: return sign + decimal(magnitude, 1_000_000, digits: 6) + "ms"
        default: break
        }
        let (minutes, rest) = magnitude.quotientAndRemainder(dividingBy: 60_000_000_000)
        var text = decimal(rest, 1_000_000_000, digits: 9) + "s"
        if minutes > 0 { text = "\(minutes % 60)m" + text }
        if minutes >= 60 { text = "\(minutes / 60)h" + text }
        return sign + text
    }

    private static func decimal(_ value: Int, _ unit: Int, digits: Int) -> String {
        let (whole, rest) = value.quotientAndRemainder(dividingBy: unit)
        if rest == 0 { return String(whole) }
        let fraction = String(rest)
        var text = String(repeating: "0", count: digits - fraction.count) + fraction
        while text.hasSuffix("0") { text.removeLast() }
        return "\(whole).\(text)"
    }
}
