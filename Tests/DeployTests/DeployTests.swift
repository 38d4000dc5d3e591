import Compose
import Deploy
import Reconcile
import Testing
import WatcherTestSupport

@Suite struct DeployTests {
    @Test func `a first deployment creates everything and is recorded with its snapshot`() async throws {
        let house = House()
        let commit = house.push(pair, ["README": "hello"])
        let result = await house.deploy()
        #expect(result.outcome == .deployed, "\(result)")
        #expect(result.deployed == commit)
        #expect(result.deployment == DeploymentID(project: "shop", number: 1))
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web1 up"])
        let deployment = try #require(house.deployment(1))
        #expect(deployment.status == .succeeded && deployment.kind == .deploy && deployment.before == nil)
        #expect(deployment.snapshot?.imageIDs == ["web": "sha256:web1", "db": "sha256:db1"])
        #expect(deployment.snapshot?.composeFiles == ["compose.yaml": pair])
        #expect(house.source.with { $0.checkout.files["/checkout/README"] } == "hello")
        #expect(house.store.with { $0.events[1]?.last?.line } == result.summary)
    }

    @Test func `the next run finds nothing to do and writes nothing`() async {
        let house = House()
        house.push(pair)
        _ = await house.deploy()
        let writes = house.writes
        let result = await house.deploy()
        #expect(result.outcome == .inSync)
        #expect(house.writes == writes)
        #expect(house.statuses == ["deploy succeeded"])
    }

    @Test func `a new commit replaces only what it changes`() async {
        let house = House()
        house.push(pair)
        _ = await house.deploy()
        let before = house.containers
        house.push(pair.replacing("web:1", with: "web:2"))
        let result = await house.deploy()
        #expect(result.outcome == .deployed)
        #expect(result.changes.map(\.description) == ["web: recreate: image web:1 → 2"])
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web2 up"])
        #expect(house.containers[0] == before[0])
    }

    // Case 18
    @Test func `a commit that changes nothing of the project moves the checkout and the pointer, and nothing else`()
        async
    {
        let house = House()
        house.push(pair)
        _ = await house.deploy()
        let before = house.containers
        let commit = house.push(pair, ["README": "new"])
        #expect(await house.deployer.check().outcome == .inSync)
        let result = await house.deploy()
        #expect(result.outcome == .inSync && result.deployed == commit && result.changes.isEmpty, "\(result)")
        #expect(house.containers == before && house.statuses == ["deploy succeeded"])
        #expect(await house.deploy().deployed == commit)
        house.engine.with { $0.engine.remove("shop-web-1") }
        #expect(await house.deploy().deployed == commit)
        #expect(house.statuses == ["deploy succeeded", "heal succeeded"])
        #expect(house.source.with { $0.checkout.files["/checkout/README"] } == "new")
    }

    @Test func `a changed file of a bind mount recreates its service`() async {
        let house = House()
        let yaml = "services: {web: {image: web:1, volumes: ['./web.conf:/web.conf:ro']}, db: {image: db:1}}"
        house.push(yaml, ["web.conf": "a"])
        _ = await house.deploy()
        house.push(yaml, ["web.conf": "b"])
        let result = await house.deploy()
        #expect(result.changes.map(\.description) == ["web: recreate: web.conf changed in 2222222222"], "\(result)")
        #expect(await house.deploy().outcome == .inSync)
    }

    @Test func `a failed deployment is undone to the very containers that ran, and its commit is skip-listed`()
        async throws
    {
        let house = House()
        let good = house.push(pair, ["file": "good"])
        _ = await house.deploy()
        let before = house.containers
        house.makeAll(from: "web:2", do: .runs(health: .unhealthy))
        let bad = house.push(
            pair.replacing("web:1", with: "web:2").replacing("db:1", with: "db:2"), ["file": "bad"])
        let result = await house.deploy()
        #expect(result.outcome == .restored, "\(result)")
        #expect(result.deployed == good)
        #expect(result.failure?.reason == .unhealthy)
        #expect(result.failure?.service == "web")
        #expect(result.failure?.logLines.isEmpty == false)
        #expect(house.containers == before)
        #expect(house.source.with { $0.checkout.files["/checkout/file"] } == "good")
        #expect(house.skipped.map(\.commit) == [bad.id])
        #expect(house.skipped.first?.code == .unhealthy)
        #expect(house.statuses == ["deploy succeeded", "deploy restored"])
    }

    @Test func `a skip-listed tip is left alone without a single write`() async {
        let house = await failedHouse()
        let writes = house.writes
        let result = await house.deploy()
        #expect(result.outcome == .skipped)
        #expect(house.writes == writes)
        #expect(house.statuses == ["deploy succeeded", "deploy restored"])
    }

    @Test func `a fix is deployed after a failure`() async {
        let house = await failedHouse()
        house.push(pair.replacing("web:1", with: "web:3"))
        let result = await house.deploy()
        #expect(result.outcome == .deployed)
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web3 up"])
    }

    @Test func `a skip-listed tip can be forced, and leaves the list when it works`() async {
        let house = await failedHouse()
        house.makeAll(from: "web:2", do: .runs(health: nil))
        let result = await house.deploy { $0.force = true }
        #expect(result.outcome == .deployed)
        #expect(house.skipped.isEmpty)
    }

    @Test func `a skip-listed tip is retried after the configured time`() async {
        let house = await failedHouse()
        house.configure { $0.retryAfter = .seconds(60) }
        #expect(await house.deploy().outcome == .skipped)
        house.pass(.seconds(61))
        #expect(await house.deploy().outcome == .restored)
        #expect(house.skipped.first?.failures == 2)
    }

    @Test func `what was deployed last is healed while the tip is skip-listed`() async {
        let house = await failedHouse()
        house.engine.with { $0.engine.remove("shop-web-1") }
        let result = await house.deploy()
        #expect(result.outcome == .skipped)
        #expect(result.deployment == DeploymentID(project: "shop", number: 3))
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web1 up"])
        #expect(house.statuses.last == "heal succeeded")
    }

    @Test func `a failed first deployment leaves nothing behind`() async {
        let house = House()
        house.makeAll(from: "web:1", do: .exits(3))
        house.push(pair)
        let result = await house.deploy()
        #expect(result.outcome == .failed, "\(result)")
        #expect(result.failure?.reason == .crashed)
        #expect(house.containers.isEmpty)
        #expect(house.engine.with { $0.engine.state.networks.isEmpty })
        #expect(house.engine.with { $0.engine.state.volumes.keys.sorted() } == ["shop_data"])
    }

    @Test func `a failed deployment can be left as it is`() async {
        let house = House()
        house.makeAll(from: "web:1", do: .exits(3))
        house.push(pair)
        let result = await house.deploy { $0.keepsFailed = true }
        #expect(result.outcome == .failed)
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web1 down"])
        #expect(house.statuses == ["deploy failed"])
    }

    @Test func `a crash loop fails before the deadline`() async {
        let house = House()
        house.configure { $0.healthTimeout = .seconds(3600) }
        house.makeAll(from: "web:1", do: .crashLoops)
        house.engine.with { state in
            state.meanwhile = { engine, _ in try? engine.change("shop-web-1") { $0.restartCount += 1 } }
        }
        house.push(pair)
        let result = await house.deploy()
        #expect(result.failure?.reason == .crashed)
        #expect(result.failure?.message.contains("keeps crashing") == true)
    }

    @Test func `a service that never becomes healthy fails at its deadline`() async {
        let house = House()
        house.configure { $0.healthTimeout = .milliseconds(20) }
        house.makeAll(from: "web:1", do: .runs(health: .starting))
        house.push(pair)
        let result = await house.deploy()
        #expect(result.failure?.reason == .timedOut)
        #expect(result.failure?.message == "web: service web was not verified within 20ms")
    }

    @Test func `a service that becomes healthy later is waited for`() async {
        let house = House()
        house.makeAll(from: "web:1", do: .runs(health: .starting))
        house.engine.with { state in
            state.meanwhile = { engine, count in
                if count > 8 { try? engine.change("shop-web-1") { $0.health = .healthy } }
            }
        }
        house.push(pair)
        #expect(await house.deploy().outcome == .deployed)
    }

    @Test func `a dependency that the deployment does not touch is not the commit's fault`() async {
        let yaml = """
            services:
              web: {image: web:1, depends_on: {db: {condition: service_healthy}}}
              db: {image: db:1, healthcheck: {test: ["CMD", "true"]}}
            """
        let house = House()
        house.push(yaml)
        _ = await house.deploy()
        let before = house.containers
        house.engine.with { try? $0.engine.change("shop-db-1") { $0.health = .unhealthy } }
        house.push(yaml.replacing("web:1", with: "web:2"))
        let result = await house.deploy()
        #expect(result.outcome == .notWorking && result.failure?.reason == .dependencyNotReady, "\(result)")
        #expect(house.skipped.isEmpty)
        #expect(house.containers == before)
        house.engine.with { try? $0.engine.change("shop-db-1") { $0.health = .healthy } }
        #expect(await house.deploy().outcome == .deployed)
    }

    @Test func `a completed job is remembered and not run again`() async {
        let house = House()
        house.makeAll(from: "job:1", do: .exits(0))
        house.push("services: {job: {image: job:1}}")
        #expect(await house.deploy().outcome == .deployed)
        #expect(house.deployment(1)?.snapshot?.completed == ["job"])
        #expect(await house.deploy().outcome == .inSync)
    }

    @Test func `a job that outlasts its verification is not started for ever`() async {
        let house = House()
        house.push("services: {job: {image: job:1}}")
        func end() { house.engine.with { try? $0.engine.change("shop-job-1") { $0.state = .exited } } }
        #expect(await house.deploy().outcome == .deployed)
        end()
        #expect(await house.deploy().outcome == .deployed)
        end()
        #expect(await house.deploy().outcome == .inSync)
        #expect(await house.deploy().outcome == .inSync)
    }

    @Test func `a service that the engine always restarts is started as often as it is stopped`() async {
        let house = House()
        house.push("services: {web: {image: web:1, restart: always}}")
        for _ in 1...4 {
            #expect(await house.deploy().outcome == .deployed)
            house.engine.with { try? $0.engine.change("shop-web-1") { $0.state = .exited } }
        }
    }

    @Test func `a failed job that others wait for fails the deployment`() async {
        let house = House()
        house.makeAll(from: "job:1", do: .exits(4))
        house.push(
            """
            services:
              job: {image: job:1}
              web: {image: web:1, depends_on: {job: {condition: service_completed_successfully}}}
            """)
        let result = await house.deploy()
        #expect(result.outcome == .failed && result.failure?.reason == .exitedNonZero)
    }

    /// A good deployment of `web:1`, then a failed one of `web:2`.
    private func failedHouse() async -> House {
        let house = House()
        house.push(pair)
        _ = await house.deploy()
        house.makeAll(from: "web:2", do: .runs(health: .unhealthy))
        house.push(pair.replacing("web:1", with: "web:2"))
        _ = await house.deploy()
        return house
    }
}
