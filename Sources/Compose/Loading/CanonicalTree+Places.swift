import YAML

extension CanonicalTree {
    /// Where the value at a model path such as `services.web.ports[0]` was written: its own place, or that of the
    /// nearest thing around it. Nil only for a path whose first part the files do not have.
    func location(of path: String) -> SourceLocation? {
        var node = root
        var location: SourceLocation?
        var rest = path[...]
        while !rest.isEmpty {
            if rest.first == ".", location != nil { rest = rest.dropFirst() }
            guard let (next, place, remainder) = Self.step(into: node, rest) else { return location }
            (node, location, rest) = (next, place, remainder)
        }
        return location
    }

    /// Goes down by one key or index. Keys may hold dots, so the longest one that fits is taken.
    private static func step(
        into node: YAMLNode, _ path: Substring
    ) -> (YAMLNode, SourceLocation, Substring)? {
        if path.first == "[" {
            let digits = path.dropFirst().prefix { $0.isNumber }
            guard let index = Int(digits), let list = node.sequence, list.indices.contains(index) else { return nil }
            return (list[index], list[index].location, path.dropFirst(digits.count + 2))
        }
        let candidates = (node.mapping?.entries ?? []).filter { entry in
            guard path.hasPrefix(entry.key) else { return false }
            let after = path.dropFirst(entry.key.count).first
            return after == nil || after == "." || after == "["
        }
        guard let entry = candidates.max(by: { $0.key.count < $1.key.count }) else { return nil }
        return (entry.value, entry.keyLocation, path.dropFirst(entry.key.count))
    }
}

extension ProjectLoader.Result {
    /// The problems with the places where their paths were written, for those that have none yet.
    package func placing(_ problems: [ComposeError.Problem]) -> [ComposeError.Problem] {
        problems.map { problem in
            var problem = problem
            if problem.location == nil { problem.location = tree.location(of: problem.path) }
            return problem
        }
    }
}
