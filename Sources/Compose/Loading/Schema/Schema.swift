/// What a part of a Compose file may look like: the vocabulary in which the tables beside this file are written.
indirect enum Schema: Sendable {
    /// Anything at all.
    case any
    case null, boolean, string
    /// A whole number within the bounds; `5.0` counts.
    case integer(ClosedRange<Int>)
    /// Any number.
    case number
    /// One of these strings.
    case word([String])
    /// A string that satisfies a test, described for messages.
    case text(TextRule)
    case list(of: Schema, unique: Bool)
    case object(Object)
    /// The first alternative that fits.
    case either([Schema])

    static let integer = Schema.integer(Int.min...Int.max)
    static func word(_ words: String...) -> Schema { .word(words) }
    static func either(_ alternatives: Schema...) -> Schema { .either(alternatives) }
    static func list(_ element: Schema) -> Schema { .list(of: element, unique: false) }
    static func set(_ element: Schema) -> Schema { .list(of: element, unique: true) }

    /// A mapping with known keys; `x-` keys are always welcome unless `extensible` is false.
    static func object(
        _ keys: KeyValuePairs<String, Schema>, required: [String] = [], extensible: Bool = true
    ) -> Schema {
        .object(
            Object(
                keys: Dictionary(uniqueKeysWithValues: keys.map { ($0.key, $0.value) }), required: required,
                isExtensible: extensible))
    }

    /// A mapping whose keys the user chooses.
    /// - Parameter others: What a value under a key must be that is no name; nil if such a key is refused.
    static func dictionary(of value: Schema, keys: KeyRule = .any, others: Schema? = nil) -> Schema {
        .object(Object(named: value, keyRule: keys, others: others))
    }

    struct Object: Sendable {
        var keys: [String: Schema] = [:]
        var required: [String] = []
        var isExtensible = false
        /// What the values of the user's own keys must be.
        var named: Schema?
        var keyRule = KeyRule.any
        /// What the values of all other keys must be.
        var others: Schema?
    }

    /// Which keys of the user are names.
    enum KeyRule: Sendable {
        case any, resourceName, lowercaseWord

        func accepts(_ key: String) -> Bool {
            switch self {
            case .any: !key.isEmpty
            case .resourceName:
                !key.isEmpty
                    && key.utf8.allSatisfy {
                        (0x41...0x5A).contains($0 & 0xDF) || (0x30...0x39).contains($0)
                            || [0x2E, 0x5F, 0x2D].contains($0)
                    }
            case .lowercaseWord: !key.isEmpty && key.utf8.allSatisfy { (0x61...0x7A).contains($0) }
            }
        }

        var description: String {
            switch self {
            case .any: "a key that is not empty"
            case .resourceName: "a name of letters, digits, '.', '_' and '-'"
            case .lowercaseWord: "a name of lowercase letters"
            }
        }
    }

    struct TextRule: Sendable {
        var expectation: String
        var accepts: @Sendable (String) -> Bool
    }

    // MARK: Shapes that many attributes share

    static let flag = Schema.either(.boolean, .string)
    static let count = Schema.either(.integer, .string)
    static let amount = Schema.either(.number, .string)
    static let strings = Schema.set(.string)
    static let stringOrList = Schema.either(.string, strings)
    static let keyValues = Schema.either(
        .dictionary(of: .either(.string, .number, .boolean, .null)), strings)
    static let options = Schema.dictionary(of: .either(.string, .number), others: .any)
    static let command = Schema.either(.null, .string, .list(.string))

    /// What a value must be, for messages.
    var expectation: String {
        switch self {
        case .any: "anything"
        case .null: "null"
        case .boolean: "a boolean"
        case .string: "a string"
        case .integer(let range) where range == Int.min...Int.max: "an integer"
        case .integer(let range) where range.upperBound == .max: "an integer of at least \(range.lowerBound)"
        case .integer(let range): "an integer from \(range.lowerBound) to \(range.upperBound)"
        case .number: "a number"
        case .word(let words): "one of " + words.map { "\"\($0)\"" }.joined(separator: ", ")
        case .text(let rule): rule.expectation
        case .list: "a list"
        case .object: "a mapping"
        case .either(let alternatives):
            alternatives.map(\.expectation).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
                .joined(separator: " or ")
        }
    }
}
