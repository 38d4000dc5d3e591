import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import Reconcile

/// A whole answer of the engine.
struct EngineAnswer: Sendable {
    var status: Int
    var headers: [(name: String, value: String)]
    var body: Data
    /// The path that was asked for, without the query.
    var path: String

    func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    private struct Failure: Decodable { var message: String }

    /// Whether an engine wrote this failure: it is JSON, with a message.
    var isEngines: Bool { (try? EngineJSON.decode(Failure.self, from: body)) != nil }

    /// What the engine says about a failure.
    var message: String {
        if let failure = try? EngineJSON.decode(Failure.self, from: body) { return failure.message }
        let text = String(decoding: body.prefix(2000), as: UTF8.self)
        return text.isEmpty ? "the engine gave no message" : text
    }
}

/// An answer whose body is read while it comes; whoever reads it limits how long that may take.
struct EngineStream: Sendable {
    var status: Int
    var headers: [(name: String, value: String)]
    var body: HTTPClientResponse.Body
    var request: EngineRequest
    var path: String

    func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// The stream broke off: what to throw.
    func broken(_ error: any Error, endpoint: EngineEndpoint) -> any Error {
        if error is EngineError { return error }
        if error is CancellationError || Task.isCancelled { return CancellationError() }
        var (detail, advice) = ConnectionFailure.explain(error, endpoint: endpoint, deadline: .zero)
        if let error = error as? DeadlineExceeded {
            detail = "the answer of the engine at \(endpoint) stopped: nothing came for \(error.after.inSeconds)"
        }
        return EngineError(
            .engineUnreachable, operation: request.operation, request: "\(request.method) \(path)", detail: detail,
            advice: advice, service: request.service)
    }
}
