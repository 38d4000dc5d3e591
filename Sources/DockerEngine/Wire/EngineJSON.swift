import FoundationEssentials

/// The Engine API writes its keys in Go's way, `RestartCount`. What is sent is written `restartCount` here and turned round;
/// what is received names its keys itself: answers hold hundreds that nobody reads.
enum EngineJSON {
    static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .custom { path in
            Key(upper(path.last?.stringValue ?? ""))
        }
        return try encoder.encode(value)
    }

    static func decode<Value: Decodable>(_ type: Value.Type = Value.self, from data: Data) throws -> Value {
        try JSONDecoder().decode(type, from: data)
    }

    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }

        init(_ text: String) { stringValue = text }
        init?(stringValue: String) { self.init(stringValue) }
        init?(intValue: Int) { nil }
    }

    private static let irregular = [
        "ipamConfig": "IPAMConfig", "ipv4Address": "IPv4Address", "ipv6Address": "IPv6Address", "utsMode": "UTSMode",
        "ipam": "IPAM", "ipRange": "IPRange", "enableIPv4": "EnableIPv4", "enableIPv6": "EnableIPv6", "id": "ID",
    ]

    static func upper(_ key: String) -> String {
        irregular[key] ?? key.prefix(1).uppercased() + key.dropFirst()
    }
}
