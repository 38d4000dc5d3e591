import YAML

/// Holds a tree against a schema and tells everything that does not fit, each with its place.
struct SchemaValidation {
    private(set) var problems: [ComposeError.Problem] = []

    /// All problems of a tree in the order of the tree.
    static func problems(
        of tree: YAMLNode, against schema: Schema = .file, at path: ModelPath = ModelPath()
    ) -> [ComposeError.Problem] {
        var validation = SchemaValidation()
        validation.check(tree, schema, path)
        return validation.problems
    }

    private mutating func report(_ path: ModelPath, _ location: SourceLocation, _ message: String) {
        if problems.count >= ComposeError.mostProblems { return }
        problems.append(path.problem(.schema, at: location, message))
    }

    private mutating func check(_ node: YAMLNode, _ schema: Schema, _ path: ModelPath) {
        if problems.count >= ComposeError.mostProblems { return }
        switch (schema, node.value) {
        case (.any, _), (.null, .null), (.boolean, .bool), (.string, .string), (.number, .int), (.number, .float):
            return
        case (.integer(let range), .int(let number)) where range.contains(number): return
        case (.integer(let range), .float(let number))
        where number == number.rounded() && number >= Double(range.lowerBound) && number <= Double(range.upperBound):
            return
        case (.word(let words), .string(let text)):
            if words.contains(text) { return }
            let hint = Spelling.nearest(to: text, in: words).map { "; did you mean \"\($0)\"?" } ?? ""
            report(path, node.location, "expected \(schema.expectation), got \"\(text)\"\(hint)")
        case (.text(let rule), .string(let text)):
            if !rule.accepts(text) { report(path, node.location, "expected \(rule.expectation), got \"\(text)\"") }
        case (.list(let element, let isUnique), .sequence(let elements)):
            for (index, child) in elements.enumerated() { check(child, element, path.item(index)) }
            if isUnique { checkUnique(elements, path) }
        case (.object(let object), .mapping(let mapping)): check(mapping, node.location, object, path)
        case (.either(let alternatives), _): check(node, anyOf: alternatives, schema, path)
        default:
            report(path, node.location, "expected \(schema.expectation), got \(node.kindDescription)\(hint(for: node))")
        }
    }

    private func hint(for node: YAMLNode) -> String {
        if case .timestamp = node.value { return "; quote it" }
        return ""
    }

    /// The problems of the alternative that has the node's shape, if there is one, tell more than "none fits".
    private mutating func check(
        _ node: YAMLNode, anyOf alternatives: [Schema], _ schema: Schema, _ path: ModelPath
    ) {
        var closest: [ComposeError.Problem]?
        for alternative in alternatives {
            let found = Self.problems(of: node, against: alternative, at: path)
            if found.isEmpty { return }
            if alternative.hasShape(of: node) { closest = closest ?? found }
        }
        if let closest {
            problems += closest
        } else {
            report(path, node.location, "expected \(schema.expectation), got \(node.kindDescription)\(hint(for: node))")
        }
    }

    private mutating func checkUnique(_ elements: [YAMLNode], _ path: ModelPath) {
        var seen: [String: SourceLocation] = [:]
        for (index, element) in elements.enumerated() {
            guard let key = element.uniquenessKey else { continue }
            if let first = seen.updateValue(element.location, forKey: key) {
                report(path.item(index), element.location, "is already in the list, at line \(first.line)")
            }
        }
    }

    private mutating func check(
        _ mapping: YAMLMapping, _ location: SourceLocation, _ object: Schema.Object, _ path: ModelPath
    ) {
        for entry in mapping.entries {
            if problems.count >= ComposeError.mostProblems { return }
            if let schema = object.keys[entry.key] {
                check(entry.value, schema, path.key(entry.key))
            } else if object.isExtensible && entry.key.hasPrefix("x-") {
                continue
            } else if let named = object.named, object.keyRule.accepts(entry.key) {
                check(entry.value, named, path.key(entry.key))
            } else if let others = object.others {
                check(entry.value, others, path.key(entry.key))
            } else {
                report(path, entry.keyLocation, object.refusal(of: entry.key))
            }
        }
        for key in object.required where !mapping.contains(key) {
            report(path, location, "the key \"\(key)\" is missing")
        }
    }
}

extension Schema.Object {
    fileprivate func refusal(of key: String) -> String {
        if named != nil { return "\"\(key)\" is not \(keyRule.description)" }
        let near = Spelling.nearest(to: key, in: keys.keys.sorted())
        return "unknown key \"\(key)\"" + (near.map { "; did you mean \"\($0)\"?" } ?? "")
    }
}

extension Schema {
    /// Whether the schema is about nodes of this kind, so that its complaints are to the point.
    fileprivate func hasShape(of node: YAMLNode) -> Bool {
        switch (self, node.value) {
        case (.object, .mapping), (.list, .sequence), (.word, .string), (.text, .string), (.integer, .int): true
        case (.either(let alternatives), _): alternatives.contains { $0.hasShape(of: node) }
        default: false
        }
    }
}

extension YAMLNode {
    /// The same text for equal values, wherever they stand.
    fileprivate var uniquenessKey: String? {
        switch value {
        case .string(let text): return "s\(text)"
        case .int(let number): return "n\(Double(number))"
        case .float(let number): return "n\(number)"
        case .bool(let flag): return "b\(flag)"
        case .mapping(let mapping):
            let entries = mapping.entries.sorted { $0.key < $1.key }
            return "{" + entries.map { "\($0.key.debugDescription):\($0.value.uniquenessKey ?? "")" }.joined() + "}"
        case .sequence(let elements): return "[" + elements.map { "\($0.uniquenessKey ?? "")," }.joined() + "]"
        case .null, .timestamp: return nil
        }
    }
}
