import Reconcile
import Synchronization

/// The fetches of one run: projects that have their repository and their access to it in common share one network step.
///
/// The first that asks makes the step, for the revisions of all of them. In the process of one project the step is asked for
/// at the process that runs all of them.
package final class SharedFetches: Sendable {
    /// One project's share.
    package struct Share: Sendable, Equatable {
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
    /// The project whose step another process makes, and how to ask for it.
    private let asked: (share: Share, ask: @Sendable () async throws -> FetchedTip)?
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
        asked = nil
    }

    /// - Parameter ask: asks another process, which shares the step among its projects, for this project's tip.
    package init(_ share: Share, ask: @escaping @Sendable () async throws -> FetchedTip) {
        revisions = [:]
        asked = (share, ask)
    }

    /// The revision's tip: from the step that was made, or is under way, for the repository, else from the one that
    /// `perform` makes.
    ///
    /// A caller that is cancelled ends the step: only a whole run is.
    func fetch(
        _ revision: Revision, of url: GitRemoteURL, _ access: GitAccess,
        perform: @escaping @Sendable ([Revision]) async throws -> FetchAnswers
    ) async throws -> FetchedTip {
        if let asked, asked.share == Share(url: url, revision: revision, access: access) {
            return try await asked.ask()
        }
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
