extension YAMLNode {
    package var isNull: Bool { value == .null }

    /// The text of a string; nil for every other value, numbers included.
    package var string: String? {
        if case .string(let text) = value { return text }
        return nil
    }

    package var bool: Bool? {
        if case .bool(let flag) = value { return flag }
        return nil
    }

    package var int: Int? {
        if case .int(let number) = value { return number }
        return nil
    }

    package var sequence: [YAMLNode]? {
        if case .sequence(let elements) = value { return elements }
        return nil
    }

    package var mapping: YAMLMapping? {
        if case .mapping(let mapping) = value { return mapping }
        return nil
    }

    /// The value of a key if this is a mapping that has it.
    package subscript(key: String) -> YAMLNode? { mapping?[key] }

    /// What the node is, for messages: `a mapping`, `a list`, `a string`, `the number 5`, `null`.
    package var kindDescription: String {
        switch value {
        case .null: "null"
        case .bool(let flag): "the boolean \(flag)"
        case .int(let number): "the number \(number)"
        case .float(let number): "the number \(number)"
        case .string: "a string"
        case .timestamp(let text): "the date \(text)"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }

    /// Whether both nodes say the same, wherever they stand; the order of keys does not count.
    package func hasSameContent(as other: YAMLNode) -> Bool {
        switch (value, other.value) {
        case (.sequence(let left), .sequence(let right)):
            return left.count == right.count && zip(left, right).allSatisfy { $0.hasSameContent(as: $1) }
        case (.mapping(let left), .mapping(let right)):
            guard left.entries.count == right.entries.count else { return false }
            let values = Dictionary(right.entries.map { ($0.key, $0.value) }) { first, _ in first }
            return left.entries.allSatisfy { values[$0.key].map($0.value.hasSameContent) ?? false }
        default: return value == other.value
        }
    }
}

extension YAMLMapping {
    package var isEmpty: Bool { entries.isEmpty }
    package var keys: [String] { entries.map(\.key) }

    package func entry(for key: String) -> Entry? { entries.first { $0.key == key } }

    package func contains(_ key: String) -> Bool { entries.contains { $0.key == key } }

    /// The value of a key. Setting replaces in place or appends, with the value's own place as the key's; setting nil
    /// removes the key.
    package subscript(key: String) -> YAMLNode? {
        get { entry(for: key)?.value }
        set {
            let index = entries.firstIndex { $0.key == key }
            switch (index, newValue) {
            case (let index?, let value?): entries[index].value = value
            case (let index?, nil): entries.remove(at: index)
            case (nil, let value?): entries.append(Entry(key: key, keyLocation: value.location, value: value))
            case (nil, nil): break
            }
        }
    }
}
