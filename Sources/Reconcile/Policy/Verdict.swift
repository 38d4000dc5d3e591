/// What came of a run: the one place where failures, undos and what runs now become an outcome, an exit status, a record
/// and an entry on the skip list.
package struct Verdict: Sendable, Equatable {
    package var outcome: Outcome
    /// How the deployment is recorded; nil when there is none to record. `.open` leaves it to the next run.
    package var status: DeploymentStatus?
    /// The commit is not deployed again by itself.
    package var skipsCommit: Bool
    package var exitStatus: ExitStatus

    private init(
        _ outcome: Outcome, record status: DeploymentStatus? = nil, skips: Bool = false, _ reason: Reason? = nil
    ) {
        self.outcome = outcome
        self.status = status
        skipsCommit = skips
        exitStatus = ExitStatus(outcome, reason)
    }
}

/// The facts a verdict is made from.
package struct VerdictFacts: Sendable, Equatable {
    /// How the run came to its end.
    package enum Ending: Sendable, Equatable {
        /// There was nothing to do.
        case upToDate
        /// Only looked: a new commit or configuration would be deployed.
        case pending
        /// Only looked: what runs differs from what was deployed.
        case drift
        /// Carried out, verified and recorded.
        case applied
        /// The tip was left alone; what was deployed has been reconciled.
        case held(Decision.Hold)
        case suspended
        /// Failed before anything was touched.
        case failedUntouched(Reason)
        /// Failed after something was touched.
        case failed(Reason, Undo)
    }

    /// What became of a deployment that failed.
    package enum Undo: Sendable, Equatable {
        /// What ran before was put back as it was.
        case done
        /// Left as it is, as requested.
        case leftAlone
        case failed
        /// Left to the next run: the reason will pass.
        case postponed(Reason)
    }

    package var ending: Ending
    package var kind: DeploymentKind = .deploy
    /// How what should run is doing now; nil when nobody could look.
    package var standing: Standing?
    /// There is a good deployment.
    package var hasGood = false
    /// Something of the project ran when the deployment began.
    package var ranBefore = false
    /// Something of what was deployed did not work when the run began.
    package var wasBroken = false
    /// A deployment since the last good one could not be undone.
    package var isUnresolved = false
    /// Something that ran before was stopped for a while, or still is.
    package var stoppedSomething = true
    /// How often in a row the commit has ended this way before.
    package var repetitions = 0

    package init(_ ending: Ending) { self.ending = ending }

    fileprivate var works: Bool { standing?.works ?? false }
}

extension Verdict {
    /// How often a commit may fail after what runs was stopped, for a reason that is not its own, before it counts as the
    /// commit's: a failure that never passes would stop what works at every run.
    package static let mostRepetitions = 2

    package init(_ facts: VerdictFacts) {
        switch facts.ending {
        case .upToDate: self = Self.present(facts, otherwise: .inSync)
        case .drift: self = Self.differing(facts)
        case .pending: self = .init(.pending)
        case .applied: self = .init(.deployed, record: .succeeded)
        case .suspended: self = .init(.suspended)
        case .held(.skipListed): self = facts.hasGood ? Self.present(facts, otherwise: .skipped) : Self.nothing(facts)
        case .held(.rewritten): self = Self.unresolved(facts) ?? .init(.rewritten)
        case .held(.outsideWindow):
            self = facts.hasGood ? Self.present(facts, otherwise: .outsideWindow) : .init(.outsideWindow)
        case .failedUntouched(let reason): self = Self.untouched(reason, facts)
        case .failed(let reason, let undo): self = Self.undone(reason, undo, facts)
        }
    }

    /// What was deployed is what runs: the outcome is `otherwise` only if all of it works.
    private static func present(_ facts: VerdictFacts, otherwise: Outcome) -> Verdict {
        if facts.works { return .init(otherwise) }
        return unresolved(facts) ?? .init(.notWorking)
    }

    /// What only misses containers differs from what was deployed; the next deployment makes them again.
    private static func differing(_ facts: VerdictFacts) -> Verdict {
        let isOnlyMissing = facts.standing?.isOnlyMissing ?? true
        return isOnlyMissing ? unresolved(facts) ?? .init(.drift) : present(facts, otherwise: .drift)
    }

    /// A failed undo stays one until what should run works.
    private static func unresolved(_ facts: VerdictFacts) -> Verdict? {
        facts.isUnresolved && !facts.works ? .init(.restoreFailed) : nil
    }

    /// The tip is skipped and nothing good was ever deployed.
    private static func nothing(_ facts: VerdictFacts) -> Verdict {
        .init(facts.isUnresolved ? .restoreFailed : .failed)
    }

    private static func untouched(_ reason: Reason, _ facts: VerdictFacts) -> Verdict {
        if reason.isInvalidProject { return unresolved(facts) ?? .init(.invalid, record: .invalid, reason) }
        if reason.isRefusal { return unresolved(facts) ?? .init(.refused, record: .refused, reason) }
        guard reason.isCommitsFault else { return .init(.error, record: .postponed, reason) }
        let skips = facts.kind == .deploy
        guard facts.hasGood else { return .init(.failed, record: .failed, skips: skips) }
        return facts.works
            ? .init(.restored, record: .restored, skips: skips)
            : .init(.restoreFailed, record: .restoreFailed, skips: skips)
    }

    private static func undone(_ reason: Reason, _ undo: VerdictFacts.Undo, _ facts: VerdictFacts) -> Verdict {
        if case .postponed(let reason) = undo { return .init(.error, record: .open, reason) }
        let isFault =
            reason.isCommitsFault || reason == .unexpected
            || reason != .interrupted && facts.stoppedSomething && facts.repetitions >= mostRepetitions
        let skips = isFault && facts.kind == .deploy
        switch undo {
        case .leftAlone, .postponed: return .init(isFault ? .failed : .error, record: .failed, skips: skips, reason)
        case .failed: return .init(.restoreFailed, record: .restoreFailed, skips: skips)
        case .done: break
        }
        guard facts.ranBefore || facts.kind == .heal else {
            return isFault ? .init(.failed, record: .failed, skips: skips) : .init(.error, record: .failed, reason)
        }
        guard facts.works else {
            // A heal that fails leaves what did not work before.
            if facts.kind == .heal { return unresolved(facts) ?? .init(.notWorking, record: .failed) }
            if facts.wasBroken, !isFault { return unresolved(facts) ?? .init(.notWorking, record: .restored) }
            return .init(.restoreFailed, record: .restoreFailed, skips: skips)
        }
        return isFault
            ? .init(.restored, record: .restored, skips: skips) : .init(.error, record: .restored, reason)
    }
}

extension Reason {
    /// The commit's files are at fault, before anything was touched.
    package var isInvalidProject: Bool { self == .invalidProject || self == .bindSourceMissing }

    /// What the operator demands of a commit is not fulfilled; judged anew at each run.
    package var isRefusal: Bool { self == .policy || self == .signature }

    /// The commit is turned down before anything was touched: what was deployed is kept as it is.
    package var isRejection: Bool { isInvalidProject || isRefusal }
}
