import Compose
import Deploy
import FoundationEssentials
import Reconcile
import Testing

@testable import DockerEngine

/// What is read out of the engine's answers, and on the real engine.
@Suite(.timeLimit(.minutes(10))) struct ObservationTests {
    private func container(_ state: String) throws -> ObservedState.Container {
        let text = #"{"Id": "aa", "Name": "/web", "State": \#(state)}"#
        return ObservedState.Container(try EngineJSON.decode(ContainerDetails.self, from: Data(text.utf8)))
    }

    /// A probe of the log that began `second` seconds after the hour.
    private func probe(_ second: Int, _ code: Int, _ output: String = "no") -> String {
        let time = "2026-11-21T05:00:\(second < 10 ? "0" : "")\(second)"
        return #"{"Start": "\#(time)Z", "End": "\#(time).5Z", "ExitCode": \#(code), "Output": "\#(output)"}"#
    }

    private func health(_ status: String, streak: Int, _ log: [String], started: String = "04:00:00") -> String {
        """
        {"Status": "running", "StartedAt": "2026-11-21T\(started)Z", "Health": {"Status": "\(status)",
        "FailingStreak": \(streak), "Log": [\(log.joined(separator: ","))]}}
        """
    }

    private static let hour = 1_795_237_200_000

    @Test func `the last probe says what it printed, how it ended and since when they fail`() throws {
        let seen = try container(
            health("unhealthy", streak: 2, [probe(0, 0), probe(10, 1), probe(20, 7, #"a\nb\u001b[31m \n\n"#)]))
        #expect(seen.health == .unhealthy)
        #expect(
            seen.probe
                == .init(exitCode: 7, output: "a\nb", endedAt: Self.hour + 20_500, failingSince: Self.hour + 10_000))
    }

    @Test func `a long row of failures began before what the engine remembers`() throws {
        let log = [probe(20, 1), probe(30, 1), probe(40, 1)]
        #expect(try container(health("unhealthy", streak: 5, log)).probe?.failingSince == Self.hour)
        let restarted = health("unhealthy", streak: 9, log, started: "05:00:10")
        #expect(try container(restarted).probe?.failingSince == Self.hour + 10_000)
    }

    @Test func `a probe that passed fails since never`() throws {
        let seen = try container(health("healthy", streak: 0, [probe(0, 1), probe(10, 0, "ok")]))
        #expect(seen.probe == .init(exitCode: 0, output: "ok", endedAt: Self.hour + 10_500))
    }

    @Test func `probes from before a restart say nothing`() throws {
        #expect(try container(health("starting", streak: 0, [probe(0, 1)], started: "05:00:01")).probe == nil)
        #expect(try container(health("starting", streak: 0, [])).probe == nil)
    }

    @Test func `a probe that prints a lot is cut to its end`() throws {
        let lines = (1...50).map { "line \($0)" }.joined(separator: #"\n"#)
        let few = try #require(try container(health("unhealthy", streak: 1, [probe(0, 1, lines)])).probe)
        #expect(few.output.split(separator: "\n").count == 20 && few.output.hasSuffix("line 50"))
        let long = String(repeating: "x", count: 5000)
        #expect(try container(health("unhealthy", streak: 1, [probe(0, 1, long)])).probe?.output.count == 2000)
    }

    @Test func `what does not run has no health, and its last probe`() throws {
        let state = health("unhealthy", streak: 1, [probe(0, 1)]).replacing("running", with: "exited")
        let seen = try container(
            state.replacing(#""Health""#, with: #""FinishedAt": "2026-11-21T05:00:01Z", "Health""#))
        #expect(seen.health == nil && seen.probe?.exitCode == 1 && seen.finishedAt == Self.hour + 1000)
    }

    @Test func `an image's own health check has its times`() throws {
        let text = """
            {"Id": "sha256:1", "Config": {"Healthcheck": {"Test": ["CMD", "true"], "Interval": 300000000000, "Retries": 5}}}
            """
        let image = ObservedState.Image(try EngineJSON.decode(ImageAnswer.self, from: Data(text.utf8)))
        #expect(image.hasHealthcheck)
        #expect(image.healthcheck == ObservedState.HealthcheckTimes(interval: .seconds(300), retries: 5))
        let none = #"{"Id": "sha256:1", "Config": {"Healthcheck": {"Test": ["NONE"]}}}"#
        #expect(
            ObservedState.Image(try EngineJSON.decode(ImageAnswer.self, from: Data(none.utf8))).healthcheck == nil)
    }

    @Test(arguments: [
        ("Up 2 hours", true), ("Up About a minute", true), ("Up 59 seconds", false), ("Up Less than a second", false),
        ("Up 1 second", false), ("Up 2 hours (healthy)", false), ("Up 2 hours (Paused)", false),
    ])
    func `a brief look takes the list's word for what has run for a minute`(_ status: String, _ isKnown: Bool) throws {
        let text = """
            {"Id": "aa", "Names": ["/web"], "Labels": {}, "State": "running", "Status": "\(status)", "Ports": [
            {"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}, {"PrivatePort": 81, "Type": "tcp"},
            {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}]}
            """
        let summary = try EngineJSON.decode(ContainerSummary.self, from: Data(text.utf8))
        let seen = ObservedState.Container(running: summary)
        #expect((seen != nil) == isKnown)
        #expect(seen == nil || seen?.ports == ["0.0.0.0:8080->80/tcp", "[::]:8080->80/tcp"])
    }

    // MARK: On the real engine

    private func brief(_ scenario: EngineScenario) async throws -> ObservedState.Container {
        var query = ObservationQuery(project: scenario.name)
        query.isBrief = true
        return try #require(try await scenario.client.observe(query).containers.first)
    }

    @Test func `an unhealthy container says why in a brief look, and when stopped is not unhealthy`() async throws {
        try await EngineScenario.run { scenario in
            let project = scenario.project { service, _ in
                var check = Healthcheck()
                check.test = ["CMD-SHELL", "echo no database; exit 3"]
                (check.interval, check.retries) = (.milliseconds(100), 1)
                service.healthcheck = check
            }
            let events = try await scenario.client.events(project: scenario.name)
            let id = try await scenario.createAndStart(project)
            for try await event in events where event.action == "health_status" { break }
            let seen = try await brief(scenario)
            #expect(seen.health == .unhealthy)
            // Podman keeps no more of a status than that it is a failure.
            #expect([1, 3].contains(seen.probe?.exitCode) && seen.probe?.output == "no database", "\(seen)")
            #expect((seen.probe?.failingSince ?? 0) >= (seen.startedAt ?? .max))
            try await scenario.perform(.stop(id))
            let stopped = try await brief(scenario)
            #expect(stopped.state == .exited && stopped.health == nil && stopped.probe != nil)
            #expect((stopped.finishedAt ?? 0) >= (stopped.startedAt ?? .max))
        }
    }

    @Test func `a crash loop is seen by a brief look whenever it comes`() async throws {
        try await EngineScenario.run { scenario in
            let project = scenario.project { service, _ in
                service.command = ["sh", "-c", "usleep 100000; exit 4"]
                service.restart = "always"
            }
            let events = try await scenario.client.events(project: scenario.name)
            _ = try await scenario.createAndStart(project)
            var deaths = 0
            for try await event in events where event.action == "die" {
                deaths += 1
                if deaths == 3 { break }
            }
            for try await event in try await scenario.client.events(project: scenario.name)
            where event.action == "start" { break }
            let seen = try await brief(scenario)
            #expect(seen.restartCount >= 3, "\(seen)")
        }
    }

    @Test func `an exited container is told with its status`() async throws {
        try await EngineScenario.run { scenario in
            let project = scenario.project { service, _ in service.command = ["sh", "-c", "exit 9"] }
            let id = try await scenario.createAndStart(project)
            _ = try await scenario.output(of: id)
            let seen = try await brief(scenario)
            #expect(seen.state == .exited && seen.exitCode == 9 && seen.finishedAt != nil)
        }
    }
}
