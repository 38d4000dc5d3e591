/// Builds nodes from events: resolves aliases and merge keys, refuses duplicate keys, counts what aliases cost.
struct NodeComposer {
    private struct Anchor {
        var node: YAMLNode
        /// How many nodes the anchored node consists of.
        var size: Int
        /// How many collections are nested in it, itself counted.
        var height: Int
    }

    /// What the next node of a collection is.
    private enum Item {
        case node(YAMLNode, isPlainScalar: Bool)
        case end
    }

    private let events: EventReader
    private let limits: YAMLLimits
    private var anchors: [String: Anchor] = [:]
    /// Anchors of the collections that are being read: an alias to one of them would contain itself.
    private var openAnchors: [String] = []
    private var nodeCount = 0
    private var aliasedNodeCount = 0
    /// How many collections are nested in the node read last, itself counted; 0 for a scalar.
    private var lastHeight = 0

    init(events: EventReader, limits: YAMLLimits) {
        self.events = events
        self.limits = limits
    }

    mutating func documents() throws(YAMLError) -> [YAMLNode] {
        var documents: [YAMLNode] = []
        while true {
            switch try events.next().event {
            case .streamEnd: return documents
            case .documentStart:
                anchors = [:]
                if case .node(let node, _) = try item(depth: 0) { documents.append(node) }
            default: continue
            }
        }
    }

    private mutating func item(depth: Int) throws(YAMLError) -> Item {
        let (event, location) = try events.next()
        let start = nodeCount
        nodeCount += 1
        if nodeCount - aliasedNodeCount > limits.nodes {
            throw YAMLError("the file has more than \(limits.nodes) nodes", at: location)
        }
        let anchor: String?
        let node: YAMLNode
        switch event {
        case .alias(let name): return .node(try alias(name, at: location, depth: depth), isPlainScalar: false)
        case .scalar(let scalar):
            lastHeight = 0
            if scalar.text.utf8.count > limits.scalarBytes {
                throw YAMLError("the text has more than \(limits.scalarBytes) bytes", at: location)
            }
            node = try ScalarResolution.node(for: scalar, at: location)
            anchor = scalar.anchor
        case .sequenceStart(let name, let tag):
            let elements = try collection(name, at: location, depth: depth) { (self, depth) throws(YAMLError) in
                try self.sequence(depth: depth)
            }
            node = YAMLNode(.sequence(elements), tag: ScalarResolution.localTag(tag), location: location)
            anchor = name
        case .mappingStart(let name, let tag):
            let mapping = try collection(name, at: location, depth: depth) { (self, depth) throws(YAMLError) in
                try self.mapping(depth: depth)
            }
            node = YAMLNode(.mapping(mapping), tag: ScalarResolution.localTag(tag), location: location)
            anchor = name
        case .streamEnd, .documentStart, .collectionEnd, .other: return .end
        }
        if let anchor, anchors.count >= limits.anchors, anchors[anchor] == nil {
            throw YAMLError("the document has more than \(limits.anchors) anchors", at: location)
        }
        if let anchor { anchors[anchor] = Anchor(node: node, size: nodeCount - start, height: lastHeight) }
        if case .scalar(let scalar) = event { return .node(node, isPlainScalar: scalar.isPlain) }
        return .node(node, isPlainScalar: false)
    }

    private mutating func collection<Content>(
        _ anchor: String?, at location: SourceLocation, depth: Int,
        content: (inout NodeComposer, Int) throws(YAMLError) -> Content
    ) throws(YAMLError) -> Content {
        try check(depth: depth + 1, at: location)
        if let anchor { openAnchors.append(anchor) }
        let result = try content(&self, depth + 1)
        if anchor != nil { openAnchors.removeLast() }
        return result
    }

    private func check(depth: Int, at location: SourceLocation) throws(YAMLError) {
        if depth > limits.depth {
            throw YAMLError("collections are nested more than \(limits.depth) deep", at: location)
        }
    }

    private mutating func sequence(depth: Int) throws(YAMLError) -> [YAMLNode] {
        var elements: [YAMLNode] = []
        var height = 0
        while case .node(let node, _) = try item(depth: depth) {
            height = max(height, lastHeight)
            elements.append(node)
        }
        lastHeight = height + 1
        return elements
    }

    private mutating func mapping(depth: Int) throws(YAMLError) -> YAMLMapping {
        var entries: [YAMLMapping.Entry] = []
        var places: [String: SourceLocation] = [:]
        var merged: YAMLNode?
        var height = 0
        while case .node(let key, let isPlain) = try item(depth: depth) {
            guard case .string(let name) = key.value else {
                throw YAMLError("a key must be a string, not \(key.kindDescription); quote it", at: key.location)
            }
            if name.utf8.count > limits.keyBytes {
                throw YAMLError("the key has more than \(limits.keyBytes) bytes", at: key.location)
            }
            if let first = places.updateValue(key.location, forKey: name) {
                throw YAMLError(
                    "key \"\(name)\" is already defined at line \(first.line), column \(first.column)",
                    at: key.location)
            }
            guard case .node(let value, _) = try item(depth: depth) else { break }
            height = max(height, lastHeight)
            if name == "<<" && isPlain {
                merged = value
            } else {
                entries.append(YAMLMapping.Entry(key: name, keyLocation: key.location, value: value))
            }
        }
        lastHeight = height + 1
        if let merged { try merge(merged, into: &entries) }
        return YAMLMapping(entries)
    }

    /// Adds the entries of a `<<` value whose keys are not there yet: explicit keys win wherever they stand, and of
    /// several merged mappings the first.
    private func merge(_ value: YAMLNode, into entries: inout [YAMLMapping.Entry]) throws(YAMLError) {
        let sources: [YAMLNode]
        if case .sequence(let list) = value.value { sources = list } else { sources = [value] }
        var known = Set(entries.map(\.key))
        for source in sources {
            guard case .mapping(let mapping) = source.value else {
                throw YAMLError("\"<<\" needs a mapping or a list of mappings", at: source.location)
            }
            for entry in mapping.entries where known.insert(entry.key).inserted { entries.append(entry) }
        }
    }

    private mutating func alias(
        _ name: String, at location: SourceLocation, depth: Int
    ) throws(YAMLError) -> YAMLNode {
        if openAnchors.contains(name) {
            throw YAMLError("anchor \"\(name)\" contains itself", at: location)
        }
        guard let anchor = anchors[name] else {
            let known = anchors.keys.sorted().prefix(5).map { "\"\($0)\"" }.joined(separator: ", ")
            let hint = anchors.isEmpty ? "no anchor is defined before it" : "before it are defined \(known)"
            throw YAMLError("unknown anchor \"\(name)\"; \(hint)", at: location)
        }
        try check(depth: depth + anchor.height, at: location)
        nodeCount += anchor.size
        aliasedNodeCount += anchor.size
        if aliasedNodeCount > limits.aliasedNodes {
            throw YAMLError("aliases expand to more than \(limits.aliasedNodes) nodes", at: location)
        }
        lastHeight = anchor.height
        return anchor.node
    }
}
