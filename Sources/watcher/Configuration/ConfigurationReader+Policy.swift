internal import Compose
internal import Deploy
internal import DockerEngine
internal import Reconcile
internal import YAML

/// What commits may ask of the host, and when they are deployed.
extension ConfigurationReader {
    private static let policyKeys = [
        "privileged", "host_namespaces", "host_resources", "bind_sources", "capabilities", "devices",
        "security_options",
        "sysctls", "runtimes", "network_drivers", "volume_drivers", "external", "registries", "pinned", "builds",
        "ports",
        "minimum_image_age", "cosign", "windows",
    ]

    /// The section `policy` of a section that has one.
    func policy(_ section: SectionReader) -> Policy? {
        guard let entry = section.entries.first(where: { $0.key == "policy" }) else { return nil }
        return policy(entry.value, section.name("policy"))
    }

    /// The policies that a file holds: a whole configuration, one with nothing but `policy`, or what is below `policy` alone.
    ///
    /// - Parameter project: the project of a configuration whose policy is added to the one for all.
    /// - Throws: `ConfigurationError`.
    func readPolicies(project: String?) throws -> [Policy] {
        let bytes = try bytes()
        let root = try root(of: bytes)
        if root.mapping?["projects"] != nil {
            let configuration = try read(bytes)
            if let project { return try configuration.selected([project]).flatMap(\.settings.policies) }
            if configuration.projects.count == 1 { return configuration.projects.flatMap(\.settings.policies) }
            throw ConfigurationError(
                "\(file) has \(configuration.projects.count) projects", advice: "Name one of them with --policy-of.")
        }
        if let project {
            throw ConfigurationError(
                "\(file) has no projects, so none of the name \"\(project)\"", advice: "Leave --policy-of out.")
        }
        let isSection = root.mapping?.entries.contains { $0.key == "policy" } ?? false
        let policy =
            isSection
            ? SectionReader(root, path: "", keys: ["policy"], problems: problems).flatMap(policy)
            : policy(root, "policy")
        guard problems.list.isEmpty else { throw ConfigurationError(problems.list) }
        return policy.map { [$0] } ?? []
    }

    private func policy(_ node: YAMLNode, _ path: String) -> Policy? {
        guard let section = SectionReader(node, path: path, keys: Self.policyKeys, problems: problems) else {
            return nil
        }
        for entry in section.entries where entry.value.isNull && Self.policyKeys.contains(entry.key) {
            problems.add("\(section.name(entry.key)): has no value; write [] to allow nothing", at: entry.keyLocation)
        }
        var policy = Policy(name: path)
        policy.privileged = denial("privileged", section)
        policy.hostNamespaces = denial("host_namespaces", section)
        policy.hostResources = denial("host_resources", section)
        policy.bindSources = list("bind_sources", section)?.map { directory($0, section) }
        policy.capabilities = list("capabilities", section)?.map(Policy.capability)
        policy.devices = list("devices", section)
        policy.securityOptions = list("security_options", section)
        policy.sysctls = list("sysctls", section)
        policy.runtimes = list("runtimes", section)
        policy.networkDrivers = list("network_drivers", section)
        policy.volumeDrivers = list("volume_drivers", section)
        policy.external = list("external", section)
        policy.registries = list("registries", section)
        policy.pinned = section.bool("pinned", default: false)
        policy.allowsBuilds = section.bool("builds", default: false)
        policy.ports = ports(section)
        policy.minimumImageAge = section.duration("minimum_image_age", above: .zero)
        policy.cosign = cosign(section)
        policy.windows = section.node("windows").flatMap { windows($0, section.name("windows")) }
        return policy
    }

    /// False denies; true says the same as nothing.
    private func denial(_ key: String, _ section: SectionReader) -> Bool? {
        section.node(key) == nil ? nil : section.bool(key, default: true) ? nil : false
    }

    private func list(_ key: String, _ section: SectionReader) -> [String]? {
        section.node(key) == nil ? nil : section.strings(key)
    }

    private func directory(_ path: String, _ section: SectionReader) -> String {
        if !path.hasPrefix("/") {
            problems.add(
                "\(section.name("bind_sources")): \"\(path)\" is not an absolute path",
                at: section.node("bind_sources")?.location ?? section.location)
        }
        return CleanPath.cleaned(path)
    }

    private func ports(_ section: SectionReader) -> [PortRule]? {
        list("ports", section)?.compactMap { text in
            if let rule = PortRule(text) { return rule }
            problems.add(
                "\(section.name("ports")): \"\(text)\" is not an address and port such as 127.0.0.1:*, *:443 or "
                    + "[::1]:8000-8100",
                at: section.node("ports")?.location ?? section.location)
            return nil
        }
    }

    private func cosign(_ section: SectionReader) -> CosignRule? {
        guard let node = section.node("cosign"),
            let cosign = SectionReader(
                node, path: section.name("cosign"), keys: ["key", "identity", "issuer"], problems: problems)
        else { return nil }
        let rule: CosignRule
        switch (cosign.string("key"), cosign.string("identity"), cosign.string("issuer")) {
        case (let key?, nil, nil): rule = CosignRule(.key(key.contains("://") ? key : absolute(key)))
        case (nil, let identity?, let issuer?): rule = CosignRule(.identity(identity, issuer: issuer))
        default:
            problems.add("\(cosign.path): expected either key, or identity and issuer", at: cosign.location)
            return nil
        }
        return rule.with(environment)
    }

    // MARK: - Windows

    /// A list of `{allow: START, for: DURATION}` and `{deny: …}`, one of them, or `{allow: […], deny: […]}` of `{start: …}`.
    private func windows(_ node: YAMLNode, _ path: String) -> DeployWindows? {
        var windows = DeployWindows()
        func add(_ window: DeployWindows.Window?, _ isAllowed: Bool) {
            if let window { isAllowed ? windows.allow.append(window) : windows.deny.append(window) }
        }
        let keys = ["allow", "deny", "for", "timezone"]
        if let list = node.sequence {
            for (index, node) in list.enumerated() {
                guard let entry = SectionReader(node, path: "\(path)[\(index)]", keys: keys, problems: problems) else {
                    continue
                }
                readEither(entry, add)
            }
        } else if node.mapping?["for"] != nil {
            if let entry = SectionReader(node, path: path, keys: keys, problems: problems) { readEither(entry, add) }
        } else if let section = SectionReader(
            node, path: path, keys: ["allow", "deny", "timezone"], problems: problems)
        {
            for key in ["allow", "deny"] {
                guard let value = section.node(key) else { continue }
                for (index, node) in (value.sequence ?? [value]).enumerated() {
                    let path = value.sequence == nil ? section.name(key) : "\(section.name(key))[\(index)]"
                    guard
                        let entry = SectionReader(
                            node, path: path, keys: ["start", "for", "timezone"], problems: problems)
                    else { continue }
                    add(window("start", entry, timezone: section), key == "allow")
                }
            }
        }
        if windows.allow.isEmpty, windows.deny.isEmpty, problems.list.isEmpty {
            problems.add("\(path): there is none", at: node.location)
        }
        return windows
    }

    private func readEither(_ entry: SectionReader, _ add: (DeployWindows.Window?, Bool) -> Void) {
        switch (entry.node("allow"), entry.node("deny")) {
        case (_?, nil): add(window("allow", entry, timezone: entry), true)
        case (nil, _?): add(window("deny", entry, timezone: entry), false)
        default: problems.add("\(entry.path): expected either allow or deny", at: entry.location)
        }
    }

    private func window(_ key: String, _ entry: SectionReader, timezone section: SectionReader) -> DeployWindows.Window?
    {
        let zone = zone(entry.node("timezone") == nil ? section : entry)
        let length = entry.duration("for", above: .zero)
        if entry.node("for") == nil { problems.add("\(entry.path): for is missing", at: entry.location) }
        if let length, length > DeployWindows.longest || length < .seconds(60) {
            problems.add(
                "\(entry.name("for")): expected from 1m to 31d", at: entry.node("for")?.location ?? entry.location)
        }
        guard let text = entry.requiredString(key) else { return nil }
        do {
            let start = try CronSchedule(text)
            guard let zone, let length else { return nil }
            return DeployWindows.Window(start: start, seconds: Int(length.components.seconds), zone: zone)
        } catch {
            problems.add("\(entry.name(key)): \(error.message)", at: entry.node(key)?.location ?? entry.location)
            return nil
        }
    }

    /// The zone that the section names, or the host's own.
    private func zone(_ section: SectionReader) -> ZoneRules? {
        guard let node = section.node("timezone") else { return hostZone }
        guard let name = section.string("timezone") else { return nil }
        if let zone = zone(named: name) { return zone }
        problems.add(
            "\(section.name("timezone")): unknown time zone \"\(name)\"; write it as Europe/Berlin or UTC (the names are "
                + "below /usr/share/zoneinfo, of the package tzdata)",
            at: node.location)
        return nil
    }

    private func zone(named name: String) -> ZoneRules? {
        if name == "UTC" { return .utc }
        let isName = name.utf8.count < 100 && !name.hasPrefix("/") && !name.split(separator: "/").contains("..")
        guard isName, !name.isEmpty,
            let bytes = try? FileAccess.disk(limit: 1 << 20).read("/usr/share/zoneinfo/\(name)")
        else { return nil }
        return ZoneRules(name: name, file: bytes)
    }

    /// As the C library finds it: `TZ`, else /etc/localtime, else UTC.
    private var hostZone: ZoneRules {
        if let text = environment["TZ"], !text.isEmpty {
            let name = text.hasPrefix(":") ? String(text.dropFirst()) : text
            return zone(named: name) ?? ZoneRules(name: "", posix: name) ?? .utc
        }
        let bytes = try? FileAccess.disk(limit: 1 << 20).read("/etc/localtime")
        return bytes.flatMap { ZoneRules(name: "", file: $0) } ?? .utc
    }
}

extension CosignRule {
    /// The same with what cosign needs of watcher's environment: the registries' logins, proxies, and its own settings.
    fileprivate func with(_ environment: [String: String]) -> CosignRule {
        let names: Set<String> = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "TUF_ROOT"]
        var rule = self
        rule.environment = environment.filter { name, _ in
            names.contains(name.uppercased()) || name.hasPrefix("COSIGN_") || name.hasPrefix("SIGSTORE_")
        }
        rule.environment["DOCKER_CONFIG"] = RegistryCredentials.directory(environment: environment)
        return rule
    }
}
