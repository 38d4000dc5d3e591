/// The directory that relative paths in a project's files stay in: a repository says what is in it, and only an absolute path
/// names what is not.
struct Confinement: Sendable {
    /// Absolute and clean.
    var root: String

    /// Why a path may not be written as it is; nil when it may.
    ///
    /// - Parameters:
    ///   - text: as it is written.
    ///   - base: the directory it is relative to. In a file that is outside itself, relative paths are not confined.
    func problem(of text: String, in base: String) -> String? {
        guard !text.isEmpty, !text.hasPrefix("/"), !text.hasPrefix("~"), contains(base),
            !contains(CleanPath.absolute(text, in: base))
        else { return nil }
        return "\"\(text)\" leads out of the checkout; only an absolute path can name what is not in it"
    }

    private func contains(_ path: String) -> Bool { path == root || path.hasPrefix(root == "/" ? "/" : root + "/") }
}
