/// Sizes as Compose writes them: a number and a binary unit, `64m`, `1.5 GiB`.
enum ByteSize {
    /// Bytes, truncated to whole ones; nil when the text is no size, is negative or does not fit 64 bits.
    static func parse(_ text: String) -> Int? {
        let isNumeric: (Character) -> Bool = { "0123456789. ".contains($0) }
        guard let end = text.lastIndex(where: isNumeric) else { return nil }
        let number = text[end] == " " ? text[..<end] : text[...end]
        let unit = text[text.index(after: end)...].lowercased()
        guard let value = Double(String(number)), value >= 0, let factor = factor(of: unit) else { return nil }
        return Int(exactly: (value * factor).rounded(.towardZero))
    }

    private static func factor(of unit: String) -> Double? {
        guard let letter = unit.first, unit != "b" else { return 1 }
        guard ["", "b", "ib"].contains(unit.dropFirst()), let power = Array("kmgtp").firstIndex(of: letter) else {
            return nil
        }
        return Double(1 << (10 * (power + 1)))
    }
}
