/// How the model is read from a record, which lacks what is false, 0 or empty, and what an earlier version of watcher that
/// wrote it did not know.
///
/// The decoders that the compiler writes in this module find these methods before those of the standard library. A key that
/// is missing has the value that a field of its type has by default everywhere in the model: false, 0 or empty. Texts and
/// choices have no such value, nor have the fields that `isRequired` names: a record that lacks one of those is damaged.
extension KeyedDecodingContainer {
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try decodeIfPresent(type, forKey: key) ?? false }

    func decode(_ type: Int.Type, forKey key: Key) throws -> Int {
        try decodeIfPresent(type, forKey: key) ?? absent(key, 0)
    }

    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try decodeIfPresent(type, forKey: key) ?? 0 }

    func decode(_ type: Duration.Type, forKey key: Key) throws -> Duration {
        try decodeIfPresent(type, forKey: key) ?? .zero
    }

    func decode<Element: Decodable>(_ type: [Element].Type, forKey key: Key) throws -> [Element] {
        try decodeIfPresent(type, forKey: key) ?? []
    }

    func decode<Value: Decodable>(_ type: [String: Value].Type, forKey key: Key) throws -> [String: Value] {
        try decodeIfPresent(type, forKey: key) ?? absent(key, [:])
    }

    private func absent<Value>(_ key: Key, _ value: Value) throws -> Value {
        if key.isRequired {
            throw DecodingError.keyNotFound(
                key, DecodingError.Context(codingPath: codingPath, debugDescription: "missing"))
        }
        return value
    }

    func decode<Part: Decodable & EmptyByDefault>(_ type: Part.Type, forKey key: Key) throws -> Part {
        try decodeIfPresent(type, forKey: key) ?? Part()
    }
}

/// How the model is written into a record: what is false, 0 or empty is left out, as `decode` understands it. Most of a
/// service is, and reading it back takes longest of all that a run without changes does.
///
/// The encoders that the compiler writes in this module find these methods before those of the standard library. Optional
/// fields are written by `encodeIfPresent`, whatever they hold: an empty `command` is not the same as none.
extension KeyedEncodingContainer {
    mutating func encode(_ value: Bool, forKey key: Key) throws { try encodeIfPresent(value ? true : nil, forKey: key) }

    mutating func encode(_ value: Int, forKey key: Key) throws {
        try encodeIfPresent(value == 0 && !key.isRequired ? nil : value, forKey: key)
    }

    mutating func encode(_ value: Float, forKey key: Key) throws {
        try encodeIfPresent(value == 0 ? nil : value, forKey: key)
    }

    mutating func encode(_ value: Duration, forKey key: Key) throws {
        try encodeIfPresent(value == .zero ? nil : value, forKey: key)
    }

    mutating func encode<Element: Encodable>(_ value: [Element], forKey key: Key) throws {
        try encodeIfPresent(value.isEmpty ? nil : value, forKey: key)
    }

    mutating func encode<Value: Encodable>(_ value: [String: Value], forKey key: Key) throws {
        try encodeIfPresent(value.isEmpty && !key.isRequired ? nil : value, forKey: key)
    }

    mutating func encode<Part: Encodable & EmptyByDefault & Equatable>(_ value: Part, forKey key: Key) throws {
        try encodeIfPresent(value == Part() ? nil : value, forKey: key)
    }
}

extension CodingKey {
    /// Whether the model means something else without this number or these values by name: a project its services, a port
    /// its number in the container. No other number or dictionary of the model has these keys.
    fileprivate var isRequired: Bool { stringValue == "services" || stringValue == "target" }
}

/// A part of the model that a field holds by default, with nothing in it.
protocol EmptyByDefault { init() }

extension Network.IPAM: EmptyByDefault {}
extension Deploy.Resources: EmptyByDefault {}
extension Deploy.Placement: EmptyByDefault {}
