import Compose
import Deploy
import Reconcile
import Testing
import WatcherTestSupport

/// What happens when the process, the engine or the record fails in the middle.
@Suite struct RecoveryTests {
    private static let chain = """
        services:
          web: {image: web:1, networks: [front], depends_on: {db: {condition: service_healthy}}}
          db: {image: db:1, networks: [front], healthcheck: {test: ["CMD", "true"]}, volumes: ["data:/data"]}
        networks: {front: {}}
        volumes: {data: {}}
        """
    private static let next =
        chain.replacing("web:1", with: "web:2").replacing("db:1", with: "db:2")
        .replacing("front: {}", with: "front: {labels: {a: b}}") + "\n"

    private func house(then tip: String) async -> House {
        let house = House()
        house.push(Self.chain, ["file": "good"])
        _ = await house.deploy()
        house.push(tip, ["file": "new"])
        return house
    }

    /// How many calls a run makes when nothing ends it.
    private func calls(_ house: House) async -> Int {
        var low = 0
        house.life.end(after: 1_000_000)
        _ = await house.deploy()
        low = 1_000_000 - (house.life.remaining ?? 0)
        return low
    }

    @Test func `a run that dies at any call is undone by the next one, which then deploys`() async throws {
        let total = await calls(await house(then: Self.next))
        #expect(total > 20)
        for count in 0..<total {
            let house = await house(then: Self.next)
            let before = house.essence
            house.life.end(after: count)
            _ = await house.deploy()
            house.life.end(after: nil)
            // The fix that comes next is the old state again: recovery alone decides what runs.
            let wasOpen = house.statuses.last == "deploy open"
            house.source.with { $0.trouble = Trouble(reason: .remoteUnreachable, message: "no network") }
            let result = await house.deploy()
            #expect(result.failure?.reason == .remoteUnreachable)
            if wasOpen {
                #expect(house.essence == before, "killed at call \(count)")
                #expect(house.statuses.last == "deploy interrupted")
                #expect(house.source.with { $0.checkout.files["/checkout/file"] } == "good")
            }
            house.source.with { $0.trouble = nil }
            let outcome = await house.deploy().outcome
            #expect(outcome == .deployed || outcome == .inSync, "killed at call \(count)")
            #expect(house.names == ["shop-db-1 db2 up", "shop-web-1 web2 up"], "killed at call \(count)")
            #expect(house.skipped.isEmpty)
            #expect(await house.deploy().outcome == .inSync)
        }
    }

    @Test func `a failing run that dies while it undoes is recovered, and its commit skip-listed in the end`() async {
        let reference = await house(then: Self.next)
        reference.makeAll(from: "web:2", do: .runs(health: .unhealthy))
        let total = await calls(reference)
        for count in stride(from: 0, to: total, by: 1) {
            let house = await house(then: Self.next)
            house.makeAll(from: "web:2", do: .runs(health: .unhealthy))
            let before = house.essence
            house.life.end(after: count)
            _ = await house.deploy()
            house.life.end(after: nil)
            _ = await house.deploy()
            #expect(house.essence == before, "killed at call \(count): \(house.statuses)")
            #expect(house.skipped.count == 1, "killed at call \(count)")
            #expect(await house.deploy().outcome == .skipped)
        }
    }

    @Test func `a run that dies while it recovers is recovered by the next one`() async {
        let broken = await house(then: Self.next)
        let total = await calls(broken)
        for count in stride(from: 1, to: total, by: 3) {
            for second in stride(from: 1, to: 30, by: 4) {
                let house = await house(then: Self.next)
                let before = house.essence
                house.life.end(after: count)
                _ = await house.deploy()
                guard house.statuses.last == "deploy open" else { continue }
                house.life.end(after: second)
                house.source.with { $0.trouble = Trouble(reason: .remoteUnreachable, message: "no network") }
                _ = await house.deploy()
                house.life.end(after: nil)
                _ = await house.deploy()
                #expect(house.essence == before, "killed at call \(count), then \(second)")
            }
        }
    }

    @Test func `when the engine goes away the attempt stays open and the next run puts things right`() async {
        let house = await house(then: Self.next)
        let before = house.essence
        house.engine.with { state in
            state.refusal = { operation, _ in
                if case .start = operation { Trouble(reason: .engineUnreachable, message: "gone") } else { nil }
            }
        }
        let result = await house.deploy()
        #expect(result.outcome == .error && result.failure?.reason == .engineUnreachable)
        #expect(house.statuses.last == "deploy open")
        house.engine.with { $0.refusal = { _, _ in nil } }
        house.source.with { $0.trouble = Trouble(reason: .remoteUnreachable, message: "no network") }
        _ = await house.deploy()
        #expect(house.essence == before)
        #expect(house.skipped.isEmpty)
    }

    @Test func `an attempt that failed by its commit's fault keeps its reason when a later run undoes it`() async {
        let house = await house(then: Self.next)
        house.makeAll(from: "web:2", do: .runs(health: .unhealthy))
        house.engine.with { state in
            state.refusal = { operation, _ in
                if case .remove(_, true) = operation {
                    Trouble(reason: .engineUnreachable, message: "gone")
                } else {
                    nil
                }
            }
        }
        _ = await house.deploy()
        #expect(house.statuses.last == "deploy open")
        house.engine.with { $0.refusal = { _, _ in nil } }
        let result = await house.deploy()
        #expect(result.outcome == .skipped)
        #expect(house.deployment(2)?.status == .restored)
        #expect(house.deployment(2)?.reason == .unhealthy)
    }

    @Test func `what cannot be put back is said, and does not keep a fix from being deployed`() async {
        let house = await house(then: Self.next)
        house.makeAll(from: "web:2", do: .runs(health: .unhealthy))
        house.makeAll(from: "web:1", do: .runs(health: .unhealthy))
        let result = await house.deploy()
        #expect(result.outcome == .restoreFailed, "\(result)")
        #expect(house.statuses.last == "deploy restoreFailed")
        house.push(Self.next.replacing("web:2", with: "web:3"))
        #expect(await house.deploy().outcome == .deployed)
        #expect(house.names == ["shop-db-1 db2 up", "shop-web-1 web3 up"])
    }

    @Test func `an open attempt that cannot be undone does not keep a fix from being deployed`() async {
        let house = await house(then: Self.next)
        house.life.end(after: 19)
        _ = await house.deploy()
        house.life.end(after: nil)
        #expect(house.statuses.last == "deploy open")
        house.engine.with { state in
            state.refusal = { operation, engine in
                if case .start(let id) = operation,
                    engine.state.containers.first(where: { $0.id == id })?.imageID == House.imageID("web:1")
                {
                    Trouble(reason: .engineFailed, message: "broken")
                } else {
                    nil
                }
            }
        }
        // As long as it may pass, three runs try it.
        for _ in 1...2 { #expect(await house.deploy().failure?.reason == .engineFailed) }
        #expect(await house.deploy().outcome == .deployed)
        #expect(house.deployment(2)?.status == .restoreFailed || house.deployment(2)?.status == .interrupted)
    }

    @Test func `containers come back even when the checkout cannot`() async {
        let house = await house(then: Self.next)
        let before = house.essence
        house.makeAll(from: "web:2", do: .runs(health: .unhealthy))
        house.engine.with { state in
            state.meanwhile = { [source = house.source] _, _ in
                source.with { $0.stagingTrouble = Trouble(reason: .diskFull, message: "no space") }
            }
        }
        let result = await house.deploy()
        #expect(result.outcome == .error && result.failure?.reason == .diskFull)
        #expect(house.essence == before)
        #expect(house.statuses.last == "deploy open")
        house.engine.with { $0.meanwhile = { _, _ in } }
        house.source.with { $0.stagingTrouble = nil }
        #expect(await house.deploy().outcome == .skipped)
        #expect(house.source.with { $0.checkout.files["/checkout/file"] } == "good")
    }

    @Test func `a record that cannot be written stops a deployment before anything is touched`() async {
        let house = await house(then: Self.next)
        let (before, writes) = (house.containers, house.writes)
        house.store.with { $0.refusal = { _ in Trouble(reason: .stateUnusable, message: "disk I/O error") } }
        let result = await house.deploy()
        #expect(result.failure?.reason == .stateUnusable)
        #expect(house.containers == before && house.writes == writes)
    }

    @Test func `an interrupted run puts back what it took apart`() async throws {
        let house = await house(then: Self.next)
        let before = house.essence
        house.makeAll(from: "web:2", do: .runs(health: .starting))
        let (reached, reach) = AsyncStream.makeStream(of: Void.self)
        house.engine.with { state in
            state.meanwhile = { engine, _ in
                if engine.state.containers.contains(where: { $0.health == .starting }) { reach.finish() }
            }
        }
        let run = Task { await house.deploy() }
        for await _ in reached {}
        run.cancel()
        let result = await run.value
        #expect(result.outcome == .error && result.failure?.reason == .interrupted, "\(result)")
        #expect(house.essence == before)
        #expect(house.skipped.isEmpty)
        #expect(house.statuses.last == "deploy restored")
        #expect(house.deployment(2)?.reason == .interrupted)
    }

    @Test func `a deadline undoes like an interruption, and the third one in a row counts as the commit's`()
        async throws
    {
        let house = await house(then: Self.next)
        let before = house.essence
        house.makeAll(from: "web:2", do: .runs(health: .starting))
        for turn in 1...3 {
            let (reached, reach) = AsyncStream.makeStream(of: Void.self)
            house.engine.with { state in
                state.meanwhile = { engine, _ in
                    if engine.state.containers.contains(where: { $0.health == .starting }) { reach.finish() }
                }
            }
            let deadline = RunDeadline(.seconds(90))
            let run = Task { await RunDeadline.$current.withValue(deadline) { await house.deploy() } }
            for await _ in reached {}
            deadline.pass()
            run.cancel()
            let result = await run.value
            #expect(result.failure?.reason == .deadlineExceeded, "\(result)")
            #expect(result.failure?.message.contains("did not finish within 1m30s") == true, "\(result)")
            #expect(ExitStatus(result.outcome, result.failure?.reason) == (turn < 3 ? .temporary : .restored))
            #expect(house.essence == before)
            #expect(house.skipped.isEmpty == (turn < 3))
        }
    }

    @Test func `parked containers that cleanup could not remove are removed by the next run`() async {
        let house = await house(then: Self.chain.replacing("web:1", with: "web:2"))
        house.engine.with { state in
            state.refusal = { operation, _ in
                if case .remove = operation { Trouble(reason: .engineFailed, message: "busy") } else { nil }
            }
        }
        #expect(await house.deploy().outcome == .deployed)
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web2 up", "shop-web-1.parked-2 web1 down"])
        house.engine.with { $0.refusal = { _, _ in nil } }
        #expect(await house.deploy().outcome == .inSync)
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web2 up"])
    }
}

extension House {
    /// What has to be the same after an undo: containers and the definitions of their networks.
    var essence: [String] {
        containers
            + engine.with { state in
                state.engine.state.networks.values.map { "\($0.name) \($0.labels[ComposeLabels.configHash] ?? "")" }
                    .sorted()
            }
    }
}
