internal import Deploy
internal import DockerEngine
internal import Reconcile

/// Reads the logs of a project's services: what is there in order of time, then, following, what comes.
struct LogReader {
    let engine: EngineClient
    /// The Compose project.
    let project: String
    /// Empty for all.
    let services: Set<String>
    let printer: LogPrinter
    /// Told why the log of one of several containers cannot be read.
    let warn: @Sendable (String) -> Void

    /// Where a log was left.
    private enum Place {
        /// Everything up to this moment, in Unix nanoseconds, was printed.
        case after(Int)
        case unread(LogReading)
        /// Its logging driver keeps nothing that could be read.
        case unreadable

        var isUnreadable: Bool { if case .unreadable = self { true } else { false } }

        /// How to go on.
        var next: LogReading {
            guard case .unread(var reading) = self else {
                if case .after(let moment) = self { return LogReading(since: moment + 1, follows: true) }
                return LogReading(follows: true)
            }
            reading.follows = true
            return reading
        }
    }

    private enum Note: Sendable {
        case began(ContainerID)
        case ended(ContainerID, last: Int?)
        case failed(any Error)
    }

    private struct Open {
        var container: ObservedState.Container
        var lines: LogLines
        var head: LogLine
    }

    /// Prints what the containers have written, all of them in order of time.
    func read(_ reading: LogReading, of containers: [ObservedState.Container]) async throws {
        _ = try await backlog(reading, of: containers)
    }

    /// Prints what they have written, and then what they and their successors write, until the task is cancelled.
    func follow(_ reading: LogReading) async throws {
        let (notes, report) = AsyncStream.makeStream(of: Note.self)
        let events = try await engine.events(project: project)
        let containers = try await present()
        var places = try await backlog(reading, of: containers)
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { await watch(events, report) }
            var open: Set<ContainerID> = []
            var again: Set<ContainerID> = []
            var waiting = containers
            var notes = notes.makeAsyncIterator()
            repeat {
                for container in waiting where places[container.id]?.isUnreadable != true {
                    open.insert(container.id)
                    let reading = places[container.id]?.next ?? LogReading(follows: true)
                    group.addTask { await tail(container, reading, report) }
                }
                waiting = []
                switch await notes.next() {
                case .began(let id):
                    if open.contains(id) { again.insert(id) } else { waiting = try await present(id) }
                case .ended(let id, let last):
                    open.remove(id)
                    if let last { places[id] = .after(last) }
                    if again.remove(id) != nil { waiting = try await present(id) }
                case .failed(let error): throw error
                case nil: break
                }
            } while !Task.isCancelled
            throw CancellationError()
        }
    }

    private func present() async throws -> [ObservedState.Container] {
        wanted(try await engine.observe(ObservationQuery(project: project)).containers)
    }

    private func present(_ id: ContainerID) async throws -> [ObservedState.Container] {
        wanted([try await engine.container(id)].compactMap { $0 })
    }

    /// Containers of the services, without those kept aside and those of `docker compose run`.
    func wanted(_ containers: [ObservedState.Container]) -> [ObservedState.Container] {
        containers.filter {
            $0.parked == nil && !$0.isOneOff && (services.isEmpty || services.contains($0.service))
        }
    }

    /// Merges the logs by the time of their lines; says where each was left.
    private func backlog(
        _ reading: LogReading, of containers: [ObservedState.Container]
    ) async throws -> [ContainerID: Place] {
        var places: [ContainerID: Place] = [:]
        var open: [Open] = []
        for container in containers {
            places[container.id] = .unread(reading)
            do {
                guard var lines = try await engine.lines(of: container.id, reading), let head = try await lines.next()
                else { continue }
                open.append(Open(container: container, lines: lines, head: head))
            } catch let error as EngineError where error.reason != .engineUnreachable {
                places[container.id] = .unreadable
                if containers.count == 1 { throw error }
                warn(error.message)
            }
        }
        while let index = open.indices.min(by: { (open[$0].head.at ?? "") < (open[$1].head.at ?? "") }) {
            try Task.checkCancellation()
            let container = open[index].container
            try printer.print(open[index].head, of: container)
            if let moment = open[index].head.nanoseconds { places[container.id] = .after(moment) }
            if let head = try await open[index].lines.next() { open[index].head = head } else { open.remove(at: index) }
        }
        return places
    }

    /// Prints one container's lines until it ends.
    private func tail(
        _ container: ObservedState.Container, _ reading: LogReading, _ report: AsyncStream<Note>.Continuation
    ) async {
        var last: Int?
        do {
            if var lines = try await engine.lines(of: container.id, reading) {
                while let line = try await lines.next() {
                    try printer.print(line, of: container)
                    last = line.nanoseconds ?? last
                }
            }
            report.yield(.ended(container.id, last: last))
        } catch {
            report.yield(.failed(error))
        }
    }

    /// Tells which containers start. An engine that only closed the stream is asked once more.
    private func watch(
        _ events: AsyncThrowingStream<ContainerEvent, any Error>, _ report: AsyncStream<Note>.Continuation
    ) async {
        var events = events
        while !Task.isCancelled {
            do {
                for try await event in events where event.action == "start" { report.yield(.began(event.container)) }
            } catch {
                if error is CancellationError { break }
                do {
                    events = try await engine.events(project: project)
                    // What started meanwhile.
                    for container in try await present() where container.state == .running {
                        report.yield(.began(container.id))
                    }
                } catch {
                    report.yield(.failed(error))
                    break
                }
            }
        }
    }
}
