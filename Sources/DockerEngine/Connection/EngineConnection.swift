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
    private var negotiated: APIVersion?
    private var isClosed = false

    init(endpoint: EngineEndpoint, deadlines: EngineDeadlines) {
        self.endpoint = endpoint
        self.deadlines = deadlines
    }

    /// Ends what is under way and closes; later calls fail.
    func close() async {
        isClosed = true
        let open = client
        client = nil
        try? await open?.shutdown()
    }

    private func httpClient() throws -> HTTPClient {
        if let client { return client }
        guard !isClosed else {
            throw EngineError(.interrupted, operation: "ask the engine", detail: "the connection was closed")
        }
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = .seconds(10)
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 32
        if let tls = endpoint.tls { configuration.tlsConfiguration = try tls.configuration(for: endpoint) }
        let new = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        client = new
        return new
    }

    /// The version both sides speak. Several first callers may each ask; all get the same answer.
    func version() async throws -> APIVersion {
        if let negotiated { return negotiated }
        var ping = EngineRequest.get("/_ping", to: "reach the engine")
        ping.isVersioned = false
        let answer = try await send(ping)
        guard let offered = answer.header("Api-Version").flatMap(APIVersion.init) else {
            throw EngineError(
                .engineFailed, operation: "agree on an API version with the engine at \(endpoint)",
                request: "GET /_ping",
                status: answer.status, detail: "it does not say which version it speaks; is it a Docker Engine?")
        }
        let minimum = offered > .newest ? try await minimumVersion() : nil
        guard let spoken = APIVersion.spoken(engine: offered, minimum: minimum) else {
            throw EngineError(
                .engineFailed, operation: "work with the engine at \(endpoint)", request: "GET /_ping",
                detail: "it speaks API \(offered), and watcher needs \(APIVersion.oldest) or newer",
                advice: "Update the engine to Docker 20.10 or newer.")
        }
        negotiated = spoken
        return spoken
    }

    private func minimumVersion() async throws -> APIVersion? {
        var request = EngineRequest.get("/version", to: "ask the engine for its version")
        request.isVersioned = false
        let answer: VersionAnswer = try await decoded(request)
        return answer.minAPIVersion.flatMap(APIVersion.init)
    }

    // MARK: Calls

    /// Sends the request and reads the whole answer. Throws `EngineError` for a status of 400 and above that is not expected.
    func send(_ request: EngineRequest) async throws -> EngineAnswer {
        let target = request.isVersioned ? "/v\(try await version())\(request.target)" : request.target
        let path = String(target.prefix { $0 != "?" })
        let client = try httpClient()
        let prepared = httpRequest(request, target)
        let deadline = request.deadline ?? deadlines.call
        do {
            let answer = try await withDeadline(deadline) {
                let response = try await Self.execute(prepared, client, deadline)
                let body = try await response.body.collect(upTo: 64 << 20)
                return EngineAnswer(
                    status: Int(response.status.code), headers: response.headers.map { ($0.name, $0.value) },
                    body: Data(body.readableBytesView), path: path)
            }
            return try checked(answer, of: request)
        } catch {
            throw explained(error, request, path: path, deadline)
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
        let client = try httpClient()
        let prepared = httpRequest(request, target)
        let deadline = request.deadline ?? deadlines.call
        do {
            let response = try await withDeadline(deadline) {
                try await Self.execute(prepared, client, deadline)
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
            throw explained(error, request, path: path, deadline)
        }
    }

    /// An idle connection may have been closed by the other side unnoticed (the engine was restarted, a proxy between lost
    /// patience); a request that changes nothing is then sent once more on a new one.
    private static func execute(
        _ request: HTTPClientRequest, _ client: HTTPClient, _ deadline: Duration
    ) async throws -> HTTPClientResponse {
        do {
            return try await client.execute(request, timeout: TimeAmount(deadline))
        } catch  where request.method == .GET && ConnectionFailure.isClosedConnection(error) {
            return try await client.execute(request, timeout: TimeAmount(deadline))
        }
    }

    private func httpRequest(_ request: EngineRequest, _ target: String) -> HTTPClientRequest {
        var result = HTTPClientRequest(url: endpoint.urlPrefix + target)
        result.method = HTTPMethod(rawValue: request.method.rawValue)
        // A unix socket has no host that could be named, and the engine answers 400 to a request without one.
        if case .unix = endpoint.address { result.headers.add(name: "Host", value: "docker") }
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
        let reason = EngineError.reason(status: answer.status, message: message, call: request.call)
        throw EngineError(
            reason, operation: request.operation, request: "\(request.method) \(answer.path)", status: answer.status,
            detail: message, advice: EngineError.advice(for: reason), service: request.service)
    }

    private nonisolated func explained(
        _ error: any Error, _ request: EngineRequest, path: String, _ deadline: Duration
    ) -> any Error {
        if error is EngineError { return error }
        if Task.isCancelled { return CancellationError() }
        let (detail, advice) = ConnectionFailure.explain(error, endpoint: endpoint, deadline: deadline)
        return EngineError(
            .engineUnreachable, operation: request.operation, request: "\(request.method) \(path)", detail: detail,
            advice: advice, service: request.service)
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
