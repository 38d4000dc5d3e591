/// The canonical model as text, in the shape of `docker compose config`; `$` is written `$$`, so that the text can be
/// loaded again.
///
/// Env files must be folded in first (`resolvingEnvironment`).
package enum ProjectRendering {
    /// Indented JSON, ending with a newline. As with docker compose, extensions appear only at the top and models not.
    package static func json(_ project: Project) -> String {
        var members = project.extensions.mapValues(Document.init)
        members["name"] = .string(project.name)
        members["services"] = .map(project.services.mapValues { $0.document(.json) })
        for part in resources(of: project, .json) where part.name != "models" { members[part.name] = part.value }
        return escaped(JSONWriter.indented(.map(members))) + "\n"
    }

    /// YAML, ending with a newline.
    package static func yaml(_ project: Project) -> String {
        var fields = [Document.Field(name: "name", value: .string(project.name))]
        fields.append(.init(name: "services", value: .map(project.services.mapValues { $0.document(.yaml) })))
        fields += resources(of: project, .yaml)
        fields += project.extensions.keys.sorted(by: NaturalOrder.precedes).map { key in
            .init(name: key, value: project.extensions[key].map(Document.init) ?? .null)
        }
        return escaped(YAMLEmitter.text(.fields(fields)))
    }

    /// Indented JSON, ending with a newline; dollar signs are as written.
    package static func json(_ model: UninterpolatedModel) -> String { JSONWriter.indented(model.document) + "\n" }

    /// YAML, ending with a newline; dollar signs are as written.
    package static func yaml(_ model: UninterpolatedModel) -> String { YAMLEmitter.text(model.document) }

    /// The enabled services' names, dependencies first.
    package static func services(_ project: Project) -> [String] { project.dependencyOrder }

    /// The volumes' keys, sorted.
    package static func volumes(_ project: Project) -> [String] { project.volumes.keys.sorted() }

    /// The networks' keys, sorted.
    package static func networks(_ project: Project) -> [String] { project.networks.keys.sorted() }

    /// The services' images, the default name for one that is only built, in the order of the services' names.
    package static func images(_ project: Project) -> [String] {
        project.services.values.sorted { $0.name < $1.name }.map { $0.imageName(in: project) }
    }

    /// The profiles that some service, enabled or not, is in; sorted.
    package static func profiles(_ project: Project) -> [String] {
        Set(project.allServices.values.flatMap(\.profiles)).sorted()
    }

    /// `service hash` lines, sorted by service: what `config --hash '*'` prints for a loaded project whose environment
    /// is not resolved.
    package static func hashes(_ project: Project) -> [(service: String, hash: String)] {
        project.services.values.sorted { $0.name < $1.name }.map { ($0.name, ConfigHash.ofService($0)) }
    }

    private static func resources(of project: Project, _ rendition: Rendition) -> [Document.Field] {
        [
            part("networks", project.networks, Network.shape, rendition),
            part("volumes", project.volumes, Volume.shape, rendition),
            part("secrets", project.secrets.mapValues(\.disclosed), FileObject.shape, rendition),
            part("configs", project.configs.mapValues(\.disclosed), FileObject.shape, rendition),
            part("models", project.models, Model.shape, rendition),
        ].compactMap { $0 }
    }

    private static func part<Root>(
        _ name: String, _ values: [String: Root], _ shape: @autoclosure () -> Shape<Root>, _ rendition: Rendition
    ) -> Document.Field? {
        values.isEmpty ? nil : .init(name: name, value: .map(values.mapValues { shape().encode($0, rendition) }))
    }

    private static func escaped(_ text: String) -> String {
        text.split(separator: "$", omittingEmptySubsequences: false).joined(separator: "$$")
    }
}

extension FileObject {
    /// The object without content that came from a variable.
    fileprivate var disclosed: FileObject {
        var object = self
        if environment != nil { object.content = nil }
        return object
    }
}
