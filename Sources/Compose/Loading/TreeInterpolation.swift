import YAML

/// Interpolates every string value of a tree, then casts the strings at the paths that need a number or a boolean.
struct TreeInterpolation {
    private(set) var problems: [ComposeError.Problem] = []
    private(set) var warnings: [ComposeError.Problem] = []
    private var writtenTexts = WrittenTexts()
    private let environment: [String: String]
    /// How many bytes of expanded text a document may still have.
    private var remainingLength = 64 << 20

    init(environment: [String: String]) { self.environment = environment }

    /// The interpolated tree. Throws all problems of the tree at once.
    static func interpolated(
        _ tree: YAMLNode, environment: [String: String], warnings: inout [ComposeError.Problem],
        writtenTexts: inout WrittenTexts
    ) throws(ComposeError) -> YAMLNode {
        var pass = TreeInterpolation(environment: environment)
        var tree = tree
        pass.visit(&tree, at: ModelPath())
        warnings += pass.warnings
        writtenTexts.add(pass.writtenTexts)
        if !pass.problems.isEmpty { throw ComposeError(pass.problems) }
        return tree
    }

    private mutating func visit(_ node: inout YAMLNode, at path: ModelPath) {
        if problems.count >= ComposeError.mostProblems { return }
        if let text = node.string {
            node.value = value(of: text, at: path, location: node.location)
        } else {
            node.updateEach { step, child in visit(&child, at: ModelPath(path.steps + [step])) }
        }
    }

    private mutating func value(of text: String, at path: ModelPath, location: SourceLocation) -> YAMLNode.Value {
        do throws(Interpolation.Failure) {
            let expanded = try expand(text, at: path, location: location)
            guard let cast = Self.casts[path] else { return .string(expanded) }
            if let value = cast.value(of: expanded) { return value }
            problems.append(
                path.problem(
                    .interpolation, at: location,
                    "expected \(cast.expectation), got \"\(text)\""
                        + (text == expanded ? "" : ", which is something else once expanded")))
        } catch {
            problems.append(path.problem(.interpolation, at: location, error.description))
        }
        return .string(text)
    }

    private mutating func expand(
        _ text: String, at path: ModelPath, location: SourceLocation
    ) throws(Interpolation.Failure) -> String {
        var unset: [String] = []
        let environment = environment
        let interpolation = Interpolation(lookup: { environment[$0] }, reportUnset: { unset.append($0) })
        let expanded = try interpolation.expand(text)
        remainingLength -= expanded.utf8.count
        if remainingLength < 0 { throw .tooLong }
        if expanded != text { writtenTexts.add(text, expandedTo: expanded, at: location) }
        for name in unset where warnings.count < LoadSession.mostWarnings {
            warnings.append(
                path.problem(
                    .interpolation, at: location,
                    "the \"\(name)\" variable is not set, an empty string is used instead"))
        }
        return expanded
    }

    // MARK: Casts

    private enum Cast: Sendable {
        case integer, number, singlePrecision, boolean

        var expectation: String {
            switch self {
            case .integer: "an integer"
            case .number, .singlePrecision: "a number"
            case .boolean: "a boolean"
            }
        }

        func value(of text: String) -> YAMLNode.Value? {
            switch self {
            case .integer: Int(text).map { .int($0) }
            case .number: Self.number(text).map { .float($0) }
            case .singlePrecision: Self.number(text).map { .float(Double(Float($0))) }
            case .boolean: Self.boolean(text).map { .bool($0) }
            }
        }

        /// Go's numbers: digits may be grouped by underscores, nothing may stand around them.
        private static func number(_ text: String) -> Double? {
            guard text.utf8.contains(0x5F) else { return Double(text) }
            let parts = text.split(separator: "_", omittingEmptySubsequences: false)
            let areJoined = zip(parts, parts.dropFirst()).allSatisfy {
                ($0.utf8.last?.isASCIIDigit ?? false) && ($1.utf8.first?.isASCIIDigit ?? false)
            }
            return areJoined ? Double(parts.joined()) : nil
        }

        private static func boolean(_ text: String) -> Bool? {
            switch text.lowercased() {
            case "true", "y", "yes", "on": true
            case "false", "n", "no", "off": false
            default: nil
            }
        }
    }

    private static let casts = PathRules<Cast>(
        service(
            .integer,
            "cpu_count", "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpu_shares", "oom_score_adj",
            "pids_limit", "scale", "deploy.replicas", "deploy.update_config.parallelism",
            "deploy.rollback_config.parallelism", "deploy.restart_policy.max_attempts",
            "deploy.placement.max_replicas_per_node", "healthcheck.retries", "ports.*.target", "ulimits.*",
            "ulimits.*.hard", "ulimits.*.soft")
            + service(
                .number, "cpu_percent", "deploy.update_config.max_failure_ratio",
                "deploy.rollback_config.max_failure_ratio")
            + service(.singlePrecision, "cpus")
            + service(
                .boolean, "init", "healthcheck.disable", "oom_kill_disable", "privileged", "read_only", "stdin_open",
                "tty", "volumes.*.read_only", "volumes.*.volume.nocopy")
            + [
                "networks.*.external", "networks.*.internal", "networks.*.attachable", "networks.*.enable_ipv4",
                "networks.*.enable_ipv6", "volumes.*.external", "secrets.*.external", "configs.*.external",
            ].map { ($0, .boolean) })

    private static func service(_ cast: Cast, _ names: String...) -> [(pattern: String, rule: Cast)] {
        names.map { ("services.*.\($0)", cast) }
    }
}

extension Interpolation.Failure: CustomStringConvertible {
    var description: String {
        switch self {
        case .invalidFormat(let template):
            "invalid interpolation format in \"\(template)\"; write $$ for a dollar sign"
        case .missing(let variable, let message):
            "required variable \(variable) is missing a value" + (message.isEmpty ? "" : ": \(message)")
        case .tooDeep(let template): "defaults are nested too deep in \"\(template)\""
        case .tooLong: "the text has more than \(Interpolation.maximumLength) bytes once expanded"
        }
    }
}
