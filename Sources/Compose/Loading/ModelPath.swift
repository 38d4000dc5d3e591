import YAML

/// Where a node stands in the model: `services.web.ports[0]`.
struct ModelPath: Hashable, Sendable, CustomStringConvertible {
    enum Step: Hashable, Sendable {
        case key(String)
        case item(Int)
    }

    var steps: [Step] = []

    init(_ steps: [Step] = []) { self.steps = steps }

    /// A path of keys only.
    init(keys: String...) { steps = keys.map { .key($0) } }

    func key(_ key: String) -> ModelPath { ModelPath(steps + [.key(key)]) }
    func item(_ index: Int) -> ModelPath { ModelPath(steps + [.item(index)]) }

    var description: String {
        var text = ""
        for step in steps {
            switch step {
            case .key(let key): text += text.isEmpty ? key : ".\(key)"
            case .item(let index): text += "[\(index)]"
            }
        }
        return text
    }

    func problem(
        _ kind: ComposeError.Problem.Kind, at location: SourceLocation?, _ message: String
    ) -> ComposeError.Problem {
        ComposeError.Problem(kind, at: location, path: description, message)
    }

    func error(_ kind: ComposeError.Problem.Kind, at location: SourceLocation?, _ message: String) -> ComposeError {
        ComposeError(problem(kind, at: location, message))
    }
}

/// Rules that hold at paths given as patterns: `services.*.ports.*`, where `*` is any key or list position.
struct PathRules<Rule: Sendable>: Sendable {
    private struct Branch: Sendable {
        var rule: Rule?
        var children: [String: Int] = [:]
    }

    private var branches: [Branch] = [Branch()]

    init(_ rules: [(pattern: String, rule: Rule)]) {
        for (pattern, rule) in rules { insert(rule, at: pattern.split(separator: ".").map(String.init)) }
    }

    /// One rule for several patterns.
    init(_ rule: Rule, at patterns: [String]) {
        self.init(patterns.map { ($0, rule) })
    }

    private mutating func insert(_ rule: Rule, at pattern: [String]) {
        var index = 0
        for step in pattern {
            if let next = branches[index].children[step] {
                index = next
            } else {
                branches.append(Branch())
                branches[index].children[step] = branches.count - 1
                index = branches.count - 1
            }
        }
        branches[index].rule = rule
    }

    /// The rule for a path; a literal step beats `*`.
    subscript(path: ModelPath) -> Rule? { rule(below: 0, path.steps[...]) }

    private func rule(below index: Int, _ steps: ArraySlice<ModelPath.Step>) -> Rule? {
        guard let step = steps.first else { return branches[index].rule }
        let children = branches[index].children
        if case .key(let key) = step, let next = children[key], let rule = rule(below: next, steps.dropFirst()) {
            return rule
        }
        return children["*"].flatMap { rule(below: $0, steps.dropFirst()) }
    }
}
