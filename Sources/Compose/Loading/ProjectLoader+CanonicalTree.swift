import YAML

extension ProjectLoader {
    /// Reads, merges and checks everything a request means, as one tree in long syntax.
    ///
    /// Throws `ComposeError` with every problem of the first stage that has one.
    /// - Parameter checksConsistency: Whether the parts must fit together.
    func canonicalTree(_ request: Request, checksConsistency: Bool = true) throws(ComposeError) -> CanonicalTree {
        let session = LoadSession(
            files: files, home: request.home, interpolates: request.interpolates,
            standardInput: request.standardInput, preparsed: request.preparsed,
            confinement: request.confinement.map { Confinement(root: CleanPath.cleaned($0)) })
        do throws(ComposeError) {
            return try canonicalTree(request, session: session, checksConsistency: checksConsistency)
        } catch {
            throw session.writtenTexts.quoted(in: error)
        }
    }

    private func canonicalTree(
        _ request: Request, session: LoadSession, checksConsistency: Bool
    ) throws(ComposeError) -> CanonicalTree {
        let sources = try ProjectSources(request, session: session)
        var loader = FileLoader(session: session, environment: sources.environment, directory: sources.directory)
        var root = try loader.model(from: sources.configFiles.map { ($0, nil) })
        if root.mapping?.isEmpty ?? true {
            throw ComposeError(.init(.schema, at: root.location, "the Compose file is empty"))
        }
        Normalization(projectName: sources.name, environment: sources.environment).apply(to: &root)
        root.updateMapping { $0["name"] = nil }
        if checksConsistency {
            let problems = Consistency(of: root, profiles: sources.profiles).problems()
            if !problems.isEmpty { throw ComposeError(problems) }
        }
        return CanonicalTree(
            root: root, name: sources.name, workingDirectory: sources.directory, configFiles: sources.configFiles,
            environmentFiles: sources.environmentFiles, environment: sources.environment,
            profiles: sources.profiles, warnings: session.warnings,
            writtenTexts: session.writtenTexts)
    }
}
