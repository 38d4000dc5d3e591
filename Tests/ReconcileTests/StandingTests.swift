import Compose
import Reconcile
import Testing

/// How a project is doing, row by row: what one container looks like, and what is said about its service.
@Suite struct StandingTests {
    typealias Container = ObservedState.Container

    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var look: @Sendable (inout Container) -> Void
        var isJob = false
        var isCompleted = false
        var state: Standing.Service.State
        var kind: Standing.Trouble.Kind?
        var text: String?
        var since: Int?

        var testDescription: String { name }
    }

    private static let rows: [Row] = [
        Row(name: "runs", look: { $0.startedAt = 5 }, state: .works, since: 5),
        Row(
            name: "healthy", look: { ($0.health, $0.startedAt) = (.healthy, 7) }, state: .works, since: 7),
        Row(name: "starting", look: { $0.health = .starting }, state: .starting),
        Row(
            name: "unhealthy",
            look: {
                $0.health = .unhealthy
                $0.probe = .init(exitCode: 1, output: "connection refused", endedAt: 90, failingSince: 60)
            }, state: .doesNotWork, kind: .unhealthy, text: "is unhealthy", since: 60),
        Row(
            name: "killed", look: { ($0.state, $0.exitCode, $0.finishedAt) = (.exited, 137, 40) },
            state: .doesNotWork, kind: .exited, text: "has exited (137)", since: 40),
        Row(
            name: "a server that exited with 0",
            look: { ($0.state, $0.exitCode, $0.endedByItself) = (.exited, 0, true) }, state: .doesNotWork,
            kind: .exited, text: "has exited (0)"),
        Row(
            name: "a job that exited with 0",
            look: { ($0.state, $0.exitCode, $0.finishedAt) = (.exited, 0, 30) }, isJob: true, state: .done, since: 30),
        Row(
            name: "a job that somebody stopped",
            look: { ($0.state, $0.exitCode, $0.endedByItself) = (.exited, 0, false) }, isJob: true,
            state: .doesNotWork, kind: .exited, text: "has exited (0)"),
        Row(
            name: "a job that was recorded as completed",
            look: { ($0.state, $0.exitCode, $0.endedByItself) = (.exited, 0, false) }, isCompleted: true,
            state: .done),
        Row(
            name: "a job that failed", look: { ($0.state, $0.exitCode) = (.exited, 3) }, isJob: true,
            state: .doesNotWork, kind: .exited, text: "has exited (3)"),
        Row(
            name: "a job that the engine starts again",
            look: { ($0.state, $0.exitCode, $0.restartPolicy) = (.exited, 0, "always") }, isJob: true,
            state: .doesNotWork, kind: .exited),
        Row(
            name: "between two starts", look: { ($0.state, $0.restartCount, $0.exitCode) = (.restarting, 4, 1) },
            state: .doesNotWork, kind: .restarting, text: "keeps restarting (4 times, last exit status 1)"),
        Row(
            name: "just started for the fourth time",
            look: { ($0.restartCount, $0.startedAt, $0.exitCode) = (3, 99_000, 2) }, state: .doesNotWork,
            kind: .restarting),
        Row(
            name: "restarted some time ago", look: { ($0.restartCount, $0.startedAt) = (9, 60_000) }, state: .works),
        Row(name: "paused", look: { $0.state = .paused }, state: .doesNotWork, kind: .paused, text: "is paused"),
        Row(
            name: "created", look: { $0.state = .created }, state: .doesNotWork, kind: .notStarted,
            text: "was never started"),
        Row(name: "dead", look: { $0.state = .dead }, state: .doesNotWork, kind: .dead),
    ]

    private func container(_ name: String = "shop-web-1") -> Container {
        Container(
            id: ContainerID(hex: String(repeating: "a", count: 64)), name: name, service: "web", number: 1,
            state: .running)
    }

    private func standing(
        _ containers: [Container], isJob: Bool = false, replicas: Int = 1, completed: Set<String> = [],
        ports: Set<String> = []
    ) -> Standing {
        var expectation = Expectation(before: ObservedState())
        expectation.services["web"] = .init(
            name: "web", replicas: replicas, isJob: isJob, publishedPorts: ports)
        var observed = ObservedState()
        observed.containers = containers
        return Standing(expectation, observed, completed: completed, now: 100_000)
    }

    @Test(arguments: rows)
    func `a container`(_ row: Row) throws {
        var container = container()
        row.look(&container)
        let standing = standing([container], isJob: row.isJob, completed: row.isCompleted ? ["web"] : [])
        let service = try #require(standing.services.first)
        #expect(service.state == row.state)
        #expect(service.trouble?.kind == row.kind)
        if let text = row.text { #expect(service.trouble?.text == text) }
        if let since = row.since { #expect(service.since == since) }
        #expect(standing.works == (row.state != .doesNotWork))
        #expect(standing.isSettled == (row.state != .starting))
    }

    @Test func `the last output of the probe is told`() {
        var container = container()
        container.health = .unhealthy
        container.probe = .init(exitCode: 1, output: "connection refused")
        #expect(standing([container]).services.first?.trouble?.probe == "connection refused")
        container.health = .healthy
        #expect(standing([container]).services.first?.trouble == nil)
    }

    @Test func `missing containers`() {
        #expect(standing([]).services.first?.trouble?.text == "is missing")
        #expect(standing([]).isOnlyMissing && !standing([]).runsAnything)
        let one = standing([container()], replicas: 3)
        #expect(one.services.first?.trouble?.text == "misses 2 of 3 containers")
        #expect(one.services.first?.ready == 1 && one.runsAnything)
    }

    @Test func `of several replicas the one that does not work is told`() {
        var broken = container("shop-web-2")
        (broken.state, broken.exitCode) = (.exited, 1)
        let standing = standing([container(), broken], replicas: 2)
        #expect(standing.services.first?.ready == 1)
        #expect(standing.services.first?.trouble?.text == "has exited (1)")
        #expect(!standing.isOnlyMissing)
    }

    @Test func `a port that is not published`() {
        var container = container()
        #expect(standing([container], ports: ["80/tcp"]).services.first?.trouble?.kind == .portNotPublished)
        container.ports = ["0.0.0.0:8080->80/tcp", "[::]:8080->80/tcp"]
        #expect(standing([container], ports: ["80/tcp"]).works)
    }

    @Test func `parked containers and those of docker compose run do not count`() {
        var parked = container("shop-web-1.parked-3")
        parked.state = .exited
        var oneOff = container("shop-web-run-1")
        (oneOff.isOneOff, oneOff.state, oneOff.exitCode) = (true, .exited, 1)
        #expect(standing([container(), parked, oneOff]).works)
    }

    @Test func `a service that all its dependants can do without fails nothing`() throws {
        var project = Project(name: "shop", workingDirectory: "/", configFiles: [])
        var web = Service(name: "web")
        web.dependsOn["cache"] = Dependency(required: false)
        project.services = ["web": web, "cache": Service(name: "cache")]
        var observed = ObservedState()
        observed.containers = [container()]
        let standing = Standing(Expectation(project), observed, now: 0)
        #expect(standing.works)
        #expect(standing.services.map(\.state) == [.doesNotWork, .works])
    }

    @Test func `what ran before is what should run where no model is known`() {
        var before = ObservedState()
        var job = container("shop-job-1")
        (job.service, job.state, job.exitCode) = ("job", .exited, 0)
        var made = container("shop-new-1")
        (made.service, made.state) = ("new", .created)
        before.containers = [container(), job, made]
        let expectation = Expectation(before: before)
        #expect(expectation.services.keys.sorted() == ["job", "web"])
        #expect(Standing(expectation, before, now: 0).works)
        #expect(!Standing(expectation, ObservedState(), now: 0).works)
    }
}
