internal import CLibGit2
import Glibc
import Reconcile

/// One connection to a remote repository, for one network step, on one thread.
final class Remote {
    private let cache: ObjectCache
    private let url: GitRemoteURL
    private let request: GitNetworkRequest
    private let remote: OpaquePointer
    private let ssh: SSHSubtransport?
    private let web: WebConnections?

    /// How often the server asked for credentials.
    private var credentialRequests = 0
    /// Why we ended the transfer, if we did.
    private var excess: GitError?

    init(_ cache: ObjectCache, url: GitRemoteURL, request: GitNetworkRequest, environment: [String: String]) throws {
        self.cache = cache
        self.url = url
        self.request = request
        if url.transport == .ssh {
            let command = try SSHCommand(
                to: url, sshKey: request.sshKey, knownHosts: request.knownHosts,
                isAnonymous: request.isAnonymous, environment: environment)
            try command.checkStrictness(knownHosts: request.knownHosts, environment: environment)
            ssh = SSHSubtransport(command, environment: environment)
        } else {
            ssh = nil
        }
        let isWeb = [.http, .https].contains(url.transport)
        web =
            isWeb
            ? WebConnections(
                to: url, hasCredentials: request.password ?? url.password != nil,
                allowsPlainText: request.allowsInsecureHTTP) : nil
        // An http server may send us on to https.
        if isWeb {
            let files = [request.certificateAuthority, environment["GIT_SSL_CAINFO"], environment["SSL_CERT_FILE"]]
            try LibGit2.startTLS(certificates: files.compactMap(\.self).first { !$0.isEmpty })
        }
        var options = git_remote_create_options()
        try LibGit2.check(git_remote_create_options_init(&options, UInt32(GIT_REMOTE_CREATE_OPTIONS_VERSION)))
        options.flags = GIT_REMOTE_CREATE_SKIP_INSTEADOF.rawValue | GIT_REMOTE_CREATE_SKIP_DEFAULT_FETCHSPEC.rawValue
        let address = url.description.replacing("%", with: url.transport == .file ? "%25" : "%")
        let made = try cache.withRepository { repository in
            options.repository = repository
            var remote: OpaquePointer?
            try LibGit2.check(git_remote_create_with_opts(&remote, address, &options))
            return Made(remote: remote)
        }
        guard let remote = made.remote else { throw GitError(.unexpected, "libgit2 made no remote") }
        self.remote = remote
    }

    private struct Made: @unchecked Sendable { let remote: OpaquePointer? }

    deinit {
        git_remote_disconnect(remote)
        git_remote_free(remote)
    }

    func connect() throws {
        var options = git_remote_connect_options()
        try LibGit2.check(git_remote_connect_options_init(&options, UInt32(GIT_REMOTE_CONNECT_OPTIONS_VERSION)))
        try fill(&options.callbacks)
        options.proxy_opts.type = GIT_PROXY_AUTO
        options.follow_redirects = redirects
        try LibGit2.check(git_remote_connect_ext(remote, GIT_DIRECTION_FETCH, &options))
    }

    /// What the remote advertised when it was connected.
    func references() throws -> RemoteReferences {
        var heads: UnsafeMutablePointer<UnsafePointer<git_remote_head>?>?
        var count = 0
        try LibGit2.check(git_remote_ls(&heads, &count, remote))
        var ids: [String: String] = [:]
        for index in 0..<count {
            guard let head = heads?[index]?.pointee, let name = head.name else { continue }
            ids[String(cString: name)] = ObjectID(head.oid).hex
        }
        return RemoteReferences(ids: ids)
    }

    /// Downloads what the refspecs name, over the same connection.
    func download(_ refspecs: [String]) throws {
        guard url.transport != .file else { return try copy(refspecs) }
        var options = git_fetch_options()
        try LibGit2.check(git_fetch_options_init(&options, UInt32(GIT_FETCH_OPTIONS_VERSION)))
        try fill(&options.callbacks)
        options.proxy_opts.type = GIT_PROXY_AUTO
        options.follow_redirects = redirects
        options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE
        var strings: [UnsafeMutablePointer<CChar>?] = refspecs.map { strdup($0) }
        defer { for string in strings { free(string) } }
        let count = strings.count
        try strings.withUnsafeMutableBufferPointer { buffer in
            var array = git_strarray(strings: buffer.baseAddress, count: count)
            try LibGit2.check(git_remote_download(remote, &array, &options))
        }
    }

    /// The same from a repository on this machine.
    private func copy(_ refspecs: [String]) throws {
        let sources = refspecs.map { $0.drop { $0 == "+" }.prefix { $0 != ":" } }
        let ids = try references().ids.filter { name, _ in
            sources.contains { $0.hasSuffix("*") ? name.hasPrefix($0.dropLast()) : name == $0 }
        }
        let remote = try ObjectCache(openingRemote: url.path)
        var transfer = LocalTransfer(from: remote, to: cache, request.limits)
        do { try transfer.copy(ids.values.map { ObjectID(hex: $0) }) } catch let failure as LibGit2.Failure
            where failure.isNotFound
        {
            throw GitError(
                .remoteUnreachable, "\(url) lacks objects that it refers to: \(failure.text)",
                advice: "The repository is damaged there: run `git fsck` in it.")
        }
    }

    /// Credentials go to the configured host only: with credentials no redirect to another
    /// one is followed.
    private var redirects: git_remote_redirect_t {
        request.password ?? url.password == nil ? GIT_REMOTE_REDIRECT_INITIAL : GIT_REMOTE_REDIRECT_NONE
    }

    private func fill(_ callbacks: inout git_remote_callbacks) throws {
        try LibGit2.check(git_remote_init_callbacks(&callbacks, UInt32(GIT_REMOTE_CALLBACKS_VERSION)))
        callbacks.payload = Unmanaged.passUnretained(self).toOpaque()
        callbacks.transfer_progress = { progress, payload in
            guard let progress, let payload else { return -1 }
            return Remote.value(payload).allows(progress.pointee) ? 0 : GIT_EUSER.rawValue
        }
        callbacks.credentials = { out, _, _, allowed, payload in
            payload.map { Remote.value($0).giveCredentials(out, allowed) } ?? -1
        }
        if ssh != nil {
            callbacks.transport = { out, owner, payload in
                payload.flatMap { Remote.value($0).ssh?.makeTransport(out, owner) } ?? -1
            }
        }
    }

    /// Whether a transfer that has come this far may go on.
    private func allows(_ progress: git_indexer_progress) -> Bool {
        let limits = request.limits
        if progress.received_bytes > limits.transferBytes {
            excess = .exceedsTransfer("\(url) sends more than \(limits.transferBytes.bytesText) in one fetch")
        } else if progress.total_objects > limits.transferObjects {
            excess = .exceedsTransfer("\(url) sends more than \(limits.transferObjects) objects in one fetch")
        }
        return excess == nil
    }

    private static func value(_ payload: UnsafeMutableRawPointer) -> Remote {
        Unmanaged<Remote>.fromOpaque(payload).takeUnretainedValue()
    }

    private func giveCredentials(
        _ out: UnsafeMutablePointer<UnsafeMutablePointer<git_credential>?>?, _ allowed: UInt32
    ) -> Int32 {
        credentialRequests += 1
        guard credentialRequests == 1, allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT.rawValue != 0,
            let password = request.password ?? url.password
        else {
            _ = git_error_set_str(Int32(GIT_ERROR_HTTP.rawValue), "the server asks for credentials")
            return GIT_EAUTH.rawValue
        }
        // Forges that know tokens take any name with one.
        return git_credential_userpass_plaintext_new(out, request.username ?? url.user ?? "git", password)
    }

    /// Runs `body`, turning what goes wrong on the network into a `GitError` in the words of ssh or the server.
    /// Trouble with the local cache is passed on as it is.
    func explained<R>(_ body: () throws -> R) throws -> R {
        do { return try web?.during(body) ?? body() } catch let failure as LibGit2.Failure {
            if let refusal = web?.refusal { throw refusal }
            let explanation = NetworkFailure(
                url: url, request: request, ssh: ssh?.command, environment: ssh?.environment ?? [:])
            if let excess { throw excess }
            if let ssh {
                ssh.finish()
                if let known = explanation.error(sshSaid: ssh.said, status: ssh.status) { throw known }
                if let failure = ssh.failure { throw failure }
            }
            if credentialRequests > 0, failure.code == GIT_EAUTH.rawValue || failure.saysUnauthorized {
                throw explanation.credentialsRefused(hadSome: request.password ?? url.password != nil)
            }
            if failure.isLocal, url.transport != .file || !explanation.isAboutTheRemoteDirectory(failure) {
                throw failure
            }
            throw explanation.error(for: failure)
        }
    }
}

extension LibGit2.Failure {
    /// The status of an HTTP answer that libgit2 did not expect.
    var httpStatus: Int? {
        text.firstRange(of: "status code: ").flatMap { Int(text[$0.upperBound...].prefix(3)) }
    }

    var saysUnauthorized: Bool {
        httpStatus == 401 || text.contains("too many redirects or authentication replays")
    }
}
