import FoundationEssentials
import Testing
import WatcherTestSupport

/// What a service waits for before it starts, and what becomes of it when that does not come.
@Suite struct DependencyTests {
    private func waits(for name: String, _ condition: String, _ more: String = "") -> String {
        "depends_on: {\(name): {condition: \(condition)\(more)}}"
    }

    /// A repository with one commit and the binary, nothing deployed yet.
    private func begin(
        _ compose: String, in scenario: Scenario, settings: [String] = []
    ) async throws -> (TestRepository, WatcherProgram) {
        let repository = try await scenario.repository()
        try await repository.commit(compose: compose, "begin")
        return (
            repository,
            try scenario.watcher(
                ConfiguredProject(scenario.id, repository: repository.fileURL, settings: settings))
        )
    }

    // C1, C2
    @Test func `a dependant of an unhealthy service is not started until that is repaired`() async throws {
        try await Scenario.with { scenario in
            let web = service("web", waits(for: "db", "service_healthy"))
            let (repository, watcher) = try await begin(stack(service("db", neverHealthy), web), in: scenario)
            try await watcher.run("deploy", "--no-rollback").expecting(21).saying("db", "unhealthy")
            let left = try await scenario.engine.container("web", in: scenario.id)
            #expect(left.state == "created")
            #expect(try await scenario.engine.container("db", in: scenario.id).isRunning)
            try await repository.commit(compose: stack(service("db", alwaysHealthy), web), "repair")
            try await watcher.run("deploy").expecting(0)
            let web2 = try await scenario.engine.container("web", in: scenario.id)
            #expect(web2.isRunning && web2.id == left.id)
            #expect(try await scenario.engine.container("db", in: scenario.id).health == "healthy")
        }
    }

    // C3, C4
    @Test(arguments: [
        (service("db"), ["db", "health check"], 65),
        (service("db", "command: [sh, -c, 'exit 1']", alwaysHealthy), ["db", "exited with status 1"], 21),
    ])
    func `a dependency that cannot become healthy is named`(db: String, words: [String], status: Int) async throws {
        try await Scenario.with { scenario in
            let web = service("web", waits(for: "db", "service_healthy"))
            let (_, watcher) = try await begin(stack(db, web), in: scenario)
            let failed = try await watcher.run("deploy").expecting(status)
            for word in words { failed.saying(word) }
            #expect(try await scenario.engine.containers(project: scenario.id).isEmpty)
        }
    }

    // C5, C6
    @Test func `a job that fails keeps its dependant from starting, and one that works ends before it starts`()
        async throws
    {
        try await Scenario.with { scenario in
            let web = service("web", waits(for: "job", "service_completed_successfully"))
            func compose(_ status: Int) -> String {
                stack(service("job", "command: [sh, -c, 'sleep 0.2; exit \(status)']"), web)
            }
            let (repository, watcher) = try await begin(compose(5), in: scenario)
            try await watcher.run("deploy", "--no-rollback").expecting(21).saying("job", "exit status 5")
            #expect(try await scenario.engine.container("web", in: scenario.id).state == "created")
            try await repository.commit(compose: compose(0), "repair")
            try await watcher.run("deploy").expecting(0)
            let deployed = Deployed(scenario: scenario, repository: repository, watcher: watcher)
            let (job, started) = (try await deployed.times("job"), try await deployed.times("web"))
            #expect(job.ended < started.started)
            // It has done its work: it does not run again.
            try await watcher.run("deploy").expecting(0)
            #expect(try await deployed.times("job").started == job.started)
        }
    }

    // C7
    @Test func `a dependency that is not required may fail`() async throws {
        try await Scenario.with { scenario in
            let needs =
                "depends_on: {db: {condition: service_healthy, required: false}, "
                + "job: {condition: service_completed_successfully, required: false}}"
            let compose = stack(
                service("db", neverHealthy), service("job", "command: [sh, -c, 'exit 3']"), service("web", needs))
            let (_, watcher) = try await begin(compose, in: scenario)
            try await watcher.run("deploy").expecting(0).saying("unhealthy", "exit status 3", "not required")
            #expect(try await scenario.engine.container("web", in: scenario.id).isRunning)
        }
    }

    // C8, C9
    @Test func `a dependency in an inactive profile is left out or refused, as it is required or not`() async throws {
        try await Scenario.with { scenario in
            let tool = service("tool", "profiles: [tools]")
            let optional = stack(tool, service("web", waits(for: "tool", "service_started", ", required: false")))
            let deployed = try await Deployed(optional, in: scenario)
            let before = try await deployed.containers()
            #expect(before.map(\.service) == ["web"])
            for (compose, word) in [
                (stack(tool, service("web", "depends_on: [tool]")), "tool"),
                (stack(service("web", "depends_on: [web]")), "web"),
                (stack(service("web", "depends_on: [nothing]")), "nothing"),
                (stack(service("a", "depends_on: [b]"), service("b", "depends_on: [a]")), "cycle"),
            ] {
                try await deployed.deploy(compose, expecting: 65).saying(word, "compose.yaml:")
            }
            #expect(try await deployed.containers() == before)
        }
    }

    // C10, C15
    @Test func `a chain starts from its bottom and stops from its top`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(
                stack(
                    service("web", waits(for: "api", "service_healthy")),
                    service("api", alwaysHealthy, waits(for: "db", "service_healthy")),
                    service("db", alwaysHealthy)), in: scenario)
            let names = ["db", "api", "web"]
            var started: [String] = []
            for name in names { started.append(try await deployed.times(name).started) }
            #expect(started == started.sorted())
            try await deployed.watcher.run("stop", deployed.project).expecting(0)
            var ended: [String] = []
            for name in names { ended.append(try await deployed.times(name).ended) }
            #expect(ended == ended.sorted(by: >))
            try await deployed.watcher.run("start", deployed.project).expecting(0)
            #expect(allRun(try await deployed.containers()))
            let crashing = stack(service("db", "command: [sh, -c, 'exit 7']"))
            try await deployed.deploy(crashing, expecting: 20).saying("db", "7")
        }
    }

    // C11
    @Test func `a link, shared volumes and a shared namespace are dependencies too`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(
                stack(
                    service("a", "links: [b]"), service("b", "volumes_from: [c]"),
                    service("c", "network_mode: 'service:d'", "volumes: [/c]"), service("d")), in: scenario)
            var started: [String] = []
            for name in ["d", "c", "b", "a"] { started.append(try await deployed.times(name).started) }
            #expect(started == started.sorted())
            #expect(try await deployed.container("b").mounts["/c"] != nil)
        }
    }

    // C13, C14
    @Test func `an image's health check can be switched off, and needs a start period for its start interval`()
        async throws
    {
        try await Scenario.with { scenario in
            let image = try await scenario.image("HEALTHCHECK --interval=1s CMD true")
            func checked(_ name: String, _ lines: String...) -> String {
                service(name, "image: '\(image)'", "pull_policy: never")
                    + lines.map { "    \($0)\n" }.joined()
            }
            let deployed = try await Deployed(
                stack(
                    checked("image"), checked("off", "healthcheck: {disable: true}"),
                    checked("none", "healthcheck: {test: [NONE]}")), in: scenario)
            #expect(try await deployed.container("image").health == "healthy")
            #expect(try await deployed.container("off").health == nil)
            #expect(try await deployed.container("none").health == nil)
            let interval = "healthcheck: {test: [CMD, 'true'], start_interval: 1s}"
            try await deployed.deploy(stack(service("web", interval)), expecting: 65).saying(
                "start_interval", "start_period", "compose.yaml:")
        }
    }

    // C16
    @Test func `a run that is interrupted while it waits stops no dependency`() async throws {
        try await Scenario.with { scenario in
            func compose(_ lines: String...) -> String {
                stack(
                    service("db", alwaysHealthy),
                    service("web", waits(for: "db", "service_healthy"))
                        + lines.map { "    \($0)\n" }.joined())
            }
            let deployed = try await Deployed(compose(), in: scenario)
            let before = try await deployed.containers()
            let slow = "healthcheck: {test: [CMD, 'false'], interval: 1s, timeout: 2s, retries: 100}"
            try await deployed.repository.commit(compose: compose(slow), "wait for ever")
            let begun = Date()
            try await deployed.watcher.run("deploy") { running in
                try await scenario.engine.waitForEvent("start", project: scenario.id, since: begun)
                try running.send(2)
            }.expecting(130)
            let after = try await deployed.containers()
            #expect(ids(after) == ids(before) && allRun(after))
            #expect(after.first { $0.service == "db" }?.startedAt == before.first { $0.service == "db" }?.startedAt)
        }
    }
}
