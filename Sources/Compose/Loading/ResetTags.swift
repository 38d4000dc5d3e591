import YAML

/// The `!reset` and `!override` tags of one document: which paths earlier files lose.
struct ResetTags {
    /// The tagged paths as a tree, so that looking a path up costs no more than walking it.
    private struct Branch {
        var isTagged = false
        var children: [ModelPath.Step: Branch] = [:]

        var isEmpty: Bool { !isTagged && children.isEmpty }

        /// Keeps a branch that has something tagged in it.
        mutating func graft(_ branch: Branch, at step: ModelPath.Step) {
            if !branch.isEmpty { children[step] = branch }
        }
    }

    private var root = Branch()
    /// Entries that were removed, by the place of their key. Where an anchored mapping is used a second time, its
    /// `!reset` entries have no effect (docker compose 2 removes them from the shared node on the first visit).
    private var removed: Set<SourceLocation> = []

    var isEmpty: Bool { root.isEmpty }

    /// Takes the tags of a document in and removes what is tagged `!reset`; nil if that is the document itself.
    mutating func collect(from document: YAMLNode) -> YAMLNode? {
        if document.tag == "!reset" { return nil }
        var branch = Branch()
        let kept = prune(document, into: &branch)
        root = branch
        return kept
    }

    private mutating func prune(_ node: YAMLNode, into branch: inout Branch) -> YAMLNode {
        if node.tag == "!override" {
            branch.isTagged = true
            return node
        }
        switch node.value {
        case .mapping(let mapping):
            var kept = YAMLMapping()
            for var entry in mapping.entries {
                var child = Branch()
                if entry.value.tag == "!reset" {
                    child.isTagged = removed.insert(entry.keyLocation).inserted
                } else {
                    entry.value = prune(entry.value, into: &child)
                    kept.entries.append(entry)
                }
                branch.graft(child, at: .key(entry.key))
            }
            return node.with(.mapping(kept))
        case .sequence(let elements):
            var kept: [YAMLNode] = []
            for (index, element) in elements.enumerated() where element.tag != "!reset" {
                var child = Branch()
                kept.append(prune(element, into: &child))
                branch.graft(child, at: .item(index))
            }
            return node.with(.sequence(kept))
        default: return node
        }
    }

    /// Deletes from a tree what stands at the tagged paths.
    func apply(to tree: inout YAMLNode) { Self.remove(root, from: &tree) }

    private static func remove(_ branch: Branch, from node: inout YAMLNode) {
        if branch.children.isEmpty { return }
        node.updateMapping { mapping in
            mapping.entries.removeAll { branch.children[.key($0.key)]?.isTagged ?? false }
            for index in mapping.entries.indices {
                guard let child = branch.children[.key(mapping.entries[index].key)] else { continue }
                remove(child, from: &mapping.entries[index].value)
            }
        }
    }
}
