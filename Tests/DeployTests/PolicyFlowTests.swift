import Deploy
import Reconcile
import Testing
import WatcherTestSupport

/// What a policy and deploy windows do to a run.
@Suite struct PolicyFlowTests {
    private let plain = "services: {web: {image: web:1}}"
    private let privileged = "services:\n  web:\n    image: web:2\n    privileged: true\n    cap_add: [SYS_ADMIN]\n"

    private func house(_ change: @escaping (inout Policy) -> Void) async -> House {
        let house = House()
        house.push(plain)
        #expect(await house.deploy().outcome == .deployed)
        house.restrict(change)
        return house
    }

    @Test func `what a policy denies is refused before anything is touched, and recorded once`() async {
        let house = await house {
            $0.privileged = false
            $0.capabilities = []
        }
        let (before, writes) = (house.containers, house.writes)
        house.push(privileged)
        let result = await house.deploy()
        #expect(result.outcome == .refused && result.failure?.reason == .policy, "\(result)")
        #expect(ExitStatus(result.outcome, result.failure?.reason).rawValue == 77)
        // Every violation, with its place.
        let lines = result.failure?.message.split(separator: "\n") ?? []
        #expect(lines.count == 2 && lines.allSatisfy { $0.hasPrefix("compose.yaml:") }, "\(lines)")
        #expect(house.containers == before && house.writes == writes && house.skipped.isEmpty)
        #expect(await house.deploy().outcome == .refused)
        #expect(house.statuses == ["deploy succeeded", "deploy refused"])
        #expect(house.deployment(2)?.attempts == 2)
        let check = await house.deployer.check()
        #expect(check.outcome == .refused && check.failure?.message == result.failure?.message)
        // It is judged anew at each run, and what was deployed is healed meanwhile.
        house.engine.with { $0.engine.remove("shop-web-1") }
        #expect(await house.deploy().outcome == .refused)
        #expect(house.names == ["shop-web-1 web1 up"])
        house.configure { $0.policies = [] }
        #expect(await house.deploy().outcome == .deployed)
        #expect(house.names == ["shop-web-1 web2 up"])
    }

    @Test func `what runs is not stopped because of a policy, and not made again either`() async {
        let house = House()
        house.push(privileged)
        #expect(await house.deploy().outcome == .deployed)
        house.restrict { $0.privileged = false }
        let result = await house.deploy()
        #expect(result.outcome == .inSync, "\(result)")
        #expect(result.warnings.contains { $0.contains("what runs violates the policy") && $0.contains("privileged") })
        house.engine.with { $0.engine.remove("shop-web-1") }
        let refused = await house.deploy()
        #expect(refused.outcome == .refused && refused.failure?.reason == .policy)
        #expect(house.containers.isEmpty)
        #expect(await house.deployer.check().outcome == .refused)
        #expect(await house.deployer.start([]).outcome == .refused)
    }

    @Test func `a rollback to what the policy denies is refused`() async {
        let house = House()
        house.push(privileged)
        #expect(await house.deploy().outcome == .deployed)
        house.push(plain)
        #expect(await house.deploy().outcome == .deployed)
        let before = house.containers
        house.restrict { $0.privileged = false }
        let result = await house.rollback(to: .previous)
        #expect(result.outcome == .refused && result.failure?.message.contains("services.web.privileged") == true)
        #expect(house.containers == before && house.skipped.isEmpty)
    }

    @Test func `where the host's links lead is what a bind source is judged by`() async {
        let house = await house { $0.bindSources = ["/srv"] }
        house.putOnHost(["/srv/a": "", "/srv/link": ""], links: ["/srv/link": "/etc"])
        house.push(
            "services: {web: {image: web:2, volumes: ['/srv/a:/a', '/srv/link:/b', './own:/own']}}", ["own/x": ""])
        let result = await house.deploy()
        #expect(result.outcome == .refused, "\(result)")
        #expect(
            result.failure?.message.hasSuffix(
                "services.web.volumes[1]: mounts /srv/link (/etc) of the host (not allowed by `policy.bind_sources`)"
            ) == true)
    }

    @Test func `what others made on the engine is not used because a commit gives its name`() async {
        let house = await house { $0.external = [] }
        let before = house.containers
        house.engine.with { state in
            state.engine.state.volumes["theirs"] = .init(name: "theirs", driver: "local", labels: [:])
            let labels = ["com.docker.compose.project": "other", "com.docker.compose.network": "default"]
            state.engine.state.networks["other_default"] = .init(id: "n", name: "other_default", labels: labels)
        }
        house.push(
            """
            services: {web: {image: web:1, networks: [n], volumes: ['vol:/x']}}
            networks:
              n:
                name: other_default
            volumes:
              vol:
                name: theirs
            """)
        let result = await house.deploy()
        #expect(result.outcome == .refused && result.failure?.reason == .policy, "\(result)")
        #expect(
            result.failure?.message == """
                compose.yaml:4:5: networks.n.name: uses the network "other_default", which was made for project other \
                (not allowed by `policy.external`)
                compose.yaml:7:5: volumes.vol.name: uses the volume "theirs", which was made by others \
                (not allowed by `policy.external`)
                """)
        #expect(house.containers == before)
    }

    @Test func `a volume that exists is judged as it is on the engine`() async {
        let house = House()
        house.push("services: {web: {image: web:1, volumes: ['vol:/x']}}\nvolumes: {vol: {}}")
        #expect(await house.deploy().outcome == .deployed)
        house.restrict { $0.bindSources = [] }
        let allowed = await house.deploy()
        #expect(allowed.outcome == .inSync && !allowed.warnings.contains { $0.contains("policy") }, "\(allowed)")
        house.engine.with { state in
            state.engine.state.volumes["shop_vol"]?.options = ["type": "none", "o": "bind", "device": "/etc"]
        }
        let result = await house.deploy()
        #expect(result.outcome == .inSync, "\(result)")
        #expect(result.warnings.contains { $0.contains("what runs violates the policy") && $0.contains("/etc") })
        house.engine.with { $0.engine.remove("shop-web-1") }
        let refused = await house.deploy()
        #expect(refused.outcome == .refused && refused.failure?.message.contains("volumes.vol: ") == true, "\(refused)")
    }

    // MARK: - Images

    @Test func `an image that is too young is refused when it is pulled, and deployed when it is old enough`() async {
        let house = await house { $0.minimumImageAge = .seconds(3600) }
        let before = house.containers
        house.engine.with { state in
            state.registry["web:9"] = "sha256:web9"
            state.made["sha256:web9"] = 1_000_000
        }
        house.push("services: {web: {image: web:9}}")
        let result = await house.deploy()
        #expect(result.outcome == .refused && result.failure?.message.contains("was made") == true, "\(result)")
        #expect(house.containers == before)
        house.pass(.seconds(3601))
        #expect(await house.deploy().outcome == .deployed)
        #expect(house.names == ["shop-web-1 web9 up"])
    }

    @Test func `an image is verified by the digest that will run, before anything is touched`() async {
        let house = await house { $0.cosign = CosignRule(.key("/etc/watcher/cosign.pub")) }
        let before = house.containers
        let digest = "sha256:" + String(repeating: "a", count: 64)
        house.engine.with { $0.engine.state.images["web:2"]?.repoDigests = ["web@\(digest)"] }
        let title = "cosign verify docker.io/library/web@\(digest)"
        house.commands.with { state in
            state.ends[title] = .exited(status: 1)
            state.prints[title] = ["Error: no matching signatures"]
        }
        house.push("services: {web: {image: web:2}}")
        let refused = await house.deploy()
        #expect(refused.outcome == .refused && refused.failure?.message.contains("no matching signatures") == true)
        #expect(house.containers == before)
        house.commands.with { $0.ends[title] = .notStarted("cosign: No such file or directory") }
        let missing = await house.deploy()
        #expect(missing.outcome == .refused && missing.failure?.message.contains("`cosign` cannot be run") == true)
        house.commands.with { $0.ends[title] = .timedOut }
        #expect(await house.deploy().failure?.reason == .registryUnreachable)
        house.commands.with { $0.ends[title] = nil }
        #expect(await house.deploy().outcome == .deployed)
        #expect(
            house.commands.with { $0.run.last?.arguments } == [
                "cosign", "verify", "--output", "text", "--key", "/etc/watcher/cosign.pub",
                "docker.io/library/web@\(digest)",
            ])
        let runs = house.commands.titles.count
        #expect(await house.deploy().outcome == .inSync)
        #expect(house.commands.titles.count == runs)
    }

    @Test func `an image without a digest of a registry is not verified`() async {
        let house = await house { $0.cosign = CosignRule(.identity("a@example.com", issuer: "https://i.example.com")) }
        house.push("services: {web: {image: web:2}}")
        let result = await house.deploy()
        #expect(result.outcome == .refused && result.failure?.message.contains("has no digest") == true)
    }

    // MARK: - Windows

    @Test func `new commits wait for a window, and what is deployed is healed meanwhile`() async throws {
        let start = try CronSchedule("0 2 1 1 *")
        let house = await house { policy in
            var windows = DeployWindows()
            windows.allow = [DeployWindows.Window(start: start, seconds: 3600, zone: .utc)]
            policy.windows = windows
        }
        #expect(await house.deploy().outcome == .inSync)
        house.push("services: {web: {image: 'web:${TAG:-2}'}}")
        house.engine.with { $0.engine.remove("shop-web-1") }
        let result = await house.deploy()
        #expect(result.outcome == .outsideWindow && result.failure == nil, "\(result)")
        #expect(ExitStatus(result.outcome).rawValue == 13)
        #expect(result.summary.contains("the next one opens at 1970-01-01 02:00 UTC"))
        #expect(house.names == ["shop-web-1 web1 up"])
        #expect(house.statuses == ["deploy succeeded", "heal succeeded"])
        // What would be deployed is shown by check, with the status that deploy would have.
        let check = await house.deployer.check()
        #expect(check.outcome == .outsideWindow && check.changes.first?.name == "web")
        #expect(await house.deploy { $0.force = true }.outcome == .deployed)
        #expect(house.names == ["shop-web-1 web2 up"])
        // Another configuration of the deployed commit is as new as a commit.
        house.configure { $0.projectChange() }
        #expect(await house.deploy().outcome == .outsideWindow)
        #expect(await house.deployer.check().outcome == .outsideWindow)
        house.pass(.seconds(7200 - 1000))
        #expect(await house.deploy().outcome == .deployed)
    }
}

extension House {
    func restrict(_ change: (inout Policy) -> Void) {
        var policy = Policy(name: "policy")
        change(&policy)
        configure { [policy] in $0.policies = [policy] }
    }
}

extension ProjectSettings {
    fileprivate mutating func projectChange() { environment["TAG"] = "3" }
}
