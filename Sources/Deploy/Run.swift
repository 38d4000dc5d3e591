import Reconcile

/// What every stage of a run gets: settings and ports, the log of its events, and what was recorded when it began.
///
/// Immutable. The stages are functions from value to value, each in a file named for it below `Stages`; what a stage found
/// out is in the value that it returns.
struct Run: Sendable {
    let deployer: Deployer
    let record: ProjectRecord
    let log: EventLog

    init(_ deployer: Deployer, _ record: ProjectRecord) {
        self.deployer = deployer
        self.record = record
        log = EventLog(
            of: DeploymentID(project: deployer.settings.name, number: record.nextNumber), emit: deployer.emit,
            now: deployer.now)
    }

    private init(_ deployer: Deployer, _ record: ProjectRecord, _ log: EventLog) {
        self.deployer = deployer
        self.record = record
        self.log = log
    }

    var settings: ProjectSettings { deployer.settings }
    var source: any CommitSource { deployer.source }
    var engine: any ContainerEngine { deployer.engine }
    var store: any DeploymentStore { deployer.store }
    /// The wall clock in Unix milliseconds.
    var now: Int { deployer.now() }
    /// The deployment that this run opens if it opens one.
    var nextID: DeploymentID { DeploymentID(project: settings.name, number: record.nextNumber) }

    /// The same run with another record; its events go on in the same log.
    func with(_ record: ProjectRecord) -> Run { Run(deployer, record, log) }

    /// A run that goes on after a deployment was recorded: with the record as it is now, and events of their own.
    func next() async throws -> Run { Run(deployer, try await store.record(of: settings.name)) }

    /// The run that works on a deployment which an earlier run opened: its events belong there.
    func continuing(_ deployment: Deployment) -> Run {
        Run(deployer, record, EventLog(of: deployment.id, emit: deployer.emit, now: deployer.now))
    }

    /// Reports a stage's beginning and end around `body`. Every error becomes a `DeployError` of the stage.
    func stage<Value>(_ stage: Event.Stage, _ line: String, _ body: () async throws -> Value) async throws -> Value {
        log.progress(stage, .started, line)
        do {
            let value = try await body()
            try Task.checkCancellation()
            log.status(stage, .succeeded, line)
            return value
        } catch {
            let failure = DeployError(error, stage: stage)
            log.status(stage, .failed, failure.message.firstLine)
            throw failure
        }
    }
}
