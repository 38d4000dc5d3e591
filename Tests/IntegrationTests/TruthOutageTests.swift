import FoundationEssentials
import Testing
import WatcherTestSupport

/// Deployments that leave nothing that works: every later run says so.
@Suite struct TruthOutageTests {
    /// A service that refuses a volume which the next version has migrated.
    private let refusing = sleeper(
        "db", "command: [sh, -c, 'test ! -e /data/v2 || { echo the format is too new; exit 9; }; exec sleep 1000']",
        "volumes: ['data:/data']")
    private let migrating = sleeper(
        "db", "command: [sh, -c, 'touch /data/v2; echo out of memory; exit 1']", "volumes: ['data:/data']")
    private let volumes = "volumes: {data: {}}\n"

    // Case 1
    @Test func `a migrated volume that the previous version refuses is an outage at every run, until it ends`()
        async throws
    {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(refusing) + volumes, in: scenario)
            let failed = try await deployed.deploy(stack(migrating) + volumes, expecting: 22)
            failed.saying("nothing of \(deployed.project) runs", "out of memory").notSaying("running again")
            let bad = try await deployed.repository.tip()
            #expect(try await deployed.statuses() == ["succeeded", "restore-failed"])
            let db = try await deployed.containers().filter { $0.name == "\(scenario.id)-db-1" }
            #expect(db.map(\.state) == ["exited"])
            try await deployed.stays(
                22, saying: "nothing", "db", "has exited (9)", notSaying: "running again", "put back", "in sync")
            #expect(try await deployed.skipped() == [bad])

            // A fix that works ends it.
            let fixed = sleeper("db", "volumes: ['data:/data']")
            try await deployed.deploy(stack(fixed) + volumes)
            try await deployed.stays(0, notSaying: "exited")
            #expect(try await deployed.container("db").isRunning)
            #expect(try await deployed.statuses().last == "succeeded")
        }
    }

    // Case 1
    @Test func `an outage ends when a person repairs what the previous version needs`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(refusing, sleeper("web")) + volumes, in: scenario)
            let web = try await deployed.container("web")
            let broken = stack(migrating, sleeper("web")) + volumes
            // Something runs, so it is not "nothing".
            try await deployed.deploy(broken, expecting: 22).saying("db has exited (9)")
                .notSaying("nothing of", "running again")
            try await deployed.stays(22, saying: "db", notSaying: "nothing of", "running again", "in sync")
            #expect(try await deployed.container("web") == web)
            _ = try await scenario.engine.start(
                name: "\(scenario.id)-repair",
                body:
                    #"{"Image":"busybox:1","Cmd":["rm","/data/v2"],"HostConfig":{"Binds":["\#(scenario.id)_data:/data"]}}"#
            )
            scenario.atEnd("remove the repair") { try await scenario.engine.remove(container: "\(scenario.id)-repair") }
            try await scenario.engine.request("POST", "/containers/\(scenario.id)-repair/wait")
            try await deployed.watcher.run("deploy").expecting(12)
            #expect(allRun(try await deployed.containers()))
            try await deployed.stays(12, notSaying: "exited (9)")
        }
    }

    // Case 1
    @Test func `a previous version that comes back unhealthy is an outage too`() async throws {
        try await Scenario.with { scenario in
            let check =
                "healthcheck: {test: [CMD-SHELL, 'test ! -e /data/v2 || { echo schema is newer; exit 1; }'], "
                + "interval: 1s, timeout: 2s, retries: 2}"
            let v1 = sleeper("db", "volumes: ['data:/data']", check)
            let deployed = try await Deployed(stack(v1) + volumes, in: scenario)
            try await deployed.deploy(stack(migrating) + volumes, expecting: 22).saying("db", "unhealthy")
            try await deployed.stays(
                22, saying: "db", "unhealthy", "schema is newer", notSaying: "running again", "in sync", "nothing of")
        }
    }

    // Case 2
    @Test func `a first deployment that fails is a failure at every run`() async throws {
        try await Scenario.with { scenario in
            let broken = stack(sleeper("web", "command: [sh, -c, 'exit 3']", "restart: always"))
            let deployed = try await Deployed.prepared(broken, in: scenario)
            try await deployed.watcher.run("deploy").expecting(21).saying("web")
            let bad = try await deployed.repository.tip()
            #expect(try await deployed.skipped() == [bad])
            try await deployed.stays(21, notSaying: "in sync")
            #expect(try await deployed.statuses() == ["failed"])
            #expect(try await deployed.containers().filter(\.isRunning).isEmpty)
            try await deployed.deploy(stack(sleeper("web")))
            try await deployed.stays(0)
        }
    }

    // Case 2
    @Test func `a first deployment of which one service works is a failure at every run, also by dry run`() async throws
    {
        try await Scenario.with { scenario in
            let broken = stack(sleeper("web"), sleeper("db", neverHealthy))
            let deployed = try await Deployed.prepared(broken, in: scenario)
            try await deployed.watcher.run("deploy").expecting(21).saying("db", "unhealthy")
            try await deployed.stays(21)
            try await deployed.watcher.run("deploy", "--dry-run").expecting(21)
            let json = try await deployed.watcher.json("deploy", expecting: 21)
            #expect(json["projects"].elements.first?["exit_status"].integer == 21)
        }
    }

    // Case 2
    @Test func `a second commit that fails after a first that failed is a failure, not a rollback`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed.prepared(stack(sleeper("web", neverHealthy)), in: scenario)
            try await deployed.watcher.run("deploy").expecting(21)
            try await deployed.deploy(stack(sleeper("web", "command: [sh, -c, 'exit 5']")), expecting: 21)
            try await deployed.stays(21)
            #expect(try await deployed.skipped().count == 2)
            #expect(try await deployed.statuses() == ["failed", "failed"])
        }
    }

    // Case 14
    @Test func `an end that cannot be recorded is told, and the next run finishes what is left`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(sleeper("web"), sleeper("db")), in: scenario)
            let db = try await deployed.container("db")
            let first = try await deployed.container("web")
            try await deployed.sql(
                "CREATE TRIGGER stop_it BEFORE UPDATE ON deployments WHEN NEW.status = 'succeeded' "
                    + "BEGIN SELECT RAISE(ABORT, 'the disk is tired'); END")
            let changed = stack(sleeper("web", "environment: {A: b}"), sleeper("db"))
            try await deployed.repository.commit(compose: changed, "change")
            let failed = try await deployed.watcher.run("deploy")
            #expect([1, 74].contains(failed.status), "\(failed)")
            failed.notSaying("there was nothing to")
            try await deployed.sql("DROP TRIGGER stop_it")
            try await deployed.watcher.run("deploy").expecting(0)
            let after = try await deployed.containers()
            #expect(after.map(\.name) == ["\(scenario.id)-db-1", "\(scenario.id)-web-1"])
            #expect(allRun(after) && ids(after)["db"] == db.id && ids(after)["web"] != first.id)
            #expect(try await deployed.container("web").environment.contains("A=b"))
            #expect(try await deployed.skipped() == [])
            try await deployed.stays(0)
        }
    }

    // Case 14
    @Test func `a failure that cannot be recorded either leaves what ran before running, and says so`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(sleeper("web")), in: scenario)
            let before = try await deployed.containers()
            try await deployed.sql(
                "CREATE TRIGGER stop_it BEFORE UPDATE ON deployments WHEN NEW.status <> 'open' "
                    + "BEGIN SELECT RAISE(ABORT, 'the disk is tired'); END")
            try await deployed.repository.commit(compose: stack(sleeper("web", neverHealthy)), "break")
            let failed = try await deployed.watcher.run("deploy")
            #expect([20, 74].contains(failed.status), "\(failed)")
            #expect(try await deployed.stillRuns(before))
            try await deployed.sql("DROP TRIGGER stop_it")
            // Nothing is known of the attempt's end: it is closed, and the commit fails once more at most.
            let next = try await deployed.watcher.run("deploy")
            #expect([12, 20].contains(next.status), "\(next)")
            #expect(try await deployed.stillRuns(before))
            try await deployed.stays(12)
        }
    }

    // Case 14
    @Test func `a record that cannot be opened leaves no staged files and nothing touched`() async throws {
        try await Scenario.with { scenario in
            let files = ["conf/web.conf": "one"]
            let mounted = sleeper("web", "volumes: ['./conf:/conf']")
            let deployed = try await Deployed(stack(mounted), files: files, in: scenario)
            let before = untouched(try await deployed.containers())
            let list = "cd \(deployed.watcher.stateDirectory)/projects && find . | grep -v '/lock$' | sort"
            let there = try await scenario.run("sh", ["-c", list]).expecting(0).output
            try await deployed.sql(
                "CREATE TRIGGER stop_it BEFORE INSERT ON deployments BEGIN SELECT RAISE(ABORT, 'tired'); END")
            try await deployed.repository.commit(["conf/web.conf": "two", "conf/more": "x"], "configure")
            for _ in 0..<2 {
                try await deployed.watcher.run("deploy").expecting(74)
                #expect(untouched(try await deployed.containers()) == before)
                #expect(try await scenario.run("sh", ["-c", list]).output == there)
            }
            try await deployed.sql("DROP TRIGGER stop_it")
            try await deployed.watcher.run("deploy").expecting(0)
            #expect(try await deployed.output("cat", "/conf/web.conf", of: "web") == "two")
        }
    }
}
