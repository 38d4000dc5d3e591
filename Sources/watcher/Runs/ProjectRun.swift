internal import Deploy
internal import Dispatch
internal import DockerEngine
internal import Foundation
internal import Git
internal import Reconcile
internal import Store

/// The run for one project in this process: under the project's lock and within its deadline.
struct ProjectRun: Sendable {
    let wiring: Wiring
    let command: String
    /// Events are part of the output, and the run holds the project's lock.
    let changesThings: Bool
    let fetches: SharedFetches
    let emit: @Sendable (Event) -> Void
    let warn: @Sendable (String) -> Void
    /// Ends the process with this result: the run does not end by itself.
    let end: @Sendable (RunResult) -> Void

    /// What came of it; a failure is a result, too.
    func result(
        _ project: ProjectConfiguration, _ store: Store,
        _ body: @escaping @Sendable (Deployer) async throws -> RunResult
    ) async -> RunResult {
        let deadline = RunDeadline(project.limits.deadline)
        return await RunDeadline.$current.withValue(deadline) {
            let work = Task { await unlimited(project, store, body) }
            let watch = watch(deadline, project) { work.cancel() }
            defer { watch.signal() }
            return await withTaskCancellationHandler {
                await work.value
            } onCancel: {
                work.cancel()
            }
        }
    }

    /// A thread of its own, begun before there is anything to do: neither code that keeps the threads of tasks busy nor a want
    /// of memory for threads must keep the deadline from passing. A signal ends it.
    private func watch(
        _ deadline: RunDeadline, _ project: ProjectConfiguration, cancel: @escaping @Sendable () -> Void
    ) -> DispatchSemaphore {
        let hasEnded = DispatchSemaphore(value: 0)
        let (name, limits, end) = (project.settings.name, project.limits, end)
        Thread.detachNewThread {
            guard hasEnded.wait(timeout: .now() + limits.deadline / .seconds(1)) == .timedOut else { return }
            deadline.pass()
            cancel()
            guard hasEnded.wait(timeout: .now() + limits.grace / .seconds(1)) == .timedOut else { return }
            end(.overdue(name, limits))
        }
        return hasEnded
    }

    private func unlimited(
        _ project: ProjectConfiguration, _ store: Store, _ body: @Sendable (Deployer) async throws -> RunResult
    ) async -> RunResult {
        let name = project.settings.name
        do {
            var lock: RunLock?
            if changesThings {
                lock = try RunLock.acquire(
                    directory: wiring.projectDirectory(name), command: command, now: Times.now)
            }
            defer { lock?.release() }
            let engine = try wiring.engine(project.engine, warn: warn)
            if changesThings, project.isConfigured {
                // For when it is configured no more.
                try await store.noteEngine(project.engine.host, of: name)
            }
            // The engine answers while the remote is asked.
            async let _ = engine.greet()
            do {
                let result = try await body(wiring.deployer(project, store, engine, fetches, emit: emit))
                await engine.shutdown()
                return result
            } catch {
                await engine.shutdown()
                throw error
            }
        } catch {
            return .failed(name, error)
        }
    }
}

extension RunResult {
    /// The run could not begin, or could not go on.
    static func failed(_ name: String, _ error: any Error) -> RunResult {
        let report = ErrorReport(error)
        return failed(
            name,
            DeployError(
                stage: .fetch, reason: Reason(rawValue: report.reason) ?? .unexpected, message: report.message,
                advice: report.advice), summary: "nothing was changed")
    }

    static func failed(_ name: String, _ error: DeployError, summary: String) -> RunResult {
        var result = RunResult(project: name, outcome: .error, summary: summary)
        result.failure = RunResult.Failure(error)
        return result
    }

    /// The run did not even end when it was told to.
    static func overdue(_ name: String, _ limits: RunLimits) -> RunResult {
        failed(
            name,
            DeployError(
                stage: .record, reason: .deadlineExceeded,
                message: "the run did not finish within \(limits.deadline.inWords), and did not end within "
                    + "\(limits.grace.inWords) after that; its process was ended",
                advice: "The next run finishes or undoes what it began."),
            summary: unfinished)
    }

    static let unfinished = "the run ended before it was done; the next run finishes or undoes what it began"
}
