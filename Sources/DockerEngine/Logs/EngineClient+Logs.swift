import AsyncHTTPClient
import Deploy
import NIOCore
package import Reconcile

/// Which lines of a container's log are wanted.
package struct LogOptions: Sendable, Equatable {
    /// Only that many from the end; nil is all.
    package var tail: Int?
    /// Go on with what the container writes from now on, until it ends.
    package var follows = false
    /// Unix seconds; nil is from the beginning.
    package var since: Int?
    /// Each line begins with its time.
    package var timestamps = false

    package init(tail: Int? = nil) { self.tail = tail }
}

extension EngineClient {
    package func lastLines(of id: ContainerID, count: Int) async throws -> [String] {
        guard let stream = try await openLogs(of: id, LogOptions(tail: count)) else { return [] }
        do {
            return try await withDeadline(deadlines.call) {
                var lines: [String] = []
                for try await line in stream.lines { lines.append(line.text) }
                return lines.suffix(count)
            }
        } catch {
            throw stream.source.broken(error, endpoint: connection.endpoint)
        }
    }

    /// The container's log, line by line. The stream is open when the call returns; it ends with the log, or, following, with
    /// the container. A container whose log cannot be read (logging driver `none`) has no lines.
    package func logs(
        of id: ContainerID, options: LogOptions = LogOptions()
    ) async throws -> AsyncThrowingStream<LogLine, any Error> {
        guard let stream = try await openLogs(of: id, options) else { return AsyncThrowingStream { $0.finish() } }
        let endpoint = connection.endpoint
        // A container that is followed may be silent as long as it likes.
        let patience: Duration = options.follows ? .seconds(100 * 365 * 86_400) : deadlines.call
        return AsyncThrowingStream { continuation in
            let reading = Task {
                do {
                    try await withIdleDeadline(patience) { touch in
                        for try await line in stream.lines {
                            touch()
                            continuation.yield(line)
                        }
                    }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: stream.source.broken(error, endpoint: endpoint))
                }
            }
            continuation.onTermination = { _ in reading.cancel() }
        }
    }

    private func openLogs(of id: ContainerID, _ options: LogOptions) async throws -> LogStream? {
        guard let details = try await details(of: id.hex) else { return nil }
        var request = EngineRequest.get("/containers/\(id.hex)/logs", to: "read the log of \(details.plainName)")
            .adding("stdout", "1").adding("stderr", "1").adding("tail", options.tail.map(String.init) ?? "all")
            .expecting(501)
        if options.follows { request = request.adding("follow", "1") }
        if let since = options.since { request = request.adding("since", String(since)) }
        if options.timestamps { request = request.adding("timestamps", "1") }
        let stream: EngineStream
        do {
            stream = try await connection.open(request)
        } catch let error as EngineError where error.status == 500 && error.detail.contains("'none' log driver") {
            return nil  // Podman's 501
        }
        guard stream.status != 501 else { return nil }
        return LogStream(source: stream, isRaw: details.config?.tty ?? false)
    }
}

/// An open log.
struct LogStream: Sendable {
    var source: EngineStream
    var isRaw: Bool

    var lines: Lines { Lines(self) }

    struct Lines: AsyncSequence, AsyncIteratorProtocol {
        private var bytes: HTTPClientResponse.Body.AsyncIterator
        private var demultiplexer: LogDemultiplexer
        private var ready: ArraySlice<LogLine> = []
        private var isAtEnd = false

        init(_ stream: LogStream) {
            bytes = stream.source.body.makeAsyncIterator()
            demultiplexer = LogDemultiplexer(isRaw: stream.isRaw)
        }

        func makeAsyncIterator() -> Lines { self }

        mutating func next() async throws -> LogLine? {
            while ready.isEmpty, !isAtEnd {
                if let buffer = try await bytes.next() {
                    ready = demultiplexer.lines(in: buffer.readableBytesView)[...]
                } else {
                    try Task.checkCancellation()
                    isAtEnd = true
                    ready = demultiplexer.rest()[...]
                }
            }
            return ready.popFirst()
        }
    }
}
