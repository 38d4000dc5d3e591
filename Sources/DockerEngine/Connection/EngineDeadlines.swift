/// The longest that calls to the engine may take.
package struct EngineDeadlines: Sendable, Equatable {
    /// The engine's first answer, which may take a login over ssh.
    package var greeting: Duration = .seconds(30)
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
    /// How long the stream of events may be silent before it is made anew: a connection may be dead unnoticed.
    package var eventsIdle: Duration = .seconds(60)
    /// How long a build may go without any output: a step may compile for long in silence.
    package var buildIdle: Duration = .seconds(1800)
    /// A credential helper.
    package var credentials: Duration = .seconds(30)
    /// The pause before a pull is tried again; doubled after each try.
    package var pullRetry: Duration = .seconds(1)

    package init() {}

    /// With `call` for ordinary calls, and no shorter ones for those that may take longer.
    package init(call: Duration) {
        self.call = call
        greeting = call
        create = max(create, call)
        stopMargin = max(stopMargin, call)
        pullIdle = max(pullIdle, call)
    }
}
