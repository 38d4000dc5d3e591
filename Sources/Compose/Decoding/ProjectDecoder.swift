import YAML

/// Reads the typed model out of a canonical tree: every attribute parsed, services set apart by profile, and what no
/// enabled service uses left out.
struct ProjectDecoder {
    /// The project; throws `ComposeError` with everything in the tree that does not fit the model.
    static func decode(_ tree: CanonicalTree) throws(ComposeError) -> Project {
        var decoding = Decoding(variables: tree.environment)
        var project = Project(
            name: tree.name, workingDirectory: tree.workingDirectory, configFiles: tree.configFiles)
        project.environmentFiles = tree.environmentFiles
        project.environment = tree.environment
        project.profiles = tree.profiles
        var services: [String: Service] = [:]
        for entry in tree.root.mappingEntries {
            decoding.at(entry.key) { decoding in
                switch entry.key {
                case "services": services = decoding.sections(entry.value, Service.init(name:), Service.shape)
                case "networks": project.networks = decoding.sections(entry.value, Network.init(name:), Network.shape)
                case "volumes": project.volumes = decoding.sections(entry.value, Volume.init(name:), Volume.shape)
                case "configs":
                    project.configs = decoding.sections(entry.value, FileObject.init(name:), FileObject.shape)
                case "secrets":
                    project.secrets = decoding.sections(entry.value, FileObject.init(name:), FileObject.shape)
                case "models": project.models = decoding.sections(entry.value, { _ in Model(model: "") }, Model.shape)
                case _ where entry.key.hasPrefix("x-"):
                    project.extensions[entry.key] = ExtensionValue(entry.value)
                default: break
                }
            }
        }
        guard decoding.problems.isEmpty else { throw ComposeError(decoding.problems) }
        project.divide(services)
        let problems = LimitsCheck.problems(of: project, in: tree.root)
        guard problems.isEmpty else { throw ComposeError(problems) }
        project.dropUnused()
        project.complete()
        return project
    }
}

extension Project {
    /// Fills in what follows from other parts: replicas from `scale`, content and platform from variables.
    fileprivate mutating func complete() {
        for (name, service) in services {
            if let scale = service.scale, service.deploy != nil { services[name]?.deploy?.replicas = scale }
            if service.build != nil, service.platform == nil, let platform = environment["DOCKER_DEFAULT_PLATFORM"] {
                services[name]?.platform = platform.isEmpty ? nil : platform
            }
        }
        for (key, config) in configs { configs[key] = config.completed(with: environment) }
        for (key, secret) in secrets { secrets[key] = secret.completed(with: environment) }
    }
}

extension FileObject {
    fileprivate func completed(with variables: [String: String]) -> FileObject {
        guard let environment, let value = variables[environment] else { return self }
        var object = self
        object.content = value
        return object
    }
}

extension YAMLNode {
    fileprivate var mappingEntries: [YAMLMapping.Entry] {
        if case .mapping(let mapping) = value { return mapping.entries }
        return []
    }
}

extension Decoding {
    /// The named sections of one part of the file; an empty one gets its defaults.
    fileprivate mutating func sections<Root>(
        _ node: YAMLNode, _ empty: (String) -> Root, _ shape: @autoclosure () -> Shape<Root>
    ) -> [String: Root] {
        var sections: [String: Root] = [:]
        for entry in node.mappingEntries {
            let start = empty(entry.key)
            sections[entry.key] =
                entry.value.isNull ? start : at(entry.key) { shape().decode(entry.value, into: start, &$0) }
        }
        return sections
    }
}
