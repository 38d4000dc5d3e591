package import Compose
import Reconcile

/// The one path: fetch → decide → check out → load → plan → pull → apply → verify → record, and undo when it fails.
///
/// One value serves one project for one run, under the project's lock.
package struct Deployer: Sendable {
    package var settings: ProjectSettings
    package var source: any CommitSource
    package var engine: any ContainerEngine
    package var store: any DeploymentStore
    package var commands: any HostCommands
    /// The host's own files, for what lies outside of the repository's commits.
    package var hostFiles: FileAccess
    /// Receives every event as it happens.
    package var emit: @Sendable (Event) -> Void
    /// The wall clock in Unix milliseconds.
    package var now: @Sendable () -> Int

    package init(
        settings: ProjectSettings, source: any CommitSource, engine: any ContainerEngine, store: any DeploymentStore,
        commands: any HostCommands, hostFiles: FileAccess, emit: @escaping @Sendable (Event) -> Void,
        now: @escaping @Sendable () -> Int
    ) {
        self.settings = settings
        self.source = source
        self.engine = engine
        self.store = store
        self.commands = commands
        self.hostFiles = hostFiles
        self.emit = emit
        self.now = now
    }

    /// What the caller asked for beyond the ordinary step.
    package struct Options: Sendable, Equatable {
        /// Deploy this revision instead of the tip.
        package var commit: String?
        /// Ignore the skip list and a rewritten branch.
        package var force = false
        /// Stop after the plan.
        package var dryRun = false
        /// Leave a failed deployment as it is.
        package var keepFailed = false

        package init() {}
    }

    /// Where a rollback goes: the last good deployment before the current one, or a named one.
    package enum RollbackTarget: Sendable, Equatable {
        case previous
        case deployment(DeploymentID)
        case commit(String)
    }

    /// Fetches and compares; changes nothing but the repository cache. Never throws: trouble is an outcome.
    package func check() async -> RunResult {
        var options = Options()
        options.dryRun = true
        return await deploy(options)
    }

    /// One reconciliation step. Never throws: trouble is an outcome.
    package func deploy(_ options: Options = Options()) async -> RunResult {
        await reporting { run in
            try await run.begin(recovering: !options.dryRun)
            if let suspension = run.activeSuspension { return run.suspended(suspension) }
            let tip = try await run.fetch(options.commit)
            switch try await run.decide(about: tip, options) {
            case .reconcile(let commit):
                return try await run.reconcile(commit, options)
            case .hold(let hold):
                return try await run.hold(hold, options)
            }
        }
    }

    /// The same path to a recorded deployment; the commit left behind goes on the skip list.
    package func rollback(to target: RollbackTarget) async -> RunResult {
        await reporting { run in
            try await run.begin(recovering: true)
            return try await run.rollback(to: target)
        }
    }

    func reporting(_ body: (DeployRun) async throws -> RunResult) async -> RunResult {
        let began = now()
        let run = DeployRun(self)
        var result = await run.savingEvents {
            do {
                return try await body(run)
            } catch {
                return run.trouble(error)
            }
        }
        result.milliseconds = now() - began
        return result
    }
}
