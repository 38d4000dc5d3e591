/// A version as Semantic Versioning 2.0 defines it, with or without a leading `v`; missing minor and patch are 0.
package struct SemanticVersion: Comparable, Sendable {
    private var numbers: [UInt64]
    package private(set) var prerelease: [String]

    /// Reads the version in a tag's name; nil when there is none.
    package init?(_ text: String) {
        var rest = text[...]
        if let digit = rest.firstIndex(where: \.isNumber), rest[..<digit].allSatisfy({ !"+.".contains($0) }) {
            // `v1.2.3`, `release-1.2.3`, `shop/v1.2.3`: what stands before the first digit is the tag's own prefix.
            rest = rest[digit...]
        }
        let version = rest.prefix { $0 != "+" }
        let parts = version.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let fields = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        numbers = fields.compactMap { $0.allSatisfy { ("0"..."9").contains($0) } ? UInt64($0) : nil }
        guard (1...3).contains(fields.count), numbers.count == fields.count else { return nil }
        numbers += Array(repeating: 0, count: 3 - numbers.count)
        prerelease =
            parts.count > 1 ? parts[1].split(separator: ".", omittingEmptySubsequences: false).map(String.init) : []
        if prerelease.contains("") { return nil }
    }

    package static func == (a: Self, b: Self) -> Bool { a.numbers == b.numbers && a.prerelease == b.prerelease }

    package static func < (a: Self, b: Self) -> Bool {
        if a.numbers != b.numbers { return a.numbers.lexicographicallyPrecedes(b.numbers) }
        if a.prerelease.isEmpty || b.prerelease.isEmpty { return !a.prerelease.isEmpty && b.prerelease.isEmpty }
        return a.prerelease.lexicographicallyPrecedes(b.prerelease) { left, right in
            switch (UInt64(left), UInt64(right)) {
            case (let left?, let right?): left < right
            case (_?, nil): true
            case (nil, _?): false
            case (nil, nil): left < right
            }
        }
    }
}
