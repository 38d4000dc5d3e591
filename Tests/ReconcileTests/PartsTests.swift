import Compose
import Testing
import WatcherTestSupport

@testable import Reconcile

@Suite struct ParkedNameTests {
    @Test(arguments: ["shop-web-1", "web", "a.b", "web.parked-1", "x_y-z.parked-"])
    func `a parked name is read back`(_ name: String) {
        let parked = ParkedName(original: name, deployment: 42)
        #expect(ParkedName(parked.description) == parked)
    }

    @Test(arguments: ["shop-web-1", "web.parked-", "web.parked-0", "web.parked-x", "web.parked-+5", ".parked-3", ""])
    func `other names are no parked ones`(_ name: String) {
        #expect(ParkedName(name) == nil)
    }
}

@Suite struct CauseTests {
    private func phrases(_ old: String, _ new: String) throws -> [String] {
        let one = try FileTree.project("services: {web: {image: web:1, \(old)}}").services["web"]
        let other = try FileTree.project("services: {web: {image: web:1, \(new)}}").services["web"]
        return try #require(other).causes(from: try #require(one)).map(\.text)
    }

    @Test func `each attribute is named as in the Compose file`() throws {
        #expect(try phrases("", "") == [])
        #expect(try phrases("", "stop_grace_period: 3s") == ["stop_grace_period changed"])
        #expect(try phrases("", "init: true, cpu_rt_period: 1000") == ["cpu_rt_period changed", "init changed"])
        #expect(try phrases("", "use_api_socket: true") == ["use_api_socket changed"])
        #expect(try phrases("ports: ['80:80']", "ports: ['81:80']") == ["ports changed"])
        #expect(try phrases("", "read_only: true, mem_limit: 1m") == ["mem_limit changed", "read_only changed"])
    }

    @Test(arguments: [
        ("a:1", "a:2", "image a:1 → 2"), ("a:1", "b:2", "image a:1 → b:2"), ("a", "a:2", "image a → a:2"),
        ("r:5000/a:1", "r:5000/a:2", "image r:5000/a:1 → 2"), ("r:5000/a", "r:5000/b", "image r:5000/a → r:5000/b"),
        ("a:1", "a@sha256:00", "image a:1 → a@sha256:00"), ("a:1", "a", "image a:1 → a"),
    ])
    func `of an image that changed its tag only, the new tag is named`(_ old: String, _ new: String, _ text: String) {
        var (before, after) = (Service(name: "web"), Service(name: "web"))
        (before.image, after.image) = (old, new)
        let causes = after.causes(from: before)
        #expect(causes == [Plan.Cause(.recorded(text, field: "image", file: nil, commit: nil))])
    }

    @Test func `variables and labels are named without their values`() throws {
        #expect(
            try phrases("environment: {A: secret, B: same, C: gone}", "environment: {A: other, B: same, D: new}")
                == ["environment A, C, D changed"])
        #expect(try phrases("", "labels: {x: y}") == ["labels x changed"])
    }

    @Test func `what recreates nothing is not named`() throws {
        #expect(try phrases("", "scale: 2, pull_policy: always, x-note: hi") == [])
    }

    @Test func `an image that is built is said to be`() {
        var old = Service(name: "web")
        var new = old
        old.image = "web:1"
        #expect(new.causes(from: old).map(\.text) == ["image web:1 → (built)"])
        new.image = "web:2"
        #expect(new.causes(from: old).map(\.text) == ["image web:1 → 2"])
    }
}

@Suite struct ServiceRulesTests {
    @Test func `the time for a health check covers the engine's defaults and the start period`() throws {
        var service = Service(name: "web")
        #expect(service.derivedHealthTimeout() == .seconds(250))
        var check = Healthcheck()
        check.interval = .seconds(5)
        check.timeout = .seconds(1)
        check.retries = 10
        check.startPeriod = .seconds(60)
        service.healthcheck = check
        #expect(service.derivedHealthTimeout() == .seconds(60 + 6 * 11 + 10))
    }
}
