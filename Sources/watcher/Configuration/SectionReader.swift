internal import Compose
internal import YAML

/// Reads one mapping of the configuration key by key and collects every problem instead of stopping at the first.
struct SectionReader {
    /// Shared by all sections of a file.
    final class Problems {
        var list: [ConfigurationError.Problem] = []
        func add(_ message: String, at location: SourceLocation) {
            list.append(ConfigurationError.Problem(location: location, message: message))
        }
    }

    let path: String
    let location: SourceLocation
    let problems: Problems
    private let mapping: YAMLMapping

    /// - Parameters:
    ///   - keys: the keys the section may have.
    ///   - later: keys of the configuration that this version does not support.
    init?(_ node: YAMLNode, path: String, keys: [String], later: [String] = [], problems: Problems) {
        guard let mapping = node.mapping else {
            problems.add(
                "\(path.isEmpty ? "" : path + ": ")expected a mapping, found \(node.kindDescription)", at: node.location
            )
            return nil
        }
        self.path = path
        self.problems = problems
        self.mapping = mapping
        location = node.location
        for entry in mapping.entries where Self.protecting.contains(entry.key) {
            let isOwnEmpty = entry.value.string == "" && !Self.verifying.contains(entry.key)
            guard entry.value.isNull || isOwnEmpty else { continue }
            problems.add("\(name(entry.key)): has no value; give it one, or remove the key", at: entry.keyLocation)
        }
        for entry in mapping.entries where !keys.contains(entry.key) {
            if later.contains(entry.key) {
                problems.add("\(name(entry.key)): not supported by this version of watcher", at: entry.keyLocation)
            } else {
                let near = Spelling.nearest(to: entry.key, in: keys).map { "; did you mean \"\($0)\"?" } ?? ""
                problems.add(
                    "\(path.isEmpty ? "" : path + ": ")unknown key \"\(entry.key)\"\(near)", at: entry.keyLocation)
            }
        }
    }

    /// Keys that protect: without their value, which a person may have commented out, they would do nothing, silently.
    private static let protecting: Set<String> = [
        "verify", "allowed_signers", "revoked_keys", "gpg_keyring", "known_hosts", "ca", "tls", "ssh_key", "user",
    ]

    /// Of these, the empty text is refused where they are read.
    private static let verifying: Set<String> = ["allowed_signers", "revoked_keys", "gpg_keyring"]

    func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    var entries: [YAMLMapping.Entry] { mapping.entries }

    func node(_ key: String) -> YAMLNode? {
        guard let node = mapping[key], !node.isNull else { return nil }
        return node
    }

    func string(_ key: String) -> String? {
        guard let node = node(key) else { return nil }
        return scalar(node, name(key))
    }

    func requiredString(_ key: String) -> String? {
        if let node = node(key) { return scalar(node, name(key)) }
        problems.add("\(path): \(key) is missing", at: location)
        return nil
    }

    func bool(_ key: String, default value: Bool) -> Bool {
        guard let node = node(key) else { return value }
        guard let bool = node.bool else {
            problems.add("\(name(key)): expected true or false, found \(node.kindDescription)", at: node.location)
            return value
        }
        return bool
    }

    func int(_ key: String, in range: ClosedRange<Int>, default value: Int) -> Int {
        guard let node = node(key) else { return value }
        guard let int = node.int, range.contains(int) else {
            problems.add(
                "\(name(key)): expected a whole number from \(range.lowerBound) to \(range.upperBound)",
                at: node.location)
            return value
        }
        return int
    }

    /// A list of strings; a single string stands for a list of one.
    func strings(_ key: String) -> [String] {
        guard let node = node(key) else { return [] }
        if node.string != nil { return scalar(node, name(key)).map { [$0] } ?? [] }
        return Self.strings(node, name(key), problems)
    }

    /// A list of strings.
    static func strings(_ node: YAMLNode, _ path: String, _ problems: Problems) -> [String] {
        guard let list = node.sequence else {
            problems.add("\(path): expected a list of strings, found \(node.kindDescription)", at: node.location)
            return []
        }
        return list.enumerated().compactMap { scalar($1, "\(path)[\($0)]", problems) }
    }

    /// - Parameter least: what the duration must exceed; nil allows zero.
    func duration(_ key: String, above least: Duration? = nil) -> Duration? {
        guard let node = node(key) else { return nil }
        guard let text = node.string, let duration = Duration(configured: text), least.map({ duration > $0 }) ?? true
        else {
            problems.add(
                "\(name(key)): expected a duration such as 90s, 5m or 1h30m, found "
                    + (node.string.map { "\"\($0)\"" } ?? node.kindDescription),
                at: node.location)
            return nil
        }
        return duration
    }

    /// A mapping of variables; whole numbers and booleans stand for their text.
    ///
    /// Other numbers are refused: YAML does not keep how they were written, and the version 1.10 would become 1.1.
    func variables(_ key: String) -> [String: String] {
        guard let node = node(key) else { return [:] }
        guard let mapping = node.mapping else {
            problems.add("\(name(key)): expected a mapping, found \(node.kindDescription)", at: node.location)
            return [:]
        }
        var variables: [String: String] = [:]
        for entry in mapping.entries {
            let path = "\(name(key)).\(entry.key)"
            if case .float = entry.value.value {
                problems.add("\(path): a number with a point must be written in quotes", at: entry.value.location)
            } else {
                variables[entry.key] = scalar(entry.value, path)
            }
        }
        return variables
    }

    private func scalar(_ node: YAMLNode, _ path: String) -> String? { Self.scalar(node, path, problems) }

    private static func scalar(_ node: YAMLNode, _ path: String, _ problems: Problems) -> String? {
        switch node.value {
        case .string(let text), .timestamp(let text): return text
        case .int(let number): return String(number)
        case .float(let number): return String(number)
        case .bool(let bool): return String(bool)
        case .null, .sequence, .mapping:
            problems.add("\(path): expected a string, found \(node.kindDescription)", at: node.location)
            return nil
        }
    }
}

extension Duration {
    /// Reads `1h30m`, `90s`, `500ms`, `2d`: whole numbers with units, largest first or not; nil for anything else.
    init?(configured text: String) {
        let units: [String: Duration] = [
            "ms": .milliseconds(1), "s": .seconds(1), "m": .seconds(60), "h": .seconds(3600), "d": .seconds(86400),
        ]
        var rest = text[...]
        var total = Duration.zero
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            let unit = rest.dropFirst(digits.count).prefix { $0.isLetter }
            guard let count = Int(digits), count < 1_000_000_000, let size = units[String(unit)] else { return nil }
            total += size * count
            rest = rest.dropFirst(digits.count + unit.count)
        }
        guard !text.isEmpty else { return nil }
        self = total
    }
}
