/// IP addresses as text.
enum IPAddress {
    /// Whether the text is an IPv4 or IPv6 address, without zone or prefix length.
    static func isValid(_ text: String) -> Bool { isIPv4(text[...]) || isIPv6(text) }

    private static func isIPv4(_ text: Substring) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                (1...3).contains(part.utf8.count) && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
                    && (part.utf8.count == 1 || part.first != "0") && (Int(part) ?? 256) <= 255
            }
    }

    private static func isIPv6(_ text: String) -> Bool {
        guard text.contains(":") else { return false }
        let halves = halves(of: text)
        guard let halves else { return false }
        var groups = 0
        for (index, half) in halves.enumerated() where !half.isEmpty {
            let parts = half.split(separator: ":", omittingEmptySubsequences: false)
            for (position, part) in parts.enumerated() {
                let isLast = index == halves.count - 1 && position == parts.count - 1
                if isLast && part.contains(".") {
                    guard isIPv4(part) else { return false }
                    groups += 2
                } else {
                    guard (1...4).contains(part.utf8.count), part.allSatisfy(\.isHexDigit) else { return false }
                    groups += 1
                }
            }
        }
        return halves.count == 1 ? groups == 8 : groups < 8
    }

    /// The text before and behind the only `::`, the whole text if there is none, nil if there are several.
    private static func halves(of text: String) -> [Substring]? {
        var position = text.startIndex
        while position < text.endIndex {
            if text[position...].hasPrefix("::") {
                let rest = text[position...].dropFirst(2)
                return rest.contains("::") || rest.hasPrefix(":") ? nil : [text[..<position], rest]
            }
            position = text.index(after: position)
        }
        return [text[...]]
    }
}
