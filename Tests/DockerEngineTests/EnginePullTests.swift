import Compose
import Deploy
import FoundationEssentials
import Reconcile
import Testing

@testable import DockerEngine

/// Against the real engine and its registry.
@Suite(.timeLimit(.minutes(15))) struct EnginePullTests {
    private func pull(_ reference: String, isRequired: Bool = true) -> Plan.ImagePull {
        Plan.ImagePull(reference: reference, platform: nil, services: ["web"], isRequired: isRequired)
    }

    private func quick() -> EngineDeadlines {
        var deadlines = EngineDeadlines()
        deadlines.pullRetry = .milliseconds(10)
        return deadlines
    }

    private func registry() throws -> String {
        try #require(ProcessInfo.processInfo.environment["WATCHER_TEST_REGISTRY"], "run the tests with `make test`")
    }

    @Test func `an image is pulled by tag and by digest`() async throws {
        try await EngineScenario.run { scenario in
            let connection = scenario.client.connection
            let repository = "\(try registry())/\(scenario.name)"
            _ = try await connection.send(
                .post("/images/busybox:1/tag", to: "tag").adding("repo", repository).adding("tag", "1"))
            var push = EngineRequest.post("/images/\(repository)/push", to: "push").adding("tag", "1")
            push.headers = [("X-Registry-Auth", "e30=")]
            let pushed = try await connection.send(push)
            #expect(!String(decoding: pushed.body, as: UTF8.self).contains("errorDetail"))
            let image = try #require(try await scenario.client.imageDetails(of: "\(repository):1"))
            let digest = try #require(image.repoDigests?.first { $0.hasPrefix(repository) })
            for reference in [digest, "\(repository):1"] {
                _ = try await connection.send(
                    EngineRequest(.delete, "/images/\(repository):1", to: "remove").expecting(404))
                _ = try await connection.send(EngineRequest(.delete, "/images/\(digest)", to: "remove").expecting(404))
                #expect(try await scenario.client.imageDetails(of: reference) == nil)
                let lines = EngineScenario.Lines()
                try await scenario.client.pull(pull(reference)) { lines.add($0) }
                #expect(try await scenario.client.imageDetails(of: reference)?.id == image.id)
                #expect(lines.all.last?.hasPrefix("\(reference): ") == true && lines.all.count <= 2, "\(lines.all)")
            }
            _ = try await connection.send(
                EngineRequest(.delete, "/images/\(repository):1", to: "remove").expecting(404))
            _ = try await connection.send(EngineRequest(.delete, "/images/\(digest)", to: "remove").expecting(404))
        }
    }

    @Test func `what the registry does not have is not found`() async throws {
        try await EngineScenario.run { scenario in
            let reference = "\(try registry())/no/such:image"
            let error = try await #require(throws: EngineError.self) {
                try await scenario.client.pull(pull(reference)) { _ in }
            }
            #expect(error.reason == .imageNotFound && error.message.contains(reference), "\(error)")
        }
    }

    @Test func `a registry that cannot be reached is tried three times`() async throws {
        try await EngineScenario.run(deadlines: quick()) { scenario in
            let lines = EngineScenario.Lines()
            let error = try await #require(throws: EngineError.self) {
                try await scenario.client.pull(pull("127.0.0.1:1/x:1")) { lines.add($0) }
            }
            #expect(error.reason == .registryUnreachable, "\(error)")
            #expect(lines.all.count == 2 && lines.all.allSatisfy { $0.contains("trying again") })
        }
    }

    @Test func `a pull that is not required makes do with the local image`() async throws {
        try await EngineScenario.run(deadlines: quick()) { scenario in
            let repository = "127.0.0.1:1/\(scenario.name)"
            let connection = scenario.client.connection
            _ = try await connection.send(
                .post("/images/busybox:1/tag", to: "tag").adding("repo", repository).adding("tag", "1"))
            let lines = EngineScenario.Lines()
            try await scenario.client.pull(pull("\(repository):1", isRequired: false)) { lines.add($0) }
            #expect(lines.all.last?.contains("the local image is used") == true)
            _ = try await connection.send(EngineRequest(.delete, "/images/\(repository):1", to: "remove"))
            await #expect(throws: EngineError.self) {
                try await scenario.client.pull(pull("\(repository):1", isRequired: false)) { _ in }
            }
        }
    }

    @Test(arguments: ["sha256:" + String(repeating: "a", count: 64), "Bad Name"])
    func `what is no reference is not asked for`(_ text: String) async throws {
        try await EngineScenario.run { scenario in
            let error = try await #require(throws: EngineError.self) {
                try await scenario.client.pull(pull(text)) { _ in }
            }
            #expect(error.reason == .imageNotFound && error.request == nil)
        }
    }
}
