import Compose
import FoundationEssentials
import Glibc
import Reconcile
import Testing
import WatcherTestSupport

@testable import Deploy
@testable import DockerEngine

/// An engine of the test's own that is ended and started again on the same data.
@Suite(.timeLimit(.minutes(5))) struct EngineRestartTests {
    private struct OwnEngine: Sendable {
        var directory: String

        func script(_ command: String) async throws {
            let environment = ["PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
            let result = try await execute(
                "\(TestEnvironment.root)/scripts/engine", [command, directory], environment: environment,
                deadline: .seconds(150))
            guard result.status == 0 else { throw UnexpectedResult(description: "\(result)") }
        }

        /// As `systemctl restart docker` does.
        func restart() async throws {
            let text = String(decoding: try Data(contentsOf: URL(filePath: "\(directory)/pid")), as: UTF8.self)
            let process = try #require(text.split(separator: " ").first.flatMap { Int32($0) })
            kill(process, SIGTERM)
            _ = try await execute(
                "tail", ["--pid=\(process)", "-f", "/dev/null"], environment: ["PATH": "/usr/bin:/bin"])
            try await script("start")
        }
    }

    @Test func `what fails after the engine was restarted is put down to that`() async throws {
        let engine = OwnEngine(directory: "/tmp/watcher-restart-\(UInt32.random(in: 0 ... .max))")
        try await engine.script("start")
        let client = EngineClient(
            endpoint: try EngineEndpoint("unix://\(engine.directory)/docker.sock"), dockerConfigDirectory: nil)
        do {
            let project = sampleProject()
            try await check(engine, client, project)
        } catch {
            Issue.record(error)
        }
        await client.shutdown()
        try await engine.script("stop")
        try? FileManager.default.removeItem(atPath: engine.directory)
    }

    private func check(_ engine: OwnEngine, _ client: EngineClient, _ project: Project) async throws {
        let network = try #require(project.networks["default"])
        _ = try await client.perform(.createNetwork(.init(network, key: "default", in: project)))
        let id = try #require(try await client.perform(.create(sampleCreation("web", of: project))))
        _ = try await client.perform(.start(id))
        let error = await #expect(throws: DeployError.self) {
            try await ContainerWatch.run(client, project: project.name) { watch in
                try await engine.restart()
                let container = try #require(try await client.container(id))
                // Its engine ended it, which looks like a crash.
                #expect(container.state == .exited && container.exitCode != 0)
                throw DeployError(stage: .health, reason: .crashed, message: "web: container shop-web-1 has exited")
            }
        }
        #expect(error?.reason == .engineRestarted, "\(String(describing: error))")
        #expect(error?.message.hasSuffix("web: container shop-web-1 has exited") == true)
    }
}
