import YAML

/// The `!reset` and `!override` tags of one document: which paths earlier files lose.
struct ResetTags {
    private var paths: Set<[ModelPath.Step]> = []
    /// Entries that were removed, by the place of their key. Where an anchored mapping is used a second time, its
    /// `!reset` entries have no effect (docker compose 2 removes them from the shared node on the first visit).
    private var removed: Set<SourceLocation> = []

    var isEmpty: Bool { paths.isEmpty }

    /// Takes the tags of a document in and removes what is tagged `!reset`; nil if that is the document itself.
    mutating func collect(from document: YAMLNode) -> YAMLNode? {
        if document.tag == "!reset" { return nil }
        return prune(document, at: [])
    }

    private mutating func prune(_ node: YAMLNode, at path: [ModelPath.Step]) -> YAMLNode {
        if node.tag == "!override" {
            paths.insert(path)
            return node
        }
        switch node.value {
        case .mapping(let mapping):
            var kept = YAMLMapping()
            for var entry in mapping.entries {
                let path = path + [.key(entry.key)]
                if entry.value.tag == "!reset" {
                    if removed.insert(entry.keyLocation).inserted { paths.insert(path) }
                    continue
                }
                entry.value = prune(entry.value, at: path)
                kept.entries.append(entry)
            }
            return node.with(.mapping(kept))
        case .sequence(let elements):
            return node.with(
                .sequence(
                    elements.enumerated().filter { $0.element.tag != "!reset" }
                        .map { prune($0.element, at: path + [.item($0.offset)]) }))
        default: return node
        }
    }

    /// Deletes from a tree what stands at the tagged paths.
    func apply(to tree: inout YAMLNode) {
        if paths.isEmpty { return }
        remove(from: &tree, at: [])
    }

    private func remove(from node: inout YAMLNode, at path: [ModelPath.Step]) {
        node.updateMapping { mapping in
            mapping.entries.removeAll { paths.contains(path + [.key($0.key)]) }
            for index in mapping.entries.indices {
                remove(from: &mapping.entries[index].value, at: path + [.key(mapping.entries[index].key)])
            }
        }
    }
}
