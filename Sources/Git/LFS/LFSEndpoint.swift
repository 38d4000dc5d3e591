import FoundationEssentials
import Reconcile

/// Where the contents that a repository keeps in Git LFS come from.
struct LFSEndpoint: Sendable, Hashable {
    enum Place: Sendable, Hashable {
        /// The address of the LFS API.
        case web(String)
        /// ssh is asked for it (`git-lfs-authenticate`).
        case ssh
        /// The directory of a repository on this host.
        case directory(String)
    }

    let place: Place
    /// Whose credentials are used.
    let remote: ModuleRemote
    let store: LFSStore

    /// The endpoint of a repository, as git-lfs finds it.
    ///
    /// - Parameter configured: `lfs.url` of the commit's `.lfsconfig`.
    init(
        of repository: ModuleRemote, configured: String?, project: ModuleRemote, settings: ModuleSettings,
        place file: String, stateDirectory: String
    ) throws {
        var remote = repository
        if let configured {
            let url: GitRemoteURL
            do {
                url = try GitRemoteURL(
                    module: configured, of: repository.url, project: project.url, place: file, name: "lfs.url")
            } catch let error as GitError {
                throw GitError(
                    error.reason, error.message.replacing("the submodule \"lfs.url\"", with: "lfs.url"),
                    advice: error.advice)
            }
            remote = url == repository.url ? repository : ModuleRemote(url, project: project, settings: settings)
        }
        let url = remote.url
        switch url.transport {
        case .ssh: place = .ssh
        case .file: place = .directory(url.path)
        case .http, .https:
            var address = url.description
            while address.hasSuffix("/") { address.removeLast() }
            if configured == nil { address += address.hasSuffix(".git") ? "/info/lfs" : ".git/info/lfs" }
            place = .web(address)
        }
        self.remote = remote
        let name = remote.cache(in: "").path.split(separator: "/").last.map(String.init) ?? ""
        store = LFSStore(directory: "\(stateDirectory)/git/lfs/\(name)")
    }
}

/// Contents to download in one network step.
struct LFSRequest: Sendable, Codable {
    /// How many contents one step downloads at most: its request has to fit into a socket.
    static let limit = 500

    /// The address of the LFS API; nil is to be asked for over ssh.
    var endpoint: String?
    var pointers: [LFSPointer]
    var store: String
}
