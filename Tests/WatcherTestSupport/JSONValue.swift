import FoundationEssentials

/// Any JSON, to look into without a type for it.
package enum JSONValue: Sendable, Equatable, Decodable, CustomStringConvertible {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// Parses one JSON text.
    package init(parsing text: String) throws {
        self = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    /// The value of a key; null when this is no object or has no such key.
    package subscript(key: String) -> JSONValue {
        if case .object(let members) = self { members[key] ?? .null } else { .null }
    }

    /// The elements; empty when this is no array.
    package var elements: [JSONValue] { if case .array(let elements) = self { elements } else { [] } }
    /// The members; empty when this is no object.
    package var members: [String: JSONValue] { if case .object(let members) = self { members } else { [:] } }
    /// The text; nil when this is no string.
    package var text: String? { if case .string(let text) = self { text } else { nil } }
    /// The number as an integer; nil when this is no number.
    package var integer: Int? { if case .number(let number) = self { Int(number) } else { nil } }
    /// The truth value; nil when this is neither true nor false.
    package var isTrue: Bool? { if case .bool(let value) = self { value } else { nil } }

    package var description: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let value): "\"\(value)\""
        case .array(let values): "[" + values.map(\.description).joined(separator: ", ") + "]"
        case .object(let members):
            "{" + members.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ") + "}"
        }
    }
}
