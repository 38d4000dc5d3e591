/// Why a tip is no successor of what was followed until now.
package enum Rewrite: Sendable, Equatable {
    /// It does not contain a commit that it had to contain.
    case lost(CommitID, Witness)
    /// The tag stands at another commit than before.
    case movedTag(String, from: CommitID, to: CommitID)
    /// The tag is not signed, although signatures are demanded, and its commit does not follow the one before.
    case unsignedTag(String, before: CommitID)
    /// The tag with the highest version is gone, and an older one is left.
    case removedTag(String, leaving: String)

    /// What says that a commit was there before.
    package enum Witness: String, Sendable, Codable {
        /// A run saw it as the tip.
        case observed
        /// The record names it as the deployed one.
        case deployed
        /// The containers' labels name it, and the record does not know of it.
        case labels
        /// The checkout holds it, and the record does not know of it.
        case checkout
    }
}

/// The facts from which it is told whether a tip is a rewrite.
package struct RewriteFacts: Sendable, Equatable {
    package var tip: Tip
    /// The repository and the revision that are followed now.
    package var revision: String
    /// The newest tip that was accepted; nil when that is not known.
    package var accepted: FollowedTip?
    /// The commit of the last good deployment.
    package var deployed: CommitID?
    /// The commits that were deployed by what the host says, as far as the record does not know of them.
    package var witnesses: [Rewrite.Witness: CommitID] = [:]
    /// Whoever may name commits has signed the tag, or signatures are not demanded. Another tag is only a name for a commit,
    /// which has to follow the one before as on a branch: else anybody could give an old commit the highest version.
    package var isTagSigned = true
    /// Those of all these commits that the tip contains; itself it always does.
    package var contained: Set<CommitID> = []

    package init(tip: Tip, revision: String) {
        self.tip = tip
        self.revision = revision
    }

    /// The commits of which has to be known whether the tip contains them.
    package var questions: Set<CommitID> {
        Set([accepted?.commit, deployed].compactMap(\.self) + witnesses.values).subtracting([tip.commit.id])
    }

    fileprivate func contains(_ commit: CommitID) -> Bool { commit == tip.commit.id || contained.contains(commit) }
}

extension Rewrite {
    /// Nil when the tip is what was followed before, or a successor of it.
    ///
    /// A tip is judged against the newest one that was accepted of the same revision: whatever is deployed was part of that.
    /// Another repository, branch or pattern in the configuration is no rewrite, and begins anew.
    package init?(_ facts: RewriteFacts) {
        for witness in [Witness.labels, .checkout] {
            guard let commit = facts.witnesses[witness], !facts.contains(commit) else { continue }
            self = .lost(commit, witness)
            return
        }
        guard let accepted = facts.accepted else {
            guard let deployed = facts.deployed, !facts.contains(deployed) else { return nil }
            self = .lost(deployed, .deployed)
            return
        }
        guard accepted.revision == facts.revision else { return nil }
        if let old = accepted.tag, let new = facts.tip.tag {
            if let rewrite = Rewrite(from: old, at: accepted.commit, to: new, facts.tip.commit.id) {
                self = rewrite
            } else if !facts.isTagSigned, !facts.contains(accepted.commit) {
                self = .unsignedTag(new.name, before: accepted.commit)
            } else {
                return nil
            }
        } else if !facts.contains(accepted.commit) {
            self = .lost(accepted.commit, .observed)
        } else {
            return nil
        }
    }

    /// Tags follow each other by their versions, whatever branches they are on: a higher one is a successor, the same one
    /// has to stay where it is.
    private init?(from old: Tag, at commit: CommitID, to new: Tag, _ target: CommitID) {
        if old.name == new.name {
            guard commit != target else { return nil }
            self = .movedTag(new.name, from: commit, to: target)
            return
        }
        guard let before = SemanticVersion(old.name), let now = SemanticVersion(new.name) else { return nil }
        guard now < before || now == before && new.name < old.name else { return nil }
        self = .removedTag(old.name, leaving: new.name)
    }

    /// What happened, to go after what is followed and its repository.
    package var description: String {
        switch self {
        case .lost(let commit, .observed): "\(commit.short), which was its tip, is no longer part of it"
        case .lost(let commit, .deployed): "\(commit.short), which is deployed, is no longer part of it"
        case .lost(let commit, .labels): "\(commit.short), which the containers' labels name, is not part of it"
        case .lost(let commit, .checkout): "\(commit.short), which is checked out, is not part of it"
        case .movedTag(let name, let old, let new): "the tag \(name) was moved from \(old.short) to \(new.short)"
        case .unsignedTag(let name, let before):
            "the tag \(name) is not signed, and its commit does not contain \(before.short), the one before"
        case .removedTag(let old, let new): "the tag \(old) is gone, and \(new) is older"
        }
    }
}
