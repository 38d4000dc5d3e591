import YAML

/// Whether the env files and label files that enabled services need can be read; asked while every mention still knows
/// its place.
enum ReferencedFiles {
    /// Every file that is missing or out of reach.
    static func problems(of project: Project, in tree: CanonicalTree, files: FileAccess) -> [ComposeError.Problem] {
        project.services.keys.sorted().flatMap { name -> [ComposeError.Problem] in
            guard let service = project.services[name] else { return [] }
            let needed = [
                ("env_file", service.envFiles.map { $0.required ? $0.path : nil }),
                ("label_file", service.labelFiles.map { .some($0) }),
            ]
            return needed.flatMap { attribute, paths in
                paths.enumerated().compactMap { index, path in
                    guard let path, let reason = reason(against: path, files) else { return nil }
                    let mentions = tree.root.descendant("services", name, attribute)?.sequence ?? []
                    return .init(
                        .file, at: index < mentions.count ? mentions[index].location : nil,
                        path: "services.\(name).\(attribute)[\(index)]", reason)
                }
            }
        }
    }

    private static func reason(against path: String, _ files: FileAccess) -> String? {
        do {
            if try files.kind(path) != nil { return nil }
            return LoadSession.message(of: FileAccessError.notFound(path: path), path: path)
        } catch {
            return LoadSession.message(of: error, path: path)
        }
    }
}
