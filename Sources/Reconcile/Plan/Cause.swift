import Compose

extension Plan {
    /// Why something happens: a fact, whose text is made when somebody reads it.
    package struct Cause: Sendable {
        package enum Fact: Sendable {
            /// An attribute of the service differs; of a map, these keys of it.
            case attribute(String, keys: [String])
            /// An attribute that was not there before, or is there no more.
            case attributeAdded(String)
            case attributeRemoved(String)
            /// The reference itself changed; nil is an image that is only built.
            case image(from: String?, to: String?)
            /// The reference names another image than the container runs.
            case imageMoved(reference: String, from: String, to: String)
            /// A file that the service uses differs, since this commit if that is known.
            case file(String, commit: CommitID?)
            /// Somebody changed the file on the host.
            case fileChangedOnHost(String)
            case notConnected(network: String)
            /// The container is bound to a network that was removed since.
            case networkGone(network: String)
            case notMounted(volume: String)
            /// The container whose namespace or volumes it shares is replaced.
            case sharedContainerReplaced(service: String)
            case state(ObservedState.Container.State)
            /// The hash label says so and nothing else does.
            case configurationChanged
            case configurationDiffers
            case filesChanged
            /// As an earlier version of watcher recorded it.
            case recorded(String, field: String?, file: String?, commit: CommitID?)
        }

        package var fact: Fact

        package init(_ fact: Fact) { self.fact = fact }
    }
}

extension Plan.Cause {
    /// For people, without values of variables: `environment FOO changed`, `nginx.conf changed in 3f2a1c9d0e`.
    package var text: String {
        switch fact {
        case .attribute(let name, let keys):
            keys.isEmpty ? "\(name) changed" : "\(name) \(keys.joined(separator: ", ")) changed"
        case .attributeAdded(let name): "\(name) added"
        case .attributeRemoved(let name): "\(name) removed"
        case .image(let old, let new): "image \(old ?? "(built)") → \(Self.newImage(old, new))"
        case .imageMoved(let reference, let old, let new):
            "image \(reference) is now \(Self.short(new)), was \(Self.short(old))"
        case .file(let path, let commit): "\(path) changed" + (commit.map { " in \($0.short)" } ?? "")
        case .fileChangedOnHost(let path): "\(path) was changed on the host"
        case .notConnected(let network): "not connected to network \(network)"
        case .networkGone(let network): "its network \(network) was removed"
        case .notMounted(let volume): "volume \(volume) is not mounted"
        case .sharedContainerReplaced(let service):
            "it shares a namespace or volumes with \(service), which is recreated"
        case .state(let state): "the container is \(state)"
        case .configurationChanged: "configuration changed"
        case .configurationDiffers: "configuration differs from what was deployed"
        case .filesChanged: "its files changed"
        case .recorded(let text, _, _, _): text
        }
    }

    /// The attribute of the service that differs: `image`, `stop_grace_period`.
    package var field: String? {
        switch fact {
        case .attribute(let name, _), .attributeAdded(let name), .attributeRemoved(let name): name
        case .image, .imageMoved: "image"
        case .notConnected, .networkGone: "networks"
        case .notMounted: "volumes"
        case .recorded(_, let field, _, _): field
        default: nil
        }
    }

    /// The file that differs, relative to the repository.
    package var file: String? {
        switch fact {
        case .file(let path, _), .fileChangedOnHost(let path): path
        case .recorded(_, _, let file, _): file
        default: nil
        }
    }

    /// The newest commit that changed the file.
    package var commit: CommitID? {
        switch fact {
        case .file(_, let commit), .recorded(_, _, _, let commit): commit
        default: nil
        }
    }

    /// Of a reference that differs from the old one only in its tag, the tag.
    private static func newImage(_ old: String?, _ new: String?) -> String {
        guard let new else { return "(built)" }
        guard let old, let colon = new.lastIndex(of: ":"), !new.contains("@"), !old.contains("@"),
            case let name = new[..<colon], !new[colon...].contains("/"),
            old.hasPrefix(name + ":"), !old.dropFirst(name.count + 1).contains("/")
        else { return new }
        return String(new[new.index(after: colon)...])
    }

    private static func short(_ id: String) -> String {
        String((id.hasPrefix("sha256:") ? id.dropFirst("sha256:".count) : id[...]).prefix(12))
    }
}

/// What is recorded of a cause is its text and what programs ask for; two that say the same are the same.
extension Plan.Cause: Hashable, Codable {
    private enum CodingKeys: String, CodingKey { case text, field, file, commit }

    package static func == (left: Self, right: Self) -> Bool {
        left.text == right.text && left.field == right.field && left.file == right.file && left.commit == right.commit
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(text)
        hasher.combine(field)
        hasher.combine(file)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            .recorded(
                try container.decode(String.self, forKey: .text),
                field: try container.decodeIfPresent(String.self, forKey: .field),
                file: try container.decodeIfPresent(String.self, forKey: .file),
                commit: try container.decodeIfPresent(CommitID.self, forKey: .commit)))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(text, forKey: .text)
        try container.encodeIfPresent(field, forKey: .field)
        try container.encodeIfPresent(file, forKey: .file)
        try container.encodeIfPresent(commit, forKey: .commit)
    }
}

extension Service {
    /// One cause for each attribute that differs and counts in the config hash: what recreates a container.
    func causes(from old: Service) -> [Plan.Cause] {
        old.changes(to: self).filter(\.isHashed).map { change in
            switch change.name {
            case "image": Plan.Cause(.image(from: old.image, to: image))
            case "environment": Plan.Cause(.attribute("environment", keys: changedKeys(old.environment, environment)))
            case "labels": Plan.Cause(.attribute("labels", keys: changedKeys(old.labels, labels)))
            default: Plan.Cause(.attribute(change.name, keys: []))
            }
        }
    }

    /// One cause for each attribute that differs and recreates nothing: `build removed`, `depends_on changed`.
    func causesWithoutEffect(from old: Service) -> [Plan.Cause] {
        old.changes(to: self).filter { !$0.isHashed }.map { change in
            switch change.kind {
            case .added: Plan.Cause(.attributeAdded(change.name))
            case .removed: Plan.Cause(.attributeRemoved(change.name))
            case .changed: Plan.Cause(.attribute(change.name, keys: []))
            }
        }
    }

    private func changedKeys<Value: Equatable>(_ old: [String: Value], _ new: [String: Value]) -> [String] {
        Set(old.keys).union(new.keys).filter { old[$0] != new[$0] }.sorted()
    }
}
