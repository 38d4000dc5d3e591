/// The longest that calls to the engine may take.
package struct EngineDeadlines: Sendable, Equatable {
    /// Reads and small changes.
    package var call: Duration = .seconds(30)
    /// Creating or starting a container.
    package var create: Duration = .seconds(120)
    /// What stopping a container may take beyond the container's own stop timeout.
    package var stopMargin: Duration = .seconds(60)
    /// One hook of a service, from its start to its end.
    package var hook: Duration = .seconds(600)
    /// How long a pull may go without any progress.
    package var pullIdle: Duration = .seconds(120)
    /// How long a build may go without any output: a step may compile for long in silence.
    package var buildIdle: Duration = .seconds(1800)
    /// A credential helper.
    package var credentials: Duration = .seconds(30)
    /// The pause before a pull is tried again; doubled after each try.
    package var pullRetry: Duration = .seconds(1)

    package init() {}
}
