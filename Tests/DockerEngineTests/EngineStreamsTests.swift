import Compose
import Deploy
import FoundationEssentials
import Reconcile
import Testing

@testable import DockerEngine

/// Against the real engine.
@Suite(.timeLimit(.minutes(15))) struct EngineStreamsTests {
    @Test func `events are those of the project, from the call on`() async throws {
        try await EngineScenario.run { scenario in
            let project = scenario.project { service, _ in service.command = ["true"] }
            let id = try await scenario.create(project)
            let events = try await scenario.client.events(project: scenario.name)
            try await EngineScenario.run { other in
                _ = try await other.createAndStart(other.project())
            }
            try await scenario.perform(.start(id))
            var seen: [String] = []
            for try await event in events {
                #expect(event.container == id)
                seen.append(event.action)
                if event.action == "die" { break }
            }
            #expect(seen == ["start", "die"])
        }
    }

    @Test func `health is an event without its value`() async throws {
        try await EngineScenario.run { scenario in
            let project = scenario.project { service, _ in
                var check = Healthcheck()
                check.test = ["CMD", "true"]
                check.interval = .milliseconds(100)
                service.healthcheck = check
            }
            let events = try await scenario.client.events(project: scenario.name)
            let id = try await scenario.createAndStart(project)
            for try await event in events where event.action == "health_status" { break }
            #expect(try await scenario.container(id).health == .healthy)
        }
    }

    @Test func `the stream ends with an error when the client is shut down`() async throws {
        let client = EngineClient(endpoint: try EngineScenario.endpoint(), dockerConfigDirectory: nil)
        let events = try await client.events(project: "nobody")
        await client.shutdown()
        await #expect(throws: EngineError.self) {
            for try await _ in events {}
        }
    }

    @Test(arguments: [false, true])
    func `the last lines are whole, of both streams and clean`(_ tty: Bool) async throws {
        try await EngineScenario.run { scenario in
            let project = scenario.project { service, _ in
                service.tty = tty
                service.command = [
                    "sh", "-c",
                    #"for i in 1 2 3; do echo "out $i"; done; printf '\033[31mred\033[0m\n' >&2; printf end"#,
                ]
            }
            let id = try await scenario.createAndStart(project)
            #expect(Set(try await scenario.output(of: id)) == ["out 1", "out 2", "out 3", "red", "end"])
            #expect(try await scenario.client.lastLines(of: id, count: 100).count == 5)
            #expect(try await scenario.client.lastLines(of: id, count: 2).count == 2)
        }
    }

    @Test func `a log is followed while the container writes`() async throws {
        try await EngineScenario.run { scenario in
            let project = scenario.project { service, _ in
                service.command = [
                    "sh", "-c", "echo ready; while [ ! -e /go ]; do usleep 10000; done; echo more; sleep 600",
                ]
            }
            let id = try await scenario.createAndStart(project)
            var options = LogOptions()
            options.follows = true
            options.timestamps = true
            var lines = try await scenario.client.logs(of: id, options: options).makeAsyncIterator()
            #expect(try await lines.next()?.text.hasSuffix("Z ready") == true)
            var go = Hook()
            go.command = ["touch", "/go"]
            try await scenario.perform(.runHook(id, HookRun(.postStart, go, service: "web")))
            #expect(try await lines.next()?.text.hasSuffix("Z more") == true)
        }
    }

    @Test func `a log that cannot be read has no lines`() async throws {
        try await EngineScenario.run { scenario in
            let project = scenario.project { service, _ in
                service.logging = {
                    var logging = Logging(); logging.driver = "none"; return logging
                }()
            }
            let id = try await scenario.create(project)
            #expect(try await scenario.client.lastLines(of: id, count: 5).isEmpty)
            #expect(try await scenario.client.lastLines(of: ContainerID(hex: "abc"), count: 5).isEmpty)
        }
    }
}
