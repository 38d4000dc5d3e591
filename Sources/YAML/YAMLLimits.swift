/// What a YAML text may cost before it is refused.
package struct YAMLLimits: Sendable, Hashable {
    /// The largest accepted text in bytes.
    package var bytes: Int
    /// How many collections may be nested in each other.
    package var depth: Int
    /// How many nodes all aliases of a text together may add to those that are written out.
    package var aliasedNodes: Int
    /// How many nodes may be written out.
    package var nodes: Int
    /// How many different anchors a document may have.
    package var anchors = 10_000
    /// The largest accepted scalar in bytes.
    package var scalarBytes: Int
    /// The largest accepted key in bytes.
    package var keyBytes: Int

    package init(
        bytes: Int, depth: Int, aliasedNodes: Int, nodes: Int = 400_000, scalarBytes: Int = 1 << 20,
        keyBytes: Int = 4_096
    ) {
        self.bytes = bytes
        self.depth = depth
        self.aliasedNodes = aliasedNodes
        self.nodes = nodes
        self.scalarBytes = scalarBytes
        self.keyBytes = keyBytes
    }

    /// Far above any real Compose file, low enough that a hostile one is refused in milliseconds.
    package static let standard = YAMLLimits(bytes: 8 << 20, depth: 100, aliasedNodes: 100_000)
}
