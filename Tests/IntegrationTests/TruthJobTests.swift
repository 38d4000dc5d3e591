import FoundationEssentials
import Testing
import WatcherTestSupport

/// Jobs end, servers do not; neither counts for the other.
@Suite struct TruthJobTests {
    /// A job that counts its runs.
    private let counting = sleeper(
        "migrate", "command: [sh, -c, 'echo run >> /data/runs']", "volumes: ['data:/data']")

    private func runs(_ deployed: Deployed, _ service: String = "worker") async throws -> Int {
        try await deployed.output("cat", "/data/runs", of: service).components(of: "run")
    }

    // Case 8
    @Test func `starting one service runs no finished job again, and says when the project stays suspended`()
        async throws
    {
        try await Scenario.with { scenario in
            let compose =
                stack(
                    counting, sleeper("db"),
                    sleeper(
                        "worker", "volumes: ['data:/data']",
                        "depends_on: {migrate: {condition: service_completed_successfully}, db: {condition: service_started}}"
                    )) + "volumes: {data: {}}\n"
            let deployed = try await Deployed(compose, in: scenario)
            let (watcher, project) = (deployed.watcher, deployed.project)
            #expect(try await runs(deployed) == 1)
            let job = try await deployed.container("migrate")

            // Nothing is stopped: nothing to start, and nothing is suspended afterwards.
            try await watcher.run("start", project, "worker").expecting(0)
            #expect(try await runs(deployed) == 1)
            try await watcher.run("deploy").expecting(0)

            try await watcher.run("stop", project, "worker").expecting(0)
            try await watcher.run("start", project, "worker").expecting(0).saying(
                "suspended", "watcher start \(project)")
            #expect(try await runs(deployed) == 1)
            #expect(try await deployed.container("migrate") == job)
            try await watcher.run("deploy").expecting(13)
            try await watcher.run("start", project).expecting(0)
            #expect(try await runs(deployed) == 1)
            #expect(try await deployed.container("migrate") == job)
            try await watcher.run("stop", project).expecting(0)
            try await watcher.run("start", project).expecting(0)
            #expect(try await runs(deployed) == 1)
            try await deployed.stays(0)
        }
    }

    // Case 25
    @Test(arguments: [
        "ports: ['127.0.0.1::80']", #"healthcheck: {test: [CMD, "true"], interval: 1s, timeout: 2s}"#,
        "ports: ['127.0.0.1::80']\n    restart: on-failure", "restart: always", "restart: unless-stopped",
        "deploy: {update_config: {order: start-first}, replicas: 2}",
        "healthcheck: {test: [CMD, 'true'], interval: 1s}\n    deploy: {update_config: {order: start-first}, replicas: 2}",
    ])
    func `a server that exits with 0 has crashed`(_ line: String) async throws {
        try await Scenario.with { scenario in
            // Without a word of its own it was a server before, because it ran on.
            let deployed = try await Deployed(stack(sleeper("web", line), sleeper("db")), in: scenario)
            let before = try await deployed.containers()
            let bad = stack(sleeper("web", line, "command: [sh, -c, 'echo bye; exit 0']"), sleeper("db"))
            let isReplicas = !line.contains("healthcheck") && line.contains("replicas")
            try await deployed.repository.commit(compose: bad, "break")
            let failed = try await deployed.watcher.run("deploy")
            if isReplicas {
                // Nothing says that it should go on running; but of two old replicas none may be lost by a failure.
                #expect([0, 20].contains(failed.status), "\(failed)")
                if failed.status == 0 { return }
            }
            try failed.expecting(20).saying("web")
            #expect(ids(try await deployed.containers()) == ids(before))
            #expect(allRun(try await deployed.containers()))
            try await deployed.stays(12)
        }
    }

    // Case 25
    @Test func `a job that nothing waits for, and one that is waited for, may end with 0`() async throws {
        try await Scenario.with { scenario in
            let compose = stack(
                sleeper("once", "command: ['true']"),
                sleeper("migrate", "command: [sh, -c, 'exit 0']", "restart: on-failure"),
                sleeper("web", "depends_on: {migrate: {condition: service_completed_successfully}}"))
            let deployed = try await Deployed(compose, in: scenario)
            try await deployed.stays(0)
            let before = untouched(try await deployed.containers())
            try await deployed.watcher.run("deploy").expecting(0)
            #expect(untouched(try await deployed.containers()) == before)
        }
    }

    // Case 25
    @Test func `a first server that exits with 0 is a failed deployment`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed.prepared(
                stack(sleeper("web", "command: [sh, -c, 'exit 0']", "ports: ['127.0.0.1::80']")), in: scenario)
            try await deployed.watcher.run("deploy").expecting(21).saying("web")
            try await deployed.stays(21)
        }
    }

    // Case 26
    @Test(arguments: [
        "command: [sh, -c, 'sleep 4; exit 1']", "command: [sh, -c, 'sleep 4; exit 0']",
        "command: [sh, -c, 'sleep 4; touch /bad; exec sleep 1000']",
    ])
    func `a service that dies while others are still verified fails the deployment`(_ dying: String) async throws {
        try await Scenario.with { scenario in
            let check = "healthcheck: {test: [CMD, test, '!', -e, /bad], interval: 500ms, timeout: 2s, retries: 1}"
            func slow(_ version: Int) -> String {
                sleeper(
                    "slow", "environment: {V: 'v\(version)'}",
                    "command: [sh, -c, 'sleep 7; touch /ready; exec sleep 1000']",
                    "healthcheck: {test: [CMD, test, -f, /ready], interval: 500ms, timeout: 2s, retries: 60}")
            }
            let deployed = try await Deployed(stack(sleeper("web", check), slow(1)), in: scenario)
            let before = try await deployed.containers()
            try await deployed.deploy(stack(sleeper("web", check, dying), slow(2)), expecting: 20).saying("web")
            #expect(ids(try await deployed.containers()) == ids(before))
            #expect(allRun(try await deployed.containers()))
            #expect(try await deployed.statuses() == ["succeeded", "restored"])
            try await deployed.stays(12)
        }
    }

    // Case 26
    @Test func `a dependant that the change brings down fails the deployment too`() async throws {
        try await Scenario.with { scenario in
            // The dependant is not changed: it dies when the password of what it depends on is another.
            let app = sleeper(
                "app", "volumes: ['data:/data']", "depends_on: [db]",
                "command: [sh, -c, 'while test \"$$(cat /data/password 2>/dev/null)\" != two; do usleep 100000; done; exit 4']"
            )
            func db(_ password: String) -> String {
                sleeper(
                    "db", "volumes: ['data:/data']",
                    "command: [sh, -c, 'echo \(password) > /data/password; sleep 3; touch /ready; exec sleep 1000']",
                    "healthcheck: {test: [CMD, test, -f, /ready], interval: 500ms, timeout: 2s, retries: 60}")
            }
            let volumes = "volumes: {data: {}}\n"
            let deployed = try await Deployed(stack(app, db("one")) + volumes, in: scenario)
            let before = try await deployed.containers()
            let failed = try await deployed.deploy(stack(app, db("two")) + volumes, expecting: 20)
            failed.saying("app")
            #expect(ids(try await deployed.containers()) == ids(before))
            #expect(allRun(try await deployed.containers()))
            try await deployed.stays(12)
        }
    }

    // Case 30
    @Test func `a job gets the tries that its restart policy gives it`() async throws {
        try await Scenario.with { scenario in
            let job = sleeper(
                "migrate", "restart: on-failure:10", "volumes: ['data:/data']",
                "command: [sh, -c, 'echo run >> /data/runs; test $$(wc -l < /data/runs) -ge 5']")
            let compose =
                stack(
                    job,
                    sleeper(
                        "worker", "volumes: ['data:/data']",
                        "depends_on: {migrate: {condition: service_completed_successfully}}"))
                + "volumes: {data: {}}\n"
            let deployed = try await Deployed.prepared(compose, in: scenario)
            try await deployed.watcher.run("deploy").expecting(0)
            #expect(try await runs(deployed) == 5)
            try await deployed.stays(0)
            #expect(try await runs(deployed) == 5)
        }
    }

    // Case 30
    @Test func `a job that uses its tries up has failed`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(sleeper("worker")), in: scenario)
            let before = try await deployed.containers()
            let job = sleeper("migrate", "restart: on-failure:2", "command: [sh, -c, 'echo not yet; exit 3']")
            let worker = sleeper(
                "worker", "environment: {A: b}", "depends_on: {migrate: {condition: service_completed_successfully}}")
            try await deployed.deploy(stack(job, worker), expecting: 20).saying("migrate", "3", "not yet")
            #expect(try await deployed.stillRuns(before))
            try await deployed.stays(12)
        }
    }

    // Case 30
    @Test func `the health check of an image has the time that the image gives it`() async throws {
        try await Scenario.with { scenario in
            // The first probe comes after the configured deadlines of a common health check would be over.
            let image = try await scenario.image(
                "HEALTHCHECK --interval=20s --timeout=3s --start-period=15s --retries=2 CMD test -e /ready")
            let settings = ["health: {settle: 1s}"]
            func compose(_ more: String...) -> String {
                stack(
                    sleeper(
                        "web", "image: '\(image)'", "pull_policy: never",
                        "command: [sh, -c, 'sleep 30; touch /ready; exec sleep 1000']",
                        "healthcheck: {timeout: 2s}"))
            }
            let deployed = try await Deployed.prepared(compose(), in: scenario, settings: settings)
            try await deployed.watcher.run("deploy").expecting(0)
            #expect(try await deployed.container("web").health == "healthy")
        }
    }
}
