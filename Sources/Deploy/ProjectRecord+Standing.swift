import Compose
package import Reconcile

// What is said about a project without deploying it. A run and `status` ask the same functions, so that they agree.

extension ProjectRecord {
    /// What to ask the engine to see how the project is doing: everything that what was deployed needs, its images included,
    /// or only its containers where nothing is recorded.
    package func query(of settings: ProjectSettings) -> ObservationQuery {
        lastGood?.snapshot.map { ObservationQuery(of: $0.project) }
            ?? ObservationQuery(project: settings.composeName(recorded: nil))
    }

    /// How what was deployed is doing; no service at all where nothing was.
    package func standing(_ observed: ObservedState, now: Int) -> Standing {
        guard let snapshot = lastGood?.snapshot else { return Standing(services: []) }
        var observed = observed
        if let open {
            // What an unfinished deployment made is not what was deployed.
            observed.containers.removeAll { $0.labels[ComposeLabels.watcherDeployment] == open.id.description }
        }
        return Standing(
            Expectation(snapshot.project, images: observed.images), observed, completed: completed(observed), now: now)
    }

    /// Services of the last good deployment that have run to completion.
    package func completed(_ observed: ObservedState) -> Set<String> {
        guard let last = lastGood, let snapshot = last.snapshot else { return [] }
        let started = Set(last.changes.filter { $0.kind == "service" && $0.action == .start }.map(\.name))
        return snapshot.project.completedServices(recorded: snapshot.completed, startedAgain: started, observed)
    }

    /// The suspension, if it holds at this time.
    package func suspension(at now: Int) -> Suspension? {
        guard let suspension else { return nil }
        if let until = suspension.until, until <= now { return nil }
        return suspension
    }

    /// The entry of the newest commit on the skip list, when it is there.
    package var skippedTip: SkippedCommit? {
        guard let tip = observedTip?.commit.id ?? latest?.commit.id else { return nil }
        return skipped.first { $0.commit == tip }
    }

    /// How things stand, by the record and the engine alone: the remote is not asked.
    ///
    /// - Parameters:
    ///   - standing: nil when the engine could not be asked.
    ///   - closedWindow: that new commits have to wait for a deploy window.
    package func verdict(_ standing: Standing?, now: Int, closedWindow: String? = nil) -> Verdict {
        var ending = VerdictFacts.Ending.upToDate
        if suspension(at: now) != nil {
            ending = .suspended
        } else if let skipped = skippedTip {
            ending = .held(.skipListed(skipped.reason))
        } else if let closedWindow, let tip = observedTip?.commit.id, tip != deployed?.id {
            ending = .held(.outsideWindow(closedWindow))
        } else if lastGood == nil, let latest, latest.status != .open {
            // It has been tried, and nothing good runs.
            ending = .held(.skipListed(latest.message ?? latest.status.rawValue))
        }
        var facts = VerdictFacts(ending)
        facts.hasGood = lastGood != nil
        facts.isUnresolved = unresolved != nil
        // A first deployment that could not be undone left something behind that nobody knows how to judge.
        facts.standing = lastGood == nil && unresolved != nil ? nil : standing
        return Verdict(facts)
    }
}
