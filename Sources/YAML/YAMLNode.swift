/// One node of a YAML document, with its place in the file.
///
/// Aliases and merge keys (`<<`) are already resolved; tags that are not YAML's own (`!reset`, `!override`) are kept.
package struct YAMLNode: Sendable, Hashable {
    package enum Value: Sendable, Hashable {
        case null
        case bool(Bool)
        case int(Int)
        /// Any number that is not an integer of 64 bits, infinities and NaN included; integers that only fit unsigned
        /// are strings of their decimal digits.
        case float(Double)
        case string(String)
        /// A plain scalar that YAML resolves to a date or time; the text as written.
        case timestamp(String)
        case sequence([YAMLNode])
        case mapping(YAMLMapping)
    }

    package var value: Value
    /// A local tag with its exclamation mark (`!reset`), or nil.
    package var tag: String?
    package var location: SourceLocation

    package init(_ value: Value, tag: String? = nil, location: SourceLocation) {
        self.value = value
        self.tag = tag
        self.location = location
    }
}

/// The entries of a YAML mapping in the order of the file; keys are unique strings.
package struct YAMLMapping: Sendable, Hashable {
    package struct Entry: Sendable, Hashable {
        package var key: String
        package var keyLocation: SourceLocation
        package var value: YAMLNode

        package init(key: String, keyLocation: SourceLocation, value: YAMLNode) {
            self.key = key
            self.keyLocation = keyLocation
            self.value = value
        }
    }

    package var entries: [Entry]

    package init(_ entries: [Entry] = []) { self.entries = entries }
}
