/// A tag of a repository.
package struct Tag: Hashable, Sendable, Codable {
    /// Without `refs/tags/`.
    package var name: String
    /// The id of the tag's own object, or of the commit for a lightweight one.
    package var object: String

    package init(name: String, object: String) {
        self.name = name
        self.object = object
    }
}

/// What a revision names at the remote now.
package struct Tip: Hashable, Sendable, Codable {
    package var commit: Commit
    /// The tag that leads to the commit, when tags are followed.
    package var tag: Tag?

    package init(commit: Commit, tag: Tag? = nil) {
        self.commit = commit
        self.tag = tag
    }
}

/// The newest tip that was accepted as a successor of the one before, and of what it was the tip.
package struct FollowedTip: Hashable, Sendable, Codable {
    /// The repository and the revision, as the configuration named them then.
    package var revision: String
    package var commit: CommitID
    package var tag: Tag?

    package init(revision: String, commit: CommitID, tag: Tag? = nil) {
        self.revision = revision
        self.commit = commit
        self.tag = tag
    }

    package init(revision: String, _ tip: Tip) {
        self.init(revision: revision, commit: tip.commit.id, tag: tip.tag)
    }
}
