import YAML

/// The state of one pass from tree to model: where it is, what it found wrong.
struct Decoding {
    /// What is wrong so far, in the order of the tree.
    var problems: [ComposeError.Problem] = []
    /// The variables that give a value to `environment` and `args` entries without one.
    var variables: [String: String] = [:]
    private var path: [String] = []

    init(variables: [String: String] = [:]) { self.variables = variables }

    mutating func at<T>(_ key: String, _ body: (inout Decoding) -> T) -> T {
        path.append(path.isEmpty ? key : "." + key)
        defer { path.removeLast() }
        return body(&self)
    }

    mutating func at<T>(_ index: Int, _ body: (inout Decoding) -> T) -> T {
        path.append("[\(index)]")
        defer { path.removeLast() }
        return body(&self)
    }

    mutating func report(_ message: String, at node: YAMLNode) {
        if problems.count >= ComposeError.mostProblems { return }
        problems.append(.init(.schema, at: node.location, path: path.joined(), message))
    }

    /// Reports that the value has the wrong type; always nil, so that a decoder can return it.
    mutating func expected<T>(_ type: String, at node: YAMLNode) -> T? {
        report("expected \(type), got \(node.kindDescription)", at: node)
        return nil
    }
}

extension [YAMLMapping.Entry] {
    /// A mapping as Go prints it: keys sorted.
    var goText: String {
        let entries = sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        return "map[" + entries.map { "\($0.key):\($0.value.goText)" }.joined(separator: " ") + "]"
    }
}

extension YAMLMapping {
    /// The entries of a map with user-chosen keys and string values.
    ///
    /// Compose takes `x-` keys for extensions even there, and leaves one entry that names them; config hashes count it.
    var stringEntries: [(key: String, value: YAMLNode)] {
        let extensions = entries.filter { $0.key.hasPrefix("x-") }
        var result = entries.filter { !$0.key.hasPrefix("x-") }.map { (key: $0.key, value: $0.value) }
        if let first = extensions.first {
            result.append(
                (key: "#extensions", value: YAMLNode(.string(extensions.goText), location: first.keyLocation)))
        }
        return result
    }
}

extension ExtensionValue {
    /// Any YAML value, as it stands.
    init(_ node: YAMLNode) {
        switch node.value {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .int(let value): self = .int(value)
        case .float(let value): self = .float(value)
        case .string(let value), .timestamp(let value): self = .string(value)
        case .sequence(let nodes): self = .list(nodes.map(ExtensionValue.init))
        case .mapping(let mapping):
            self = .map(
                Dictionary(mapping.entries.map { ($0.key, ExtensionValue($0.value)) }, uniquingKeysWith: { $1 }))
        }
    }
}
