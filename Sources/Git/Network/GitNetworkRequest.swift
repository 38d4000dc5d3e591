package import Reconcile

/// Which commit of a repository is wanted.
package enum Revision: Sendable, Hashable, Codable, CustomStringConvertible {
    /// The tip of the branch.
    case branch(String)
    /// The tag with the highest version (Semantic Versioning 2.0) among those that match the pattern (`*`, `?`).
    /// Pre-releases count only when the pattern holds a `-`.
    case tag(pattern: String)
    /// A fixed commit: its full id, or an abbreviation of at least 4 digits.
    case commit(String)

    package var description: String {
        switch self {
        case .branch(let name): "branch \(name)"
        case .tag(let pattern): "tags \(pattern)"
        case .commit(let id): "commit \(id.prefix(10))"
        }
    }
}

/// How to prove to the remote who we are, and to know who it is.
package struct GitAccess: Sendable, Hashable {
    /// A private key for ssh; nil leaves the choice to ssh.
    package var sshKey: SecretSource?
    /// A known_hosts file for ssh; nil is ssh's own.
    package var knownHosts: String?
    /// Authorities that a server's certificate may come from besides those of the system, as PEM.
    package var certificateAuthority: String?
    /// For http and https; with a token alone it may stay nil.
    package var username: String?
    /// What holds the password or token for http and https, and nothing else but line ends.
    package var password: SecretSource?
    /// Fetch over `http://` from another machine, where everything can be read and changed on the way.
    package var allowsInsecureHTTP = false
    /// Read a repository of this machine that belongs to another user, as git's `safe.directory` does.
    package var isSafeDirectory = false

    package init(
        sshKey: SecretSource? = nil, knownHosts: String? = nil, username: String? = nil, password: SecretSource? = nil
    ) {
        self.sshKey = sshKey
        self.knownHosts = knownHosts
        self.username = username
        self.password = password
    }
}

/// One network step: look revisions up at the remote and download what is not in the cache.
/// Travels to the child process on standard input only: it holds secrets.
struct GitNetworkRequest: Sendable, Codable {
    var url: String
    var revisions: [Revision]
    /// The bare cache's directory.
    var cache: String
    var sshKey: String?
    var knownHosts: String?
    var certificateAuthority: String?
    var username: String?
    var password: String?
    /// See `GitAccess`.
    var allowsInsecureHTTP = false
    var isSafeDirectory = false
    /// No key is offered, not even those that ssh finds by itself.
    var isAnonymous = false
    /// Takes commits to which no branch or tag leads, where the server gives them.
    var takesUnadvertised = false
    /// Downloads these instead of asking for revisions.
    var lfs: LFSRequest?
    /// Seconds the whole step may take.
    var seconds: Double
    var limits = RepositoryLimits.standard
}

/// What the network step found.
package struct FetchedTip: Sendable, Hashable, Codable {
    package var commit: Commit
    /// The branch or tag of the remote it was found under; nil for a commit named by its id.
    package var reference: String?
    /// The tag that leads to the commit, when tags are followed.
    package var tag: Tag?
    /// Whether anything had to be downloaded.
    package var wasDownloaded: Bool
}

/// What the network step found for one revision.
package enum GitNetworkAnswer: Sendable, Codable {
    case tip(FetchedTip)
    case failure(GitError)

    var wasDownloaded: Bool {
        if case .tip(let tip) = self { tip.wasDownloaded } else { false }
    }

    package func get() throws -> FetchedTip {
        switch self {
        case .tip(let tip): return tip
        case .failure(let error): throw error
        }
    }
}

/// What the network step found, by revision.
typealias FetchAnswers = [Revision: GitNetworkAnswer]

/// What the child process answers on standard output, in one line of JSON.
enum GitNetworkReply: Sendable, Codable {
    case answers(FetchAnswers)
    /// Trouble with the remote or the cache: nothing was found.
    case failure(GitError)
}
