import Compose
import Deploy
import Foundation
import Reconcile
import Testing

@testable import watcher

/// What people see, as files that are reviewed like code: `Screens/*.txt`. `UPDATE_GOLDEN=1` writes them anew.
@Suite struct ScreenTests {
    private static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Screens")
    private static let isUpdating = ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1"

    private static let screens: [String: @Sendable () -> String] = [
        "status-works": { status { $0.working() } },
        "status-unhealthy": { status { $0.unhealthy() } },
        "status-tip-skipped": { status { $0.skipped() } },
        "status-nothing-runs": { status { $0.restoreFailed() } },
        "status-first-failed": { status { $0.firstFailed() } },
        "status-suspended": { status { $0.suspended() } },
        "status-never-deployed": { status { $0.observe() } },
        "status-not-configured": { status { $0.removed() } },
        "status-run-under-way": { status { $0.running() } },
        "status-stopped": { status { $0.stopped() } },
        "status-engine-unreachable": { status { $0.unreachable() } },
        "check-pending": { run("check", Runs.pending) },
        "check-file-changed": { run("check", Runs.fileChanged) },
        "deploy-rolled-back": { run("deploy", Runs.rolledBack) },
        "deploy-not-working": { run("deploy", Runs.notWorking) },
        "deploy-older-commit": { run("deploy --commit 3f2a1c9d3f", Runs.older) },
        "rollback-hold": { run("rollback --hold --until 2026-11-26T18:00:00Z", Runs.heldBack) },
        "rollback": { run("rollback", Runs.back) },
        "history": { Histories.list },
        "history-show-failed": { Histories.failed },
    ]

    static var names: [String] { screens.keys.sorted() }

    @Test(arguments: names) func `a screen is the one that was reviewed`(_ name: String) throws {
        let screen = try #require(Self.screens[name])
        let text = Times.$zone.withValue((name: "CET", seconds: 3600)) { screen() }
        let file = Self.directory.appending(path: "\(name).txt")
        if Self.isUpdating { try Data(text.utf8).write(to: file) }
        let reviewed = try? String(contentsOf: file, encoding: .utf8)
        #expect(reviewed == text, "\(name).txt differs; UPDATE_GOLDEN=1 writes it anew")
    }

    @Test func `every reviewed screen is still shown`() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.directory.path)
        #expect(Set(files) == Set(Self.names.map { "\($0).txt" }))
    }

    private static func status(_ change: (inout StatusScreen) -> Void) -> String {
        var screen = StatusScreen()
        change(&screen)
        let report = StatusReport(projects: [StatusReport.Project("shop", screen.record, screen.facts)])
        return "$ watcher status shop --exit-code\n" + report.text(colors: false, now: StatusScreen.now)
            + "(\(report.status.rawValue))\n"
    }

    private static func run(_ command: String, _ result: RunResult) -> String {
        let report = RunReport(command: String(command.prefix { $0 != " " }), results: [result])
        let errors = report.failures(now: StatusScreen.now).map { "\($0)\n" }.joined()
        return "$ watcher \(command) shop\n" + report.text(colors: false) + errors + "(\(report.status.rawValue))\n"
    }
}

/// A project on its way to a screen of `status`: its record, and what the engine says.
struct StatusScreen {
    /// 2026-11-26 11:14:25 CET.
    static let now = 1_795_688_065_000
    static func ago(hours: Int = 0, minutes: Int = 0, seconds: Int = 0) -> Int {
        now - ((hours * 60 + minutes) * 60 + seconds) * 1000
    }

    static let good = commit("3f2a1c9d", "Add the cart")
    static let bad = commit("9e0c5d1a", "Count what is in the cart")

    static func commit(_ digits: String, _ subject: String) -> Commit {
        Commit(
            id: CommitID(hex: String(repeating: digits, count: 5)), parents: [], author: "Ada <ada@example.com>",
            subject: subject, time: now / 1000 - 40_000)
    }

    static let project: Project = {
        var project = Project(name: "shop", workingDirectory: "/srv/shop", configFiles: [])
        let needs = ["proxy": ["web"], "web": ["db", "migrate"], "migrate": ["db"], "worker": ["db"], "db": []]
        for (name, dependencies) in needs {
            var service = Service(name: name)
            service.image = name == "db" ? "postgres:17" : name == "proxy" ? "caddy:2" : "registry.example.com/shop:7"
            service.dependsOn = Dictionary(uniqueKeysWithValues: dependencies.map { ($0, Dependency()) })
            if name == "web" { service.scale = 2 }
            if name == "migrate" { service.restart = "no" }
            project.services[name] = service
        }
        return project
    }()

    static func deployment(_ number: Int, _ commit: Commit, _ status: DeploymentStatus, at start: Int) -> Deployment {
        var deployment = Deployment(
            id: DeploymentID(project: "shop", number: number), kind: .deploy, commit: commit, status: status,
            startedAt: start)
        deployment.finishedAt = start + 12_400
        if status == .succeeded {
            deployment.snapshot = Snapshot(
                composeFiles: [:], project: project, imageIDs: [:], contentHashes: [:], completed: ["migrate"])
        }
        return deployment
    }

    var record = ProjectRecord()
    var facts = StatusFacts(now: StatusScreen.now)

    /// The engine answers: no container yet.
    mutating func observe() { facts.observed = ObservedState() }

    mutating func working() {
        let deployed = Self.deployment(41, Self.good, .succeeded, at: Self.ago(hours: 3))
        record.lastGood = deployed
        record.latest = deployed
        record.deployed = deployed.commit
        record.observedTip = ObservedTip(commit: Self.good, since: Self.ago(hours: 3, seconds: 1))
        facts.nextRunAt = Self.now + 41_000
        observe()
        for (service, number) in [("db", 1), ("migrate", 1), ("proxy", 1), ("web", 1), ("web", 2), ("worker", 1)] {
            facts.observed?.containers.append(Self.container(service, number))
        }
    }

    private static func container(_ service: String, _ number: Int) -> ObservedState.Container {
        var container = ObservedState.Container(
            id: ContainerID(hex: String(repeating: "0123456789abcdef", count: 4)), name: "shop-\(service)-\(number)",
            service: service, number: number, state: .running)
        container.startedAt = ago(hours: 2, minutes: 59, seconds: 55)
        if service == "db" || service == "web" { container.health = .healthy }
        if service == "proxy" { container.ports = ["0.0.0.0:80->80/tcp", "0.0.0.0:443->443/tcp"] }
        if service == "migrate" {
            (container.state, container.finishedAt) = (.exited, ago(hours: 2, minutes: 59, seconds: 50))
        }
        return container
    }

    mutating func change(_ service: String, _ body: (inout ObservedState.Container) -> Void) {
        guard var containers = facts.observed?.containers else { return }
        for index in containers.indices where containers[index].service == service { body(&containers[index]) }
        facts.observed?.containers = containers
    }

    mutating func unhealthy() {
        working()
        change("db") {
            $0.health = .unhealthy
            $0.probe = .init(
                exitCode: 1, output: "/var/run/postgresql:5432 - no response\nno space left on device",
                endedAt: Self.ago(seconds: 3), failingSince: Self.ago(minutes: 12, seconds: 12))
        }
        change("worker") { ($0.state, $0.exitCode, $0.restartCount) = (.restarting, 1, 7) }
        change("worker") { $0.finishedAt = Self.ago(seconds: 9) }
    }

    mutating func skipped() {
        working()
        var failed = Self.deployment(42, Self.bad, .restored, at: Self.ago(minutes: 41))
        failed.message = "web: the container is unhealthy"
        failed.reason = .unhealthy
        record.latest = failed
        record.observedTip = ObservedTip(commit: Self.bad, since: Self.ago(minutes: 41, seconds: 1))
        record.skipped = [
            SkippedCommit(
                commit: Self.bad.id, reason: "web: the container is unhealthy", code: .unhealthy,
                since: Self.ago(minutes: 40, seconds: 48), failures: 1, subject: Self.bad.subject)
        ]
    }

    mutating func restoreFailed() {
        skipped()
        record.latest?.status = .restoreFailed
        record.latest?.message = "db: the container has exited (1)"
        record.unresolved = record.latest
        facts.observed?.containers.removeAll { $0.service != "db" }
        change("db") {
            ($0.state, $0.exitCode, $0.health, $0.finishedAt) = (.exited, 1, .unhealthy, Self.ago(minutes: 40))
        }
    }

    mutating func firstFailed() {
        skipped()
        record.lastGood = nil
        record.deployed = nil
        record.latest?.id.number = 1
        record.latest?.status = .failed
        observe()
    }

    mutating func suspended() {
        working()
        record.observedTip = ObservedTip(commit: Self.bad, since: Self.ago(minutes: 5))
        record.suspension = Suspension(
            reason: "database migration", since: Self.ago(hours: 1), until: Self.now + 4 * 3_600_000)
    }

    mutating func stopped() {
        working()
        record.suspension = Suspension(
            reason: "stopped by hand; `watcher start` ends it", since: Self.ago(minutes: 2), until: nil)
        for service in ["db", "web", "proxy", "worker"] {
            change(service) {
                ($0.state, $0.exitCode, $0.finishedAt) = (.exited, 137, Self.ago(minutes: 2))
                if $0.health != nil { $0.health = .unhealthy }
            }
        }
    }

    mutating func removed() {
        working()
        facts.isConfigured = false
        facts.nextRunAt = nil
    }

    mutating func running() {
        working()
        record.observedTip = ObservedTip(commit: Self.bad, since: Self.ago(seconds: 9))
        record.open = Self.deployment(42, Self.bad, .open, at: Self.ago(seconds: 8))
        record.latest = record.open
        facts.run = StatusReport.Run(pid: 4711, command: "deploy", since: Self.ago(seconds: 10))
        facts.nextRunAt = nil
        change("web") { if $0.number == 2 { ($0.health, $0.startedAt) = (.starting, Self.ago(seconds: 4)) } }
    }

    mutating func unreachable() {
        working()
        facts.observed = nil
        facts.trouble = "the Docker Engine at unix:///var/run/docker.sock does not answer: no such file or directory"
    }
}

/// Results of runs as the flow makes them.
private enum Runs {
    static let changes = [
        Plan.Change(
            kind: "service", name: "web", action: .recreate,
            causes: ["image registry.example.com/shop:7 → registry.example.com/shop:8"]),
        Plan.Change(kind: "service", name: "worker", action: .create, causes: ["it is new"]),
    ]

    static func result(_ outcome: Outcome, _ summary: String) -> RunResult {
        var result = RunResult(project: "shop", outcome: outcome, summary: summary)
        result.tip = StatusScreen.bad
        result.deployed = StatusScreen.good
        return result
    }

    static var pending: RunResult {
        var result = result(.pending, "9e0c5d1a9e: changes are pending; shop runs 3f2a1c9d3f (Add the cart)")
        result.changes = changes
        return result
    }

    static var fileChanged: RunResult {
        var result = result(
            .drift, "what runs differs from what was deployed; shop runs 3f2a1c9d3f (Add the cart)")
        result.changes = [
            Plan.Change(
                kind: "service", name: "proxy", action: .recreate,
                causes: ["caddy/Caddyfile was changed on the host"]),
            Plan.Change(kind: "file", name: "www/index.html", action: .restore, causes: ["it was changed on the host"]),
        ]
        return result
    }

    static var rolledBack: RunResult {
        var result = result(
            .restored,
            "rolled back: the previous containers are running again; shop runs 3f2a1c9d3f (Add the cart)")
        result.deployment = DeploymentID(project: "shop", number: 42)
        result.changes = changes
        var failure = DeployError(
            stage: .health, reason: .unhealthy, message: "web: the container is unhealthy",
            advice: "9e0c5d1a9e is on the skip list; push a fix, or retry it with `watcher deploy shop --force`.",
            service: "web")
        failure.logLines = ["listening on :8080", "panic: assignment to entry in nil map"]
        failure.probe = "curl: (7) Failed to connect to localhost port 8080: Connection refused"
        result.failure = RunResult.Failure(failure)
        return result
    }

    static var notWorking: RunResult {
        var screen = StatusScreen()
        screen.unhealthy()
        var result = result(
            .notWorking,
            "shop runs 3f2a1c9d3f (Add the cart), but db is unhealthy, "
                + "worker keeps restarting (7 times, last exit status 1)")
        result.standing = screen.facts.observed.map { screen.record.standing($0, now: StatusScreen.now) }
        return result
    }

    static var older: RunResult {
        var result = result(.deployed, "deployed 3f2a1c9d3f: 2 changes")
        result.deployment = DeploymentID(project: "shop", number: 43)
        result.next = [
            "9e0c5d1a9e, the tip of branch main, is deployed again by the next run",
            "to stay with 3f2a1c9d3f: `watcher deploy shop --commit 3f2a1c9d3f --hold`",
        ]
        return result
    }

    static var back: RunResult {
        var result = result(.deployed, "rolled back to 3f2a1c9d3f: 2 changes")
        result.deployment = DeploymentID(project: "shop", number: 43)
        result.next = [
            "9e0c5d1a9e is on the skip list: it is not deployed again by itself; the next commit that is pushed is "
                + "deployed",
            "to return: `watcher skip-list remove shop 9e0c5d1a9e`, `watcher deploy shop`",
        ]
        return result
    }

    static var heldBack: RunResult {
        var result = back
        result.suspended = Suspension(
            reason: "held by watcher rollback --hold", since: StatusScreen.now, until: StatusScreen.now + 27_935_000)
        result.next = [
            "9e0c5d1a9e is on the skip list: it is not deployed again by itself",
            "deploys of shop are suspended; `watcher resume shop` ends that",
            "to return: `watcher resume shop`, `watcher skip-list remove shop 9e0c5d1a9e`, `watcher deploy shop`",
        ]
        return result
    }
}

private enum Histories {
    private static var failedDeployment: Deployment {
        var failed = StatusScreen.deployment(42, StatusScreen.bad, .restored, at: StatusScreen.ago(minutes: 41))
        failed.reason = .unhealthy
        failed.message = "web: the container is unhealthy"
        failed.service = "web"
        failed.logLines = [
            "health check: curl: (7) Failed to connect to localhost port 8080", "listening on :8080",
            "panic: assignment to entry in nil map",
        ]
        failed.changes = Runs.changes
        return failed
    }

    static var list: String {
        var postponed = StatusScreen.deployment(43, StatusScreen.bad, .postponed, at: StatusScreen.ago(minutes: 24))
        (postponed.attempts, postponed.finishedAt) = (12, StatusScreen.ago(minutes: 12))
        postponed.message = "registry.example.com/shop:8: the registry does not answer"
        let good = StatusScreen.deployment(41, StatusScreen.good, .succeeded, at: StatusScreen.ago(hours: 3))
        return "$ watcher history shop\n" + HistoryReport([postponed, failedDeployment, good]).text(nothing: "")
    }

    static var failed: String {
        let report = DeploymentReport(
            deployment: DeploymentView(failedDeployment), composeFiles: nil, events: nil, images: [:])
        return "$ watcher history show shop/42\n" + report.text()
    }
}
