import YAML

extension Decoding {
    /// A string or an integer written as one; other scalars are not strings in Compose.
    mutating func text(_ node: YAMLNode) -> String? {
        switch node.value {
        case .string(let value), .timestamp(let value): value
        case .int(let value): String(value)
        case .null: ""
        default: expected("a string", at: node)
        }
    }

    mutating func flag(_ node: YAMLNode) -> Bool? {
        switch node.value {
        case .bool(let value): return value
        case .string(let value):
            switch value.lowercased() {
            case "true", "y", "yes", "on": return true
            case "false", "n", "no", "off": return false
            default: return expected("a boolean", at: node)
            }
        default: return expected("a boolean", at: node)
        }
    }

    mutating func number(_ node: YAMLNode) -> Int? {
        switch node.value {
        case .int(let value): return value
        case .float(let value): return Int(exactly: value.rounded(.towardZero)) ?? expected("an integer", at: node)
        case .string(let value): return Int(value) ?? expected("an integer", at: node)
        default: return expected("an integer", at: node)
        }
    }

    /// A number that cannot be negative.
    mutating func count(_ node: YAMLNode) -> Int? {
        guard let value = number(node) else { return nil }
        return value >= 0 ? value : expected("a number that is not negative", at: node)
    }

    mutating func float(_ node: YAMLNode) -> Float? {
        switch node.value {
        case .int(let value): return Float(value)
        case .float(let value): return Float(value)
        case .string(let value): return Float(value) ?? expected("a number", at: node)
        default: return expected("a number", at: node)
        }
    }

    mutating func byteSize(_ node: YAMLNode) -> Int? {
        switch node.value {
        case .int(let value): return value
        case .string(let value):
            if let size = ByteSize.parse(value) { return size }
            report("\"\(value)\" is no size: expected a number and a unit such as k, m or g", at: node)
            return nil
        default: return 0
        }
    }

    mutating func duration(_ node: YAMLNode) -> Duration? {
        let text = node.goText
        if let duration = GoDuration.parse(text) { return duration }
        report("\"\(text)\" is no duration: expected numbers with units, such as 1m30s", at: node)
        return nil
    }

    /// Permission bits: an octal literal, or a string of octal digits.
    mutating func mode(_ node: YAMLNode) -> Int? {
        switch node.value {
        case .int(let value): value
        case .string(let value): Int(value, radix: 8) ?? expected("octal permission bits", at: node)
        default: expected("octal permission bits", at: node)
        }
    }
}

extension Codec<String?> {
    static var text: Codec {
        Codec(
            decode: { node, decoding in decoding.text(node).map { $0.isEmpty ? nil : $0 } },
            encode: { value, _ in value.flatMap { $0.isEmpty ? nil : .string($0) } })
    }

    /// A string or a boolean, kept as text.
    static var textOrFlag: Codec {
        Codec(
            decode: { node, decoding in
                if case .bool = node.value { return node.goText }
                return text.decode(node, &decoding)
            },
            encode: text.encode)
    }
}

extension Codec<String> {
    static var text: Codec {
        Codec(
            decode: { node, decoding in decoding.text(node) },
            encode: { value, _ in value.isEmpty ? nil : .string(value) })
    }

    static var alwaysText: Codec { Codec(decode: text.decode, encode: { value, _ in .string(value) }) }
}

extension Codec<Bool> {
    static var flag: Codec {
        Codec(decode: { node, decoding in decoding.flag(node) }, encode: { value, _ in value ? .bool(true) : nil })
    }

    static var alwaysFlag: Codec { Codec(decode: flag.decode, encode: { value, _ in .bool(value) }) }
}

extension Codec<Bool?> {
    static var flag: Codec {
        Codec(
            decode: { node, decoding in .some(decoding.flag(node)) }, encode: { value, _ in value.map(Document.bool) })
    }

    /// docker compose 5 takes true as the default and writes only false; before, it was the other way round.
    static var createHostPath: Codec {
        Codec(
            decode: flag.decode,
            encode: { value, rendition in
                switch rendition.flavour {
                case .v2: value == true ? .bool(true) : nil
                case .v5: value == false ? .bool(false) : nil
                }
            })
    }
}

extension Codec<Int> {
    static var number: Codec {
        Codec(
            decode: { node, decoding in decoding.number(node) }, encode: { value, _ in value == 0 ? nil : .int(value) })
    }

    /// A number that cannot be negative.
    static var count: Codec { Codec(decode: { node, decoding in decoding.count(node) }, encode: number.encode) }

    /// A number that cannot be negative; where docker compose converts no strings, neither quoted nor interpolated.
    static var unquotedCount: Codec {
        Codec(
            decode: { node, decoding in
                guard case .string = node.value else { return decoding.count(node) }
                return decoding.expected("a number without quotes", at: node)
            }, encode: number.encode)
    }

    static var alwaysNumber: Codec { Codec(decode: number.decode, encode: { value, _ in .int(value) }) }

    /// Bytes, written as a decimal string.
    static var bytes: Codec {
        Codec(
            decode: { node, decoding in decoding.byteSize(node) },
            encode: { value, _ in value == 0 ? nil : .string(String(value)) })
    }

    static var alwaysBytes: Codec { Codec(decode: bytes.decode, encode: { value, _ in .string(String(value)) }) }

    /// A number of devices; `all` is -1.
    static var deviceCount: Codec {
        Codec(
            decode: { node, decoding in
                if case .string(let value) = node.value, value.lowercased() == "all" { return -1 }
                return decoding.number(node)
            },
            encode: number.encode)
    }
}

extension Codec<Int?> {
    static var number: Codec {
        Codec(
            decode: { node, decoding in .some(decoding.number(node)) },
            encode: { value, _ in value.map(Document.int) })
    }

    /// A number that cannot be negative.
    static var count: Codec {
        Codec(decode: { node, decoding in .some(decoding.count(node)) }, encode: number.encode)
    }

    /// Permission bits, written as a string of octal digits.
    static var mode: Codec {
        Codec(
            decode: { node, decoding in .some(decoding.mode(node)) },
            encode: { value, _ in value.map { .string("0" + String($0, radix: 8)) } })
    }
}

extension Codec<Float> {
    static var float: Codec {
        Codec(
            decode: { node, decoding in decoding.float(node) }, encode: { value, _ in value == 0 ? nil : .float(value) }
        )
    }
}

extension Codec<Duration> {
    static var duration: Codec {
        Codec(
            decode: { node, decoding in decoding.duration(node) },
            encode: { value, _ in value == .zero ? nil : .string(GoDuration.text(value)) })
    }
}

extension Codec<Duration?> {
    static var duration: Codec {
        Codec(
            decode: { node, decoding in .some(decoding.duration(node)) },
            encode: { value, _ in value.map { .string(GoDuration.text($0)) } })
    }
}

extension Codec where Value: RawRepresentable<String> & CaseIterable {
    /// One of a few words.
    static var word: Codec {
        Codec(
            decode: { node, decoding in
                guard let text = decoding.text(node) else { return nil }
                if let value = Value(rawValue: text) { return value }
                let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
                decoding.report("\"\(text)\" is none of \(known)", at: node)
                return nil
            },
            encode: { value, _ in .string(value.rawValue) })
    }
}
