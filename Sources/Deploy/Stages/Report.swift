import Reconcile

// Sentences about a run, made from the verdict and the standing: what was done, what runs now, what to do next.

extension Run {
    /// The result of a run that did not fail, by the verdict on how it ended.
    func result(
        _ ending: VerdictFacts.Ending, kind: DeploymentKind, standing: Standing?, summary: String
    ) -> RunResult {
        var facts = facts(ending, kind: kind)
        facts.standing = standing
        return result(facts, nil, summary: summary, tip: nil)
    }

    func result(_ facts: VerdictFacts, _ failure: DeployError?, summary: String, tip: Commit?) -> RunResult {
        var result = RunResult(project: settings.name, outcome: Verdict(facts).outcome, summary: summary)
        result.tip = tip
        result.deployed = record.deployed
        result.standing = facts.standing
        if result.outcome == .notWorking || result.outcome == .restoreFailed {
            result.next = next(about: facts.standing)
        }
        result.failure = failure.map(RunResult.Failure.init)
        return result
    }

    /// The tip was left alone; `kept` says what became of what was deployed.
    func held(_ hold: Decision.Hold, tip: Commit, _ kept: RunResult?) -> RunResult {
        if let kept, kept.failure != nil {
            var result = kept
            result.tip = tip
            result.summary = "\(hold.description); \(kept.summary)"
            return result
        }
        var result = self.result(
            .held(hold), kind: .deploy, standing: kept?.standing,
            summary: "\(hold.description); \(whatRuns(kept?.standing))")
        result.tip = tip
        result.changes = kept?.changes ?? []
        result.deployment = kept?.deployment
        result.warnings = kept?.warnings ?? []
        if case .rewritten(let rewrite) = hold {
            result.failure = RunResult.Failure(
                DeployError(
                    stage: .verify, reason: .branchRewritten,
                    message: "\(settings.revision) of \(settings.repository) was rewritten: \(rewrite.description)",
                    advice: "Deploy it once with --force, or set git.allow_rewrite for the project."))
        }
        log.status(.verify, .skipped, result.summary)
        return result
    }

    /// The suspension that holds now.
    var suspension: Suspension? { record.suspension(at: now) }

    func suspended(_ suspension: Suspension) -> RunResult {
        var result = self.result(
            .suspended, kind: .deploy, standing: nil, summary: suspendedText(suspension))
        result.suspended = suspension
        log.status(.fetch, .skipped, result.summary)
        return result
    }

    private func suspendedText(_ suspension: Suspension) -> String {
        let text = "suspended: \(suspension.reason); \(deployedText)"
        guard let open = record.open else { return text }
        return
            "\(text); deployment \(open.id) was never finished, and the first deploy after `watcher resume` undoes it"
    }

    /// What to say when a run could not be carried out at all.
    func failed(_ failure: DeployError) -> RunResult {
        let unfinished = record.open.map { "deployment \($0.id) is unfinished; the next run undoes it" }
        return result(
            facts(.failedUntouched(failure.reason), kind: .deploy), failure,
            summary: unfinished ?? "nothing was changed; \(deployedText)", tip: nil)
    }

    /// What to do about services that do not work.
    func next(about standing: Standing?) -> [String] {
        guard let service = standing?.broken.first else { return [] }
        return [
            "`watcher logs \(settings.name) \(service.name)` shows what \(service.name) wrote, `watcher status "
                + "\(settings.name)` how it is doing"
        ]
    }

    // MARK: - What runs

    /// What was deployed last: `shop was deployed from 3f2a1c9d0e (Add the cart)`.
    private var deployedText: String {
        guard let commit = record.deployed else { return "watcher has not deployed \(settings.name) yet" }
        return "\(commit.title) is deployed"
    }

    /// What runs now, by the standing: never what was meant.
    func whatRuns(_ standing: Standing?) -> String {
        guard let commit = record.deployed else { return "watcher has not deployed \(settings.name) yet" }
        guard let standing else { return deployedText }
        let runs = "\(settings.name) runs \(commit.title)"
        if standing.works {
            let starting = standing.services.filter { $0.state == .starting }.map(\.name)
            return starting.isEmpty ? runs : "\(runs), and \(starting.joined(separator: ", ")) is starting"
        }
        let broken = standing.broken.map { "\($0.name) \($0.trouble?.text ?? "does not work")" }
            .joined(separator: ", ")
        return standing.runsAnything ? "\(runs), but \(broken)" : "nothing of \(settings.name) runs: \(broken)"
    }

    /// What a deployment did that succeeded.
    func summary(ofSuccess candidate: Candidate, _ changes: [Plan.Change]) -> String {
        let what =
            changes.isEmpty
            ? "no container had to change" : "\(changes.count) change\(changes.count == 1 ? "" : "s")"
        return "\(candidate.kind.pastTense) \(candidate.commit.id.short): \(what)"
    }

    /// What follows from a deployment that leaves the tip behind: for how long it lasts, and how to return.
    func next(after candidate: Candidate) -> [String] {
        let (name, intent) = (settings.name, candidate.intent)
        var lines: [String] = []
        var way: [String] = []
        if let skip = intent.skip {
            let until = intent.hold == nil ? "; the next commit that is pushed is deployed" : ""
            lines.append("\(skip.commit.short) is on the skip list: it is not deployed again by itself\(until)")
            // The tip may have been left behind by an earlier rollback.
            let tip = record.skippedTip?.commit ?? skip.commit
            way.append("`watcher skip-list remove \(name) \(tip.short)`")
        }
        if intent.hold != nil {
            lines.append("deploys of \(name) are suspended; `watcher resume \(name)` ends that")
            if intent.skip != nil { way.insert("`watcher resume \(name)`", at: 0) }
        }
        if !way.isEmpty { lines.append("to return: \(way.joined(separator: ", ")), `watcher deploy \(name)`") }
        return lines
    }

    /// What became of a deployment that failed, and what runs now.
    func summary(ofFailure facts: VerdictFacts, _ undone: Undone?) -> String {
        let verdict = Verdict(facts)
        switch undone {
        case nil:
            return "nothing was touched; \(whatRuns(facts.standing))"
        case .postponed:
            return facts.ranBefore
                ? "it is not undone yet, and services may be down: the next run puts the previous containers back"
                : "it is not undone yet: the next run removes what it made"
        case .leftAlone: return "left as it is, as requested"
        case .failed(let failure, _):
            return "rolling back failed too: \(failure.message.firstLine); \(whatRunsAfterUndo(facts))"
        case .done where !facts.ranBefore: return "there was nothing to roll back to"
        case .done(_, wasStopped: false) where facts.standing?.works == true && facts.kind != .heal:
            return "nothing that runs was stopped; \(whatRuns(facts.standing))"
        case .done where facts.standing?.works == true:
            return "rolled back: the previous containers are running again; \(whatRuns(facts.standing))"
        case .done:
            let isOld = facts.kind == .heal || verdict.outcome == .notWorking
            let what = isOld ? "it still does not work" : "rolled back, but what ran before does not work"
            return "\(what): \(whatRunsAfterUndo(facts))"
        }
    }

    private func whatRunsAfterUndo(_ facts: VerdictFacts) -> String {
        guard record.deployed == nil, let standing = facts.standing else { return whatRuns(facts.standing) }
        let broken = standing.broken.map { "\($0.name) \($0.trouble?.text ?? "does not work")" }
        if broken.isEmpty { return "what ran before runs again" }
        return (standing.runsAnything ? "" : "nothing of \(settings.name) runs: ") + broken.joined(separator: ", ")
    }
}

extension Commit {
    /// `3f2a1c9d0e (Add the cart)`
    fileprivate var title: String { subject.isEmpty ? id.short : "\(id.short) (\(subject))" }
}

extension DeploymentKind {
    fileprivate var pastTense: String {
        switch self {
        case .deploy: "deployed"
        case .heal: "healed"
        case .rollback: "rolled back to"
        }
    }
}

extension RunResult.Failure {
    package init(_ error: DeployError) {
        self.init(
            reason: error.reason, stage: error.stage, message: error.message, advice: error.advice,
            service: error.service, logLines: error.logLines, probe: error.probe)
    }
}
