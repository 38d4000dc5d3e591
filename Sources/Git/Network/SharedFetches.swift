import Reconcile
import Synchronization

/// The fetches of one run: projects that have their repository and their access to it in common share one network step.
///
/// The first that asks makes the step, for the revisions of all of them.
package final class SharedFetches: Sendable {
    /// One project's share.
    package struct Share: Sendable {
        var url: GitRemoteURL
        var access: GitAccess
        var revision: Revision

        package init(url: GitRemoteURL, revision: Revision, access: GitAccess) {
            self.url = url
            self.access = access
            self.revision = revision
        }
    }

    private struct Remote: Hashable {
        var url: String
        var access: GitAccess
    }

    private typealias Step = Task<FetchAnswers, any Error>

    private let revisions: [Remote: [Revision]]
    private let steps = Mutex<[Remote: Step]>([:])

    package init(_ shares: [Share]) {
        var revisions: [Remote: [Revision]] = [:]
        for share in shares {
            let remote = Remote(url: share.url.text, access: share.access)
            if revisions[remote]?.contains(share.revision) != true {
                revisions[remote, default: []].append(share.revision)
            }
        }
        self.revisions = revisions
    }

    /// The revision's tip: from the step that was made, or is under way, for the repository, else from the one that
    /// `perform` makes.
    ///
    /// A caller that is cancelled ends the step: only a whole run is.
    func fetch(
        _ revision: Revision, of url: GitRemoteURL, _ access: GitAccess,
        perform: @escaping @Sendable ([Revision]) async throws -> FetchAnswers
    ) async throws -> FetchedTip {
        let remote = Remote(url: url.text, access: access)
        let wanted = revisions[remote] ?? []
        guard wanted.contains(revision) else { return try await perform([revision]).tip(of: revision) }
        let step = steps.withLock { steps in
            if let step = steps[remote] { return step }
            let step = Step { try await perform(wanted) }
            steps[remote] = step
            return step
        }
        return try await withTaskCancellationHandler {
            try await step.value.tip(of: revision)
        } onCancel: {
            step.cancel()
        }
    }
}

extension FetchAnswers {
    func tip(of revision: Revision) throws -> FetchedTip {
        guard let answer = self[revision] else {
            throw GitError(.unexpected, "the network step did not answer for \(revision)")
        }
        return try answer.get()
    }
}
