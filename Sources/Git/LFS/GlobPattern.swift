/// A pattern of `.gitattributes`, matched as git's wildmatch does. Takes time in proportion to pattern and path.
struct GlobPattern: Sendable {
    private let segments: [[UInt8]]
    /// Without a slash a pattern is about the last name of a path, in any directory.
    private let isAboutName: Bool

    /// Nil for a pattern that matches no file: an empty one, one of a directory, a negative one.
    init?(_ text: [UInt8]) {
        let slash = UInt8(ascii: "/")
        guard !text.isEmpty, text.last != slash, text.first != UInt8(ascii: "!") else { return nil }
        isAboutName = !text.contains(slash)
        let anchored = text.first == slash ? text.dropFirst() : text[...]
        segments = anchored.split(separator: slash, omittingEmptySubsequences: false).map(Array.init)
    }

    /// - Parameter path: The names from the directory of the `.gitattributes` to the file.
    func matches(_ path: ArraySlice<String>) -> Bool {
        if isAboutName { return path.last.map { Self.matches(Array($0.utf8)[...], segments[0][...]) } ?? false }
        return matches(path.map { Array($0.utf8) })
    }

    /// Which prefixes of the path the pattern's segments so far can have taken.
    private func matches(_ names: [[UInt8]]) -> Bool {
        var reached = [Bool](repeating: false, count: names.count + 1)
        reached[0] = true
        for (index, segment) in segments.enumerated() {
            var next = [Bool](repeating: false, count: names.count + 1)
            if segment == Array("**".utf8) {
                let isLast = index == segments.count - 1
                var isOpen = false
                for count in 0...names.count {
                    // At the end of a pattern it means everything inside, elsewhere any number of directories.
                    next[count] = isOpen || (!isLast && reached[count])
                    isOpen = isOpen || reached[count]
                }
            } else {
                for count in 0..<names.count where reached[count] {
                    next[count + 1] = Self.matches(names[count][...], segment[...])
                }
            }
            reached = next
        }
        return reached[names.count]
    }

    private static func matches(_ name: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
        var (name, pattern) = (name, pattern)
        var retry: (name: ArraySlice<UInt8>, pattern: ArraySlice<UInt8>)?
        while let byte = name.first {
            if pattern.first == UInt8(ascii: "*") {
                pattern = pattern.drop { $0 == UInt8(ascii: "*") }
                retry = (name, pattern)
            } else if let rest = taken(byte, by: pattern) {
                name = name.dropFirst()
                pattern = rest
            } else if let last = retry {
                name = last.name.dropFirst()
                pattern = last.pattern
                retry = (name, pattern)
            } else {
                return false
            }
        }
        return pattern.allSatisfy { $0 == UInt8(ascii: "*") }
    }

    /// What is left of the pattern once its first element has taken the byte; nil when it does not take it.
    private static func taken(_ byte: UInt8, by pattern: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let first = pattern.first else { return nil }
        let rest = pattern.dropFirst()
        switch first {
        case UInt8(ascii: "?"): return rest
        case UInt8(ascii: "["): return bracket(byte, rest)
        case UInt8(ascii: "\\"): return rest.first == byte ? rest.dropFirst() : nil
        default: return first == byte ? rest : nil
        }
    }

    private static func bracket(_ byte: UInt8, _ pattern: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        var rest = pattern
        let isNegative = rest.first == UInt8(ascii: "!") || rest.first == UInt8(ascii: "^")
        if isNegative { rest = rest.dropFirst() }
        var isTaken = false
        var isFirst = true
        while var low = rest.popFirst() {
            if low == UInt8(ascii: "]"), !isFirst { return isTaken != isNegative ? rest : nil }
            isFirst = false
            if low == UInt8(ascii: "\\"), let escaped = rest.popFirst() { low = escaped }
            var high = low
            if rest.first == UInt8(ascii: "-"), let next = rest.dropFirst().first, next != UInt8(ascii: "]") {
                rest = rest.dropFirst(2)
                high = next
            }
            if low <= byte, byte <= high { isTaken = true }
        }
        return nil
    }
}
