import YAML

/// Whether the parts of a complete tree fit together. Only services that the active profiles enable count.
struct Consistency {
    private typealias Problem = ComposeError.Problem

    private let tree: YAMLNode
    /// The enabled services in the order of the tree.
    private let services: [(name: String, node: YAMLNode)]
    private let enabled: Set<String>
    private let disabled: Set<String>
    /// The names of the top-level resources by section.
    private let resources: [String: Set<String>]

    init(of tree: YAMLNode, profiles: [String]) {
        self.tree = tree
        let entries = tree["services"]?.mapping?.entries ?? []
        let active = Set(profiles)
        services = entries.filter { Self.isEnabled($0.value, active) }.map { ($0.key, $0.value) }
        let enabled = Set(services.map(\.name))
        self.enabled = enabled
        disabled = Set(entries.map(\.key)).subtracting(enabled)
        resources = Dictionary(
            uniqueKeysWithValues: ["networks", "volumes", "configs", "secrets", "models"].map {
                ($0, Set(tree[$0]?.mapping?.keys ?? []))
            })
    }

    /// A service without profiles, or with one of the active ones; `*` activates all.
    static func isEnabled(_ service: YAMLNode, _ active: [String]) -> Bool {
        isEnabled(service, Set(active))
    }

    private static func isEnabled(_ service: YAMLNode, _ active: Set<String>) -> Bool {
        let own = service["profiles"]?.sequence ?? []
        return own.isEmpty || active.contains("*") || own.contains { active.contains($0.goText) }
    }

    /// All problems in the order of the tree.
    func problems() -> [ComposeError.Problem] {
        var problems: [Problem] = []
        for (name, service) in services {
            let path = ModelPath(keys: "services", name)
            problems += buildProblems(of: service, at: path)
            problems += networkProblems(of: service, at: path)
            problems += dependencyProblems(of: service, at: path)
            problems += referenceProblems(of: service, at: path)
            problems += scaleProblems(of: service, at: path)
            problems += mountProblems(of: service, at: path)
            problems += otherProblems(of: service, at: path)
            if problems.count >= ComposeError.mostProblems { return problems }
        }
        problems += containerNameProblems() + secretProblems()
        if problems.isEmpty, let cycle = DependencyCycle.problem(among: services) { problems.append(cycle) }
        return problems
    }

    private func resource(_ section: String, has name: String) -> Bool {
        resources[section]?.contains(name) ?? false
    }

    // MARK: Image and build

    private func buildProblems(of service: YAMLNode, at path: ModelPath) -> [Problem] {
        let build = service["build"].flatMap { $0.isNull ? nil : $0 }
        guard let build else {
            if service["provider"] != nil || !(service["image"]?.goText ?? "").isEmpty { return [] }
            if let image = service["image"] {
                return [path.key("image").problem(.semantics, at: image.location, "is empty, and there is no build")]
            }
            return [path.problem(.semantics, at: service.location, "has neither an image nor a build")]
        }
        var problems: [Problem] = []
        let path = path.key("build")
        if let inline = build["dockerfile_inline"], inline.string != "", build["dockerfile"]?.string ?? "" != "" {
            problems.append(
                path.problem(
                    .semantics, at: inline.location, "dockerfile and dockerfile_inline are mutually exclusive"))
        }
        for entry in build["additional_contexts"]?.mapping?.entries ?? [] {
            guard let text = entry.value.string, text.hasPrefix("service:") else { continue }
            let name = String(text.dropFirst("service:".count))
            if !enabled.contains(name) {
                problems.append(path.problem(.semantics, at: entry.value.location, undefined("service", name)))
            } else if tree.descendant("services", name, "build") == nil {
                problems.append(
                    path.problem(.semantics, at: entry.value.location, "service \"\(name)\" has no build to use"))
            }
        }
        if let platforms = build["platforms"]?.sequence, !platforms.isEmpty, let platform = service["platform"],
            platform.string != "", !platforms.contains(where: { $0.goText == platform.goText })
        {
            problems.append(
                path.key("platforms").problem(
                    .semantics, at: platforms[0].location,
                    "must include the service's platform \"\(platform.goText)\""))
        }
        return problems
    }

    // MARK: Networks, dependencies, references

    private func networkProblems(of service: YAMLNode, at path: ModelPath) -> [Problem] {
        let networks = service["networks"]?.mapping?.entries ?? []
        let undefined = networks.lazy.filter { !resource("networks", has: $0.key) }
        var problems = Array(undefined.prefix(ComposeError.mostProblems)).map {
            path.key("networks").problem(.semantics, at: $0.keyLocation, self.undefined("network", $0.key))
        }
        if let mode = service["network_mode"], mode.string != "", !networks.isEmpty {
            problems.append(
                path.problem(.semantics, at: mode.location, "network_mode and networks are mutually exclusive"))
        }
        return problems
    }

    private func dependencyProblems(of service: YAMLNode, at path: ModelPath) -> [Problem] {
        let dependencies = service["depends_on"]?.mapping?.entries ?? []
        let unmet = dependencies.lazy.filter { entry in
            if enabled.contains(entry.key) { return false }
            return !disabled.contains(entry.key) || entry.value["required"]?.bool != false
        }
        return Array(unmet.prefix(ComposeError.mostProblems)).map { entry in
            let path = path.key("depends_on")
            guard disabled.contains(entry.key) else {
                return path.problem(.semantics, at: entry.keyLocation, undefined("service", entry.key))
            }
            return path.problem(
                .semantics, at: entry.keyLocation, "service \"\(entry.key)\" is not enabled by the active profiles")
        }
    }

    private func referenceProblems(of service: YAMLNode, at path: ModelPath) -> [Problem] {
        var problems: [Problem] = []
        for (index, volume) in (service["volumes"]?.sequence ?? []).enumerated() {
            guard volume["type"]?.string == "volume", let source = volume["source"], let name = source.string,
                !name.isEmpty, !resource("volumes", has: name)
            else { continue }
            problems.append(
                path.key("volumes").item(index).problem(.semantics, at: source.location, undefined("volume", name)))
        }
        for (key, section) in [("configs", "configs"), ("secrets", "secrets")] {
            problems += undefinedSources(in: service[key], section, at: path.key(key))
        }
        problems += undefinedSources(
            in: service.descendant("build", "secrets"), "secrets", at: path.key("build").key("secrets"))
        for entry in service["models"]?.mapping?.entries ?? [] where !resource("models", has: entry.key) {
            problems.append(
                path.key("models").problem(.semantics, at: entry.keyLocation, undefined("model", entry.key)))
        }
        return problems
    }

    private func undefinedSources(in list: YAMLNode?, _ section: String, at path: ModelPath) -> [Problem] {
        (list?.sequence ?? []).enumerated().compactMap { index, item in
            let name = item["source"]?.goText ?? ""
            if resource(section, has: name) { return nil }
            return path.item(index).problem(
                .semantics, at: item["source"]?.location ?? item.location, undefined(String(section.dropLast()), name))
        }
    }

    private func undefined(_ kind: String, _ name: String) -> String {
        let known = kind == "service" ? enabled : resources["\(kind)s"] ?? []
        let near = known.count > 1_000 ? nil : Spelling.nearest(to: name, in: known.sorted())
        return "undefined \(kind) \"\(name)\"" + (near.map { "; did you mean \"\($0)\"?" } ?? "")
    }

    // MARK: The rest of a service

    private func scaleProblems(of service: YAMLNode, at path: ModelPath) -> [Problem] {
        var problems: [Problem] = []
        let replicas = service.descendant("deploy", "replicas")
        for node in [service["scale"], replicas] {
            guard let node, let count = node.int, count < 0 else { continue }
            problems.append(path.problem(.semantics, at: node.location, "a service cannot run \(count) times"))
        }
        if let scale = service["scale"], let replicas, !scale.hasSameContent(as: replicas) {
            problems.append(
                path.problem(.semantics, at: scale.location, "scale and deploy.replicas must not differ"))
        }
        if let count = (service["scale"] ?? replicas)?.int, count > 1, let name = service["container_name"] {
            problems.append(
                path.key("container_name").problem(
                    .semantics, at: name.location, "\(count) containers cannot share one name"))
        }
        return problems
    }

    private func mountProblems(of service: YAMLNode, at path: ModelPath) -> [Problem] {
        var places: [String: SourceLocation] = [:]
        var problems: [Problem] = []
        let tmpfs = service["tmpfs"].map { $0.sequence ?? [$0] } ?? []
        let targets =
            tmpfs.enumerated().map { index, item in
                (path.key("tmpfs").item(index), String(item.goText.prefix { $0 != ":" }), item.location)
            }
            + (service["volumes"]?.sequence ?? []).enumerated().map { index, volume in
                (path.key("volumes").item(index), volume["target"]?.goText ?? "", volume.location)
            }
        for (path, target, location) in targets {
            if let first = places.updateValue(location, forKey: target) {
                problems.append(
                    path.problem(.semantics, at: location, "\"\(target)\" is already mounted, at \(first)"))
            }
        }
        return problems
    }

    private func otherProblems(of service: YAMLNode, at path: ModelPath) -> [Problem] {
        var problems: [Problem] = []
        if let test = service.descendant("healthcheck", "test"), let first = test.sequence?.first,
            !["NONE", "CMD", "CMD-SHELL"].contains(first.goText)
        {
            problems.append(
                path.key("healthcheck").key("test").problem(
                    .semantics, at: first.location, "a list must start with NONE, CMD or CMD-SHELL"))
        }
        for (index, watch) in (service.descendant("develop", "watch")?.sequence ?? []).enumerated()
        where (watch["target"]?.string ?? "").isEmpty
            && !["rebuild", "restart"].contains(watch["action"]?.goText ?? "")
        {
            problems.append(
                path.key("develop").key("watch").item(index).problem(
                    .semantics, at: watch.location, "the action needs a target"))
        }
        return problems
    }

    // MARK: Across services

    private func containerNameProblems() -> [Problem] {
        var users: [String: String] = [:]
        return services.compactMap { name, service in
            guard let container = service["container_name"], let text = container.string, !text.isEmpty else {
                return nil
            }
            guard let other = users.updateValue(name, forKey: text) else { return nil }
            return ModelPath(keys: "services", name, "container_name").problem(
                .semantics, at: container.location, "\"\(text)\" is already the container of service \"\(other)\"")
        }
    }

    private func secretProblems() -> [Problem] {
        (tree["secrets"]?.mapping?.entries ?? []).compactMap { entry in
            let secret = entry.value
            let texts = [secret["file"], secret["environment"]].map { $0?.string ?? "" }
            if secret["external"]?.bool == true || texts.contains(where: { !$0.isEmpty }) { return nil }
            return ModelPath(keys: "secrets", entry.key).problem(
                .semantics, at: entry.keyLocation, "needs a file or an environment variable")
        }
    }
}
