import AsyncHTTPClient
import Deploy
import NIOCore
package import Reconcile

/// What to read of a container's log when its lines are wanted as they are, each with its time.
package struct LogReading: Sendable, Equatable {
    /// Only that many from the end; nil is all.
    package var tail: Int?
    /// Unix nanoseconds; nil is from the beginning.
    package var since: Int?
    /// Go on with what the container writes from now on, until it ends.
    package var follows = false

    package init(tail: Int? = nil, since: Int? = nil, follows: Bool = false) {
        self.tail = tail
        self.since = since
        self.follows = follows
    }
}

/// The lines of one log, read no faster than they are asked for.
package struct LogLines {
    /// A longer line is cut.
    private static let longest = 1 << 20

    private let source: EngineStream
    private let endpoint: EngineEndpoint
    private let bytes: Bytes
    /// How long the engine may be silent in the middle; nil when the container may be.
    private let patience: Duration?
    private var demultiplexer: LogDemultiplexer
    private var ready: ArraySlice<LogLine> = []
    private var isAtEnd = false

    /// What is left of the body. Whoever asks waits for the answer before asking again, so that it is with one task at
    /// a time.
    private final class Bytes: @unchecked Sendable {
        private var iterator: HTTPClientResponse.Body.AsyncIterator

        init(_ body: HTTPClientResponse.Body) { iterator = body.makeAsyncIterator() }

        func next() async throws -> ByteBuffer? { try await iterator.next() }
    }

    fileprivate init(_ source: EngineStream, isRaw: Bool, endpoint: EngineEndpoint, patience: Duration?) {
        self.source = source
        self.endpoint = endpoint
        self.patience = patience
        bytes = Bytes(source.body)
        demultiplexer = LogDemultiplexer(isRaw: isRaw, isTimed: true, isVerbatim: true, longest: Self.longest)
    }

    /// The next line, control characters and all; nil at the end of the log. Throws `EngineError` when the connection
    /// breaks, and when the engine falls silent in the middle of a log that is not followed.
    package mutating func next() async throws -> LogLine? {
        while ready.isEmpty, !isAtEnd {
            do {
                if let buffer = try await nextBytes() {
                    ready = demultiplexer.lines(in: buffer.readableBytesView)[...]
                } else {
                    try Task.checkCancellation()
                    isAtEnd = true
                    ready = demultiplexer.rest()[...]
                }
            } catch {
                throw source.broken(error, endpoint: endpoint)
            }
        }
        return ready.popFirst()
    }

    private func nextBytes() async throws -> ByteBuffer? {
        guard let patience else { return try await bytes.next() }
        // A box, for the end of the body is an answer too.
        return try await withDeadline(patience) { [bytes] in [try await bytes.next()] }[0]
    }
}

extension EngineClient {
    /// Opens the container's log; nil when the container is gone. Throws `EngineError` with the engine's own words when its
    /// logging driver cannot be read.
    package func lines(of id: ContainerID, _ reading: LogReading) async throws -> LogLines? {
        guard let details = try await details(of: id.hex) else { return nil }
        var request = EngineRequest.get("/containers/\(id.hex)/logs", to: "read the log of \(details.plainName)")
            .adding("stdout", "1").adding("stderr", "1").adding("timestamps", "1")
            .adding("tail", reading.tail.map(String.init) ?? "all")
        if reading.follows { request = request.adding("follow", "1") }
        if let since = reading.since {
            let fraction = String(since % 1_000_000_000)
            let zeros = String(repeating: "0", count: max(9 - fraction.count, 0))
            request = request.adding("since", "\(since / 1_000_000_000).\(zeros)\(fraction)")
        }
        let stream = try await connection.open(request)
        return LogLines(
            stream, isRaw: details.config?.tty ?? false, endpoint: connection.endpoint,
            patience: reading.follows ? nil : deadlines.call)
    }
}

extension LogLine {
    /// When it was written, in Unix nanoseconds; nil when that is not known.
    package var nanoseconds: Int? {
        guard let at, let milliseconds = EngineTime.milliseconds(at) else { return nil }
        guard let dot = at.firstIndex(of: ".") else { return milliseconds / 1000 * 1_000_000_000 }
        let digits = at[at.index(after: dot)...].prefix { $0.isASCII && $0.isNumber }.prefix(9)
        let padded = digits + String(repeating: "0", count: 9 - digits.count)
        return milliseconds / 1000 * 1_000_000_000 + (Int(padded) ?? 0)
    }
}
