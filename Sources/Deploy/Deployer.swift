package import Compose
import Reconcile

/// The one path: fetch → verify → decide → load → compare → provide → apply → verify → record, and undo when it fails.
///
/// One value serves one project for one run, under the project's lock. No call throws: a failure is an outcome.
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

    /// Fetches and compares; changes nothing but the repository's cache.
    package func check(_ request: DeployRequest = DeployRequest()) async -> RunResult {
        await reporting { run in
            if let suspension = run.suspension { return run.suspended(suspension) }
            let unverified = try await run.fetch(request.commit)
            let decided = try await unverified.decide(request, await unverified.verify(remembers: false))
            let fetched = decided.fetched
            let result =
                switch decided.decision {
                case .reconcile: try await fetched.preview(request)
                case .hold(let hold): try await fetched.previewHeld(hold)
                case .refuse(let fault): try await fetched.previewRefused(fault)
                }
            return result.concerning(fetched)
        }
    }

    /// One reconciliation step.
    package func deploy(_ request: DeployRequest = DeployRequest()) async -> RunResult {
        await reporting { run in
            if let suspension = run.suspension { return run.suspended(suspension) }
            let run = try await run.recovered()
            let unverified: Fetched
            do { unverified = try await run.fetch(request.commit) } catch let failure as DeployError
                where failure.reason.isInvalidProject
            {
                // A tip that cannot even be read takes nothing away from what is deployed.
                return try await run.keepingDeployed(beside: run.failed(failure), insteadOf: "the tip")
            }
            let decided = try await unverified.decide(request, await unverified.verify(remembers: true))
            let fetched = decided.fetched
            try await fetched.remember(accepting: decided.acceptsTip)
            let result =
                switch decided.decision {
                case .reconcile: try await fetched.reconcile(request)
                case .hold(let hold): try await fetched.hold(hold)
                case .refuse(let fault): try await fetched.refuse(fault)
                }
            return result.concerning(fetched)
        }
    }

    /// The same path to a recorded deployment; the commit left behind goes on the skip list.
    package func rollback(_ request: RollbackRequest) async -> RunResult {
        await reporting { run in
            let run = try await run.recovered()
            return try await run.reconcile(recorded: try await run.candidate(for: request))
        }
    }

    /// Reads the record, runs the stages, and makes a result of what they throw.
    func reporting(_ body: (Run) async throws -> RunResult) async -> RunResult {
        let began = now()
        var result: RunResult
        do {
            let run = Run(self, try await store.record(of: settings.name))
            do {
                result = try await body(run)
            } catch {
                // What the run has closed by then is not unfinished any more.
                let record = (try? await store.record(of: settings.name)) ?? run.record
                result = run.with(record).failed(DeployError(error, stage: .plan))
            }
        } catch {
            result = RunResult(project: settings.name, outcome: .error, summary: "nothing was changed")
            result.failure = RunResult.Failure(DeployError(error, stage: .record))
        }
        result.milliseconds = now() - began
        return result
    }
}
