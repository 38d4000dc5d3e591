import FoundationEssentials
import Testing
import WatcherTestSupport

/// What the engine refuses when a container is created or started stops what works once at most.
@Suite struct TruthStartErrorTests {
    /// With the sleeper running, the commit is broken; whatever is said, what ran is not stopped at every run.
    private func oneTry(
        _ lines: [String], in scenario: Scenario, others: [String] = [], found: Set<Int> = [20, 65],
        saying words: [String] = [], line: Int = #line
    ) async throws {
        let place = SourceLocation(fileID: #fileID, filePath: #filePath, line: line, column: 1)
        let deployed = try await Deployed(([sleeper("web"), sleeper("db")] + others).joinedStack(), in: scenario)
        let before = try await deployed.containers()
        let web = ([sleeper("db")] + others).joinedStack() + "  web:\n" + lines.map { "    \($0)\n" }.joined()
        try await deployed.repository.commit(compose: web, "break")
        let first = try await deployed.watcher.run("deploy")
        #expect(found.contains(first.status), "\(first)", sourceLocation: place)
        for word in ["web"] + words { first.saying(word, line: line) }
        let after = try await deployed.containers()
        #expect(ids(after) == ids(before), sourceLocation: place)
        #expect(allRun(after), sourceLocation: place)
        if first.status == 65 { #expect(untouched(after) == untouched(before), "stopped", sourceLocation: place) }
        if first.status == 20 {
            #expect(try await deployed.skipped() == [deployed.repository.tip()], sourceLocation: place)
        }
        let next = first.status == 20 ? 12 : 65
        try await deployed.stays(next, line: line)
        #expect(untouched(try await deployed.containers()) == untouched(after), "stopped again", sourceLocation: place)
    }

    private let rest = ["image: busybox:1", "command: [sleep, '1000']", "init: true"]

    // Case 3
    @Test(arguments: [
        "network_mode: 'container:nosuch'", "pid: 'container:nosuch'", "ipc: 'container:nosuch'",
        "mac_address: '02:42:ac:11:00'", "volumes_from: ['container:nosuch']",
        "ipc: 'service:db'", "cpuset: '4000'", "user: nobodyatall", "working_dir: relative/path",
        "runtime: nosuch", "group_add: [nosuch]",
        "cap_add: [CAP_NOSUCH]", "sysctls: {net.nosuch: '1'}", "sysctls: {kernel.shm_rmid_forced: x}",
        "mem_limit: 1k", "oom_score_adj: 5000", "entrypoint: [/etc/passwd]",
        "tmpfs: ['/x:size=lots']", "isolation: hyperv", "devices: ['/dev/nosuch:/dev/x']",
    ])
    func `a start error of any kind is not an outage at every run`(_ key: String) async throws {
        try await Scenario.with { scenario in try await oneTry(rest + [key], in: scenario) }
    }

    // Case 29
    @Test(arguments: [
        "volumes: ['/sys/nope:/nope']", "volumes: ['/proc/1/nope/x:/nope']",
        "logging: {driver: syslog, options: {syslog-address: 'tcp://127.0.0.1:9'}}",
        "logging: {driver: gelf, options: {gelf-address: 'tcp://127.0.0.1:9'}}",
        "logging: {driver: fluentd, options: {fluentd-address: '127.0.0.1:9'}}",
        "logging: {driver: nosuch}", "logging: {driver: json-file, options: {max-size: lots}}",
        "device_cgroup_rules: ['c 1:3 xyz']", "device_cgroup_rules: ['nonsense']", "storage_opt: {size: 1G}",
        "storage_opt: {nosuch: 1G}", "blkio_config: {device_read_bps: [{path: /dev/nosuch, rate: 1mb}]}",
        "ulimits: {nofile: {soft: 20, hard: 10}}",
    ])
    func `what the engine cannot use is the commit's, not an outage at every run`(_ key: String) async throws {
        try await Scenario.with { scenario in try await oneTry(rest + [key], in: scenario) }
    }

    // Case 29
    @Test func `an engine whose socket is not there is not the commit's fault`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(sleeper("web")), in: scenario)
            let before = untouched(try await deployed.containers())
            try await deployed.repository.commit(compose: stack(sleeper("web", "environment: {A: b}")), "change")
            let lost = try scenario.watcher(
                ConfiguredProject(
                    scenario.id, repository: deployed.repository.fileURL,
                    settings: ["engine: {host: 'unix://\(scenario.directory)/none.sock'}"]))
            for _ in 0..<4 { try await lost.run("deploy").expecting(69).saying("none.sock") }
            #expect(untouched(try await deployed.containers()) == before)
            #expect(try await deployed.skipped() == [])
            let again = try scenario.watcher(ConfiguredProject(scenario.id, repository: deployed.repository.fileURL))
            try await again.run("deploy").expecting(0)
        }
    }

    // Case 12
    @Test(arguments: [[], ["healthcheck: {disable: true}"], ["healthcheck: {test: [NONE]}"]])
    func `a wait for the health of what has no check is refused before anything is touched`(_ check: [String])
        async throws
    {
        try await Scenario.with { scenario in
            let a = "  a:\n" + (rest + check).map { "    \($0)\n" }.joined()
            let deployed = try await Deployed(stack(a, sleeper("web")), in: scenario)
            let before = untouched(try await deployed.containers())
            let waiting = stack(a, sleeper("web", "depends_on: {a: {condition: service_healthy}}"))
            try await deployed.repository.commit(compose: waiting, "wait")
            try await deployed.watcher.run("check").expecting(65).saying("a", "web")
            try await deployed.watcher.run("deploy").expecting(65).saying("a", "web", "health")
            #expect(untouched(try await deployed.containers()) == before)
            try await deployed.stays(65)
            try await deployed.deploy(stack(a, sleeper("web", "environment: {A: b}", "depends_on: [a]")))
            try await deployed.stays(0)
        }
    }

    // Case 12
    @Test func `the health check of an image counts`() async throws {
        try await Scenario.with { scenario in
            let image = try await scenario.image("HEALTHCHECK --interval=1s CMD true")
            let a = sleeper("a", "image: '\(image)'", "pull_policy: never")
            let deployed = try await Deployed(stack(a, sleeper("web")), in: scenario)
            try await deployed.deploy(stack(a, sleeper("web", "depends_on: {a: {condition: service_healthy}}")))
            try await deployed.stays(0)
            // Healable: it is started again when it was killed.
            let web = try await deployed.container("web")
            try await scenario.engine.request("POST", "/containers/\(web.id)/kill")
            try await deployed.watcher.run("deploy").expecting(0)
            try await deployed.stays(0)
        }
    }

    // Case 21
    @Test func `a seccomp profile is a file of the commit`() async throws {
        try await Scenario.with { scenario in
            func profile(_ call: String) -> String {
                #"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["\#(call)"],"action":"SCMP_ACT_ERRNO"}]}"#
            }
            let web = sleeper("web", "security_opt: ['seccomp:security/web.json']")
            let deployed = try await Deployed(
                stack(web, sleeper("db")), files: ["security/web.json": profile("mkdirat")], in: scenario)
            let before = ids(try await deployed.containers())
            try await deployed.stays(0)
            try await deployed.repository.commit(["security/web.json": profile("chmod")], "secure")
            try await deployed.watcher.run("check").expecting(10).saying("web", "security/web.json")
            try await deployed.watcher.run("deploy").expecting(0)
            let after = ids(try await deployed.containers())
            #expect(after["web"] != before["web"] && after["db"] == before["db"])
            let host = try await scenario.engine.json("GET", "/containers/\(after["web"] ?? "")/json")["HostConfig"]
            #expect(host["SecurityOpt"].description.contains("chmod"))
            // Changed on disk, it is drift of the checkout.
            let tree = "\(deployed.watcher.stateDirectory)/projects/\(deployed.project)/tree"
            try scenario.write("{}", to: "\(tree)/security/web.json")
            try await deployed.watcher.run("check").expecting(11).saying("security/web.json")
            try await deployed.watcher.run("deploy").expecting(0)
            // A rollback brings the earlier profile back.
            try await deployed.watcher.run("rollback", deployed.project).expecting(0)
            let back = try await scenario.engine.json("GET", "/containers/\(deployed.container("web").id)/json")
            #expect(back["HostConfig"]["SecurityOpt"].description.contains("mkdirat"))
        }
    }

    // Case 21
    @Test(arguments: ["../../../../../etc/hostname", "/etc/hostname", "security/none.json"])
    func `a seccomp profile that the commit does not provide is refused before anything is touched`(_ path: String)
        async throws
    {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(sleeper("web")), in: scenario)
            let before = untouched(try await deployed.containers())
            try await deployed.repository.commit(
                ["compose.yaml": stack(sleeper("web", "security_opt: ['seccomp=\(path)']")), "security/x": "x"],
                "secure")
            try await deployed.watcher.run("deploy").expecting(65).saying("seccomp")
            #expect(untouched(try await deployed.containers()) == before)
            try await deployed.stays(65)
        }
    }
}

extension [String] {
    /// A Compose file with these services.
    fileprivate func joinedStack() -> String { "services:\n" + joined() }
}
