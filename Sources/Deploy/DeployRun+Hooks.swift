import FoundationEssentials
import Reconcile

extension DeployRun {
    /// Runs what has to succeed before anything is touched. A failure is recorded, and the next run tries again.
    func runPreDeploy(_ candidate: Candidate, _ plan: Plan) async throws {
        guard !settings.hooks.preDeploy.isEmpty else { return }
        var deployment = newDeployment(candidate.kind, candidate.commit, .open)
        deployment.changes = plan.changes
        do {
            for hook in settings.hooks.preDeploy {
                try await run(hook, "pre_deploy", .apply, HookInput(self, "pre_deploy", deployment))
            }
        } catch {
            let failure = DeployError(error, stage: .apply)
            journal.status(.apply, .failed, failure.message.firstLine)
            if failure.reason != .interrupted { try await recordPostponement(deployment, failure) }
            throw failure
        }
    }

    /// Runs what follows a deployment that succeeded; a failure is only told. Returns warnings.
    func runPostDeploy(_ deployment: Deployment) async -> [String] {
        await runAfterwards(settings.hooks.postDeploy, "post_deploy", .record, deployment, nil)
    }

    /// Runs what follows a deployment that failed, after what ran before was put back; a failure is only told.
    @discardableResult
    func runOnFailure(_ deployment: Deployment, _ failure: DeployError) async -> [String] {
        await runAfterwards(settings.hooks.onFailure, "on_failure", .rollback, deployment, failure)
    }

    private func runAfterwards(
        _ hooks: [HostCommand], _ name: String, _ stage: Event.Stage, _ deployment: Deployment, _ failure: DeployError?
    ) async -> [String] {
        var warnings: [String] = []
        for hook in hooks {
            do {
                try await run(hook, name, stage, HookInput(self, name, deployment, failure))
            } catch {
                let warning = DeployError(error, stage: stage).message.firstLine
                journal.progress(stage, .warning, warning)
                warnings.append(warning)
            }
        }
        return warnings
    }

    private func run(_ hook: HostCommand, _ name: String, _ stage: Event.Stage, _ input: HookInput) async throws {
        var command = hook
        command.input = try input.json()
        command.environment.merge(input.variables(checkout: deployer.source.checkoutPath)) { configured, _ in configured
        }
        journal.progress(stage, .running, "\(name): running \(hook.title.firstLine)")
        let (end, lines) = try await output(of: command, stage)
        guard end != .exited(status: 0) else { return }
        var failure = DeployError(
            stage: stage, reason: .hookFailed, message: "\(name): \(hook.title.firstLine) \(end)",
            advice: "Correct what the hook does, or hooks.\(name) in the configuration; nothing was touched.")
        failure.logLines = lines
        throw failure
    }

    /// Records an attempt that ended before anything was touched; the same trouble again is the same record, counted on.
    func recordPostponement(_ attempt: Deployment, _ failure: DeployError) async throws {
        var closing = Closing(attempt)
        closing.deployment.status = .postponed
        if let latest = facts.record.latest, latest.status == .postponed, latest.reason == failure.reason,
            latest.commit.id == attempt.commit.id
        {
            closing.deployment.id = latest.id
            closing.deployment.startedAt = latest.startedAt
            closing.deployment.attempts = latest.attempts + 1
            closing.replacesEvents = true
        }
        closing.deployment.reason = failure.reason
        closing.deployment.message = ([failure.message] + failure.logLines).joined(separator: "\n")
        closing.deployment.finishedAt = journal.time
        try await close(closing)
    }
}

/// What a hook is told about a deployment: an object on standard input, and variables.
private struct HookInput: Encodable {
    struct Deployment: Encodable {
        var id: DeploymentID
        var kind: Deploy.Deployment.Kind
        var status: Deploy.Deployment.Status
        var commit: Commit
        /// What was deployed before.
        var previous: Commit?
        var changes: [Plan.Change]
        var reason: Reason?
        var message: String?
        var service: String?
        var logLines: [String]?
        var startedAt: Int
        var finishedAt: Int?
    }

    var schema = 1
    var hook: String
    var project: String
    var composeProject: String
    var branch: String
    var deployment: Deployment

    init(_ run: DeployRun, _ hook: String, _ deployment: Deploy.Deployment, _ failure: DeployError? = nil) {
        self.hook = hook
        project = run.settings.name
        composeProject = run.settings.projectName
        branch = run.settings.branch
        self.deployment = Deployment(
            id: deployment.id, kind: deployment.kind, status: deployment.status, commit: deployment.commit,
            previous: run.facts.before?.commit, changes: deployment.changes,
            reason: failure?.reason ?? deployment.reason, message: failure?.message ?? deployment.message,
            service: failure?.service, logLines: failure?.logLines, startedAt: deployment.startedAt,
            finishedAt: deployment.finishedAt)
    }

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }

    func variables(checkout: String) -> [String: String] {
        var variables = [
            "WATCHER_HOOK": hook, "WATCHER_PROJECT": project, "WATCHER_COMPOSE_PROJECT": composeProject,
            "WATCHER_BRANCH": branch, "WATCHER_CHECKOUT": checkout,
            "WATCHER_DEPLOYMENT": deployment.id.description, "WATCHER_KIND": deployment.kind.rawValue,
            "WATCHER_STATUS": deployment.status.rawValue, "WATCHER_COMMIT": deployment.commit.id.hex,
            "WATCHER_SUBJECT": deployment.commit.subject,
        ]
        variables["WATCHER_PREVIOUS_COMMIT"] = deployment.previous?.id.hex
        variables["WATCHER_REASON"] = deployment.reason?.rawValue
        variables["WATCHER_MESSAGE"] = deployment.message?.firstLine
        return variables
    }
}
