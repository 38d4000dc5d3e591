import Compose
import Deploy
import Reconcile
import Testing
import WatcherTestSupport

/// Images that are built from the commit, in the one path.
@Suite struct BuildFlowTests {
    private let yaml = "services:\n  web: {build: app}\n  db: {image: db:1}\n"
    private let files = ["app/Dockerfile": "FROM busybox:1", "app/f": "1"]

    private func push(_ house: House, _ change: [String: String] = [:]) {
        house.push(yaml, files.merging(change) { $1 })
    }

    @Test func `an image is built once, again when its context changed, and then its service is recreated`() async {
        let house = House()
        push(house)
        let first = await house.deploy()
        #expect(first.outcome == .deployed, "\(first)")
        #expect(house.engine.with { $0.builds } == ["shop-web"])
        let original = house.containers
        #expect(await house.deploy().outcome == .inSync)
        push(house, ["elsewhere": "x"])
        #expect(await house.deploy().outcome == .inSync)
        #expect(house.engine.with { $0.builds } == ["shop-web"])
        #expect(house.containers == original)

        push(house, ["app/f": "2"])
        let preview = await house.deployer.check()
        #expect(preview.outcome == .pending)
        #expect(preview.changes.map(\.description) == ["image shop-web: build: its build context changed"])
        let second = await house.deploy()
        #expect(second.outcome == .deployed)
        #expect(second.changes.map(\.name) == ["web"])
        #expect(house.engine.with { $0.builds } == ["shop-web", "shop-web"])
        #expect(house.containers.first == original.first && house.containers.last != original.last)
        #expect(house.deployment(2)?.snapshot?.builds["web"] != house.deployment(1)?.snapshot?.builds["web"])
        #expect(
            house.events.contains { $0.kind == .log && $0.stage == .pull && $0.line == "Step 1/1 : FROM busybox:1" })
    }

    @Test func `a build that fails touches nothing and skip-lists its commit`() async {
        let house = House()
        push(house)
        _ = await house.deploy()
        let before = house.containers
        push(house, ["app/f": "2"])
        house.engine.with { $0.buildTrouble = Trouble(reason: .buildFailed, message: "returned a non-zero code: 1") }
        let failed = await house.deploy()
        #expect(failed.outcome == .restored, "\(failed)")
        #expect(failed.failure?.reason == .buildFailed && failed.failure?.service == "web")
        #expect(failed.failure?.logLines == ["Step 1/1 : FROM busybox:1"])
        #expect(house.containers == before)
        #expect(house.skipped.map(\.code) == [.buildFailed])
        #expect(house.statuses.last == "deploy restored")
        #expect(await house.deploy().outcome == .skipped)
        #expect(house.engine.with { $0.builds }.count == 2)
        house.engine.with { $0.buildTrouble = nil }
        push(house, ["app/f": "3"])
        #expect(await house.deploy().outcome == .deployed)
    }

    @Test func `trouble on the way to a base image passes`() async {
        let house = House()
        push(house)
        house.engine.with { $0.buildTrouble = Trouble(reason: .registryUnreachable, message: "no route to host") }
        for _ in 1...2 {
            let result = await house.deploy()
            #expect(result.outcome == .error && result.failure?.reason == .registryUnreachable)
        }
        #expect(house.skipped.isEmpty)
        #expect(house.statuses == ["deploy postponed"])
        house.engine.with { $0.buildTrouble = nil }
        #expect(await house.deploy().outcome == .deployed)
    }

    @Test func `a rollback runs the image that ran, and builds it again when it is gone`() async throws {
        for isGone in [false, true] {
            let house = House()
            push(house)
            _ = await house.deploy()
            let first = try #require(house.deployment(1)?.snapshot?.imageIDs["web"])
            push(house, ["app/f": "2"])
            _ = await house.deploy()
            if isGone { house.engine.with { $0.engine.state.images[first] = nil } }
            let result = await house.rollback(to: .previous)
            #expect(result.outcome == .deployed, "\(result)")
            #expect(house.containers.contains { $0.contains(first.dropFirst("sha256:".count)) })
            #expect(house.engine.with { $0.builds }.count == (isGone ? 3 : 2))
            #expect(await house.deploy().outcome == .skipped)
            #expect(house.engine.with { $0.builds }.count == (isGone ? 3 : 2))
        }
    }

    @Test func `a context that the commit does not hold is told with its place`() async {
        let house = House()
        house.push("services:\n  web:\n    build: nowhere\n")
        let result = await house.deploy()
        #expect(result.outcome == .invalid)
        #expect(result.failure?.message.hasPrefix("compose.yaml:3:") == true, "\(result)")
        #expect(result.failure?.message.contains("services.web.build") == true)
    }
}
