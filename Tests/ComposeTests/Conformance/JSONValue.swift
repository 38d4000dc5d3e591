import Foundation
import YAML

/// A JSON value that compares by value: the order of keys does not count, the order of lists does.
enum JSONValue: Decodable, Equatable {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case list([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int.self) {
            self = .int(value)
        } else if let value = try? container.decode(Double.self) {
            self = .double(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    init(_ text: String) throws { self = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)) }

    /// The first place where both differ, for a message; nil when they are equal.
    func difference(from other: JSONValue, at path: String = "") -> String? {
        switch (self, other) {
        case (.object(let left), .object(let right)):
            for key in Set(left.keys).union(right.keys).sorted() {
                guard let one = left[key] else { return "\(path).\(key): missing, expected \(right[key] ?? .null)" }
                guard let two = right[key] else { return "\(path).\(key): unexpected \(one)" }
                if let found = one.difference(from: two, at: "\(path).\(key)") { return found }
            }
            return nil
        case (.list(let left), .list(let right)) where left.count == right.count:
            for (index, pair) in zip(left, right).enumerated() {
                if let found = pair.0.difference(from: pair.1, at: "\(path)[\(index)]") { return found }
            }
            return nil
        default: return self == other ? nil : "\(path): \(self), expected \(other)"
        }
    }

    /// The value as a YAML tree.
    func node() -> YAMLNode {
        let location = SourceLocation(file: "expected.json", line: 1, column: 1)
        let value: YAMLNode.Value =
            switch self {
            case .null: .null
            case .bool(let value): .bool(value)
            case .int(let value): .int(value)
            case .double(let value): .float(value)
            case .string(let value): .string(value)
            case .list(let values): .sequence(values.map { $0.node() })
            case .object(let members):
                .mapping(
                    YAMLMapping(
                        members.sorted { $0.key < $1.key }.map {
                            .init(key: $0.key, keyLocation: location, value: $0.value.node())
                        }))
            }
        return YAMLNode(value, location: location)
    }
}
