/// A value ready to be written as JSON or YAML: what the model looks like from outside, in the order in which it is
/// written.
indirect enum Document: Sendable, Equatable {
    case null
    case bool(Bool)
    case int(Int)
    case float(Float)
    case double(Double)
    case string(String)
    case list([Document])
    /// Named fields in the order of their declaration.
    case fields([Field])
    /// User-chosen keys; the writer sorts them.
    case map([String: Document])

    struct Field: Sendable, Equatable {
        var name: String
        var value: Document
    }

    static func strings(_ values: [String]) -> Document { .list(values.map(Document.string)) }

    static func map(_ values: [String: String]) -> Document { .map(values.mapValues(Document.string)) }
}

extension Document {
    /// An extension's value, as it was written.
    init(_ value: ExtensionValue) {
        switch value {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .int(let value): self = .int(value)
        case .float(let value): self = .double(value)
        case .string(let value): self = .string(value)
        case .list(let values): self = .list(values.map(Document.init))
        case .map(let values): self = .map(values.mapValues(Document.init))
        }
    }
}

/// Where a document is going: the same model looks slightly different in each.
enum Rendition: Sendable, Hashable {
    /// `docker compose config --format json`
    case json
    /// `docker compose config --format yaml`
    case yaml
    /// The text whose SHA-256 is the config hash.
    case hash(ConfigHash.Flavour, ConfigHash.State)

    var isHash: Bool {
        if case .hash = self { return true }
        return false
    }

    /// The Compose generation whose model is written; renderings follow 2.40.3.
    var flavour: ConfigHash.Flavour {
        if case .hash(let flavour, _) = self { return flavour }
        return .v2
    }
}
