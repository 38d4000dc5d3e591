import YAML

/// What Compose files say before variables are put in: one merged tree in long syntax, but without types, because a
/// text such as `${PORT}` fits none.
package struct UninterpolatedModel: Sendable {
    /// The model as docker compose prints it: every mapping sorted by its keys.
    let document: Document
    /// What the user should be told.
    package let warnings: [ComposeError.Problem]

    fileprivate init(_ tree: CanonicalTree) {
        var members = (tree.root.mapping?.entries ?? []).reduce(into: [String: Document]()) { members, entry in
            members[entry.key] = Document(ExtensionValue(entry.value.withoutDisclosedContent(in: entry.key)))
        }
        members["name"] = .string(tree.name)
        document = .map(members)
        warnings = tree.warnings
    }
}

extension ProjectLoader {
    /// Reads and merges what the request means without interpolation, and checks only what needs no variable's value:
    /// the schema, but not whether the parts fit together.
    ///
    /// Throws `ComposeError` with every problem of the first stage that has one.
    package func loadUninterpolated(_ request: Request) throws(ComposeError) -> UninterpolatedModel {
        var request = request
        request.interpolates = false
        return UninterpolatedModel(try canonicalTree(request, checksConsistency: false))
    }
}

extension YAMLNode {
    /// Configs and secrets without the content that came from a variable.
    fileprivate func withoutDisclosedContent(in section: String) -> YAMLNode {
        guard section == "configs" || section == "secrets" else { return self }
        var objects = self
        objects.updateEach { _, object in
            if object["environment"] != nil { object.updateMapping { $0["content"] = nil } }
        }
        return objects
    }
}
