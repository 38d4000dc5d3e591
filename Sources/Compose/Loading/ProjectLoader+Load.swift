extension ProjectLoader {
    /// Loads what the request means into the typed, canonical model, with label files folded in and env files named.
    ///
    /// `Project.resolvingEnvironment` folds in env files. Throws `ComposeError` with every problem of the first stage
    /// that has one.
    package func load(_ request: Request) throws(ComposeError) -> Result {
        let tree = try canonicalTree(request)
        let project: Project
        do throws(ComposeError) {
            project = try ProjectDecoder.decode(tree)
        } catch {
            throw tree.writtenTexts.quoted(in: error)
        }
        let problems = ReferencedFiles.problems(of: project, in: tree, files: files)
        guard problems.isEmpty else { throw ComposeError(problems) }
        return Result(project: try project.resolvingLabels(files: files), warnings: tree.warnings, tree: tree)
    }
}
