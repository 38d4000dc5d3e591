import Compose
import Deploy
import Reconcile
import Synchronization
import Testing
import WatcherTestSupport

/// Rollbacks, drift, refusals, and what is told of them.
@Suite struct FlowTests {
    private func house(_ tips: String...) async -> House {
        let house = House()
        for tip in tips {
            house.push(tip)
            _ = await house.deploy()
        }
        return house
    }

    // MARK: - Drift

    @Test(
        arguments: [
            { (engine: inout SimulatedEngine) in engine.remove("shop-web-1") },
            { (engine: inout SimulatedEngine) in
                try? engine.change("shop-web-1") { ($0.state, $0.exitCode) = (.exited, 137) }
            },
            { (engine: inout SimulatedEngine) in try? engine.change("shop-web-1") { $0.state = .paused } },
            { (engine: inout SimulatedEngine) in try? engine.change("shop-web-1") { $0.networks = [:] } },
            { (engine: inout SimulatedEngine) in try? engine.change("shop-web-1") { $0.mounts = [] } },
        ] as [@Sendable (inout SimulatedEngine) -> Void])
    func `drift is healed`(_ drift: @Sendable (inout SimulatedEngine) -> Void) async {
        let yaml = pair.replacing("depends_on: [db]", with: "depends_on: [db], volumes: ['data:/data']")
        let house = await house(yaml)
        house.engine.with { drift(&$0.engine) }
        let isBroken = house.engine.with {
            $0.engine.state.containers.contains { $0.name == "shop-web-1" && $0.state != .running }
        }
        #expect(await house.deployer.check().outcome == (isBroken ? .notWorking : .drift))
        let result = await house.deploy()
        #expect(result.outcome == .deployed)
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web1 up"])
        #expect(house.statuses == ["deploy succeeded", "heal succeeded"])
        #expect(await house.deploy().outcome == .inSync)
    }

    @Test func `a heal that fails does not skip-list the commit that works elsewhere`() async {
        let house = await house(pair)
        house.engine.with { $0.engine.remove("shop-web-1") }
        house.makeAll(from: "web:1", do: .exits(1))
        let result = await house.deploy()
        #expect(result.outcome == .notWorking, "\(result)")
        #expect(house.skipped.isEmpty)
    }

    @Test func `the commit that changed a mounted file is named, the newest of several`() async {
        let yaml = pair.replacing("depends_on: [db]", with: "depends_on: [db], volumes: ['./conf:/conf']")
        let house = House()
        house.push(yaml, ["conf": "1"])
        _ = await house.deploy()
        house.push(yaml, ["conf": "2"])
        house.push(yaml, ["conf": "3"])
        house.push(yaml, ["conf": "3", "README": "more"])
        let expected = ["web: recreate: conf changed in 3333333333"]
        #expect(await house.deployer.check().changes.map(\.description) == expected)
        let result = await house.deploy()
        #expect(result.changes.map(\.description) == expected)
        #expect(result.changes.first?.details?.first?.file == "conf")
    }

    // MARK: - Rollback

    @Test func `a rollback goes to the last good deployment before, and the commit left behind is skip-listed`() async {
        let house = await house(pair, pair.replacing("web:1", with: "web:2"))
        let result = await house.rollback(to: .previous)
        #expect(result.outcome == .deployed, "\(result)")
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web1 up"])
        #expect(house.statuses.last == "rollback succeeded")
        #expect(house.skipped.map(\.code) == [nil])
        #expect(await house.deploy().outcome == .skipped)
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web1 up"])
    }

    @Test func `a rollback runs the image that ran then, although its tag has moved`() async {
        let house = await house(pair, pair.replacing("web:1", with: "web:2"))
        house.engine.with { $0.engine.setImage("web:1", id: "sha256:moved") }
        let result = await house.rollback(to: .deployment(DeploymentID(project: "shop", number: 1)))
        #expect(result.outcome == .deployed)
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web1 up"])
        let writes = house.writes
        #expect(await house.deploy().outcome == .skipped)
        #expect(house.writes == writes)
    }

    @Test func `a rollback that fails brings the current deployment back`() async {
        let house = await house(pair, pair.replacing("web:1", with: "web:2"))
        let before = house.containers
        house.makeAll(from: "web:1", do: .exits(1))
        let result = await house.rollback(to: .previous)
        #expect(result.outcome == .restored)
        #expect(house.containers == before)
        #expect(house.skipped.isEmpty)
    }

    @Test func `a rollback to what does not exist is refused`() async {
        let house = await house(pair)
        for target: RollbackRequest.Target in [
            .previous, .commit("ffff"), .deployment(DeploymentID(project: "shop", number: 9)),
            .deployment(DeploymentID(project: "other", number: 1)),
        ] {
            let result = await house.rollback(to: target)
            #expect(result.outcome == .error && result.failure?.reason == .usage)
        }
        #expect(house.statuses == ["deploy succeeded"])
    }

    // MARK: - Invalid commits

    @Test(arguments: [
        "services: {web: {imag: web:1}}", "services: {web: {image: 'web:1', volumes: ['./missing:/x']}}",
        "services: {web: {image: 'no such image'}}", "services: [",
    ])
    func `an invalid commit is recorded once, and what runs is kept`(_ yaml: String) async {
        let house = await house(pair)
        let before = house.containers
        house.push(yaml)
        let result = await house.deploy()
        #expect(result.outcome == .invalid, "\(result)")
        #expect(result.deployment == DeploymentID(project: "shop", number: 2))
        #expect(house.statuses == ["deploy succeeded", "deploy invalid"])
        #expect(await house.deploy().outcome == .invalid)
        #expect(house.statuses.count == 2)
        #expect(house.containers == before)
        house.engine.with { $0.engine.remove("shop-web-1") }
        #expect(await house.deploy().outcome == .invalid)
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web1 up"])
        #expect(await house.deploy().outcome == .invalid)
        #expect(house.statuses == ["deploy succeeded", "deploy invalid", "heal succeeded"])
    }

    @Test func `a bind source that is not in the commit may be on the host`() async {
        let house = House()
        house.push("services: {web: {image: web:1, volumes: ['./data:/data']}}")
        #expect(await house.deploy().failure?.reason == .bindSourceMissing)
        house.putOnHost(["/checkout/data/file": ""])
        #expect(await house.deploy().outcome == .deployed)
    }

    @Test func `a missing external network is trouble that passes`() async {
        let house = await house(pair)
        let (before, writes) = (house.containers, house.writes)
        house.push("services: {web: {image: web:1, networks: [outer]}}\nnetworks: {outer: {external: true}}")
        let result = await house.deploy()
        #expect(result.outcome == .error && result.failure?.reason == .externalMissing)
        #expect(house.containers == before && house.writes == writes && house.skipped.isEmpty)
    }

    // MARK: - Pulls

    @Test func `a failed pull touches nothing and is one record, however often it happens`() async {
        let house = await house(pair)
        let before = house.containers
        house.push(pair.replacing("web:1", with: "web:9"))
        house.engine.with { $0.pullTrouble = Trouble(reason: .registryUnreachable, message: "no route to host") }
        for _ in 1...3 {
            let result = await house.deploy()
            #expect(result.outcome == .error && result.failure?.reason == .registryUnreachable)
            #expect(result.failure?.stage == .pull)
        }
        #expect(house.containers == before && house.skipped.isEmpty)
        #expect(house.statuses == ["deploy succeeded", "deploy postponed"])
        #expect(house.deployment(2)?.attempts == 3)
        house.engine.with { state in
            state.pullTrouble = nil
            state.registry["web:9"] = "sha256:web9"
        }
        #expect(await house.deploy().outcome == .deployed)
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web9 up"])
    }

    @Test func `an image that is always pulled is deployed when it moved, and is no deployment when it did not`() async
    {
        let yaml = "services: {web: {image: web:1, pull_policy: always}}"
        let house = House()
        house.engine.with { $0.registry["web:1"] = "sha256:web1" }
        house.push(yaml)
        #expect(await house.deploy().outcome == .deployed)
        #expect(await house.deploy().outcome == .inSync)
        #expect(await house.deploy().outcome == .inSync)
        #expect(house.statuses == ["deploy succeeded"])
        #expect(house.engine.with { $0.pulls.count } == 3)
        house.engine.with { $0.registry["web:1"] = "sha256:new" }
        let result = await house.deploy()
        #expect(result.outcome == .deployed && result.changes.first?.causes == ["image web:1 is now new, was web1"])
        house.engine.with { $0.pullTrouble = Trouble(reason: .registryUnreachable, message: "no route to host") }
        #expect(await house.deploy().outcome == .inSync)
    }

    // MARK: - Looking only

    @Test func `a dry run writes nothing, neither to the engine nor to the record nor to the checkout`() async {
        let house = await house(pair)
        house.push(pair.replacing("web:1", with: "web:9"), ["file": "new"])
        let (writes, saves) = (house.writes, house.store.with { $0.saves })
        let checkout = house.source.with { $0.checkout }
        let result = await house.deployer.check()
        #expect(result.outcome == .pending)
        #expect(result.changes.map(\.description) == ["web: recreate: image web:1 → 9"])
        #expect(house.writes == writes && house.store.with { $0.saves } == saves)
        #expect(house.source.with { $0.checkout } == checkout && house.source.with { $0.staged } == 1)
    }

    @Test func `a dry run does not even clean up`() async {
        let house = await house(pair)
        house.engine.with { state in
            guard var parked = state.engine.state.containers.first(where: { $0.name == "shop-web-1" }) else { return }
            parked.id = ContainerID(hex: state.engine.nextID("d"))
            parked.name = "shop-web-1.parked-1"
            parked.state = .exited
            state.engine.state.containers.append(parked)
        }
        let writes = house.writes
        #expect(await house.deployer.check().outcome == .inSync)
        #expect(house.writes == writes)
        #expect(await house.deploy().outcome == .inSync)
        #expect(house.writes == writes + 1)
    }

    // MARK: - The branch

    @Test func `what a checkout lacks is said of every new commit, and not of one that is deployed`() async {
        let house = House()
        house.source.with { $0.omissions = ["submodules are not fetched"] }
        for tip in [pair, pair.replacing("web:1", with: "web:2")] {
            house.push(tip)
            #expect(await house.deploy().warnings == ["submodules are not fetched"])
        }
        #expect(await house.deploy().warnings == [])
    }

    @Test func `what comes first in a stop does not when the stop is refused`() async {
        let house = await house(pair)
        let marks = Mutex(0)
        func stop(_ services: Set<String>) async -> RunResult.Outcome {
            await house.deployer.stop(services) { marks.withLock { $0 += 1 } }.outcome
        }
        #expect(await stop(["wbe"]) == .error)
        #expect(await house.deployer.preview(.stopped).outcome == .pending)
        #expect(marks.withLock { $0 } == 0)
        #expect(await stop([]) == .stopped)
        // Also when nothing is left to stop: from now on it stays so.
        #expect(await stop([]) == .stopped)
        #expect(marks.withLock { $0 } == 2)
    }

    @Test func `a rewritten branch is not deployed until it is allowed`() async throws {
        let house = await house(pair)
        _ = house.push(pair.replacing("web:1", with: "web:2"), onto: CommitID(hex: "0123"))
        let result = await house.deploy()
        #expect(result.outcome == .rewritten && result.failure?.reason == .branchRewritten)
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web1 up"])
        house.configure { $0.allowsRewrite = true }
        #expect(await house.deploy().outcome == .deployed)
    }

    @Test func `a commit can be deployed by its id`() async {
        let house = await house(pair, pair.replacing("web:1", with: "web:2"))
        let result = await house.deploy { $0.commit = "1111111" }
        #expect(result.outcome == .deployed)
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web1 up"])
        #expect(await house.deploy { $0.commit = "fffff" }.failure?.reason == .usage)
    }

    @Test func `a remote that cannot be reached changes nothing`() async {
        let house = await house(pair)
        house.source.with { $0.trouble = Trouble(reason: .remoteUnreachable, message: "no route to host") }
        let result = await house.deploy()
        #expect(result.outcome == .error && result.failure?.stage == .fetch)
        #expect(result.summary.hasPrefix("nothing was changed; 1111111111 (Change 1) is deployed"))
        #expect(house.statuses == ["deploy succeeded"])
    }

    @Test func `a suspended project is left alone until the time is over`() async {
        let house = await house(pair)
        house.push(pair.replacing("web:1", with: "web:2"))
        house.store.with { $0.suspension = Suspension(reason: "sale", since: 0, until: 1_010_000) }
        let result = await house.deploy()
        #expect(result.outcome == .suspended && result.summary.contains("sale"))
        house.pass(.seconds(11))
        #expect(await house.deploy().outcome == .deployed)
    }

    // MARK: - Adoption

    @Test func `what docker compose made is adopted without touching it`() async {
        let house = await house(pair)
        house.engine.with { state in
            for index in state.engine.state.containers.indices {
                for label in state.engine.state.containers[index].labels.keys where label.hasPrefix("watcher.") {
                    state.engine.state.containers[index].labels[label] = nil
                }
            }
        }
        house.store.with { $0.deployments = [:] }
        let (before, writes) = (house.containers, house.writes)
        let result = await house.deploy()
        #expect(result.outcome == .deployed && result.changes.isEmpty)
        #expect(house.containers == before && house.writes == writes)
        #expect(await house.deploy().outcome == .inSync)
    }

    // MARK: - Events

    @Test func `stages come in order and belong to the deployment`() async {
        let house = House()
        house.engine.with { state in
            state.registry["web:1"] = "sha256:web1"
            state.engine.state.images["web:1"] = nil
        }
        house.push(pair)
        _ = await house.deploy()
        var stages: [Event.Stage] = []
        for event in house.events where stages.last != event.stage { stages.append(event.stage) }
        let waiting: [Event.Stage] = [.apply, .health]
        let firsts = stages.filter { !waiting.contains($0) }
        #expect(firsts == [.fetch, .checkout, .load, .plan, .pull, .record], "\(stages)")
        let order = Event.Stage.allCases
        #expect(stages.first == .fetch && stages.last == .record)
        #expect(
            stages.prefix(6).map { order.firstIndex(of: $0) ?? 0 }
                == stages.prefix(6).map { order.firstIndex(of: $0) ?? 0 }.sorted())
        let stored = house.store.with { $0.events[1] ?? [] }
        #expect(stored.map(\.line) == house.events.map(\.line))
        #expect(stored.allSatisfy { $0.deploymentID == DeploymentID(project: "shop", number: 1) })
    }

    @Test func `a failure tells of the rollback and of the last words of the container`() async {
        let house = await house(pair)
        house.forgetEvents()
        house.makeAll(from: "web:2", do: .exits(9))
        house.push(pair.replacing("web:1", with: "web:2"))
        _ = await house.deploy()
        let lines = house.events.filter { $0.stage == .health || $0.stage == .rollback || $0.kind == .status }
            .map { "\($0.kind) \($0.stage) \($0.state) \($0.line)" }
        #expect(lines.contains("log health running last words of c00000000004"), "\(lines)")
        #expect(lines.contains("status apply failed web: container shop-web-1 exited with status 9"), "\(lines)")
        #expect(lines.contains("progress health failed container shop-web-1 exited with status 9"))
        #expect(lines.contains("progress rollback started rolling back"))
        #expect(
            lines.last?.hasPrefix("status record failed web: container shop-web-1 exited with status 9; rolled back")
                == true)
    }
}
