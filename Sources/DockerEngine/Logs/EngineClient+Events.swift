import AsyncHTTPClient
import Compose
package import Deploy
import FoundationEssentials
import NIOCore
import Reconcile
import Synchronization

/// A line of `GET /events`.
struct EventAnswer: Decodable, Sendable {
    struct Actor: Decodable, Sendable {
        var id: String?

        enum CodingKeys: String, CodingKey { case id = "ID" }
    }

    var type: String?
    var action: String?
    var actor: Actor?

    enum CodingKeys: String, CodingKey {
        case type = "Type"
        case action = "Action"
        case actor = "Actor"
    }

    /// Nil for what is not about a container.
    var containerEvent: ContainerEvent? {
        guard type == "container", let action, let id = actor?.id else { return nil }
        // `health_status: healthy`
        return ContainerEvent(container: ContainerID(hex: id), action: String(action.prefix { $0 != ":" }))
    }
}

extension EngineClient {
    /// What may change the state of a container; the noise of every health probe is left out.
    private static let actions = [
        "create", "start", "restart", "die", "stop", "kill", "oom", "pause", "unpause", "destroy", "rename",
        "health_status",
    ]

    /// What happened to the project's containers, as far as the engine remembers.
    ///
    /// - Parameter since: Unix milliseconds.
    func pastEvents(_ actions: [String], of project: String, since: Int) async throws -> [ContainerEvent] {
        let now = Int(Date().timeIntervalSince1970 * 1000)
        let request = try EngineRequest.get("/events", to: "list the past events of \(project)")
            .adding("since", Self.seconds(since)).adding("until", Self.seconds(max(now, since)))
            .filtering([
                "type": ["container"], "label": ["\(ComposeLabels.project)=\(project)"], "event": actions,
            ])
        let answer = try await connection.send(request)
        return try answer.body.split(separator: UInt8(ascii: "\n")).compactMap { line in
            try EngineJSON.decode(EventAnswer.self, from: Data(line)).containerEvent
        }
    }

    /// `1700000000.250`, as the engine takes times.
    private static func seconds(_ milliseconds: Int) -> String {
        let fraction = milliseconds % 1000
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - "\(fraction)".count) + "\(fraction)"
    }

    /// Silence for `eventsIdle` ends the stream; a connection that breaks and an engine that ends do so with an
    /// `EngineError`.
    package func events(project: String) async throws -> AsyncThrowingStream<ContainerEvent, any Error> {
        let request = try EngineRequest.get("/events", to: "follow the events of \(project)").filtering([
            "type": ["container"], "label": ["\(ComposeLabels.project)=\(project)"], "event": Self.actions,
        ])
        let stream = try await connection.open(request)
        let endpoint = connection.endpoint
        let patience = deadlines.eventsIdle
        return AsyncThrowingStream { continuation in
            let isWithinLine = Mutex(false)
            let reading = Task {
                do {
                    try await withIdleDeadline(patience) { touch in
                        var splitter = LineSplitter(longest: 1 << 20)
                        for try await buffer in stream.body {
                            touch()
                            for line in splitter.lines(in: buffer.readableBytesView) where !line.isEmpty {
                                let answer = try EngineJSON.decode(EventAnswer.self, from: Data(line))
                                if let event = answer.containerEvent { continuation.yield(event) }
                            }
                            isWithinLine.withLock { $0 = splitter.isWithinLine }
                        }
                        try Task.checkCancellation()
                    }
                    throw EngineError(
                        .engineUnreachable, operation: request.operation, request: "GET \(stream.path)",
                        detail: "the engine closed the stream", advice: "See whether the engine was restarted.")
                } catch is DeadlineExceeded where !isWithinLine.withLock({ $0 }) {
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: stream.broken(error, endpoint: endpoint))
                }
            }
            continuation.onTermination = { _ in reading.cancel() }
        }
    }
}
