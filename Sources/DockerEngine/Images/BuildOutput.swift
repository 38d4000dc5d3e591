import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import Reconcile

/// A line of the answer to `POST /build`.
struct BuildMessage: Decodable, Sendable {
    var stream: String?
    var status: String?
    var id: String?
    var progressDetail: PullMessage.Detail?
    var error: String?
    var errorDetail: PullMessage.Failure?
}

/// Reads what the builder says, and tells failures of the build from trouble on the way to registries.
struct BuildOutput {
    private var text = LineSplitter()
    private var base = PullProgress(reference: "base image")
    /// The instruction that is being carried out.
    private var instruction = ""
    private let start = ContinuousClock.now

    /// Tells every line; throws `EngineError` for the builder's own failure.
    static func follow(_ stream: EngineStream, touch: @Sendable () -> Void, _ log: @Sendable (String) -> Void)
        async throws
    {
        var messages = LineSplitter(longest: 1 << 20)
        var output = BuildOutput()
        for try await buffer in stream.body {
            touch()
            for line in messages.lines(in: buffer.readableBytesView) { try output.take(line, stream, log) }
        }
        try Task.checkCancellation()
        if let rest = messages.rest() { try output.take(rest, stream, log) }
        if let rest = output.text.rest() { output.tell(rest, log) }
    }

    private mutating func take(_ line: [UInt8], _ stream: EngineStream, _ log: (String) -> Void) throws {
        guard let message = try? EngineJSON.decode(BuildMessage.self, from: Data(line)) else { return }
        if let piece = message.stream {
            for line in text.lines(in: piece.utf8) { tell(line, log) }
        }
        if message.status != nil {
            let pull = PullMessage(
                status: message.status, id: message.id, progressDetail: message.progressDetail, error: nil,
                errorDetail: nil)
            if let line = base.line(after: pull, at: .now - start) { log(line.strippingControlCharacters()) }
        }
        guard let failure = message.errorDetail?.message ?? message.error else { return }
        if let rest = text.rest() { tell(rest, log) }
        let reason = EngineError.buildReason(failure, instruction: instruction)
        throw EngineError(
            reason, operation: stream.request.operation, request: "\(stream.request.method) \(stream.path)",
            detail: failure, advice: EngineError.advice(for: reason), service: stream.request.service)
    }

    private mutating func tell(_ line: [UInt8], _ log: (String) -> Void) {
        let line = String(decoding: line, as: UTF8.self).strippingControlCharacters()
        if line.allSatisfy(\.isWhitespace) { return }
        if line.hasPrefix("Step "), let colon = line.firstRange(of: " : ") {
            instruction = String(line[colon.upperBound...])
        }
        log(line)
    }
}

extension EngineError {
    /// The reason behind a failure that the builder told while it carried out an instruction.
    static func buildReason(_ message: String, instruction: String) -> Reason {
        let text = message.lowercased()
        if text.contains("no space left on device") || text.contains("disk quota exceeded") { return .diskFull }
        let instruction = instruction.uppercased()
        let isFetching =
            instruction.hasPrefix("FROM ")
            || (instruction.hasPrefix("COPY ") && instruction.contains("--FROM=") && !text.hasPrefix("copy failed"))
        guard isFetching else { return .buildFailed }
        let reason = pullReason(status: 200, message)
        return reason == .engineFailed ? .buildFailed : reason
    }
}
