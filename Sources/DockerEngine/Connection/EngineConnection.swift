import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOSSL
import Reconcile

/// The way to one engine: opened at the first call, speaking one negotiated version.
actor EngineConnection {
    nonisolated let endpoint: EngineEndpoint
    nonisolated let deadlines: EngineDeadlines
    private var client: HTTPClient?
    private var tunnel: SSHTunnel?
    private var negotiation: Task<EngineTraits, any Error>?
    private var isClosed = false

    init(endpoint: EngineEndpoint, deadlines: EngineDeadlines) {
        self.endpoint = endpoint
        self.deadlines = deadlines
    }

    /// How many changes can be under way at once: each holds a connection, which over ssh is a login of its own.
    nonisolated var parallelChanges: Int { if case .ssh = endpoint.address { 4 } else { 64 } }

    /// An HTTP client that is let go while it is open ends the process.
    deinit {
        guard let client else { return }
        Task.detached { [tunnel] in
            try? await client.shutdown()
            await tunnel?.shutDown()
        }
    }

    /// Ends what is under way and closes; later calls fail.
    func close() async {
        isClosed = true
        let (open, way) = (client, tunnel)
        (client, tunnel) = (nil, nil)
        try? await open?.shutdown()
        await way?.shutDown()
    }

    /// The way through which a request goes; for ssh it begins here.
    private func openTunnel() throws -> SSHTunnel? {
        guard case .ssh(let destination) = endpoint.address else { return nil }
        if let tunnel { return tunnel }
        let new = try SSHTunnel(to: destination, endpoint.ssh)
        tunnel = new
        return new
    }

    private func httpClient() throws -> HTTPClient {
        if let client { return client }
        guard !isClosed else {
            throw EngineError(.interrupted, operation: "ask the engine", detail: "the connection was closed")
        }
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = TimeAmount(min(.seconds(10), deadlines.call))
        configuration.connectionPool.retryConnectionEstablishment = false
        // One for the stream of events, and one for reads while changes are under way.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = parallelChanges + 2
        if let tls = endpoint.tls { configuration.tlsConfiguration = try tls.configuration(for: endpoint) }
        configuration.http1_1ConnectionDebugInitializer = { channel in
            channel.pipeline.addHandler(LateClosing(), position: .first)
        }
        let new = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        client = new
        return new
    }

    /// The version both sides speak.
    func version() async throws -> APIVersion { try await traits().version }

    /// The version both sides speak, and whose engine it is: asked once for all callers, and again when there was no answer.
    func traits() async throws -> EngineTraits {
        let task = negotiation ?? Task { try await negotiate() }
        negotiation = task
        do {
            return try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        } catch {
            let isAnswer = (error as? EngineError)?.reason == .engineFailed
            if !isAnswer, negotiation == task { negotiation = nil }
            throw error
        }
    }

    private func negotiate() async throws -> EngineTraits {
        var ping = EngineRequest.get("/_ping", to: "reach the engine")
        ping.isVersioned = false
        ping.deadline = deadlines.greeting
        let answer = try await send(ping)
        guard let offered = answer.header("Api-Version").flatMap({ APIVersion($0) }) else {
            throw EngineError(
                .engineFailed, operation: "agree on an API version with the engine at \(endpoint)",
                request: "GET /_ping", status: answer.status,
                detail: "it does not say which version it speaks; is it a Docker Engine?",
                advice: "Correct engine.host: something else listens there.")
        }
        let minimum = offered > .newest ? try await minimumVersion() : nil
        guard let spoken = APIVersion.spoken(engine: offered, minimum: minimum) else {
            throw EngineError(
                .engineFailed, operation: "work with the engine at \(endpoint)", request: "GET /_ping",
                detail: "it speaks API \(offered), and watcher needs \(APIVersion.oldest) or newer",
                advice: "Update the engine to Docker 20.10 or newer.")
        }
        return EngineTraits(version: spoken, isPodman: answer.header("Libpod-Api-Version") != nil)
    }

    private func minimumVersion() async throws -> APIVersion? {
        var request = EngineRequest.get("/version", to: "ask the engine for its version")
        request.isVersioned = false
        let answer: VersionAnswer = try await decoded(request)
        return answer.minAPIVersion.flatMap { APIVersion($0) }
    }

    // MARK: Calls

    /// Sends the request and reads the whole answer. Throws `EngineError` for a status of 400 and above that is not expected.
    func send(_ request: EngineRequest) async throws -> EngineAnswer {
        let target = request.isVersioned ? "/v\(try await version())\(request.target)" : request.target
        let path = String(target.prefix { $0 != "?" })
        let (client, tunnel) = (try httpClient(), try openTunnel())
        let prepared = httpRequest(request, target, tunnel)
        let deadline = request.deadline ?? deadlines.call
        do {
            let answer = try await withDeadline(deadline) {
                let response = try await Self.execute(prepared, client, tunnel, deadline)
                let body = try await response.body.collect(upTo: 64 << 20)
                return EngineAnswer(
                    status: Int(response.status.code), headers: response.headers.map { ($0.name, $0.value) },
                    body: Data(body.readableBytesView), path: path)
            }
            return try checked(answer, of: request)
        } catch {
            throw explained(error, request, path: path, deadline, tunnel)
        }
    }

    /// Sends the request and decodes the answer.
    func decoded<Value: Decodable & Sendable>(_ request: EngineRequest) async throws -> Value {
        let answer = try await send(request)
        do {
            return try EngineJSON.decode(Value.self, from: answer.body)
        } catch {
            throw EngineError.unreadable(request, path: answer.path, error)
        }
    }

    /// Like `decoded`, but nil for 404.
    func decodedIfPresent<Value: Decodable & Sendable>(_ request: EngineRequest) async throws -> Value? {
        let answer = try await send(request.expecting(404))
        guard answer.status != 404 else { return nil }
        do {
            return try EngineJSON.decode(Value.self, from: answer.body)
        } catch {
            throw EngineError.unreadable(request, path: answer.path, error)
        }
    }

    /// Sends the request and returns as soon as the head of the answer is there; the body has no deadline.
    func open(_ request: EngineRequest) async throws -> EngineStream {
        let target = request.isVersioned ? "/v\(try await version())\(request.target)" : request.target
        let path = String(target.prefix { $0 != "?" })
        let (client, tunnel) = (try httpClient(), try openTunnel())
        let prepared = httpRequest(request, target, tunnel)
        let deadline = request.deadline ?? deadlines.call
        do {
            let response = try await withDeadline(deadline) {
                try await Self.execute(prepared, client, tunnel, deadline)
            }
            let status = Int(response.status.code)
            let headers = response.headers.map { ($0.name, $0.value) }
            if status >= 400 {
                let body = try await withDeadline(deadline) { try await response.body.collect(upTo: 1 << 20) }
                let answer = EngineAnswer(
                    status: status, headers: headers, body: Data(body.readableBytesView), path: path)
                _ = try checked(answer, of: request)
            }
            return EngineStream(status: status, headers: headers, body: response.body, request: request, path: path)
        } catch {
            throw explained(error, request, path: path, deadline, tunnel)
        }
    }

    /// An idle connection may have been closed by the other side unnoticed (the engine was restarted, a proxy between lost
    /// patience); a request that may be sent twice is then sent once more on a new one. Not where ssh was refused: it would
    /// be refused again.
    private static func execute(
        _ request: HTTPClientRequest, _ client: HTTPClient, _ tunnel: SSHTunnel?, _ deadline: Duration
    ) async throws -> HTTPClientResponse {
        do {
            return try await client.execute(request, timeout: TimeAmount(deadline))
        } catch
            where [.GET, .DELETE].contains(request.method) && ConnectionFailure.isClosedConnection(error)
            && tunnel?.failure == nil
        {
            return try await client.execute(request, timeout: TimeAmount(deadline))
        }
    }

    private func httpRequest(
        _ request: EngineRequest, _ target: String, _ tunnel: SSHTunnel?
    ) -> HTTPClientRequest {
        var result = HTTPClientRequest(url: endpoint.urlPrefix(tunnel: tunnel?.path) + target)
        result.method = HTTPMethod(rawValue: request.method.rawValue)
        // The engine answers 400 to a request without a host.
        if endpoint.isSocket { result.headers.add(name: "Host", value: "docker") }
        result.headers.add(name: "User-Agent", value: "watcher")
        for header in request.headers { result.headers.add(name: header.name, value: header.value) }
        if let body = request.body {
            result.headers.add(name: "Content-Type", value: body.contentType)
            result.body = .bytes(ByteBuffer(bytes: body.bytes))
        }
        if let upload = request.upload {
            result.headers.add(name: "Content-Type", value: "application/x-tar")
            result.body = .stream(upload, length: .unknown)
        }
        return result
    }

    private func checked(_ answer: EngineAnswer, of request: EngineRequest) throws -> EngineAnswer {
        guard answer.status >= 400, !request.expected.contains(answer.status) else { return answer }
        let message = answer.message
        let reason =
            answer.isEngines || [.pull, .build].contains(request.call)
            ? EngineError.reason(
                status: answer.status, message: message, call: request.call, path: request.path)
            : EngineError.reason(ofForeignAnswer: answer.status)
        throw EngineError(
            reason, operation: request.operation, request: "\(request.method) \(answer.path)", status: answer.status,
            detail: message, advice: EngineError.advice(for: reason, message), service: request.service)
    }

    private nonisolated func explained(
        _ error: any Error, _ request: EngineRequest, path: String, _ deadline: Duration, _ tunnel: SSHTunnel?
    ) -> any Error {
        if error is EngineError { return error }
        if Task.isCancelled { return CancellationError() }
        if let failure = tunnel?.failure, !(error is DeadlineExceeded) {
            return EngineError(
                failure.reason, operation: request.operation, request: "\(request.method) \(path)",
                detail: failure.detail, advice: failure.advice, service: request.service)
        }
        let (detail, advice) = ConnectionFailure.explain(error, endpoint: endpoint, deadline: deadline)
        return EngineError(
            .engineUnreachable, operation: request.operation, request: "\(request.method) \(path)", detail: detail,
            advice: advice, service: request.service)
    }
}

/// Closes a connection a moment later than it is asked to: an engine that refuses in the middle of a request's body answers
/// and hangs up, and what of the body is still waiting fails with the close, before the answer's end is passed on.
private final class LateClosing: ChannelOutboundHandler, Sendable {
    typealias OutboundIn = Any

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        let context = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.execute { context.value.close(mode: mode, promise: promise) }
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}

extension APIVersion {
    /// The version to speak with an engine that offers `minimum` to `engine`; nil when the engine is too old.
    static func spoken(engine: APIVersion, minimum: APIVersion?) -> APIVersion? {
        guard engine >= oldest else { return nil }
        return max(min(engine, newest), minimum ?? oldest)
    }
}
