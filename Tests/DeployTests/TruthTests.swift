import Compose
import Deploy
import Reconcile
import Synchronization
import Testing
import WatcherTestSupport

/// What is said and recorded over several runs is what the engine says then.
@Suite struct TruthTests {
    private let web2 = pair.replacing("web:1", with: "web:2")
    private let web3 = pair.replacing("web:1", with: "web:3")

    private func house(_ tips: String...) async -> House {
        let house = House()
        for tip in tips {
            house.push(tip)
            _ = await house.deploy()
        }
        return house
    }

    // MARK: - Outages

    // Case 1
    @Test func `an undo that leaves nothing working stays 22 until it works, in one row of history`() async {
        let house = await house(pair)
        house.makeAll(from: "web:1", do: .exits(1))
        house.makeAll(from: "web:2", do: .exits(1))
        house.push(web2)
        #expect(await house.deploy().outcome == .restoreFailed)
        for _ in 1...3 {
            let result = await house.deploy()
            #expect(result.outcome == .restoreFailed, "\(result)")
            #expect(result.summary.contains("web has exited (1)"))
            #expect(!result.summary.contains("running again"))
            #expect(await house.deployer.check().outcome == .restoreFailed)
        }
        #expect(house.statuses == ["deploy succeeded", "deploy restoreFailed", "heal failed"])
        #expect(house.deployment(3)?.attempts == 3)
        house.makeAll(from: "web:1", do: .runs(health: nil))
        #expect(await house.deploy().outcome == .skipped)
        #expect(await house.deploy().outcome == .skipped)
        #expect(house.statuses.last == "heal succeeded")
    }

    // Case 2
    @Test func `a first deployment that fails is 21 at every run`() async {
        let house = House()
        house.makeAll(from: "web:1", do: .exits(1))
        house.push(pair)
        for _ in 1...3 { #expect(await house.deploy().outcome == .failed) }
        #expect(await house.deployer.check().outcome == .failed)
        #expect(house.statuses == ["deploy failed"])
        house.push(web2)
        #expect(await house.deploy().outcome == .deployed)
    }

    // Case 6
    @Test func `what turned unhealthy is told by every run, with the probe's last words`() async {
        let yaml = pair.replacing("image: db:1", with: "image: db:1, healthcheck: {test: [CMD, x]}")
        let house = await house(yaml)
        house.engine.with { state in
            try? state.engine.change("shop-db-1") {
                $0.health = .unhealthy
                $0.probe = .init(exitCode: 1, output: "connection refused", failingSince: 7)
            }
        }
        for result in [await house.deploy(), await house.deployer.check()] {
            #expect(result.outcome == .notWorking)
            #expect(result.standing?.broken.first?.trouble?.probe == "connection refused")
            #expect(result.standing?.broken.first?.since == 7)
            #expect(result.summary.contains("db is unhealthy"))
        }
        #expect(house.statuses == ["deploy succeeded"])
    }

    @Test func `a health check that is starting is waited for before anything is said`() async {
        let yaml = pair.replacing("image: db:1", with: "image: db:1, healthcheck: {test: [CMD, x]}")
        for (then, outcome) in [(ObservedState.Container.Health.healthy, Outcome.inSync), (.unhealthy, .notWorking)] {
            let house = await house(yaml)
            house.engine.with { state in
                try? state.engine.change("shop-db-1") { $0.health = .starting }
                state.meanwhile = { engine, _ in try? engine.change("shop-db-1") { $0.health = then } }
            }
            #expect(await house.deployer.check().outcome == .inSync)
            #expect(await house.deploy().outcome == outcome)
        }
    }

    // Case 26
    @Test func `what dies while others are still verified is not recorded as deployed`() async {
        let yaml = """
            services:
              web: {image: web:1}
              db: {image: db:1, healthcheck: {test: [CMD, x]}}
            """
        let house = await house(yaml)
        let before = house.containers
        house.makeAll(from: "db:2", do: .runs(health: .starting))
        house.engine.with { state in
            state.meanwhile = { engine, looks in
                guard engine.state.containers.contains(where: { $0.imageID == "sha256:db2" && $0.isRunning }),
                    looks > 14
                else { return }
                for container in engine.state.containers where container.imageID == "sha256:web2" {
                    try? engine.change(container.id) { ($0.state, $0.exitCode) = (.exited, 3) }
                }
                for container in engine.state.containers where container.imageID == "sha256:db2" {
                    try? engine.change(container.id) { $0.health = .healthy }
                }
            }
        }
        house.push(yaml.replacing("web:1", with: "web:2").replacing("db:1", with: "db:2"))
        let result = await house.deploy()
        #expect(result.outcome == .restored, "\(result)")
        #expect(result.failure?.service == "web")
        #expect(house.containers == before)
        #expect(await house.deploy().outcome == .skipped)
    }

    // MARK: - Rollback

    // Case 4
    @Test func `a second rollback goes further back`() async {
        let house = await house(pair, web2, web3)
        #expect(await house.rollback(to: .previous).outcome == .deployed)
        #expect(house.names.contains("shop-web-1 web2 up"))
        let second = await house.rollback(to: .previous)
        #expect(second.outcome == .deployed)
        #expect(house.names.contains("shop-web-1 web1 up"))
        #expect(house.skipped.map(\.commit.hex.first) == ["3", "2"])
        let third = await house.rollback(to: .previous)
        #expect(third.failure?.reason == .usage)
        #expect(await house.deploy().outcome == .skipped)
    }

    @Test func `a failed deployment is no target without force`() async {
        let house = await house(pair)
        house.makeAll(from: "web:2", do: .exits(1))
        house.push(web2)
        _ = await house.deploy()
        let failed = RollbackRequest.Target.deployment(DeploymentID(project: "shop", number: 2))
        #expect(await house.rollback(to: failed).failure?.reason == .usage)
        house.makeAll(from: "web:2", do: .runs(health: nil))
        #expect(await house.rollback(to: failed) { $0.force = true }.outcome == .deployed)
        #expect(house.names.contains("shop-web-1 web2 up"))
    }

    @Test func `a rollback is recorded with its skip, its release and its hold at once, or not at all`() async {
        let house = await house(pair, web2)
        let hold = Suspension(reason: "sale", since: 1, until: nil)
        house.store.with { state in
            state.refusal = { $0.status == .succeeded ? Trouble(reason: .diskFull, message: "full") : nil }
        }
        let before = house.containers
        let refused = await house.rollback(to: .previous) { $0.hold = hold }
        #expect(refused.failure?.reason == .diskFull, "\(refused)")
        #expect(house.containers == before && house.skipped.isEmpty)
        #expect(house.store.with { $0.suspension } == nil)
        house.store.with { $0.refusal = { _ in nil } }
        let result = await house.rollback(to: .previous) { $0.hold = hold }
        #expect(result.outcome == .deployed)
        #expect(house.skipped.count == 1 && house.store.with { $0.suspension } == hold)
        #expect(await house.deploy().outcome == .suspended)
    }

    @Test func `a deployed older commit says that the next run returns to the tip`() async {
        let house = await house(pair, web2)
        let result = await house.deploy { $0.commit = "1111111" }
        #expect(result.outcome == .deployed)
        #expect(result.next.contains { $0.contains("2222222222") } && result.next.contains { $0.contains("--hold") })
        #expect(await house.deploy().outcome == .deployed)
        #expect(house.names.contains("shop-web-1 web2 up"))
        _ = await house.deploy {
            $0.commit = "1111111"
            $0.hold = Suspension(reason: "held", since: 0, until: nil)
        }
        #expect(await house.deploy().outcome == .suspended)
        #expect(house.names.contains("shop-web-1 web1 up"))
    }

    @Test func `what is deployed already is held all the same`() async {
        let house = await house(pair, web2)
        _ = await house.deploy { $0.commit = "1111111" }
        let result = await house.deploy {
            $0.commit = "1111111"
            $0.hold = Suspension(reason: "held", since: 0, until: nil)
        }
        #expect(result.outcome == .inSync && result.suspended != nil, "\(result)")
        #expect(await house.deploy().outcome == .suspended)
        #expect(house.names.contains("shop-web-1 web1 up"))
    }

    @Test func `a commit that is found invalid when it is compared keeps what was deployed as it is`() async {
        let house = await house(pair)
        house.push(pair.replacing("depends_on: [db]", with: "depends_on: {db: {condition: service_healthy}}"))
        house.engine.with { $0.engine.remove("shop-web-1") }
        #expect(await house.deploy().outcome == .invalid)
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web1 up"])
        #expect(house.statuses == ["deploy succeeded", "deploy invalid", "heal succeeded"])
        #expect(await house.deploy().outcome == .invalid)
        #expect(house.statuses.count == 3)
    }

    // MARK: - The record

    // Case 14
    @Test func `a success that cannot be recorded is undone, and the attempt keeps what ran before`() async {
        let house = await house(pair)
        let before = house.containers
        house.push(web2)
        house.store.with { state in
            state.refusal = { $0.status == .succeeded ? Trouble(reason: .stateUnusable, message: "I/O error") : nil }
        }
        let result = await house.deploy()
        #expect(result.outcome == .error && result.failure?.reason == .stateUnusable, "\(result)")
        #expect(house.containers == before)
        house.store.with { $0.refusal = { _ in nil } }
        #expect(await house.deploy().outcome == .deployed)
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web2 up"])
    }

    @Test func `no path leaks a staged checkout, and what ran before is recorded in full`() async {
        let house = await house(pair)
        house.push(web2)
        house.store.with { $0.refusal = { _ in Trouble(reason: .stateUnusable, message: "read-only") } }
        #expect(await house.deploy().failure?.reason == .stateUnusable)
        house.store.with { $0.refusal = { _ in nil } }
        house.makeAll(from: "web:2", do: .exits(1))
        #expect(await house.deploy().outcome == .restored)
        #expect(house.source.with { $0.discarded } == house.source.with { $0.staged } - 1)
        #expect(house.deployment(2)?.before?.containers.allSatisfy { $0.startedAt != nil } == true)
    }

    // Case 15
    @Test func `a lost record is read back from the labels, and nothing is deployed again`() async {
        let house = await house(pair, web2)
        let before = house.containers
        house.store.with { $0.deployments = [:] }
        let result = await house.deploy()
        #expect(result.outcome == .inSync, "\(result)")
        #expect(result.deployed?.subject == "Change 2")
        #expect(house.containers == before)
        #expect(house.statuses == ["deploy succeeded"])
        house.makeAll(from: "web:3", do: .exits(1))
        house.push(web3)
        #expect(await house.deploy().outcome == .restored)
        #expect(await house.deploy().outcome == .skipped)
        #expect(house.containers == before)
        house.store.with { $0.deployments = [:] }
        _ = house.push(web3, onto: CommitID(hex: "0123"))
        #expect(await house.deploy().outcome == .rewritten)
        #expect(house.containers == before)
    }

    // Case 19
    @Test func `a failure that passes is one record with its first and last time, its count and the last events`() async
    {
        let house = await house(pair)
        house.push(pair.replacing("web:1", with: "web:9"))
        house.engine.with { $0.pullTrouble = Trouble(reason: .registryUnreachable, message: "no route to host") }
        for _ in 1...3 {
            house.pass(.seconds(60))
            house.forgetEvents()
            #expect(await house.deploy().deployment == DeploymentID(project: "shop", number: 2))
        }
        let record = house.deployment(2)
        #expect(record?.attempts == 3)
        #expect((record?.finishedAt ?? 0) - (record?.startedAt ?? 0) == 120_000)
        let stored = house.store.with { $0.events[2] ?? [] }
        #expect(stored.map(\.line) == house.events.map(\.line))
        #expect(stored.filter { $0.stage == .record && $0.kind == .status }.count == 1)
    }

    private static let nothing: @Sendable (Reconcile.Operation<ContainerID>, SimulatedEngine) -> Trouble? = { _, _ in
        nil
    }
    private static let restarting: @Sendable (Reconcile.Operation<ContainerID>, SimulatedEngine) -> Trouble? = {
        operation, _ in
        guard case .start = operation else { return nil }
        return Trouble(reason: .engineRestarted, message: "shutting down")
    }

    // Case 27
    @Test func `a deployment that fails while the engine restarts stays open, and the next run finishes it`() async {
        let house = await house(pair)
        house.push(web2)
        house.engine.with { state in
            state.refusal = Self.restarting
        }
        let result = await house.deploy()
        #expect(result.failure?.reason == .engineRestarted && house.statuses.last == "deploy open", "\(result)")
        #expect(house.skipped.isEmpty)
        house.engine.with { $0.refusal = Self.nothing }
        #expect(await house.deploy().outcome == .deployed)
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web2 up"])
    }

    // MARK: - The checkout

    // Case 5
    @Test func `a file that was changed on disk is drift, and named`() async {
        let yaml = pair.replacing("depends_on: [db]", with: "depends_on: [db], volumes: ['./conf:/conf']")
        let house = House()
        house.push(yaml, ["conf/a": "1"])
        _ = await house.deploy()
        house.source.with { $0.checkout.files["/checkout/conf/a"] = "edited" }
        let check = await house.deployer.check()
        #expect(check.outcome == .drift && check.changes.contains { $0.description.contains("conf/a") }, "\(check)")
        let result = await house.deploy()
        #expect(result.outcome == .deployed && result.changes.contains { $0.description.contains("conf/a") })
        #expect(await house.deployer.check().outcome == .inSync)
    }
}

extension ObservedState.Container {
    fileprivate var isRunning: Bool { state == .running }
}

/// What trials with faults and by hand found.
@Suite struct TrialTests {
    @Test func `a job that completed is not run again when its container was pruned`() async {
        let yaml = """
            services:
              web: {image: web:1, depends_on: {job: {condition: service_completed_successfully}}}
              job: {image: job:1}
            """
        let house = House()
        house.makeAll(from: "job:1", do: .exits(0))
        house.push(yaml)
        #expect(await house.deploy().outcome == .deployed)
        house.engine.with { $0.engine.remove("shop-job-1") }
        #expect(await house.deployer.check().outcome == .inSync)
        #expect(await house.deploy().outcome == .inSync)
        house.push(yaml.replacing("web:1", with: "web:2"))
        #expect(await house.deploy().outcome == .deployed)
        #expect(house.names == ["shop-web-1 web2 up"])
    }

    @Test func `a job that everybody can do without, and that failed, is not run again by every tick`() async {
        let house = House()
        house.makeAll(from: "job:1", do: .exits(3))
        house.push(
            """
            services:
              web: {image: web:1, depends_on: {job: {condition: service_completed_successfully, required: false}}}
              job: {image: job:1}
            """)
        #expect(await house.deploy().outcome == .deployed)
        #expect(await house.deployer.check().outcome == .inSync)
        #expect(await house.deploy().outcome == .inSync)
        #expect(house.statuses == ["deploy succeeded"])
    }

    @Test func `a call that fails in the undo is tried again`() async {
        let house = House()
        house.push(pair)
        _ = await house.deploy()
        let before = house.containers
        house.makeAll(from: "web:2", do: .exits(1))
        house.push(pair.replacing("web:1", with: "web:2"))
        let failures = Mutex(2)
        house.engine.with { state in
            state.refusal = { operation, _ in
                guard case .rename(_, let name) = operation, name == "shop-web-1" else { return nil }
                return failures.withLock { left in
                    guard left > 0 else { return nil }
                    left -= 1
                    return Trouble(reason: .engineFailed, message: "500")
                }
            }
        }
        // The first is the swap's own; the next one is the undo's.
        _ = await house.deploy()
        #expect(house.containers == before)
        #expect(await house.deploy().outcome != .restoreFailed)
    }

    @Test func `what nobody had to stop is not said to run again`() async {
        let house = House()
        house.push(pair)
        _ = await house.deploy()
        house.push(pair.replacing("web:1", with: "web:2"))
        house.engine.with { state in
            state.refusal = { operation, _ in
                guard case .create = operation else { return nil }
                return Trouble(reason: .invalidContainer, message: "no such runtime")
            }
        }
        let result = await house.deploy()
        #expect(result.outcome == .restored)
        #expect(result.summary.hasPrefix("nothing that runs was stopped"), "\(result.summary)")
    }

    @Test func `a failure that passes and stops nothing never counts as the commit's`() async {
        let house = House()
        house.push(pair)
        _ = await house.deploy()
        house.push(
            pair.replacing("web: {image: web:1,", with: "web: {image: web:1, networks: [default, more],")
                + "\nnetworks: {more: {}}\n")
        house.engine.with { state in
            state.refusal = { operation, _ in
                guard case .createNetwork = operation else { return nil }
                return Trouble(reason: .networkUnavailable, message: "no address pool is left")
            }
        }
        for _ in 1...5 { #expect(await house.deploy().failure?.reason == .networkUnavailable) }
        #expect(house.skipped.isEmpty)
    }

    @Test func `to return from a second rollback names the tip`() async {
        let house = House()
        for image in ["web:1", "web:2", "web:3"] {
            house.push(pair.replacing("web:1", with: image))
            _ = await house.deploy()
        }
        _ = await house.rollback(to: .previous)
        let second = await house.rollback(to: .previous)
        #expect(second.next.contains { $0.contains("skip-list remove shop 3333333333") }, "\(second.next)")
    }

    @Test func `starting a project of which nothing exists is refused`() async {
        let house = House()
        #expect(await house.deployer.start([]).failure?.reason == .usage)
    }
}
