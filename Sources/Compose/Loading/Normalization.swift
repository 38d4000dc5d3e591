import YAML

/// Writes into the complete tree what Compose implies: the default network, dependencies that follow from other
/// attributes, real names of resources.
struct Normalization {
    var projectName: String
    var environment: [String: String]

    func apply(to tree: inout YAMLNode) {
        connectToDefaultNetwork(&tree)
        tree.update("services") { services in
            services.updateEach { _, service in normalize(&service) }
        }
        for section in ["networks", "volumes", "configs", "secrets"] {
            tree.update(section) { resources in
                resources.updateEach { step, resource in
                    if case .key(let key) = step { name(&resource, key: key) }
                }
            }
        }
        tree.update("secrets") { secrets in
            secrets.updateEach { _, secret in
                secret.updateMapping { mapping in
                    guard let value = mapping[EnvironmentValues.secretValueKey] else { return }
                    mapping[EnvironmentValues.secretValueKey] = nil
                    mapping["content"] = value
                }
            }
        }
    }

    // MARK: Networks and names

    private func connectToDefaultNetwork(_ tree: inout YAMLNode) {
        var user: SourceLocation?
        tree.update("services") { services in
            services.updateEach { _, service in
                guard service["provider"] == nil, service["network_mode"] == nil else { return }
                let location = service.location
                if service["networks"]?.mapping?.isEmpty ?? true {
                    service.updateMapping {
                        $0["networks"] = .mapping([("default", .null(at: location))], at: location)
                    }
                }
                if let place = service.descendant("networks", "default")?.location { user = user ?? place }
            }
        }
        guard let user else { return }
        tree.updateMapping { mapping in
            if mapping["networks"]?.mapping == nil { mapping["networks"] = .mapping([], at: user) }
        }
        tree.update("networks") { $0.setDefault("default", .null(at: user)) }
    }

    private func name(_ resource: inout YAMLNode, key: String) {
        if resource.isNull { resource.value = .mapping(YAMLMapping()) }
        let location = resource.location
        let isExternal = ["true", "True", "TRUE", "1", "t", "T"].contains(resource["external"]?.goText)
        resource.updateMapping { mapping in
            if mapping["name"]?.isNull ?? true {
                mapping["name"] = .string(isExternal ? key : "\(projectName)_\(key)", at: location)
            }
        }
    }

    // MARK: Services

    private func normalize(_ service: inout YAMLNode) {
        service.update("pull_policy") { policy in
            if policy.string == "if_not_present" { policy.value = .string("missing") }
        }
        service.update("build") { build in
            let location = build.location
            build.updateMapping { mapping in
                if mapping["context"]?.isNull ?? true { mapping["context"] = .string(".", at: location) }
                if mapping["dockerfile"]?.isNull ?? true, mapping["dockerfile_inline"]?.isNull ?? true {
                    mapping["dockerfile"] = .string("Dockerfile", at: location)
                }
            }
            build.update("args") { resolveVariables(in: &$0, keepsUnset: false) }
        }
        service.update("environment") { resolveVariables(in: &$0, keepsUnset: true) }
        service.update("volumes") { volumes in
            volumes.updateEach { _, volume in
                volume.update("target") { target in
                    if let path = target.string { target.value = .string(CleanPath.cleaned(path)) }
                }
            }
        }
        addImpliedDependencies(to: &service)
    }

    /// Gives keys without value the value of the variable of that name.
    private func resolveVariables(in node: inout YAMLNode, keepsUnset: Bool) {
        switch node.value {
        case .sequence(let items):
            node.value = .sequence(
                items.compactMap { item in
                    guard let name = item.string, !name.contains("=") else { return item }
                    if let value = environment[name] { return item.with(.string("\(name)=\(value)")) }
                    return keepsUnset ? item : nil
                })
        case .mapping(let mapping):
            node.value = .mapping(
                YAMLMapping(
                    mapping.entries.compactMap { entry in
                        guard entry.value.isNull else { return entry }
                        var entry = entry
                        if let value = environment[entry.key] {
                            entry.value.value = .string(value)
                            return entry
                        }
                        return keepsUnset ? entry : nil
                    }))
        default: break
        }
    }

    /// Links, shared namespaces and `volumes_from` make one service need another.
    private func addImpliedDependencies(to service: inout YAMLNode) {
        var implied: [(name: String, restarts: Bool, location: SourceLocation)] = []
        for link in service["links"]?.sequence ?? [] {
            let parts = link.goText.split(separator: ":", omittingEmptySubsequences: false)
            let name = parts.count == 2 ? String(parts[0]) : link.goText
            implied.append((name, true, link.location))
        }
        for key in ["network_mode", "ipc", "pid", "uts", "cgroup"] {
            guard let namespace = service[key], let text = namespace.string, text.hasPrefix("service:") else {
                continue
            }
            implied.append((String(text.dropFirst("service:".count)), true, namespace.location))
        }
        for source in service["volumes_from"]?.sequence ?? [] where !source.goText.hasPrefix("container:") {
            let name = source.goText.prefix { $0 != ":" }
            implied.append((String(name), false, source.location))
        }
        if implied.isEmpty { return }
        let location = service.location
        service.updateMapping { mapping in
            if mapping["depends_on"]?.mapping == nil { mapping["depends_on"] = .mapping([], at: location) }
        }
        service.update("depends_on") { dependencies in
            dependencies.updateMapping { mapping in
                var known = Set(mapping.keys)
                for (name, restarts, location) in implied where known.insert(name).inserted {
                    let dependency = Self.dependency(restarts: restarts, at: location)
                    mapping.entries.append(.init(key: name, keyLocation: location, value: dependency))
                }
            }
        }
    }

    private static func dependency(restarts: Bool, at location: SourceLocation) -> YAMLNode {
        .mapping(
            [
                ("condition", .string("service_started", at: location)), ("required", .bool(true, at: location)),
                ("restart", .bool(restarts, at: location)),
            ], at: location)
    }
}
