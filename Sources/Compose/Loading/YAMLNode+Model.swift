import YAML

extension YAMLNode {
    static func string(_ text: String, at location: SourceLocation) -> YAMLNode {
        YAMLNode(.string(text), location: location)
    }

    static func bool(_ flag: Bool, at location: SourceLocation) -> YAMLNode {
        YAMLNode(.bool(flag), location: location)
    }

    static func int(_ number: Int, at location: SourceLocation) -> YAMLNode {
        YAMLNode(.int(number), location: location)
    }

    static func null(at location: SourceLocation) -> YAMLNode { YAMLNode(.null, location: location) }

    static func sequence(_ elements: [YAMLNode], at location: SourceLocation) -> YAMLNode {
        YAMLNode(.sequence(elements), location: location)
    }

    static func mapping(_ entries: [(String, YAMLNode)], at location: SourceLocation) -> YAMLNode {
        let entries = entries.map { YAMLMapping.Entry(key: $0.0, keyLocation: $0.1.location, value: $0.1) }
        return YAMLNode(.mapping(YAMLMapping(entries)), location: location)
    }

    /// The same place and tag with another value.
    func with(_ value: Value) -> YAMLNode {
        var node = self
        node.value = value
        return node
    }

    /// Changes the mapping in place; does nothing to any other node.
    mutating func updateMapping<E: Error>(_ change: (inout YAMLMapping) throws(E) -> Void) throws(E) {
        guard case .mapping(var mapping) = value else { return }
        value = .null
        try change(&mapping)
        value = .mapping(mapping)
    }

    /// Changes the value of one key in place, if this is a mapping that has it.
    mutating func update<E: Error>(_ key: String, _ change: (inout YAMLNode) throws(E) -> Void) throws(E) {
        try updateMapping { (mapping) throws(E) in
            guard let index = mapping.entries.firstIndex(where: { $0.key == key }) else { return }
            try change(&mapping.entries[index].value)
        }
    }

    /// Changes every value of a mapping or every element of a list in place.
    mutating func updateEach<E: Error>(_ change: (ModelPath.Step, inout YAMLNode) throws(E) -> Void) throws(E) {
        switch value {
        case .mapping(var mapping):
            value = .null
            for index in mapping.entries.indices {
                try change(.key(mapping.entries[index].key), &mapping.entries[index].value)
            }
            value = .mapping(mapping)
        case .sequence(var elements):
            value = .null
            for index in elements.indices { try change(.item(index), &elements[index]) }
            value = .sequence(elements)
        default: break
        }
    }

    /// Sets a key if this is a mapping without it; a key that is there with null counts as there.
    mutating func setDefault(_ key: String, _ value: @autoclosure () -> YAMLNode) {
        updateMapping { mapping in
            if !mapping.contains(key) { mapping[key] = value() }
        }
    }

    /// How many nodes the tree below and including this one has.
    var nodeCount: Int {
        switch value {
        case .sequence(let elements): elements.reduce(1) { $0 + $1.nodeCount }
        case .mapping(let mapping): mapping.entries.reduce(1) { $0 + $1.value.nodeCount }
        default: 1
        }
    }

    /// The value of a nested key.
    func descendant(_ keys: String...) -> YAMLNode? {
        var node = self
        for key in keys {
            guard let next = node[key] else { return nil }
            node = next
        }
        return node
    }
}

extension YAMLMapping {
    /// A mapping in the order of first appearance; of several values for a key the last counts.
    init(lastWins pairs: [(String, YAMLNode)]) {
        self.init()
        var places: [String: Int] = [:]
        for (key, value) in pairs {
            if let index = places[key] {
                entries[index].value = value
            } else {
                places[key] = entries.count
                entries.append(Entry(key: key, keyLocation: value.location, value: value))
            }
        }
    }
}
