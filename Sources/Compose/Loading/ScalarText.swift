import YAML

extension YAMLNode {
    /// The text docker compose makes of a value where it needs one: as Go prints it.
    var goText: String {
        switch value {
        case .null: return "<nil>"
        case .bool(let flag): return flag ? "true" : "false"
        case .int(let number): return String(number)
        case .float(let number): return GoNumber.text(number)
        case .string(let text), .timestamp(let text): return text
        case .sequence(let elements): return "[" + elements.map(\.goText).joined(separator: " ") + "]"
        case .mapping(let mapping): return mapping.entries.goText
        }
    }
}
