/// What a run is going to do about the tip of the branch.
package enum Decision: Sendable, Equatable {
    /// Make the project run as this commit says (a new commit, a changed configuration, drift, or nothing to do).
    case reconcile(Commit)
    /// Leave the tip alone and keep the last good deployment as it is.
    case hold(Hold)

    /// Why the tip is left alone.
    package enum Hold: Sendable, Equatable {
        /// On the skip list; the text says why and since when.
        case skipListed(String)
        /// The deployed commit is not an ancestor of the tip.
        case rewritten(deployed: CommitID)
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

    package var tip: Commit
    /// The commit of the last good deployment.
    package var deployed: CommitID?
    /// Whether the deployed commit is an ancestor of the tip; true when nothing is deployed.
    package var isFastForward: Bool
    package var allowsRewrite: Bool
    /// The tip's entry on the skip list.
    package var skip: Skip?
    package var retryAfter: Duration?
    package var retryAttempts: Int
    package var isForced: Bool
    /// Unix milliseconds.
    package var now: Int
    /// That new commits have to wait for a deploy window, and until when.
    package var closedWindow: String?

    package init(
        tip: Commit, deployed: CommitID?, isFastForward: Bool, allowsRewrite: Bool, skip: Skip?, retryAfter: Duration?,
        retryAttempts: Int, isForced: Bool, now: Int
    ) {
        self.tip = tip
        self.deployed = deployed
        self.isFastForward = isFastForward
        self.allowsRewrite = allowsRewrite
        self.skip = skip
        self.retryAfter = retryAfter
        self.retryAttempts = retryAttempts
        self.isForced = isForced
        self.now = now
    }
}

extension Decision {
    /// Decides about the tip. Force overrides the skip list, a rewritten branch and deploy windows.
    package init(_ facts: DecisionFacts) {
        if facts.isForced {
            self = .reconcile(facts.tip)
        } else if let skip = facts.skip, !facts.mayRetry(skip) {
            self = .hold(.skipListed(skip.reason))
        } else if let deployed = facts.deployed, !facts.isFastForward, !facts.allowsRewrite {
            self = .hold(.rewritten(deployed: deployed))
        } else if let window = facts.closedWindow, facts.deployed != facts.tip.id {
            self = .hold(.outsideWindow(window))
        } else {
            self = .reconcile(facts.tip)
        }
    }
}

extension DecisionFacts {
    /// The half-open retry: once `retryAfter` has passed, as long as attempts are left.
    fileprivate func mayRetry(_ skip: Skip) -> Bool {
        guard let retryAfter, !skip.isManual, skip.failures <= retryAttempts else { return false }
        return .milliseconds(now - skip.since) >= retryAfter
    }
}
