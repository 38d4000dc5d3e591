import YAML

extension YAMLNode {
    /// The text docker compose makes of a value where it needs one: as Go prints it.
    var goText: String {
        switch value {
        case .null: return "<nil>"
        case .bool(let flag): return flag ? "true" : "false"
        case .int(let number): return String(number)
        case .float(let number): return Self.goText(of: number)
        case .string(let text), .timestamp(let text): return text
        case .sequence(let elements): return "[" + elements.map(\.goText).joined(separator: " ") + "]"
        case .mapping(let mapping):
            let entries = mapping.entries.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            return "map[" + entries.map { "\($0.key):\($0.value.goText)" }.joined(separator: " ") + "]"
        }
    }

    /// Shortest digits that read back the same; with an exponent below 1e-4 and from 1e6 on, of two digits at least.
    static func goText(of number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number > 0 ? "+Inf" : "-Inf" }
        if number == 0 { return "0" }
        let (digits, point) = decimal(of: number.magnitude)
        let sign = number < 0 ? "-" : ""
        let exponent = point - 1
        if exponent < -4 || exponent >= 6 {
            let fraction = digits.dropFirst()
            let size = exponent.magnitude
            let mantissa = digits.prefix(1) + (fraction.isEmpty ? "" : "." + fraction)
            return sign + mantissa + (exponent < 0 ? "e-" : "e+") + (size < 10 ? "0\(size)" : "\(size)")
        }
        if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
        if point >= digits.count { return sign + digits + String(repeating: "0", count: point - digits.count) }
        return sign + digits.prefix(point) + "." + digits.dropFirst(point)
    }

    /// The shortest digits without zeros at either end, and where the decimal point stands counted from their start.
    private static func decimal(of magnitude: Double) -> (digits: String, point: Int) {
        let parts = magnitude.description.split(separator: "e")
        let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let fraction = mantissa.count > 1 ? mantissa[1] : ""
        let all = mantissa[0] + fraction
        let significant = all.drop { $0 == "0" }
        var digits = String(significant)
        while digits.last == "0" { digits.removeLast() }
        return (digits, mantissa[0].count + exponent - (all.count - significant.count))
    }
}
