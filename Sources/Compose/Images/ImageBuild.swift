/// How the image of a service is built: its `build` section, resolved against its project.
package struct ImageBuild: Sendable, Equatable {
    package enum Dockerfile: Sendable, Equatable {
        /// Absolute path.
        case file(String)
        case inline(String)
    }

    package var service: String
    /// The reference the image gets.
    package var image: String
    /// More references it gets.
    package var tags: [String]
    /// Absolute path of the context directory.
    package var context: String
    package var dockerfile: Dockerfile
    package var args: [String: String]
    /// The user's own, and those docker compose puts on an image it builds.
    package var labels: [String: String]
    package var target: String?
    /// References of images whose layers may be used.
    package var cacheFrom: [String]
    package var network: String?
    /// `name:address`
    package var extraHosts: [String]
    package var isolation: String?
    /// Bytes; 0 is the engine's own.
    package var shmSize: Int
    package var ulimits: [String: Ulimit]
    package var platform: String?
    package var noCache: Bool
    /// Ask the registries for newer base images.
    package var pull: Bool
    /// What the image is built from, as its `watcher.build-hash` label says; nil leaves the label out.
    package var fingerprint: BuildFingerprint?

    /// nil for a service without `build`.
    package init?(of service: Service, in project: Project) {
        guard let build = service.build, let context = build.context else { return nil }
        self.service = service.name
        image = service.imageName(in: project)
        tags = build.tags
        self.context = CleanPath.cleaned(context)
        if let inline = build.dockerfileInline, !inline.isEmpty {
            dockerfile = .inline(inline)
        } else {
            dockerfile = .file(CleanPath.absolute(build.dockerfile ?? "Dockerfile", in: self.context))
        }
        args = build.args.compactMapValues { $0 }
        labels = build.labels
        labels[ComposeLabels.project] = project.name
        labels[ComposeLabels.service] = service.name
        labels[ComposeLabels.version] = ComposeLabels.composeVersion
        labels[ComposeLabels.imageBuilder] = "classic"
        target = build.target
        cacheFrom = build.cacheFrom
        network = build.network
        extraHosts = build.extraHosts
        isolation = build.isolation
        shmSize = build.shmSize
        ulimits = build.ulimits
        platform = build.platforms.first ?? service.platform
        noCache = build.noCache
        pull = build.pull
    }

    /// What makes another image when it changes, the files aside; the labels that name the first of several services
    /// with the same build do not.
    fileprivate var definition: [(String, String)] {
        var own = labels
        for label in [ComposeLabels.project, ComposeLabels.service, ComposeLabels.version, ComposeLabels.imageBuilder] {
            own[label] = nil
        }
        let scalars = [
            ("target", target), ("network", network), ("isolation", isolation), ("shm_size", String(shmSize)),
            ("platform", platform),
        ]
        let limits = ulimits.sorted { $0.key < $1.key }.map { ("ulimits.\($0.key)", "\($0.value)") }
        return scalars.map { ($0.0, $0.1 ?? "") } + limits
            + args.sorted { $0.key < $1.key }.map { ("args.\($0.key)", $0.value) }
            + own.sorted { $0.key < $1.key }.map { ("labels.\($0.key)", $0.value) }
            + tags.sorted().map { ("tags", $0) } + extraHosts.sorted().map { ("extra_hosts", $0) }
    }
}

/// What an image is built from: two digests that change with the build's definition and with its files.
package struct BuildFingerprint: Sendable, Hashable, Codable, CustomStringConvertible {
    /// The `build` section and the Dockerfile.
    package var definition: String
    /// The files of the context, what is ignored left out.
    package var context: String

    init(_ build: ImageBuild, dockerfile: String, items: [BuildContext.Item]) {
        let parts = build.definition + [("dockerfile", dockerfile)]
        definition = String(
            ContentFingerprint.digest(parts.map { "\($0.0)=\($0.1.utf8.count):\($0.1)\n" }.joined()).prefix(32))
        context = String(
            ContentFingerprint.digest(items.map { "\($0.path)\0\($0.kind)\0\($0.id)\n" }.joined()).prefix(32))
    }

    /// Reads what `description` wrote; nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.count == 32 && $0.allSatisfy(\.isHexDigit) }) else { return nil }
        definition = String(parts[0])
        context = String(parts[1])
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let value = BuildFingerprint(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a build's fingerprint")
        }
        self = value
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    package var description: String { "\(definition).\(context)" }

    /// What changed since another build, for people.
    package func changes(since earlier: BuildFingerprint) -> [String] {
        var changes: [String] = []
        if earlier.definition != definition { changes.append("its build or Dockerfile changed") }
        if earlier.context != context { changes.append("its build context changed") }
        return changes
    }
}
