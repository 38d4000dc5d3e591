import Deploy
import Foundation
import Reconcile
import Testing

@testable import watcher

/// What goes between the process that runs all projects and that of one.
@Suite struct ProjectTaskTests {
    private func returned<Value: Codable>(_ value: Value) throws -> Value {
        let line = try JSONEncoder().encode(value)
        #expect(!line.contains(UInt8(ascii: "\n")))
        return try JSONDecoder().decode(Value.self, from: line)
    }

    @Test func `a result comes out as it went in`() throws {
        var result = RunResult(project: "shop", outcome: .restored, summary: "two\nlines \u{1b}[31m \u{2028}")
        result.tip = Samples.commit
        result.deployed = Samples.commit
        result.deployment = DeploymentID(project: "shop", number: 7)
        result.changes = [Samples.change]
        result.warnings = ["one"]
        result.next = ["another"]
        result.suspended = Suspension(reason: "held", since: Samples.time, until: Samples.time + 1)
        var failure = DeployError(stage: .health, reason: .deadlineExceeded, message: "m", advice: "a", service: "web")
        failure.logLines = ["x", "y"]
        failure.probe = "probe"
        result.failure = RunResult.Failure(failure)
        result.standing = Standing(services: [
            Standing.Service(
                name: "web", state: .doesNotWork, ready: 0, wanted: 1, restarts: 3, since: Samples.time,
                trouble: Standing.Trouble(
                    kind: .exited, text: "has exited (1)", container: ContainerID(hex: "0123456789abcdef")))
        ])
        result.milliseconds = 12
        guard case .result(let back) = try returned(ProjectReport.result(result)) else {
            return #expect(Bool(false), "another kind of report")
        }
        #expect(back == result)
    }

    @Test func `a request comes out as it went in`() throws {
        var request = DeployRequest()
        request.commit = "abc"
        request.force = true
        request.keepsFailed = true
        request.hold = Suspension(reason: "held", since: 1, until: nil)
        guard case .deploy(let back) = try returned(ProjectTask.deploy(request)) else {
            return #expect(Bool(false), "another task")
        }
        #expect(back == request)
    }

    @Test func `what a process that is not ours reads is no order`() {
        #expect(throws: (any Error).self) {
            try JSONDecoder().decode(ProjectOrder.self, from: Data("{}".utf8))
        }
    }
}
