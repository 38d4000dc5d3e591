import YAML

@testable import Compose

extension YAMLNode {
    /// The node in flow style, strings quoted only where they would read as something else: what expectations compare.
    var flow: String {
        switch value {
        case .null: "null"
        case .bool(let flag): "\(flag)"
        case .int(let number): "\(number)"
        case .float, .timestamp: goText
        case .string(let text): "\"\(text)\""
        case .sequence(let elements): "[" + elements.map(\.flow).joined(separator: ", ") + "]"
        case .mapping(let mapping):
            "{" + mapping.entries.map { "\($0.key): \($0.value.flow)" }.joined(separator: ", ") + "}"
        }
    }
}

extension CanonicalTree {
    /// One attribute of the service `web` in flow style, or nothing.
    func web(_ attribute: String) -> String { root.descendant("services", "web", attribute)?.flow ?? "" }
}
