import Compose
import Reconcile

/// A candidate against what runs and what lies in the checkout. `check` stops here.
struct Compared: Sendable {
    var candidate: Candidate
    /// One round of engine reads; brief where nothing is to be done.
    var observed: ObservedState
    var plan: Plan
    /// What putting the commit's files in place would change.
    var checkout: CheckoutDifference
    /// How what was deployed is doing.
    var standing: Standing

    /// Something has to be done to containers, networks, volumes or files. (A pull alone may still change that.)
    var changesSomething: Bool { plan.changesSomething || !checkout.changedPaths.isEmpty }

    /// What happens to services, resources and files, for people.
    var changes: [Plan.Change] {
        plan.changes
            + checkout.restoredPaths.filter { path in !plan.changes.contains { $0.names(path) } }.map {
                Plan.Change(kind: "file", name: $0, action: .restore, causes: ["it was changed on the host"])
            } + lostFiles
    }

    /// What was deployed lacks files of its checkout, and nothing tells that somebody changed them.
    private var lostFiles: [Plan.Change] {
        let paths = checkout.changedPaths
        guard candidate.kind == .heal, checkout.restoredPaths.isEmpty, let first = paths.first else { return [] }
        let rest = paths.count > 1 ? " and \(paths.count - 1) more" : ""
        return [
            Plan.Change(
                kind: "checkout", name: candidate.commit.id.short, action: .restore,
                causes: ["\(first)\(rest) not as in the commit"])
        ]
    }
}

/// What the engine was asked ahead of time, while the commit's files are read: mostly nothing is new.
struct Prefetched: Sendable {
    let query: ObservationQuery
    let result: Result<ObservedState, any Error>
}

extension Run {
    /// Asks the engine already what runs, if the commit is the deployed one.
    func prefetch(_ commit: Commit) async -> Prefetched? {
        guard record.deployed?.id == commit.id, let project = record.lastGood?.snapshot?.project else { return nil }
        let query = query(project, isBrief: true)
        do {
            return Prefetched(query: query, result: .success(try await engine.observe(query)))
        } catch {
            return Prefetched(query: query, result: .failure(error))
        }
    }

    /// Compares the candidate with what runs, and finds out whether the plan can be carried out.
    func compare(
        _ candidate: Candidate, _ checkout: CheckoutDifference, _ prefetched: Prefetched? = nil
    ) async throws -> Compared {
        try await stage(.plan, "comparing with what runs") {
            let commits = await fileCommits(candidate)
            var compared = try await compare(candidate, checkout, commits, isBrief: true, prefetched)
            // Most runs find nothing to do; only those that do something have to know every container in full.
            let isIdle = candidate.kind == .heal && !compared.changesSomething && compared.plan.isComplete
            if !compared.observed.containers.isEmpty, !isIdle {
                compared = try await compare(candidate, checkout, commits, isBrief: false)
            }
            try check(&compared)
            for change in compared.changes + compared.plan.changesWithoutEffect {
                log.progress(
                    .plan, .running, change.eventLine, service: change.kind == "service" ? change.name : nil)
            }
            for warning in compared.plan.warnings { log.progress(.plan, .warning, warning) }
            return compared
        }
    }

    /// Compares again after images were pulled or built; says only what is new.
    func compareAgain(_ earlier: Compared) async throws -> Compared {
        var compared = try await compare(
            earlier.candidate, earlier.checkout, await fileCommits(earlier.candidate), isBrief: false)
        try check(&compared)
        for change in compared.changes where !earlier.changes.contains(change) {
            log.progress(.pull, .running, change.eventLine, service: change.kind == "service" ? change.name : nil)
        }
        return compared
    }

    private func compare(
        _ candidate: Candidate, _ checkout: CheckoutDifference, _ fileCommits: [String: CommitID], isBrief: Bool,
        _ prefetched: Prefetched? = nil
    ) async throws -> Compared {
        let query = query(candidate.snapshot.project, pinned: candidate.pinnedImages, isBrief: isBrief)
        let observed =
            if let prefetched, prefetched.query == query {
                try prefetched.result.get()
            } else {
                try await engine.observe(query)
            }
        var target = try target(candidate, observed)
        target.restored = Set(checkout.restoredPaths)
        target.fileCommits = fileCommits
        return Compared(
            candidate: candidate, observed: observed, plan: Reconciler.plan(target, observed), checkout: checkout,
            standing: standing(observed))
    }

    /// Throws unless the engine can do everything that the project asks for, it is allowed, and the plan can be carried out.
    private func check(_ compared: inout Compared) throws {
        try checkAbility(compared)
        // What is there and not the project's is a matter of the policy first: waiting does not help against that.
        compared.plan.warnings += try judge(compared)
        guard compared.plan.missing.isEmpty else {
            throw DeployError(
                stage: .plan, reason: .externalMissing, message: compared.plan.missing.joined(separator: "\n"),
                advice: "Create what is missing, or let the project make it: remove `external: true` from a network or "
                    + "volume, pull or build an image. What another project made needs `external: true`, or another "
                    + "name here.")
        }
    }

    private func checkAbility(_ compared: Compared) throws {
        let candidate = compared.candidate
        try checkHostPaths(compared)
        guard compared.plan.refusals.isEmpty else {
            throw DeployError(
                stage: .plan, reason: .invalidConfiguration, message: compared.plan.refusals.joined(separator: "\n"),
                advice: "Give one of the two another `project_name`; nothing was touched.")
        }
        let problems = try deployable(candidate, compared.observed).problems(in: compared.observed)
        guard problems.isEmpty else { throw refusal(problems, candidate, on: compared.observed.traits) }
        if let problem = compared.plan.portProblems(of: candidate.snapshot.project, compared.observed).first {
            throw DeployError(
                stage: .plan, reason: problem.reason, message: problem.message, advice: problem.advice,
                service: problem.service)
        }
        if let problem = compared.plan.addressProblems(of: candidate.snapshot.project, compared.observed).first {
            throw DeployError(
                stage: .plan, reason: .portTaken, message: problem.message, advice: problem.advice,
                service: problem.service)
        }
    }

    /// The candidate's project on this engine. Throws when the engine cannot do everything that it asks for.
    private func deployable(_ candidate: Candidate, _ observed: ObservedState) throws -> DeployableProject {
        do {
            return try DeployableProject(
                candidate.snapshot.project, on: observed.traits ?? EngineTraits(version: .newest))
        } catch {
            throw refusal(error.problems, candidate, on: observed.traits)
        }
    }

    private func refusal(
        _ problems: [ComposeError.Problem], _ candidate: Candidate, on engine: EngineTraits?
    ) -> DeployError {
        DeployError(
            stage: .plan, reason: .invalidProject,
            message: ComposeError(candidate.placing(problems)).relative(to: source.checkoutPath).description,
            advice: !problems.contains { $0.kind == .unsupported }
                ? "Correct the Compose files and push; nothing was touched."
                : engine?.isPodman == true
                    ? "Leave it out, or run the project on a Docker Engine; nothing was touched."
                    : "Leave it out, or update the engine; nothing was touched.")
    }

    /// What putting the commit's files in place would change; nothing as long as what was built of it is not kept.
    func compareCheckout(_ commit: Commit, _ build: BuildID?) async throws -> CheckoutDifference {
        try await stage(.checkout, "comparing the checkout with \(commit.id.short)") {
            if let build, try await !source.keptBuilds().contains(build) { return CheckoutDifference() }
            return try await source.compareCheckout(with: commit.id, build)
        }
    }

    /// Which commits changed the files that differ from the last good deployment; nothing where that cannot be told.
    private func fileCommits(_ candidate: Candidate) async -> [String: CommitID] {
        guard let last = record.deployed, let contents = record.lastGood?.snapshot?.contents,
            last.id != candidate.commit.id
        else { return [:] }
        var paths: Set<String> = []
        for (name, after) in candidate.snapshot.contents {
            let before = contents[name] ?? [:]
            paths.formUnion(Set(before.keys).union(after.keys).filter { before[$0] != after[$0] })
        }
        guard !paths.isEmpty else { return [:] }
        let commits = try? await source.newestChanges(of: paths.sorted(), after: last.id, upTo: candidate.commit.id)
        return commits ?? [:]
    }

    // MARK: - Questions and targets

    /// Everything the flow wants to know of the engine about a project.
    func query(_ project: Project, pinned: [String: String] = [:], isBrief: Bool = false) -> ObservationQuery {
        var query = ObservationQuery(of: project, pinned: pinned.values)
        query.isBrief = isBrief
        if !isBrief { (query.hostPorts, query.fixedAddresses) = (project.hostPorts, project.fixedAddresses) }
        return query
    }

    /// The target that a candidate makes of itself, against the last good deployment.
    func target(_ candidate: Candidate, _ observed: ObservedState) throws -> Target {
        let stamp = DeploymentStamp(
            project: settings.name, commit: candidate.commit.id, deployment: record.nextNumber)
        var target = Target(try deployable(candidate, observed), stamp: stamp)
        target.hasHostBuild = candidate.snapshot.hostBuild != nil
        target.contentHashes = candidate.snapshot.contentHashes
        target.contents = candidate.snapshot.contents
        target.builds = candidate.snapshot.builds
        target.pinnedImages = candidate.pinnedImages
        target.pinnedDigests = candidate.pinnedImages.isEmpty ? [:] : candidate.snapshot.imageDigests
        target.now = now
        target.settle = settings.settle
        target.healthTimeout = settings.healthTimeout
        target.prunesOrphans = settings.prunesOrphans
        if let last = record.lastGood?.snapshot {
            target.previous = Target.Previous(
                project: last.project, contentHashes: last.contentHashes, contents: last.contents,
                builds: last.builds, completed: completed(observed))
            target.previous?.hasHostBuild = last.hostBuild != nil
        }
        return target
    }

    /// How what was deployed is doing.
    func standing(_ observed: ObservedState) -> Standing { record.standing(observed, now: now) }

    /// Services of the last good deployment that have run to completion.
    func completed(_ observed: ObservedState) -> Set<String> { record.completed(observed) }
}

extension Plan {
    /// Steps of the apply phase, or images to build that are not built every time.
    var changesSomething: Bool {
        steps.contains { $0.phase == .apply } || builds.contains { !$0.isRoutine }
    }

    /// Nothing has to be pulled, built or cleaned up either.
    var isComplete: Bool { steps.isEmpty && pulls.isEmpty && builds.isEmpty }
}

extension Plan.Change {
    /// `recreate: image nginx:1.25 → 1.27`; of a service, whose events carry its name, without it.
    fileprivate var eventLine: String {
        kind == "service" ? text : description
    }

    /// One of its causes is the file.
    fileprivate func names(_ path: String) -> Bool { details?.contains { $0.file == path } ?? false }
}
