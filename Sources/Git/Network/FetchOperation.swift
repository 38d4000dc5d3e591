internal import CLibGit2
import FoundationEssentials
import Glibc
import Reconcile

/// The network step itself: connect, look the revision up, download it unless it is in the cache. Blocks.
struct FetchOperation {
    let request: GitNetworkRequest
    let url: GitRemoteURL
    var environment = ProcessInfo.processInfo.environment

    init(_ request: GitNetworkRequest) throws {
        self.request = request
        url = try GitRemoteURL(request.url)
    }

    /// Carries the step out under the cache's lock; throws `GitError`.
    ///
    /// A damaged cache is thrown away and filled again: at once when it cannot be opened, and when the download stumbles
    /// over it and succeeds into an empty one (it may have been the remote that was damaged).
    func run() throws -> FetchedTip {
        let directory = CacheDirectory(path: request.cache)
        do {
            let lock = try CacheDirectory.Lock(directory, seconds: max(1, request.seconds - 2))
            return try withExtendedLifetime(lock) {
                let existed = access(directory.path, F_OK) == 0
                do {
                    return try fetch(into: directory.openOrCreate())
                } catch let failure as LibGit2.Failure where existed && failure.isLocal {
                    return try directory.renew { try fetch(into: $0) }
                } catch is Incomplete where existed {
                    return try directory.renew { try fetch(into: $0) }
                }
            }
        } catch let failure as LibGit2.Failure {
            throw NetworkFailure(url: url, request: request).error(for: failure)
        } catch let missing as Incomplete {
            throw GitError(
                .remoteUnreachable, "\(url) did not send the commit \(missing.commit) that it names",
                advice: "The repository may be damaged there: run git fsck in it.")
        }
    }

    /// The tip of a branch of a repository on this machine, if the cache has it already and knows it by that branch; nil
    /// when there is more to do, or to complain about, than this.
    func known() throws -> FetchedTip? {
        let directory = CacheDirectory(path: request.cache)
        guard url.transport == .file, case .branch(let name) = request.revision, !directory.isDamaged,
            access(directory.path, F_OK) == 0
        else { return nil }
        let cache = try ObjectCache(opening: directory.path)
        let reference = "refs/heads/\(name)"
        guard let id = try ObjectCache(openingRemote: url.path).target(of: reference),
            try cache.target(of: Self.localName(reference)) == id, let commit = try cache.commit(id)
        else { return nil }
        return FetchedTip(commit: commit, reference: reference, wasDownloaded: false)
    }

    /// A download ended well without the commit that was asked for: the cache promised more than it has, or the remote did.
    private struct Incomplete: Error {
        var commit: CommitID
    }

    private func fetch(into cache: ObjectCache) throws -> FetchedTip {
        if case .commit(let id) = request.revision, id.utf8.count == 40, let commit = try cache.commit(named: id) {
            return FetchedTip(commit: commit, reference: nil, wasDownloaded: false)
        }
        let remote = try Remote(cache, url: url, request: request, environment: environment)
        return try remote.explained {
            try remote.connect()
            switch request.revision {
            case .branch(let name): return try fetch(remote.references().choose(branch: name, at: url), remote, cache)
            case .tag(let pattern): return try fetch(remote.references().choose(tag: pattern, at: url), remote, cache)
            case .commit(let id): return try fetch(commit: id, remote, cache)
            }
        }
    }

    private func fetch(_ choice: RemoteReferences.Choice, _ remote: Remote, _ cache: ObjectCache) throws -> FetchedTip {
        let local = choice.reference.map(Self.localName) ?? ""
        if let commit = try cache.commit(choice.commit) {
            cache.setReference(local, to: choice.commit)
            return FetchedTip(commit: commit, reference: choice.reference, wasDownloaded: false)
        }
        if let reference = choice.reference { try remote.download(["+\(reference):\(local)"]) }
        guard let commit = try cache.commit(choice.commit) else {
            throw Incomplete(commit: choice.commit)
        }
        cache.setReference(local, to: choice.commit)
        return FetchedTip(commit: commit, reference: choice.reference, wasDownloaded: true)
    }

    /// A commit by its id: from a reference that stands there, else by downloading every branch and tag.
    private func fetch(commit id: String, _ remote: Remote, _ cache: ObjectCache) throws -> FetchedTip {
        let references = try remote.references()
        let wanted = CommitID(hex: id)
        if let name = references.reference(at: wanted) {
            var tip = try fetch(.init(reference: name, commit: wanted), remote, cache)
            tip.reference = nil
            return tip
        }
        var found = try cache.commit(named: id)
        if found == nil {
            try remote.download(["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"])
            for (name, object) in references.ids where !name.hasSuffix("^{}") {
                cache.setReference(Self.localName(name), to: CommitID(hex: object))
            }
            found = try cache.commit(named: id)
            guard let found else {
                throw GitError(
                    .commitMissing, "no branch or tag of \(url) leads to the commit \(id)",
                    advice: "Give the full id of a commit that is on a branch.")
            }
            return FetchedTip(commit: found, reference: nil, wasDownloaded: true)
        }
        guard let found else { throw GitError(.commitMissing, "the commit \(id) is unknown") }
        return FetchedTip(commit: found, reference: nil, wasDownloaded: false)
    }

    private static func localName(_ reference: String) -> String {
        reference.hasPrefix("refs/heads/")
            ? "refs/remotes/origin/" + reference.dropFirst("refs/heads/".count) : reference
    }
}

extension ObjectCache {
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
            // Without the reference the next download is only larger; it cannot be made when a branch `a` gave way to `a/b`.
            _ = git_reference_create(&reference, repository, name, &raw, 1, nil)
        }
    }
}
