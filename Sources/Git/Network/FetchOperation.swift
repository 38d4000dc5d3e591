internal import CLibGit2
import FoundationEssentials
import Glibc
import Reconcile

/// The network step itself: connect once, look the revisions up, download those that are not in the cache. Blocks.
struct FetchOperation {
    let request: GitNetworkRequest
    let url: GitRemoteURL
    var environment = ProcessInfo.processInfo.environment

    init(_ request: GitNetworkRequest) throws {
        self.request = request
        url = try GitRemoteURL(request.url)
    }

    /// Fetches under the cache's lock. Throws `GitError` for trouble with the remote or the cache; what a single revision
    /// lacks is its own answer.
    ///
    /// A cache that cannot be opened, is known to be damaged, or over which the download stumbles (it may have been the
    /// remote that is damaged) is replaced by a new one only when that is complete: a remote that cannot be reached leaves
    /// it as it is.
    func run() throws -> FetchAnswers {
        if let lfs = request.lfs {
            try LFSDownload(request: request, lfs: lfs, url: url, environment: environment).run()
            return [:]
        }
        try checkOwnership()
        let directory = CacheDirectory(path: request.cache)
        do {
            let lock = try CacheDirectory.Lock(directory, seconds: max(1, request.seconds - 2))
            return try withExtendedLifetime(lock) {
                guard let cache = directory.openIfSound() else { return try directory.renew { try fetch(into: $0) } }
                do {
                    let answers = try fetch(into: cache)
                    if answers.values.contains(where: \.wasDownloaded) { try PrivateFile.close(directory.path) }
                    return answers
                } catch let failure as LibGit2.Failure where failure.isLocal && !failure.isMalformedObject {
                    return try directory.renew { try fetch(into: $0) }
                } catch is Incomplete {
                    return try directory.renew { try fetch(into: $0) }
                }
            }
        } catch let failure as LibGit2.Failure where failure.isMalformedObject {
            throw GitError.malformed("what \(url) sent", failure)
        } catch let failure as LibGit2.Failure {
            throw NetworkFailure(url: url, request: request).error(for: failure)
        } catch let missing as Incomplete {
            throw GitError(
                .remoteUnreachable, "\(url) did not send the commit \(missing.commit) that it names",
                advice: "The repository may be damaged there: run git fsck in it.")
        }
    }

    /// The tips of branches of a repository on this machine, if the cache has all of them already and knows them by these
    /// branches; nil when there is more to do, or to complain about, than this.
    func known() throws -> FetchAnswers? {
        let directory = CacheDirectory(path: request.cache)
        guard url.transport == .file, !directory.isDamaged, access(directory.path, F_OK) == 0 else { return nil }
        try checkOwnership()
        let cache = try ObjectCache(opening: directory.path)
        let remote = try ObjectCache(openingRemote: url.path)
        var answers: FetchAnswers = [:]
        for revision in request.revisions {
            guard case .branch(let name) = revision else { return nil }
            let reference = "refs/heads/\(name)"
            guard let id = try remote.target(of: reference),
                try cache.target(of: Self.localName(reference)) == id, let commit = try? cache.commit(id)
            else { return nil }
            answers[revision] = .tip(FetchedTip(commit: commit, reference: reference, wasDownloaded: false))
        }
        return answers
    }

    /// Root does not read through a repository of another user.
    private func checkOwnership() throws {
        guard url.transport == .file else { return }
        try LocalRepository(path: url.path, isSafe: request.isSafeDirectory).check()
    }

    /// A download ended well without the commit that was asked for: the cache promised more than it has, or the remote did.
    private struct Incomplete: Error {
        var commit: CommitID
    }

    private func fetch(into cache: ObjectCache) throws -> FetchAnswers {
        var answers: FetchAnswers = [:]
        for revision in request.revisions {
            if case .commit(let id) = revision, id.utf8.count == 40, let commit = try cache.commit(named: id) {
                answers[revision] = .tip(FetchedTip(commit: commit, reference: nil, wasDownloaded: false))
            }
        }
        let open = request.revisions.filter { answers[$0] == nil }
        guard !open.isEmpty else { return answers }
        let remote = try Remote(cache, url: url, request: request, environment: environment)
        var isConnected = false
        do {
            try remote.explained {
                try remote.connect()
                isConnected = true
                answers.merge(try fetch(open, remote, cache)) { $1 }
            }
        } catch {
            guard isConnected, open.count > 1, Self.mayBeTheFault(ofOneRevision: error) else { throw error }
            for revision in open { answers[revision] = try fetchAlone(revision, cache) }
        }
        for revision in request.takesUnadvertised ? open : [] {
            if let tip = unadvertised(revision, answers[revision], cache) { answers[revision] = .tip(tip) }
        }
        return answers
    }

    /// What somebody pushed to one branch or tag does not stop those that follow another: the server itself may fail over it.
    private static func mayBeTheFault(ofOneRevision error: any Error) -> Bool {
        guard let failure = error as? LibGit2.Failure else { return error is GitError }
        return failure.isMalformedObject || !failure.isLocal
    }

    private func fetchAlone(_ revision: Revision, _ cache: ObjectCache) throws -> GitNetworkAnswer? {
        do {
            let remote = try Remote(cache, url: url, request: request, environment: environment)
            return try remote.explained {
                try remote.connect()
                return try fetch([revision], remote, cache)[revision]
            }
        } catch let error as GitError {
            return .failure(error)
        } catch let failure as LibGit2.Failure where failure.isMalformedObject {
            return .failure(GitError.malformed("what \(revision) leads to", failure))
        } catch let failure as LibGit2.Failure where !failure.isLocal {
            return .failure(NetworkFailure(url: url, request: request).error(for: failure))
        }
    }

    /// The commit itself from the server, where no branch leads to it and the server gives out commits by their ids.
    ///
    /// A connection of its own: over ssh one serves one download only.
    private func unadvertised(
        _ revision: Revision, _ answer: GitNetworkAnswer?, _ cache: ObjectCache
    ) -> FetchedTip? {
        guard case .failure(let error)? = answer, error.reason == .commitMissing, case .commit(let id) = revision,
            let remote = try? Remote(cache, url: url, request: request, environment: environment)
        else { return nil }
        // Whatever goes wrong here, that the commit is missing is known already.
        guard (try? remote.connect()) != nil, (try? remote.download(["+\(id):refs/watcher/\(id)"])) != nil,
            let commit = try? cache.commit(CommitID(hex: id))
        else { return nil }
        return FetchedTip(commit: commit, reference: nil, wasDownloaded: true)
    }

    /// A revision as far as the advertised references tell it.
    private enum Search {
        case choice(RemoteReferences.Choice)
        /// A commit at which no reference stands: only everything together may contain it.
        case anywhere(String)
        case failure(GitError)
    }

    /// Looks all revisions up in one advertisement and downloads everything that is missing at once: over ssh a connection
    /// serves one download only.
    private func fetch(_ revisions: [Revision], _ remote: Remote, _ cache: ObjectCache) throws -> FetchAnswers {
        let references = try remote.references()
        let searches = revisions.map { ($0, search($0, references)) }
        var refspecs: Set<String> = []
        var downloaded: Set<Revision> = []
        var takesAll = false
        for (revision, search) in searches {
            switch search {
            case .choice(let choice):
                guard try !cache.has(choice), let reference = choice.reference else { continue }
                refspecs.insert("+\(reference):\(Self.localName(reference))")
                downloaded.insert(revision)
            case .anywhere(let id):
                guard try cache.commit(named: id) == nil else { continue }
                takesAll = true
                downloaded.insert(revision)
            case .failure: continue
            }
        }
        if takesAll { refspecs = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"] }
        if !refspecs.isEmpty { try remote.download(refspecs.sorted()) }
        if takesAll {
            for (name, object) in references.ids where !name.hasSuffix("^{}") {
                cache.setReference(Self.localName(name), to: CommitID(hex: object))
            }
        }
        var answers: FetchAnswers = [:]
        for (revision, search) in searches {
            answers[revision] = try answer(revision, search, cache, wasDownloaded: downloaded.contains(revision))
        }
        return answers
    }

    private func search(_ revision: Revision, _ references: RemoteReferences) -> Search {
        do {
            switch revision {
            case .branch(let name): return .choice(try references.choose(branch: name, at: url))
            case .tag(let pattern): return .choice(try references.choose(tag: pattern, at: url))
            case .commit(let id):
                let wanted = CommitID(hex: id)
                guard let name = references.reference(at: wanted) else { return .anywhere(id) }
                return .choice(.init(reference: name, commit: wanted))
            }
        } catch let error as GitError {
            return .failure(error)
        } catch {
            return .failure(GitError(.unexpected, String(describing: error)))
        }
    }

    private func answer(
        _ revision: Revision, _ search: Search, _ cache: ObjectCache, wasDownloaded: Bool
    ) throws -> GitNetworkAnswer {
        switch search {
        case .failure(let error): return .failure(error)
        case .choice(let choice):
            guard let commit = try cache.commit(choice.commit), try cache.has(choice) else {
                throw Incomplete(commit: choice.commit)
            }
            let object = choice.tag.map { CommitID(hex: $0.object) } ?? choice.commit
            cache.setReference(choice.reference.map(Self.localName) ?? "", to: object)
            var reference = choice.reference
            if case .commit = revision { reference = nil }
            return .tip(
                FetchedTip(commit: commit, reference: reference, tag: choice.tag, wasDownloaded: wasDownloaded))
        case .anywhere(let id):
            guard let commit = try cache.commit(named: id) else {
                return .failure(
                    GitError(
                        .commitMissing, "no branch or tag of \(url) leads to the commit \(id)",
                        advice: "Give the full id of a commit that is on a branch."))
            }
            return .tip(FetchedTip(commit: commit, reference: nil, wasDownloaded: wasDownloaded))
        }
    }

    private static func localName(_ reference: String) -> String {
        reference.hasPrefix("refs/heads/")
            ? "refs/remotes/origin/" + reference.dropFirst("refs/heads/".count) : reference
    }
}

extension ObjectCache {
    /// Whether the commit is here, and the object of the tag that leads to it.
    fileprivate func has(_ choice: RemoteReferences.Choice) throws -> Bool {
        guard try commit(choice.commit) != nil else { return false }
        guard let tag = choice.tag else { return true }
        return try contains(ObjectID(hex: tag.object))
    }

    /// The commit that a reference points at; nil when there is none of that name.
    fileprivate func target(of reference: String) throws -> CommitID? {
        try withRepository { repository in
            var id = git_oid()
            let code = git_reference_name_to_id(&id, repository, reference)
            if code == GIT_ENOTFOUND.rawValue { return nil }
            try LibGit2.check(code)
            return CommitID(hex: ObjectID(id).hex)
        }
    }

    /// Points a reference of ours at an object, so that later downloads start from it. Other names are left alone, and
    /// so is an object that was not downloaded.
    fileprivate func setReference(_ name: String, to id: CommitID) {
        guard name.hasPrefix("refs/remotes/origin/") || name.hasPrefix("refs/tags/"),
            var raw = ObjectID(hex: id.hex).raw
        else { return }
        withRepository { repository in
            var current = git_oid()
            if git_reference_name_to_id(&current, repository, name) == 0, git_oid_equal(&current, &raw) == 1 { return }
            var reference: OpaquePointer?
            defer { git_reference_free(reference) }
            if git_reference_create(&reference, repository, name, &raw, 1, nil) != 0 {
                // One that is damaged is in the way. Without the reference the next download is only larger; it cannot be
                // made when a branch `a` gave way to `a/b`.
                _ = git_reference_remove(repository, name)
                _ = git_reference_create(&reference, repository, name, &raw, 1, nil)
            }
            try? PrivateFile.close("\(path)/refs")
        }
    }
}
