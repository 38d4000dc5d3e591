import Deploy
import Reconcile
import Testing
import WatcherTestSupport

/// Which images are removed when nothing needs them any more, and which never are.
@Suite struct ImagePruningTests {
    private func house(prunes: Bool = true) -> House {
        let house = House()
        house.configure { $0.prunesImages = prunes }
        house.engine.with { state in
            for number in 10..<20 { state.registry["web:\(number)"] = House.imageID("web:\(number)") }
        }
        return house
    }

    private func deploy(_ version: Int, on house: House) async -> RunResult {
        house.push(pair.replacing("web:1", with: "web:\(version)"))
        return await house.deploy()
    }

    private func images(_ house: House) -> [Int] {
        (10..<20).filter { number in house.engine.with { $0.engine.state.images[House.imageID("web:\(number)")] != nil }
        }
    }

    @Test func `images of the newest five commits are kept, those before are removed`() async {
        let house = house()
        for version in 10...16 { #expect(await deploy(version, on: house).outcome == .deployed) }
        #expect(images(house) == [12, 13, 14, 15, 16])
        #expect(
            house.events.filter { $0.line.hasPrefix("removed image") }.map(\.line) == [
                "removed image web:10 (web10), which is no longer needed",
                "removed image web:11 (web11), which is no longer needed",
            ])
        let oldest = DeploymentID(project: "shop", number: 3)
        let pulls = house.engine.with { $0.pulls }
        #expect(await house.rollback(to: .deployment(oldest)).outcome == .deployed)
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web12 up"])
        #expect(house.engine.with { $0.pulls } == pulls)
    }

    @Test func `deployments of the same commit count once`() async {
        let house = house()
        for version in 10...11 { _ = await deploy(version, on: house) }
        for _ in 0..<7 {
            house.engine.with { $0.engine.remove("shop-web-1") }
            #expect(await house.deploy().outcome == .deployed)
        }
        #expect(images(house) == [10, 11])
        #expect(await house.rollback(to: .previous).outcome == .deployed)
    }

    @Test func `what only a failed deployment used goes with the next good one`() async {
        let house = house()
        _ = await deploy(10, on: house)
        house.makeAll(from: "web:11", do: .exits(1))
        #expect(await deploy(11, on: house).outcome == .restored)
        #expect(images(house) == [10, 11])
        #expect(await deploy(12, on: house).outcome == .deployed)
        #expect(images(house) == [10, 12])
    }

    @Test func `images that were there before, or that somebody uses, stay`() async {
        let house = house()
        house.engine.with { $0.engine.setImage("web:10", id: House.imageID("web:10")) }
        for version in 10...11 { _ = await deploy(version, on: house) }
        // Somebody else's container.
        house.engine.with { state in
            var other = ObservedState.Container(
                id: ContainerID(hex: state.engine.nextID("f")), name: "other", service: "other", number: 1,
                state: .exited)
            other.imageID = House.imageID("web:11")
            other.isOneOff = true
            state.engine.state.containers.append(other)
        }
        for version in 12...17 { _ = await deploy(version, on: house) }
        #expect(images(house) == [10, 11, 13, 14, 15, 16, 17])
        // It is removed as soon as nobody uses it.
        house.engine.with { $0.engine.remove("other") }
        _ = await deploy(18, on: house)
        #expect(images(house) == [10, 14, 15, 16, 17, 18])
    }

    @Test func `nothing is removed unless it is asked for`() async {
        let house = house(prunes: false)
        for version in 10...17 { _ = await deploy(version, on: house) }
        #expect(images(house) == Array(10...17))
        // What was brought is known all the same.
        house.configure { $0.prunesImages = true }
        _ = await deploy(18, on: house)
        #expect(images(house) == Array(14...18))
    }
}
