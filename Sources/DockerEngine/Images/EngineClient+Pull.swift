import AsyncHTTPClient
import Compose
import Deploy
import FoundationEssentials
import NIOCore
package import Reconcile
import Synchronization

extension EngineClient {
    /// A pull that is not required and fails is fine when the image is there already, for the platform. Trouble on the way to the registry is
    /// tried three times.
    package func pull(_ pull: Plan.ImagePull, progress: @escaping @Sendable (String) -> Void) async throws {
        do {
            try await pullWithRetries(pull, progress)
            if pull.isPeriodic { try await rememberTime(of: pull) }
        } catch let error as EngineError {
            guard !pull.isRequired, try await imageDetails(of: pull.reference) != nil else { throw error }
            progress("\(pull.reference): not pulled, the local image is used (\(error.detail))")
        }
        try await checkPlatform(of: pull)
    }

    /// Where a registry has an image for one platform only, engines take it for whichever is asked for, and refuse to make
    /// a container of it later.
    private func checkPlatform(of pull: Plan.ImagePull) async throws {
        guard let wanted = pull.platform.map(ImagePlatform.init), !wanted.architecture.isEmpty,
            let image = try await imageDetails(of: pull.reference), image.descriptor == nil,
            let system = image.os, let architecture = image.architecture
        else { return }
        let platform = ImagePlatform(system: system, architecture: architecture, variant: image.variant ?? "")
        guard platform.architecture != wanted.architecture else { return }
        throw EngineError(
            .imageNotFound, operation: "pull image \(pull.reference)",
            detail: "it is there for \(platform) only, and \(wanted) is asked for",
            advice: "Correct platform, or push the image for that platform.")
    }

    /// A pull does not change what the engine tells as the time of the last tag, but tagging does, and docker compose goes
    /// by that time too.
    private func rememberTime(of pull: Plan.ImagePull) async throws {
        guard let reference = ImageReference(pull.reference), reference.digest == nil, let tag = reference.tag else {
            return
        }
        let path = "/images/\(pull.reference.percentEncoded(keeping: "/:@"))/tag"
        _ = try await connection.send(
            .post(path, to: "note the time of the pull of \(pull.reference)")
                .adding("repo", "\(reference.registry)/\(reference.repository)").adding("tag", tag))
    }

    private func pullWithRetries(_ pull: Plan.ImagePull, _ progress: @escaping @Sendable (String) -> Void) async throws
    {
        var pause = deadlines.pullRetry
        for _ in 1..<3 {
            do {
                return try await pullOnce(pull, progress)
            } catch let error as EngineError where error.reason == .registryUnreachable && error.status != nil {
                progress("\(pull.reference): \(error.detail); trying again in \(pause.components.seconds) s")
            }
            try await Task.sleep(for: pause)
            pause *= 2
        }
        try await pullOnce(pull, progress)
    }

    private func pullOnce(_ pull: Plan.ImagePull, _ progress: @escaping @Sendable (String) -> Void) async throws {
        let operation = "pull image \(pull.reference)"
        guard !pull.reference.hasPrefix("sha256:"), let reference = ImageReference(pull.reference) else {
            throw EngineError(
                .imageNotFound, operation: operation, detail: "it is not a reference that a registry could know",
                advice: EngineError.advice(for: .imageNotFound))
        }
        var request = EngineRequest.post("/images/create", to: operation).calling(.pull).within(deadlines.pullIdle)
            .adding("fromImage", "\(reference.registry)/\(reference.repository)")
            .adding("tag", reference.digest ?? reference.tag ?? "latest")
        if let platform = pull.platform { request = request.adding("platform", platform) }
        if let header = try await credentials.header(registry: reference.registry) {
            request.headers.append(("X-Registry-Auth", header))
        }
        let stream = try await connection.open(request)
        do {
            try await withIdleDeadline(deadlines.pullIdle) { touch in
                try await Self.follow(stream, pull.reference, touch: touch, progress)
            }
        } catch let error as DeadlineExceeded {
            throw EngineError(
                .registryUnreachable, operation: operation, request: "POST \(stream.path)",
                detail: "no progress for \(error.after.inSeconds)",
                advice: EngineError.advice(for: .registryUnreachable))
        } catch {
            throw stream.broken(error, endpoint: connection.endpoint)
        }
    }

    private static func follow(
        _ stream: EngineStream, _ reference: String, touch: @Sendable () -> Void,
        _ progress: @Sendable (String) -> Void
    ) async throws {
        let start = ContinuousClock.now
        var splitter = LineSplitter(longest: 1 << 20)
        var summary = PullProgress(reference: reference)
        for try await buffer in stream.body {
            touch()
            for line in splitter.lines(in: buffer.readableBytesView) where !line.isEmpty {
                guard let message = try? EngineJSON.decode(PullMessage.self, from: Data(line)) else { continue }
                try check(message, stream)
                if let text = summary.line(after: message, at: .now - start) {
                    progress(text.strippingControlCharacters())
                }
            }
        }
        try Task.checkCancellation()
        if let rest = splitter.rest(), let message = try? EngineJSON.decode(PullMessage.self, from: Data(rest)) {
            try check(message, stream)
        }
    }

    /// A pull fails in the middle of an answer that began with status 200.
    private static func check(_ message: PullMessage, _ stream: EngineStream) throws {
        guard let text = message.errorDetail?.message ?? message.error else { return }
        let status = message.errorDetail?.code ?? stream.status
        let reason = EngineError.pullReason(status: status, text)
        throw EngineError(
            reason, operation: stream.request.operation, request: "\(stream.request.method) \(stream.path)",
            status: status, detail: text, advice: EngineError.advice(for: reason))
    }
}

/// Runs the operation, and cancels it when it has not called `touch` for `duration`; then throws `DeadlineExceeded`.
func withIdleDeadline<Result: Sendable>(
    _ duration: Duration,
    _ operation: @escaping @Sendable (_ touch: @escaping @Sendable () -> Void) async throws -> Result
) async throws -> Result {
    let touched = Touch()
    return try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask { try await operation { touched.set() } }
        group.addTask {
            while true {
                let left = touched.latest + duration - .now
                guard left > .zero else { throw DeadlineExceeded(after: duration) }
                try await Task.sleep(for: left)
            }
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let result = first else { throw CancellationError() }
        return result
    }
}

private final class Touch: Sendable {
    private let instant = Mutex(ContinuousClock.now)

    var latest: ContinuousClock.Instant { instant.withLock { $0 } }
    func set() { instant.withLock { $0 = .now } }
}
