import Compose
import Deploy
import FoundationEssentials
import Glibc
import Reconcile
import Testing

@testable import DockerEngine

/// Against the real engine, or against sockets on which nobody answers.
@Suite(.timeLimit(.minutes(15))) struct EngineFailureTests {
    private func failure(_ scenario: EngineScenario, _ project: Project) async throws -> EngineError {
        try await #require(throws: EngineError.self) { _ = try await scenario.createAndStart(project) }
    }

    @Test func `a program that is not there is the container's fault`() async throws {
        try await EngineScenario.run { scenario in
            let project = scenario.project { service, _ in service.command = ["no-such-program"] }
            let error = try await failure(scenario, project)
            #expect(error.reason == .invalidContainer && error.service == "web", "\(error)")
            #expect(error.message.contains("start container \(scenario.name)-web-1"))
        }
    }

    @Test func `a name that is taken is a name conflict`() async throws {
        try await EngineScenario.run { scenario in
            let project = scenario.project()
            let id = try await scenario.create(project)
            let error = try await failure(scenario, project)
            #expect(error.reason == .nameConflict && (error.status == 409 || error.status == 500))
            let other = try await scenario.create(project, finalName: "\(scenario.name)-web-2")
            let renaming = try await #require(throws: EngineError.self) {
                try await scenario.perform(.rename(other, to: "\(scenario.name)-web-1"))
            }
            #expect(renaming.reason == .nameConflict)
            #expect(try await scenario.container(id).name == "\(scenario.name)-web-1")
        }
    }

    @Test func `an image that is not there is not found`() async throws {
        try await EngineScenario.run { scenario in
            let creation = try sampleCreation(of: scenario.project(), CreationFacts(image: "no/such:image"))
            let error = try await #require(throws: EngineError.self) {
                try await scenario.perform(.create(creation))
            }
            #expect(error.reason == .imageNotFound)
        }
    }

    private func client(_ path: String, call: Duration = .seconds(20)) throws -> EngineClient {
        var deadlines = EngineDeadlines()
        deadlines.call = call
        return EngineClient(
            endpoint: try EngineEndpoint("unix://\(path)"), dockerConfigDirectory: nil, deadlines: deadlines)
    }

    @Test func `no socket is an engine that cannot be reached`() async throws {
        let client = try client("/tmp/watcher-none-\(UUID().uuidString).sock")
        let error = try await #require(throws: EngineError.self) { _ = try await client.info() }
        #expect(error.reason == .engineUnreachable)
        #expect(error.detail.contains("no such socket"))
        await client.shutdown()
    }

    @Test func `a socket without a listener refuses, a silent one is left at the deadline`() async throws {
        let path = "/tmp/watcher-silent-\(UUID().uuidString).sock"
        let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer {
            close(socket)
            unlink(path)
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafeBytes(of: &address) { bytes in
            bind(socket, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
        #expect(bound == 0)
        let refused = try client(path)
        let error = try await #require(throws: EngineError.self) { _ = try await refused.info() }
        #expect(error.reason == .engineUnreachable && error.detail.contains("refused"), "\(error)")
        await refused.shutdown()

        #expect(listen(socket, 8) == 0)
        let silent = try client(path, call: .milliseconds(200))
        let late = try await #require(throws: EngineError.self) {
            _ = try await silent.observe(ObservationQuery(project: "x"))
        }
        #expect(late.reason == .engineUnreachable && late.detail.contains("no answer"), "\(late)")
        await silent.shutdown()

        let cancelled = try client(path)
        let task = Task { try await cancelled.info() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        await cancelled.shutdown()
    }

    @Test func `a client that was shut down does not come back`() async throws {
        let client = EngineClient(endpoint: try EngineScenario.endpoint(), dockerConfigDirectory: nil)
        #expect(try await client.info().platform.hasPrefix("linux/"))
        await client.shutdown()
        await client.shutdown()
        await #expect(throws: EngineError.self) { try await client.info() }
    }

    @Test func `a host that refuses says so`() async throws {
        let client = EngineClient(endpoint: try EngineEndpoint("tcp://127.0.0.1:1"), dockerConfigDirectory: nil)
        let error = try await #require(throws: EngineError.self) { _ = try await client.info() }
        #expect(
            error.reason == .engineUnreachable && error.detail == "connection refused by tcp://127.0.0.1:1", "\(error)")
        await client.shutdown()
    }

    @Test func `TLS material that is no PEM is named`() async throws {
        let endpoint = try EngineEndpoint("tcp://127.0.0.1:1", tls: .init(authority: "/etc/hostname"))
        let client = EngineClient(endpoint: endpoint, dockerConfigDirectory: nil)
        let error = try await #require(throws: EngineError.self) { _ = try await client.info() }
        #expect(error.reason == .invalidConfiguration && error.detail.contains("/etc/hostname"))
        await client.shutdown()
    }

    @Test func `an operation that goes quiet is ended`() async throws {
        let quiet = AsyncStream<Void> { _ in }
        let error = await #expect(throws: DeadlineExceeded.self) {
            try await withIdleDeadline(.milliseconds(50)) { touch in
                touch()
                for await _ in quiet {}
                try Task.checkCancellation()
            }
        }
        #expect(error?.after == .milliseconds(50))
    }
}
