/// How the model is read from a record that an earlier version of watcher wrote, which lacks what it has learned since.
///
/// The decoders that the compiler writes in this module find these methods before those of the standard library. A key that
/// is missing has the value that a field of its type has by default everywhere in the model: false, 0 or empty. Texts and
/// choices have no such value; a field for one is optional or was there from the beginning.
extension KeyedDecodingContainer {
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try decodeIfPresent(type, forKey: key) ?? false }

    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try decodeIfPresent(type, forKey: key) ?? 0 }

    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try decodeIfPresent(type, forKey: key) ?? 0 }

    func decode(_ type: Duration.Type, forKey key: Key) throws -> Duration {
        try decodeIfPresent(type, forKey: key) ?? .zero
    }

    func decode<Element: Decodable>(_ type: [Element].Type, forKey key: Key) throws -> [Element] {
        try decodeIfPresent(type, forKey: key) ?? []
    }

    func decode<Value: Decodable>(_ type: [String: Value].Type, forKey key: Key) throws -> [String: Value] {
        try decodeIfPresent(type, forKey: key) ?? [:]
    }

    func decode<Part: Decodable & EmptyByDefault>(_ type: Part.Type, forKey key: Key) throws -> Part {
        try decodeIfPresent(type, forKey: key) ?? Part()
    }
}

/// A part of the model that a field holds by default, with nothing in it.
protocol EmptyByDefault { init() }

extension Network.IPAM: EmptyByDefault {}
extension Deploy.Resources: EmptyByDefault {}
extension Deploy.Placement: EmptyByDefault {}
