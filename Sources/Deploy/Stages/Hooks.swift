import FoundationEssentials
import Reconcile

extension Run {
    /// Runs what has to succeed before anything is touched. A failure is recorded, and the next run tries again.
    func runPreDeploy(_ provided: Provided) async throws {
        guard !settings.hooks.preDeploy.isEmpty else { return }
        var deployment = newDeployment(provided.candidate.kind, provided.candidate.commit, .open)
        deployment.changes = provided.compared.changes
        do {
            for hook in settings.hooks.preDeploy {
                try await run(hook, "pre_deploy", .apply, HookInput(self, "pre_deploy", deployment))
            }
        } catch {
            let failure = DeployError(error, stage: .apply)
            log.status(.apply, .failed, failure.message.firstLine)
            throw failure
        }
    }

    /// Runs what follows a deployment that succeeded; a failure is only reported. Returns warnings.
    func runPostDeploy(_ deployment: Deployment) async -> [String] {
        await runAfterwards(settings.hooks.postDeploy, "post_deploy", .record, deployment, nil)
    }

    /// Runs what follows a deployment that failed, after it was rolled back; a failure is only reported. Returns warnings.
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
                log.progress(stage, .warning, warning)
                warnings.append(warning)
            }
        }
        return warnings
    }

    private func run(_ hook: HostCommand, _ name: String, _ stage: Event.Stage, _ input: HookInput) async throws {
        var command = hook
        command.input = try input.json()
        command.environment.merge(input.variables(checkout: source.checkoutPath)) { configured, _ in configured
        }
        log.progress(stage, .running, "\(name): running \(hook.title.firstLine)")
        let (end, lines) = try await output(of: command, stage)
        guard end != .exited(status: 0) else { return }
        var failure = DeployError(
            stage: stage, reason: .hookFailed, message: "\(name): \(hook.title.firstLine) \(end)",
            advice: "Correct the hook, or hooks.\(name) in the configuration.")
        failure.logLines = lines
        throw failure
    }
}

/// What a hook is told about a deployment: an object on standard input, and variables.
private struct HookInput: Encodable {
    struct Deployment: Encodable {
        var id: DeploymentID
        var kind: DeploymentKind
        var status: DeploymentStatus
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

    /// The bytes of a variable: more than the longest path.
    private static let longestVariable = 8 << 10

    var schema = 1
    var hook: String
    var project: String
    var composeProject: String
    /// The bare name of the branch; missing where a tag or commit is followed.
    var branch: String?
    /// What is followed, in words: `branch main`.
    var revision: String
    var deployment: Deployment

    init(_ run: Run, _ hook: String, _ deployment: Deploy.Deployment, _ failure: DeployError? = nil) {
        self.hook = hook
        project = run.settings.name
        composeProject = run.settings.composeName(
            recorded: deployment.snapshot?.project ?? run.record.lastGood?.snapshot?.project)
        branch = run.settings.branch
        revision = run.settings.revision
        self.deployment = Deployment(
            id: deployment.id, kind: deployment.kind, status: deployment.status, commit: deployment.commit,
            previous: run.record.deployed, changes: deployment.changes,
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
            "WATCHER_REVISION": revision, "WATCHER_CHECKOUT": checkout,
            "WATCHER_DEPLOYMENT": deployment.id.description, "WATCHER_KIND": deployment.kind.rawValue,
            "WATCHER_STATUS": deployment.status.rawValue, "WATCHER_COMMIT": deployment.commit.id.hex,
            "WATCHER_SUBJECT": deployment.commit.subject,
        ]
        variables["WATCHER_BRANCH"] = branch
        variables["WATCHER_PREVIOUS_COMMIT"] = deployment.previous?.id.hex
        variables["WATCHER_REASON"] = deployment.reason?.rawValue
        variables["WATCHER_MESSAGE"] = deployment.message?.firstLine
        // A process takes 128 KiB in one variable, and starts with no more.
        return variables.mapValues { $0.shortened(bytes: Self.longestVariable) }
    }
}
