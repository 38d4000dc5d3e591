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
        try ConsistencyCheck.run(project, tree)
        project.dropUnused()
        for (name, service) in project.services {
            guard let scale = service.scale, service.deploy != nil else { continue }
            project.services[name]?.deploy?.replicas = scale
        }
        return project
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
        _ node: YAMLNode, _ empty: (String) -> Root, _ shape: Shape<Root>
    ) -> [String: Root] {
        var sections: [String: Root] = [:]
        for entry in node.mappingEntries {
            let start = empty(entry.key)
            sections[entry.key] =
                entry.value.isNull ? start : at(entry.key) { shape.decode(entry.value, into: start, &$0) }
        }
        return sections
    }
}
