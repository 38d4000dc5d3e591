import Compose
import Deploy
import Reconcile
import Testing
import WatcherTestSupport

/// What is built before loading, and commands around deployments, with a host in memory.
@Suite struct BuildTests {
    private func command(_ title: String) -> HostCommand {
        HostCommand(
            arguments: title.split(separator: " ").map(String.init), title: title, directory: ".", timeout: .seconds(9))
    }

    private func house(building titles: String...) -> House {
        let house = House()
        house.configure { $0.build = BuildSettings(commands: titles.map(command), user: nil) }
        house.source.with { $0.outputs = ["app": "binary one"] }
        return house
    }

    private let app = "services: {web: {image: web:1, volumes: ['./app:/app']}}"

    @Test func `commands run in order, in the commit's own directory, once for a commit`() async {
        let house = house(building: "make one", "make two")
        let commit = house.push(app)
        #expect(await house.deploy().outcome == .deployed)
        #expect(house.commands.titles == ["make one", "make two"])
        let first = house.commands.with { $0.run.first }
        #expect(first?.directory == "/build" && first?.environment["WATCHER_COMMIT"] == commit.id.hex)
        #expect(house.source.with { $0.checkout.files["/checkout/app"] } == "binary one")
        #expect(await house.deploy().outcome == .inSync)
        #expect(house.commands.titles.count == 2)
    }

    @Test func `a look builds nothing and says so`() async {
        let house = house(building: "make one")
        house.push(app)
        let result = await house.deployer.check()
        #expect(result.outcome == .pending && result.summary.contains("would be built first"))
        #expect(house.commands.titles.isEmpty)
    }

    @Test func `another way of building builds the same commit again`() async {
        let house = house(building: "make one")
        house.push(app)
        #expect(await house.deploy().outcome == .deployed)
        house.configure { $0.build?.commands[0].environment = ["A": "b"] }
        house.source.with { $0.outputs = ["app": "binary two"] }
        let result = await house.deploy()
        #expect(result.outcome == .deployed && result.changes.map(\.name) == ["web"])
        #expect(house.source.with { $0.checkout.files["/checkout/app"] } == "binary two")
    }

    @Test func `a build that fails touches nothing and is not tried again by itself`() async {
        let house = house(building: "make one", "make two")
        house.push(app)
        #expect(await house.deploy().outcome == .deployed)
        let (containers, writes) = (house.containers, house.writes)
        house.push(app + " # again")
        house.commands.with {
            $0.ends["make one"] = .exited(status: 2)
            $0.prints["make one"] = ["one.go:1: syntax error"]
        }
        let result = await house.deploy()
        #expect(result.outcome == .restored && result.failure?.reason == .buildFailed)
        #expect(result.failure?.logLines == ["one.go:1: syntax error"])
        #expect(house.deployment(2)?.message == "make one ended with status 2")
        #expect(house.deployment(2)?.logLines == ["one.go:1: syntax error"])
        #expect(house.containers == containers && house.writes == writes)
        #expect(house.commands.titles == ["make one", "make two", "make one"])
        #expect(!house.source.with { $0.isBuilding })
        #expect(await house.deploy().outcome == .skipped)
        #expect(house.commands.titles.count == 3)
    }

    @Test func `a command that cannot be started is not the commit's fault`() async {
        let house = house(building: "make one")
        house.push(app)
        house.commands.with { $0.ends["make one"] = .notStarted("No such file or directory") }
        let result = await house.deploy()
        #expect(result.outcome == .error && result.failure?.reason == .invalidConfiguration)
        #expect(house.skipped.isEmpty)
    }

    @Test func `a rollback brings back what was built and builds nothing, unless it is kept no more`() async {
        let house = house(building: "make one")
        let first = house.push(app)
        #expect(await house.deploy().outcome == .deployed)
        house.source.with { $0.outputs = ["app": "binary two"] }
        house.push(app + " # again")
        #expect(await house.deploy().outcome == .deployed)
        let count = house.commands.titles.count
        #expect(await house.rollback(to: .previous).outcome == .deployed)
        #expect(house.source.with { $0.checkout.files["/checkout/app"] } == "binary one")
        #expect(house.commands.titles.count == count)

        house.push(app + " # and again")
        #expect(await house.deploy().outcome == .deployed)
        house.source.with { state in state.builds = state.builds.filter { $0.key.commit != first.id } }
        #expect(await house.rollback(to: .commit(first.id.hex)).outcome == .deployed)
        #expect(house.commands.titles.count == count + 2)
    }

    @Test func `the builds of the newest good deployments are kept`() async {
        let house = house(building: "make one")
        for number in 1...8 {
            house.push(app + " # \(number)")
            #expect(await house.deploy().outcome == .deployed)
        }
        let kept = house.source.with { state in state.builds.keys.map(\.commit.hex).sorted() }
        #expect(kept.map { $0.first } == ["4", "5", "6", "7", "8"])
    }

    @Test func `hooks run around a deployment, before anything is touched and after it is recorded`() async {
        let house = House()
        house.configure {
            $0.hooks.preDeploy = [command("before")]
            $0.hooks.postDeploy = [command("after")]
            $0.hooks.onFailure = [command("failed")]
        }
        house.push(pair)
        house.commands.with { $0.ends["before"] = .exited(status: 1) }
        let stopped = await house.deploy()
        #expect(stopped.outcome == .error && stopped.failure?.reason == .hookFailed)
        #expect(house.writes == 0 && house.statuses == ["deploy postponed"])
        house.commands.with { $0.ends = ["after": .timedOut] }
        let result = await house.deploy()
        #expect(result.outcome == .deployed)
        #expect(result.warnings == ["post_deploy: after took longer than it may"])
        #expect(await house.deploy().outcome == .inSync)
        #expect(house.commands.titles == ["before", "before", "after"])
        #expect(house.commands.with { $0.run.last?.environment["WATCHER_STATUS"] } == "succeeded")
    }
}
