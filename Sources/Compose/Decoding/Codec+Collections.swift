import YAML

extension Decoding {
    /// A list whose items are strings, or one string in place of a list of one.
    mutating func strings(_ node: YAMLNode) -> [String]? {
        switch node.value {
        case .string(let value): [value]
        case .sequence(let nodes):
            nodes.enumerated().compactMap { index, node in at(index) { $0.text(node) } }
        default: expected("a list", at: node)
        }
    }

    /// String values by key, from a mapping or from a list of `key=value`; nil marks a key without a value.
    mutating func pairs(_ node: YAMLNode) -> [(key: String, value: String?, node: YAMLNode)]? {
        switch node.value {
        case .mapping(let mapping):
            return mapping.stringEntries.map { ($0.key, $0.value.isNull ? nil : $0.value.goText, $0.value) }
        case .sequence(let nodes):
            return nodes.map { node in
                let item = node.goText.unicodeScalars
                guard let equals = item.firstIndex(of: "=") else { return (String(item), nil, node) }
                return (String(item[..<equals]), String(item[item.index(after: equals)...]), node)
            }
        default: return expected("a mapping or a list of key=value", at: node)
        }
    }

    /// Environment variables; a key without a value takes it from the project's variables.
    mutating func environment(_ node: YAMLNode) -> [String: String?]? {
        guard let pairs = pairs(node) else { return nil }
        var environment: [String: String?] = [:]
        for (key, value, node) in pairs {
            if key.unicodeScalars.last?.properties.isWhitespace == true {
                report("the name of the variable \"\(key)\" ends with a space", at: node)
                continue
            }
            environment.updateValue(value ?? variables[key], forKey: key)
        }
        return environment
    }

    /// `host=address` entries from a mapping or a list, sorted.
    mutating func hosts(_ node: YAMLNode) -> [String]? {
        var hosts: [(name: String, addresses: [String], node: YAMLNode)] = []
        switch node.value {
        case .mapping(let mapping):
            hosts = mapping.stringEntries.map { key, value in
                if case .sequence(let nodes) = value.value { return (key, nodes.map(\.goText), value) }
                return (key, [value.isNull ? "" : value.goText], value)
            }
        case .sequence(let nodes):
            hosts = nodes.compactMap { node in
                let item = node.goText
                guard let separator = item.firstIndex(of: "=") ?? item.firstIndex(of: ":") else {
                    report("the extra host \"\(item)\" lacks an address", at: node)
                    return nil
                }
                let addresses = item[item.index(after: separator)...].split(
                    separator: ",", omittingEmptySubsequences: false)
                return (String(item[..<separator]), addresses.map(String.init), node)
            }
        default: return expected("a mapping or a list of host=address", at: node)
        }
        for host in hosts where host.name.isEmpty || host.name.contains(where: { $0 == ":" || $0 == "=" }) {
            report("\"\(host.name)\" is no host name", at: host.node)
        }
        return hosts.flatMap { host in host.addresses.map { "\(host.name)=\(Self.unbracketed($0))" } }
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private static func unbracketed(_ address: String) -> String {
        address.count > 2 && address.hasPrefix("[") && address.hasSuffix("]")
            ? String(address.dropFirst().dropLast()) : address
    }

    /// A command: words as a list, or a line that is split into words.
    mutating func command(_ node: YAMLNode) -> [String]? {
        switch node.value {
        case .string(let line):
            if let words = ShellWords.split(line) { return words }
            report("\"\(line)\" is no valid command line: a quote or parenthesis is unbalanced", at: node)
            return nil
        case .sequence: return strings(node)
        default: return expected("a string or a list of strings", at: node)
        }
    }

    mutating func ulimits(_ node: YAMLNode) -> [String: Ulimit]? {
        guard case .mapping(let mapping) = node.value else { return expected("a mapping", at: node) }
        var limits: [String: Ulimit] = [:]
        for entry in mapping.entries where !entry.key.hasPrefix("x-") {
            limits[entry.key] = at(entry.key) { $0.ulimit(entry.value) }
        }
        return limits
    }

    private mutating func ulimit(_ node: YAMLNode) -> Ulimit? {
        guard case .mapping(let mapping) = node.value else { return number(node).map(Ulimit.single) }
        var limits = ["soft": 0, "hard": 0]
        for entry in mapping.entries where limits[entry.key] != nil {
            limits[entry.key] = at(entry.key) { $0.number(entry.value) }
        }
        return .pair(soft: limits["soft"] ?? 0, hard: limits["hard"] ?? 0)
    }
}

extension Codec<[String]> {
    static var strings: Codec {
        Codec(
            decode: { node, decoding in decoding.strings(node) },
            encode: { values, _ in values.isEmpty ? nil : .strings(values) })
    }

    /// Strings, where any scalar counts as one.
    static var scalars: Codec {
        Codec(
            decode: { node, decoding in
                guard case .sequence(let nodes) = node.value else { return decoding.strings(node) }
                return nodes.map(\.goText)
            },
            encode: strings.encode)
    }

    static var hosts: Codec { Codec(decode: { node, decoding in decoding.hosts(node) }, encode: strings.encode) }

    /// A health check's command: a string is run by the shell.
    static var healthTest: Codec {
        Codec(
            decode: { node, decoding in
                if case .string(let command) = node.value { return ["CMD-SHELL", command] }
                return decoding.strings(node)
            },
            encode: strings.encode)
    }

    /// Placement preferences, of which Compose knows only `spread`.
    static var spreads: Codec {
        Codec(
            decode: { node, decoding in
                guard case .sequence(let nodes) = node.value else { return decoding.expected("a list", at: node) }
                return nodes.map { node in
                    guard case .mapping(let mapping) = node.value else { return "" }
                    return mapping.entries.first { $0.key == "spread" }?.value.goText ?? ""
                }
            },
            encode: { values, _ in
                values.isEmpty ? nil : .list(values.map { .fields([.init(name: "spread", value: .string($0))]) })
            })
    }
}

extension Codec<[String]?> {
    /// A command. JSON shows it even when unset, because an empty one means something else.
    static var command: Codec {
        Codec(
            decode: { node, decoding in .some(decoding.command(node)) },
            encode: { value, rendition in
                if let value { return .strings(value) }
                return rendition == .yaml ? nil : .null
            })
    }
}

extension Codec<[String: String]> {
    /// Labels and their like: a mapping or a list of `key=value`; no value is an empty one.
    static var mapping: Codec {
        Codec(
            decode: { node, decoding in
                decoding.pairs(node).map { pairs in
                    Dictionary(pairs.map { ($0.key, $0.value ?? "") }, uniquingKeysWith: { $1 })
                }
            },
            encode: { values, _ in values.isEmpty ? nil : .map(values) })
    }

    /// A mapping whose values must be strings or integers.
    static var texts: Codec {
        Codec(
            decode: { node, decoding in
                guard case .mapping(let mapping) = node.value else { return decoding.expected("a mapping", at: node) }
                var texts: [String: String] = [:]
                for (key, value) in mapping.stringEntries { texts[key] = decoding.at(key) { $0.text(value) } }
                return texts
            },
            encode: mapping.encode)
    }

    /// Keys of SSH agents or sockets, listed as `id` or `id=path`.
    static var agents: Codec {
        Codec(
            decode: mapping.decode,
            encode: { values, _ in
                let entries = values.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
                return entries.isEmpty ? nil : .strings(entries.map { $1.isEmpty ? $0 : "\($0)=\($1)" })
            })
    }
}

extension Codec<[String: String?]> {
    /// Environment variables; a key without a value stays with null.
    static var environment: Codec {
        Codec(
            decode: { node, decoding in decoding.environment(node) },
            encode: { values, _ in
                values.isEmpty ? nil : .map(values.mapValues { $0.map(Document.string) ?? .null })
            })
    }

    /// Build arguments; one without a value whose variable is not set is left out.
    static var arguments: Codec {
        Codec(
            decode: { node, decoding in decoding.environment(node)?.filter { $0.value != nil } },
            encode: environment.encode)
    }
}

extension Codec<[String: [String]]> {
    /// Options of a provider: each a scalar or a list of scalars.
    static var options: Codec {
        Codec(
            decode: { node, decoding in
                guard case .mapping(let mapping) = node.value else { return decoding.expected("a mapping", at: node) }
                let values: [(String, [String])] = mapping.stringEntries.map { key, value in
                    if case .sequence(let nodes) = value.value { return (key, nodes.map(\.goText)) }
                    return (key, [value.goText])
                }
                return Dictionary(values, uniquingKeysWith: { $1 })
            },
            encode: { values, _ in values.isEmpty ? nil : .map(values.mapValues(Document.strings)) })
    }
}

extension Codec<[String: Ulimit]> {
    static var ulimits: Codec {
        Codec(
            decode: { node, decoding in decoding.ulimits(node) },
            encode: { limits, rendition in
                limits.isEmpty ? nil : .map(limits.mapValues { encode($0, rendition) })
            })
    }

    private static func encode(_ limit: Ulimit, _ rendition: Rendition) -> Document {
        let (soft, hard) =
            switch limit {
            case .single(let value): (value, value)
            case .pair(let soft, let hard): (soft, hard)
            }
        if case .single(let value) = limit, value != 0 { return .int(value) }
        let fields = [Document.Field(name: "soft", value: .int(soft)), .init(name: "hard", value: .int(hard))]
        return .fields(rendition == .yaml ? fields : fields.filter { $0.value != .int(0) })
    }
}

extension Codec<[EnvFile]> {
    /// The env files as the config hash counts them: each Compose generation has its own form.
    static var envFiles: Codec {
        Codec(
            decode: { node, decoding in
                Codec<[EnvFile]>.list(EnvFile(path: ""), EnvFile.shape).decode(node, &decoding)
            },
            encode: { files, rendition in
                files.isEmpty ? nil : .list(files.map { encode($0, rendition.flavour) })
            })
    }

    private static func encode(_ file: EnvFile, _ flavour: ConfigHash.Flavour) -> Document {
        if flavour == .v2, file.required { return .string(file.path) }
        var fields = [Document.Field(name: "path", value: .string(file.path))]
        if !file.required { fields.append(.init(name: "required", value: .bool(false))) }
        if let format = file.format { fields.append(.init(name: "format", value: .string(format))) }
        return .fields(fields)
    }
}
