import Reconcile

/// What of a commit beyond its own objects is fetched, and with which credentials.
package struct ModuleSettings: Sendable, Hashable {
    /// Credentials for what lies at or below an address.
    package struct Rule: Sendable, Hashable {
        /// A repository at or below the address; only the server counts, and what is in `parts`.
        private let url: GitRemoteURL
        /// The path that every repository begins with; empty for a whole server.
        let parts: [String]
        package var access: GitAccess

        /// Reads the address of a repository, of a directory of repositories or of a whole server
        /// (`https://git.example.com/`, `git@git.example.com:`).
        ///
        /// - Throws: `GitError` of reason `invalidConfiguration`.
        package init(_ address: String, access: GitAccess) throws {
            let authority = address.firstRange(of: "://").map { address[$0.upperBound...] }
            let isServer = authority.map { !$0.contains("/") } ?? false
            let isDirectory = isServer || address.hasSuffix("/") || address.hasSuffix(":")
            url = try GitRemoteURL(isDirectory ? address + (isServer ? "/_" : "_") : address)
            guard url.password == nil else {
                throw GitError(.invalidConfiguration, "secrets are never values here; write password: {file: PATH}")
            }
            parts = isDirectory ? url.repositoryParts.dropLast() : url.repositoryParts
            self.access = access
        }

        func covers(_ other: GitRemoteURL) -> Bool {
            other.hasSameOrigin(as: url) && other.repositoryParts.starts(with: parts)
        }

        /// Whether both are about the very same addresses.
        package func isSame(as other: Rule) -> Bool { url.hasSameOrigin(as: other.url) && parts == other.parts }
    }

    package var fetchesSubmodules: Bool
    /// Fetches the contents of files that are kept by Git LFS.
    package var fetchesLFS: Bool
    package var rules: [Rule]

    package init(fetchesSubmodules: Bool = true, fetchesLFS: Bool = true, rules: [Rule] = []) {
        self.fetchesSubmodules = fetchesSubmodules
        self.fetchesLFS = fetchesLFS
        self.rules = rules
    }
}
