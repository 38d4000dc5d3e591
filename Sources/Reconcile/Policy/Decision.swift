/// What a run is going to do about the tip of the branch.
package enum Decision: Sendable, Equatable {
    /// Make the project run as this commit says (a new commit, a changed configuration, drift, or nothing to do).
    case reconcile(Commit)
    /// Leave the tip alone and keep the last good deployment as it is.
    case hold(Hold)
    /// Leave the commit alone, because it is not signed as the configuration demands, and keep the last good deployment.
    case refuse(SignatureFault)

    /// Why the tip is left alone.
    package enum Hold: Sendable, Equatable {
        /// On the skip list; the text says why and since when.
        case skipListed(String)
        /// The tip is no successor of what was followed before.
        case rewritten(Rewrite)
        /// Outside of the project's deploy windows; the text says when the next one opens.
        case outsideWindow(String)
    }
}

/// The facts a decision is made from.
package struct DecisionFacts: Sendable, Equatable {
    package struct Skip: Sendable, Equatable {
        package var reason: String
        /// Unix milliseconds.
        package var since: Int
        package var failures: Int
        /// Put there by a person: never retried by itself.
        package var isManual: Bool

        package init(reason: String, since: Int, failures: Int, isManual: Bool) {
            self.reason = reason
            self.since = since
            self.failures = failures
            self.isManual = isManual
        }
    }

    /// The commit to deploy: the tip, or one of its history that was asked for.
    package var commit: Commit
    /// Why the tip is no successor of what was followed; nil when it is one.
    package var rewrite: Rewrite?
    package var allowsRewrite: Bool
    /// What came of verifying the commit; nil when no signature is demanded.
    package var signature: SignatureState?
    /// The commit's entry on the skip list.
    package var skip: Skip?
    package var retryAfter: Duration?
    package var retryAttempts: Int
    package var isForced: Bool
    /// Unix milliseconds.
    package var now: Int
    /// That the commit, which is not deployed, has to wait for a deploy window, and until when.
    package var closedWindow: String?

    package init(
        commit: Commit, rewrite: Rewrite?, allowsRewrite: Bool, signature: SignatureState? = nil, skip: Skip?,
        retryAfter: Duration?,
        retryAttempts: Int, isForced: Bool, now: Int
    ) {
        self.commit = commit
        self.rewrite = rewrite
        self.allowsRewrite = allowsRewrite
        self.signature = signature
        self.skip = skip
        self.retryAfter = retryAfter
        self.retryAttempts = retryAttempts
        self.isForced = isForced
        self.now = now
    }
}

extension Decision {
    /// Decides about the tip. Force overrides the skip list, a rewritten branch and deploy windows, but no signature.
    package init(_ facts: DecisionFacts) {
        if case .refused(let fault)? = facts.signature {
            self = .refuse(fault)
        } else if facts.isForced {
            self = .reconcile(facts.commit)
        } else if let skip = facts.skip, !facts.mayRetry(skip) {
            self = .hold(.skipListed(skip.reason))
        } else if let rewrite = facts.rewrite, !facts.acceptsTip {
            self = .hold(.rewritten(rewrite))
        } else if let window = facts.closedWindow {
            self = .hold(.outsideWindow(window))
        } else {
            self = .reconcile(facts.commit)
        }
    }
}

extension DecisionFacts {
    /// Later tips are judged against this one, whatever becomes of the commit. One that is refused for its signature may go
    /// as it came.
    package var acceptsTip: Bool {
        if case .refused? = signature { return false }
        return rewrite == nil || allowsRewrite || isForced
    }

    /// The half-open retry: once `retryAfter` has passed, as long as attempts are left.
    fileprivate func mayRetry(_ skip: Skip) -> Bool {
        guard let retryAfter, !skip.isManual, skip.failures <= retryAttempts else { return false }
        return .milliseconds(now - skip.since) >= retryAfter
    }
}
