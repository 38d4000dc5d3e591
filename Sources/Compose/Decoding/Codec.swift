import YAML

/// How one kind of value is read from a Compose file and written into hashes and renderings.
///
/// Decoding happens only for nodes that are not null; it returns nil after reporting a problem. Encoding returns nil
/// when the attribute is left out.
struct Codec<Value: Sendable>: Sendable {
    var decode: @Sendable (YAMLNode, inout Decoding) -> Value?
    var encode: @Sendable (Value, Rendition) -> Document?
}

/// One attribute of a model type: its name in Compose files, where it is kept, how it is read and written.
struct Attribute<Root: Sendable>: Sendable {
    /// In which renditions an attribute appears.
    enum Presence: Sendable {
        case always
        /// Shown to the user, but not part of the config hash.
        case rendered
        /// Only in the hash of the named state.
        case hashed(ConfigHash.State)
        /// Known to docker compose v5 only.
        case hashedBy(ConfigHash.Flavour)
    }

    var name: String
    /// The name in JSON, where it differs.
    var jsonName: String
    var presence: Presence
    var read: @Sendable (YAMLNode, inout Root, inout Decoding) -> Void
    var write: @Sendable (Root, Rendition) -> Document?

    /// Inlined, and the key path in a closure, so that the compiler makes a plain access of each key path; at run time
    /// key paths cost a good part of what a small file needs.
    @inline(__always)
    init<Value>(
        _ name: String, _ keyPath: @autoclosure @escaping @Sendable () -> WritableKeyPath<Root, Value>,
        _ codec: Codec<Value>, json jsonName: String? = nil, _ presence: Presence = .always
    ) {
        let get: @Sendable (Root) -> Value = { $0[keyPath: keyPath()] }
        let set: @Sendable (inout Root, Value) -> Void = { $0[keyPath: keyPath()] = $1 }
        self.name = name
        self.jsonName = jsonName ?? name
        self.presence = presence
        read = { node, root, decoding in
            if let value = codec.decode(node, &decoding) { set(&root, value) }
        }
        write = { root, rendition in codec.encode(get(root), rendition) }
    }

    func isPresent(in rendition: Rendition) -> Bool {
        switch (presence, rendition) {
        case (.always, _), (.rendered, .json), (.rendered, .yaml): true
        case (.hashed(let state), .hash(_, let other)): state == other
        case (.hashedBy(let flavour), .hash(let other, _)): flavour == other
        case (.rendered, .hash), (.hashed, _), (.hashedBy, _): false
        }
    }
}

/// The attributes of a model type, in the order in which Compose writes them.
struct Shape<Root: Sendable>: Sendable {
    let attributes: [Attribute<Root>]
    /// The attributes by name; of two with the same name the first is read.
    private let byName: [String: Attribute<Root>]
    /// What to do with `x-` keys; without it they are skipped.
    private let extensions: ExtensionAccess?

    private struct ExtensionAccess: Sendable {
        var get: @Sendable (Root) -> [String: ExtensionValue]
        var add: @Sendable (inout Root, String, ExtensionValue) -> Void
    }

    init(_ attributes: [Attribute<Root>]) {
        self.attributes = attributes
        byName = Self.index(attributes)
        extensions = nil
    }

    /// - Parameter extensions: Where `x-` keys are kept.
    @inline(__always)
    init(
        _ attributes: [Attribute<Root>],
        extensions: @autoclosure @escaping @Sendable () -> WritableKeyPath<Root, [String: ExtensionValue]>
    ) {
        self.attributes = attributes
        byName = Self.index(attributes)
        self.extensions = ExtensionAccess(
            get: { $0[keyPath: extensions()] }, add: { $0[keyPath: extensions()][$1] = $2 })
    }

    private static func index(_ attributes: [Attribute<Root>]) -> [String: Attribute<Root>] {
        Dictionary(attributes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Fills `root` from a mapping; anything but a mapping is reported and gives nil.
    func decode(_ node: YAMLNode, into root: Root, _ decoding: inout Decoding) -> Root? {
        guard case .mapping(let mapping) = node.value else { return decoding.expected("a mapping", at: node) }
        var root = root
        for entry in mapping.entries {
            if let extensions, entry.key.hasPrefix("x-") {
                extensions.add(&root, entry.key, ExtensionValue(entry.value))
            }
            guard let attribute = byName[entry.key], !entry.value.isNull else { continue }
            decoding.at(entry.key) { attribute.read(entry.value, &root, &$0) }
        }
        return root
    }

    func encode(_ root: Root, _ rendition: Rendition) -> Document {
        var fields: [Document.Field] = attributes.compactMap { attribute in
            guard attribute.isPresent(in: rendition), let value = attribute.write(root, rendition) else { return nil }
            return .init(name: rendition == .yaml ? attribute.name : attribute.jsonName, value: value)
        }
        if rendition == .yaml, let extensions {
            let values = extensions.get(root)
            fields += values.keys.sorted(by: NaturalOrder.precedes).map { key in
                .init(name: key, value: values[key].map(Document.init) ?? .null)
            }
        }
        return .fields(fields)
    }
}

/// Shapes within shapes: each is made when the first value of its kind comes along.
extension Codec {
    /// An optional section: left out when the file does not have it, kept when it is there but empty.
    static func section<Root>(_ empty: Root, _ shape: @autoclosure @escaping @Sendable () -> Shape<Root>) -> Codec
    where Value == Root? {
        Codec(
            decode: { node, decoding in .some(shape().decode(node, into: empty, &decoding)) },
            encode: { value, rendition in value.map { shape().encode($0, rendition) } })
    }

    /// A section that JSON always shows, `{}` when empty; YAML leaves an empty one out.
    static func structure(_ empty: Value, _ shape: @autoclosure @escaping @Sendable () -> Shape<Value>) -> Codec {
        Codec(
            decode: { node, decoding in shape().decode(node, into: empty, &decoding) },
            encode: { value, rendition in
                let document = shape().encode(value, rendition)
                return rendition == .yaml && document == .fields([]) ? nil : document
            })
    }

    static func list<Root>(_ empty: Root, _ shape: @autoclosure @escaping @Sendable () -> Shape<Root>) -> Codec
    where Value == [Root] {
        Codec(
            decode: { node, decoding in
                guard case .sequence(let nodes) = node.value else { return decoding.expected("a list", at: node) }
                return nodes.enumerated().compactMap { index, node in
                    decoding.at(index) { shape().decode(node, into: empty, &$0) }
                }
            },
            encode: { values, rendition in
                values.isEmpty ? nil : .list(values.map { shape().encode($0, rendition) })
            })
    }

    /// A map from user-chosen names to sections, any of which may be left empty.
    static func table<Root>(_ empty: Root, _ shape: @autoclosure @escaping @Sendable () -> Shape<Root>) -> Codec
    where Value == [String: Root?] {
        Codec(
            decode: { node, decoding in
                guard case .mapping(let mapping) = node.value else { return decoding.expected("a mapping", at: node) }
                var table: [String: Root?] = [:]
                for entry in mapping.entries where !entry.key.hasPrefix("x-") {
                    let value =
                        entry.value.isNull
                        ? nil : decoding.at(entry.key) { shape().decode(entry.value, into: empty, &$0) }
                    table.updateValue(value, forKey: entry.key)
                }
                return table
            },
            encode: { table, rendition in
                table.isEmpty ? nil : .map(table.mapValues { $0.map { shape().encode($0, rendition) } ?? .null })
            })
    }

    /// A map from user-chosen names to sections.
    static func map<Root>(_ empty: Root, _ shape: @autoclosure @escaping @Sendable () -> Shape<Root>) -> Codec
    where Value == [String: Root] {
        let table = Codec<[String: Root?]>.table(empty, shape())
        return Codec(
            decode: { node, decoding in table.decode(node, &decoding)?.mapValues { $0 ?? empty } },
            encode: { values, rendition in table.encode(values, rendition) })
    }
}
