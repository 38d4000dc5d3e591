import Compose
import NIOCore
import Reconcile

/// The body of `POST /containers/{id}/exec`.
struct ExecBody: Encodable, Sendable {
    var attachStdout = true
    var attachStderr = true
    var user: String?
    var privileged: Bool?
    var env: [String]?
    var workingDir: String?
    var cmd: [String]

    init(_ hook: Hook) {
        user = hook.user
        privileged = hook.privileged.orNil
        env =
            hook.environment.sorted { $0.key < $1.key }.map { key, value in value.map { "\(key)=\($0)" } ?? key }.orNil
        workingDir = hook.workingDir
        cmd = hook.command ?? []
    }
}

extension EngineClient {
    private struct StartBody: Encodable, Sendable {
        var detach = false
        var tty = false
    }

    /// Runs the hook in the container to its end. Throws `EngineError` with the last lines it wrote when it fails; a
    /// container that is not running any more has no hooks.
    func run(_ run: HookRun, in container: ContainerID) async throws {
        let operation = "run the \(run.kind.rawValue) hook of service \(run.service)"
        let create = try EngineRequest.post("/containers/\(container.hex)/exec", to: operation).sending(
            ExecBody(run.hook)
        )
        .expecting(409).calling(.start, service: run.service)
        let answer = try await connection.send(create)
        guard answer.status != 409 else { return }
        let id = try EngineJSON.decode(CreatedAnswer.self, from: answer.body).id
        let start = try EngineRequest.post("/exec/\(id)/start", to: operation).sending(StartBody())
            .expecting(409).calling(.start, service: run.service).within(deadlines.hook)
        let output: LogStream
        do { output = LogStream(source: try await connection.open(start), isRaw: false) } catch let error as EngineError
            where error.reason != .engineUnreachable
        {
            // Docker 20.10 says 500 when the container ended after the exec was made.
            guard (try? await isEnded(container.hex, after: 126)) == true else { throw error }
            return
        }
        guard output.source.status != 409 else { return }
        let result: (lines: [String], code: Int)
        do {
            result = try await withDeadline(deadlines.hook) {
                var last: [String] = []
                for try await line in output.lines { last = (last + [line.text]).suffix(10) }
                return (last, try await self.exitCode(ofExec: id, operation))
            }
        } catch let error as DeadlineExceeded {
            throw EngineError(
                .exitedNonZero, operation: operation,
                detail: "it was still running after \(error.after.components.seconds) s", service: run.service)
        } catch {
            throw output.source.broken(error, endpoint: connection.endpoint)
        }
        guard result.code != 0, try await !isEnded(container.hex, after: result.code) else { return }
        throw EngineError(
            .exitedNonZero, operation: operation,
            detail: (["it exited with status \(result.code)"] + result.lines).joined(separator: "\n"),
            service: run.service)
    }

    /// Whether the hook only failed because the container ended meanwhile, as a job does: whether that is well is for
    /// others to judge. The engine notices it a moment later.
    private func isEnded(_ container: String, after code: Int) async throws -> Bool {
        let isCutShort = code == 126 || code == 137
        for attempt in 0..<(isCutShort ? 20 : 1) {
            if attempt > 0 { try await Task.sleep(for: .milliseconds(50)) }
            if try await details(of: container)?.state?.status != "running" { return true }
        }
        return false
    }

    /// The output of an exec may end a moment before the engine has taken note of its exit.
    private func exitCode(ofExec id: String, _ operation: String) async throws -> Int {
        while true {
            let answer: ExecAnswer = try await connection.decoded(.get("/exec/\(id)/json", to: operation))
            if answer.running != true, let code = answer.exitCode { return code }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}
