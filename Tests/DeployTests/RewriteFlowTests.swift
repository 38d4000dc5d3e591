import Compose
import Deploy
import Reconcile
import Testing
import WatcherTestSupport

private func web(_ number: Int) -> String { pair.replacing("web:1", with: "web:\(number)") }

/// A tip against the newest one that was accepted, through the whole flow.
@Suite struct RewriteFlowTests {
    /// A house with these deployed one after the other.
    private func house(_ files: String...) async -> (House, [Commit]) {
        let house = House()
        var commits: [Commit] = []
        for file in files {
            commits.append(house.push(file))
            #expect(await house.deploy().outcome == .deployed)
        }
        return (house, commits)
    }

    private func point(_ house: House, at commit: Commit, tag: Reconcile.Tag? = nil) {
        house.source.with {
            $0.tip = commit.id
            $0.tag = tag
        }
    }

    @Test func `after a rollback an older tip that is pushed again is a rewrite`() async {
        let (house, commits) = await house(web(1), web(2), web(3))
        #expect(await house.rollback(to: .deployment(DeploymentID(project: "shop", number: 1))).outcome == .deployed)
        point(house, at: commits[1])
        let check = await house.deployer.check()
        let result = await house.deploy()
        for result in [check, result] {
            #expect(result.outcome == .rewritten && ExitStatus(result.outcome) == .branchRewritten)
            #expect(result.failure?.message.contains(commits[2].id.short) == true, "\(result)")
        }
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web1 up"])
        // Again, and still: what was refused did not take the place of what was accepted.
        #expect(await house.deploy().outcome == .rewritten)
        // The branch as it was, and more, is deployed.
        point(house, at: house.push(web(2), onto: commits[2].id))
        #expect(await house.deploy().outcome == .deployed)
    }

    @Test func `after a tip that failed an older one is a rewrite, and forcing it begins anew from there`() async {
        let (house, commits) = await house(web(1), web(2))
        house.makeAll(from: "web:3", do: .exits(1))
        let failed = house.push(web(3))
        #expect(await house.deploy().outcome == .restored)
        point(house, at: commits[1])
        let result = await house.deploy()
        #expect(result.outcome == .rewritten)
        #expect(result.failure?.message.contains(failed.id.short) == true)
        let forced = await house.deploy { $0.force = true }
        #expect(forced.outcome == .inSync)
        #expect(forced.warnings.contains { $0.contains("was rewritten, which is allowed") })
        #expect(await house.deploy().outcome == .inSync)
        #expect(await house.deploy().warnings == [])
        // Now it is the failed one that has to go on from there.
        point(house, at: house.push(web(1), onto: commits[1].id))
        #expect(await house.deploy().outcome == .deployed)
    }

    @Test func `a skipped commit that is pushed again does not take the place of its successor`() async {
        let (house, commits) = await house(web(1), web(2), web(3))
        _ = await house.rollback(to: .deployment(DeploymentID(project: "shop", number: 2)))
        _ = await house.rollback(to: .deployment(DeploymentID(project: "shop", number: 1)))
        point(house, at: commits[1])
        #expect(await house.deploy().outcome == .skipped)
        house.store.with { $0.skipped = [] }
        #expect(await house.deploy().outcome == .rewritten)
    }

    @Test func `another branch in the configuration is no rewrite, and its own rewrites are`() async {
        let (house, commits) = await house(web(1), web(2))
        let other = house.push(web(3), onto: CommitID(hex: "0123"))
        #expect(await house.deploy().outcome == .rewritten)
        house.configure { $0.revision = "branch other" }
        #expect(await house.deploy().outcome == .deployed)
        point(house, at: commits[1])
        #expect(await house.deploy().outcome == .rewritten)
        house.configure { $0.revision = "branch main" }
        #expect(await house.deploy().outcome == .deployed)
        _ = other
    }

    @Test func `an older commit asked for by name leaves the tip what it was`() async {
        let (house, commits) = await house(web(1), web(2), web(3))
        #expect(await house.deploy { $0.commit = commits[0].id.short }.outcome == .deployed)
        point(house, at: commits[1])
        #expect(await house.deploy().outcome == .rewritten)
        #expect(await house.deploy { $0.commit = commits[0].id.hex }.outcome == .rewritten)
    }

    @Test func `a commit of another branch cannot be asked for`() async {
        let (house, commits) = await house(web(1), web(2))
        let other = house.push(web(3), onto: CommitID(hex: "0123"))
        point(house, at: commits[1])
        for revision in [
            other.id.hex, other.id.short, "HEAD", "main", "main@{1}", "refs/heads/main", "", other.id.hex + "0",
        ] {
            for force in [false, true] {
                let result = await house.deploy {
                    $0.commit = revision
                    $0.force = force
                }
                #expect(result.failure?.reason == .usage, "\(revision): \(result)")
            }
        }
        let result = await house.deploy { $0.commit = other.id.short }
        #expect(result.failure?.message.contains("\(other.id.short) is no commit of branch main") == true)
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web2 up"])
    }

    @Test func `a higher version may be on another branch, and the same one has to stay where it is`() async {
        let house = House()
        house.configure {
            $0.branch = nil
            $0.revision = "tags v*"
        }
        let first = house.push(web(1))
        point(house, at: first, tag: Tag(name: "v1.0.0", object: "a1"))
        #expect(await house.deploy().outcome == .deployed)
        let elsewhere = house.push(web(2), onto: CommitID(hex: "0123"))
        point(house, at: elsewhere, tag: Tag(name: "v1.1.0", object: "a2"))
        #expect(await house.deploy().outcome == .deployed)

        point(house, at: first, tag: Tag(name: "v1.0.0", object: "a1"))
        #expect(await house.deploy().failure?.message.contains("the tag v1.1.0 is gone, and v1.0.0 is older") == true)

        point(house, at: elsewhere, tag: Tag(name: "v1.1.0", object: "a3"))
        let anew = await house.deploy()
        #expect(anew.outcome == .inSync && anew.warnings.contains { $0.contains("v1.1.0 was made anew") })
        #expect(await house.deploy().warnings == [])

        let moved = house.push(web(3), onto: elsewhere.id)
        point(house, at: moved, tag: Tag(name: "v1.1.0", object: "a4"))
        let result = await house.deploy()
        #expect(result.outcome == .rewritten)
        #expect(result.failure?.message.contains("the tag v1.1.0 was moved from \(elsewhere.id.short)") == true)
        house.configure { $0.allowsRewrite = true }
        let allowed = await house.deploy()
        #expect(allowed.outcome == .deployed && allowed.warnings.contains { $0.contains("the tag v1.1.0 was moved") })
        #expect(house.events.contains { $0.stage == .verify && $0.state == .warning && $0.line.contains("was moved") })
    }

    // MARK: - A record that was lost

    @Test func `a lost record does not let an older commit in`() async {
        for loses in ["everything", "cache", "containers stopped"] {
            let (house, commits) = await house(web(1), web(2))
            let before = house.names
            house.store.with { project in
                project.deployments = [:]
                project.observedTip = nil
                project.followed = nil
            }
            if loses == "cache" { _ = house.source.with { $0.commits.removeLast() } }
            if loses == "containers stopped" { #expect(await house.deployer.stop([]) {}.outcome != .deployed) }
            point(house, at: commits[0])
            #expect(await house.deployer.check().outcome == .rewritten, "\(loses)")
            let result = await house.deploy()
            #expect(result.outcome == .rewritten, "\(loses): \(result)")
            #expect(result.failure?.message.contains(commits[1].id.short) == true)
            if loses != "containers stopped" { #expect(house.names == before) }
            #expect(await house.deploy().outcome == .rewritten, "\(loses)")
            #expect(await house.deploy { $0.force = true }.outcome == .deployed)
            #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web1 up"])
        }
    }

    @Test func `a record that is older than what runs does not let an older commit in, and nothing is put back`() async
    {
        let (house, commits) = await house(web(1))
        let backup = house.store.with { ($0.deployments, $0.followed, $0.observedTip) }
        house.push(web(2))
        #expect(await house.deploy().outcome == .deployed)
        house.store.with { ($0.deployments, $0.followed, $0.observedTip) = backup }
        point(house, at: commits[0])
        #expect(await house.deploy().outcome == .rewritten)
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web2 up"])
        house.source.with { $0.tip = nil }
        #expect(await house.deploy().outcome == .deployed)
        #expect(await house.deploy().outcome == .inSync)
    }

    @Test func `what only the checkout still knows counts, too`() async {
        let (house, commits) = await house(web(1), web(2))
        house.engine.with { $0.engine.state.containers = [] }
        house.store.with { project in
            project.deployments = [:]
            project.followed = nil
        }
        house.source.with { $0.checkedOut = commits[1].id }
        point(house, at: commits[0])
        let result = await house.deploy()
        #expect(result.outcome == .rewritten)
        #expect(result.failure?.message.contains("which is checked out") == true)
        point(house, at: commits[1])
        #expect(await house.deploy().outcome == .deployed)
    }

    @Test func `a lost record and another name of the Compose project are refused`() async {
        let (house, _) = await house(web(1))
        house.store.with { project in
            project.deployments = [:]
            project.followed = nil
        }
        house.configure { $0.configuredProjectName = "other" }
        let result = await house.deploy()
        #expect(result.failure?.reason == .invalidConfiguration)
        #expect(result.failure?.message.contains("from \"shop\" to \"other\"") == true, "\(result)")
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web1 up"])
    }

    @Test func `a lost record beside a tip that cannot be loaded keeps what was deployed`() async {
        let (house, commits) = await house("name: till\n" + web(1), "name: till\n" + web(2))
        house.store.with { project in
            project.deployments = [:]
            project.followed = nil
        }
        let broken = house.push("services: {web: {}}", onto: commits[0].id)
        point(house, at: broken)
        #expect(await house.deploy().outcome == .rewritten)
        #expect(await house.deploy { $0.force = true }.outcome == .invalid)
        #expect(house.names == ["till-db-1 db1 up", "till-web-1 web2 up"])
    }
}
