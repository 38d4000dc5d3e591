/// What a YAML text may cost before it is refused.
package struct YAMLLimits: Sendable, Hashable {
    /// The largest accepted text in bytes.
    package var bytes: Int
    /// How many collections may be nested in each other.
    package var depth: Int
    /// How many nodes all aliases of a text together may add to those that are written out.
    package var aliasedNodes: Int

    package init(bytes: Int, depth: Int, aliasedNodes: Int) {
        self.bytes = bytes
        self.depth = depth
        self.aliasedNodes = aliasedNodes
    }

    /// Far above any real Compose file, low enough that a hostile one is refused in milliseconds.
    package static let standard = YAMLLimits(bytes: 8 << 20, depth: 100, aliasedNodes: 100_000)
}
