/// The patterns of a `.dockerignore`: what of a directory is not part of a build's context.
///
/// The rules are Docker's: `*` and `?` stop at a slash, `**` does not, the last pattern that matches a path or a
/// directory above it decides, and `!` begins an exception.
struct IgnorePatterns: Sendable {
    /// A pattern that no path could be compared with.
    struct Malformed: Error, Equatable, CustomStringConvertible {
        /// Counted from 1.
        var line: Int
        var pattern: String
        var description: String { "line \(line): \"\(pattern.prefix(80))\" is no pattern" }
    }

    /// More patterns than are compared with every path.
    struct TooMany: Error, Equatable, CustomStringConvertible {
        var description: String { "more than \(IgnorePatterns.most) patterns" }
    }

    /// How many patterns a file may have.
    static let most = 10_000
    /// Bytes of a pattern: what Linux takes for a path.
    private static let longest = 4_096

    /// Which patterns matched a directory: what decides about everything below it.
    struct Trail: Sendable {
        fileprivate var matched: [Bool]
    }

    private struct Pattern {
        var isException: Bool
        var glob: Glob
    }

    private let patterns: [Pattern]

    /// Whether something below an ignored directory may be wanted after all.
    let hasExceptions: Bool

    /// What matched above the directory itself: nothing.
    var root: Trail { Trail(matched: Array(repeating: false, count: patterns.count)) }

    /// - Throws: `Malformed` or `TooMany`.
    init(_ text: String) throws {
        var patterns: [Pattern] = []
        var number = 0
        let text = text.hasPrefix("\u{FEFF}") ? text.dropFirst() : text[...]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            number += 1
            if line.hasPrefix("#") { continue }
            var rest = Self.trimmed(line)
            if rest.isEmpty { continue }
            let isException = rest.hasPrefix("!")
            if isException { rest = Self.trimmed(rest.dropFirst()) }
            guard !rest.isEmpty, rest.utf8.count <= Self.longest, let glob = Glob(Self.clean(rest)) else {
                throw Malformed(line: number, pattern: String(line))
            }
            guard patterns.count < Self.most else { throw TooMany() }
            patterns.append(Pattern(isException: isException, glob: glob))
        }
        self.patterns = patterns
        hasExceptions = patterns.contains { $0.isException }
    }

    /// Whether the path is ignored, and what that means for what is below it. The path is relative to the context.
    ///
    /// - Parameter steps: Is raised by the number of comparisons that it took.
    func judge(_ path: String, below trail: Trail, _ steps: inout Int) -> (isIgnored: Bool, trail: Trail) {
        var trail = trail
        var isIgnored = false
        for (index, pattern) in patterns.enumerated() {
            let matches = trail.matched[index] || pattern.glob.matches(path, &steps)
            trail.matched[index] = matches
            if matches { isIgnored = !pattern.isException }
        }
        return (isIgnored, trail)
    }

    /// Whether the path is ignored, directories above it considered.
    func ignores(_ path: String) -> Bool {
        var trail = root
        var isIgnored = false
        var end = path.startIndex
        var steps = 0
        while end != path.endIndex {
            end = path[end...].dropFirst().firstIndex(of: "/") ?? path.endIndex
            (isIgnored, trail) = judge(String(path[..<end]), below: trail, &steps)
        }
        return isIgnored
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }

    /// Without empty parts, `.` and, as far as they can be resolved, `..`; relative to the context.
    private static func clean(_ pattern: Substring) -> String {
        var parts: [Substring] = []
        let isRooted = pattern.hasPrefix("/")
        for part in pattern.split(separator: "/") where part != "." {
            if part == "..", let last = parts.last, last != ".." {
                parts.removeLast()
            } else if part != ".." || !isRooted {
                parts.append(part)
            }
        }
        return parts.isEmpty ? "." : parts.joined(separator: "/")
    }
}

/// One pattern, matched in time proportional to the lengths of pattern and path.
private struct Glob: Sendable {
    private enum Part: Sendable {
        case exactly(Character)
        /// Any character but a slash.
        case any
        /// One of the ranges, or none of them.
        case oneOf([ClosedRange<Character>], isNegated: Bool)
        /// `*`
        case run
        /// `**` at the end: anything.
        case everything
        /// `**/`: nothing, or directories; `inside` is its second half.
        case directories
        case inside
    }

    private var parts: [Part] = []

    /// nil when a class is not closed, or a backslash escapes nothing.
    init?(_ text: String) {
        var rest = Array(text)[...]
        while let character = rest.popFirst() {
            switch character {
            case "*" where rest.first == "*":
                rest.removeFirst()
                if rest.first == "/" { rest.removeFirst() }
                parts += rest.isEmpty ? [.everything] : [.directories, .inside]
            case "*": parts.append(.run)
            case "?": parts.append(.any)
            case "[":
                guard let part = Self.characterClass(&rest) else { return nil }
                parts.append(part)
            case "\\":
                guard let escaped = rest.popFirst() else { return nil }
                parts.append(.exactly(escaped))
            default: parts.append(.exactly(character))
            }
        }
    }

    private static func characterClass(_ rest: inout ArraySlice<Character>) -> Part? {
        var ranges: [ClosedRange<Character>] = []
        let isNegated = rest.first == "^"
        if isNegated { rest.removeFirst() }
        func next(_ rest: inout ArraySlice<Character>) -> Character? {
            guard let character = rest.popFirst(), character != "-" else { return nil }
            return character == "\\" ? rest.popFirst() : character
        }
        while let first = rest.first {
            if first == "]", !ranges.isEmpty {
                rest.removeFirst()
                return .oneOf(ranges, isNegated: isNegated)
            }
            guard first != "]", let low = next(&rest) else { return nil }
            var high = low
            if rest.first == "-" {
                rest.removeFirst()
                guard rest.first != "]", let end = next(&rest), end >= low else { return nil }
                high = end
            }
            ranges.append(low...high)
        }
        return nil
    }

    func matches(_ path: String, _ steps: inout Int) -> Bool {
        var places = reached(from: [0])
        for character in path {
            steps += places.count
            var next: [Int] = []
            for place in places where place < parts.count {
                next += follow(place, character)
            }
            places = reached(from: next)
            if places.isEmpty { return false }
        }
        return places.contains(parts.count)
    }

    private func follow(_ place: Int, _ character: Character) -> [Int] {
        switch parts[place] {
        case .exactly(let wanted): character == wanted ? [place + 1] : []
        case .any: character == "/" ? [] : [place + 1]
        case .oneOf(let ranges, let isNegated):
            ranges.contains { $0.contains(character) } != isNegated ? [place + 1] : []
        case .run: character == "/" ? [] : [place]
        case .everything: [place]
        case .directories: []
        case .inside: character == "/" ? [place, place + 1] : [place]
        }
    }

    /// The places with those that are reached without a character.
    private func reached(from places: [Int]) -> Set<Int> {
        var result: Set<Int> = []
        var waiting = places
        while let place = waiting.popLast() {
            guard result.insert(place).inserted, place < parts.count else { continue }
            switch parts[place] {
            case .run, .everything: waiting.append(place + 1)
            case .directories: waiting += [place + 1, place + 2]
            default: break
            }
        }
        return result
    }
}
