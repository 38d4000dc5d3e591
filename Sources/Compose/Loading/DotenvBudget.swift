import YAML

/// How much the env files and label files of a project may come to, however often they are named.
struct DotenvBudget {
    /// Enough for thousands of services with an env file each.
    private var remainingBytes = 16 << 20

    /// Counts bytes that were read or expanded; throws when they are too many together.
    mutating func charge(_ bytes: Int, at location: SourceLocation?, path: String) throws(ComposeError) {
        remainingBytes -= bytes
        if remainingBytes < 0 {
            throw ComposeError(
                .init(.unsupported, at: location, "\(path): the env files of the project are too large together"))
        }
    }
}
