import FoundationEssentials
import Testing
import WatcherTestSupport

/// What was changed by hand is said before it is healed, and healed as it was said.
@Suite struct TruthDriftTests {
    private func tree(_ deployed: Deployed) -> String {
        "\(deployed.watcher.stateDirectory)/projects/\(deployed.project)/tree"
    }

    // Case 5
    @Test(arguments: ["echo two > conf/db.conf", "rm conf/db.conf", "chmod 755 conf/db.conf"])
    func `a mounted file that was changed on disk is drift, with its name`(change: String) async throws {
        try await Scenario.with { scenario in
            let compose = stack(
                sleeper("db", "volumes: ['./conf/db.conf:/db.conf:ro']"), sleeper("web"))
            let deployed = try await Deployed(compose, files: ["conf/db.conf": "one\n"], in: scenario)
            try await deployed.stays(0)
            let web = try await deployed.container("web")
            let before = untouched(try await deployed.containers())
            try await scenario.run("sh", ["-c", change], in: tree(deployed)).expecting(0)
            for _ in 0..<2 {
                try await deployed.watcher.run("check").expecting(11).saying("conf/db.conf").notSaying("in sync")
                try await deployed.watcher.run("deploy", "--dry-run").expecting(11).saying("conf/db.conf")
            }
            #expect(untouched(try await deployed.containers()) == before)
            try await deployed.watcher.run("deploy").expecting(0).saying("conf/db.conf")
                .notSaying("nothing had to change")
            #expect(try await deployed.container("web") == web)
            #expect(try await deployed.output("cat", "/db.conf", of: "db") == "one")
            try await deployed.stays(0)
        }
    }

    // Case 5
    @Test func `a file of a mounted directory is restored, and the run says so`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(
                stack(sleeper("web", "volumes: ['./site:/site']")), files: ["site/index.html": "one\n"], in: scenario)
            let rows = try await deployed.history().count
            try await scenario.run("sh", ["-c", "echo hacked > site/index.html"], in: tree(deployed)).expecting(0)
            try await deployed.watcher.run("check").expecting(11).saying("site/index.html")
            try await deployed.watcher.run("deploy").expecting(0).saying("site/index.html")
                .notSaying("nothing had to change")
            #expect(try await deployed.output("cat", "/site/index.html", of: "web") == "one")
            try await deployed.stays(0)
            #expect(try await deployed.history().count <= rows + 1)
        }
    }

    // Case 5
    @Test func `a file that nothing mounts is restored without touching a container, and untracked files stay`()
        async throws
    {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(
                stack(sleeper("web", "volumes: ['./site:/site']")), files: ["site/a": "a", "README": "one\n"],
                in: scenario)
            let before = untouched(try await deployed.containers())
            try await scenario.run("sh", ["-c", "echo mine > site/mine"], in: tree(deployed)).expecting(0)
            try await deployed.stays(0)
            try await scenario.run("sh", ["-c", "echo two > README; echo '#' >> compose.yaml"], in: tree(deployed))
                .expecting(0)
            try await deployed.watcher.run("check").expecting(11).saying("README", "compose.yaml")
            try await deployed.watcher.run("deploy").expecting(0)
            #expect(untouched(try await deployed.containers()) == before)
            let kept = try await scenario.run("cat", ["README", "site/mine"], in: tree(deployed)).expecting(0)
            #expect(kept.output == "one\nmine\n")
            try await deployed.stays(0)
        }
    }

    // Case 10
    @Test(arguments: [nil, "COMPOSE_PROFILES=prdo\n"])
    func `a profile that nothing has is an error with the nearest one, and removes nothing`(
        environment: String?
    ) async throws {
        try await Scenario.with { scenario in
            let compose = stack(sleeper("web", "profiles: [prod]"), sleeper("debug", "profiles: [debug]"))
            let deployed = try await Deployed(compose, in: scenario, settings: ["profiles: [prod]"])
            let before = untouched(try await deployed.containers())
            #expect(before.count == 1)
            let settings = environment == nil ? ["profiles: [prdo]"] : []
            let wrong = Deployed(
                scenario: scenario, repository: deployed.repository,
                watcher: try scenario.watcher(
                    ConfiguredProject(scenario.id, repository: deployed.repository.fileURL, settings: settings)))
            if let environment { try await deployed.repository.commit([".env": environment], "configure") }
            for command in ["check", "deploy", "deploy"] {
                let finished = try await wrong.watcher.run(command)
                #expect([65, 78].contains(finished.status), "\(finished)")
                finished.saying("prdo", "prod")
                #expect(untouched(try await deployed.containers()) == before)
            }
            #expect(try await wrong.history().count <= 2)
        }
    }

    // Case 10
    @Test(arguments: [
        "services: {}\n", "services:\n  web: {image: 'busybox:1', profiles: [other]}\n", "name: x\n",
        "services:\n  web: {image: 'busybox:1', scale: 0}\n",
    ])
    func `a project without a service removes nothing`(compose: String) async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(sleeper("web"), sleeper("db")), in: scenario)
            let before = untouched(try await deployed.containers())
            // Whoever scales to nothing says so.
            let isAsked = compose.contains("scale")
            try await deployed.repository.commit(compose: compose, "empty")
            let first = try await deployed.watcher.run("deploy")
            if isAsked {
                try first.expecting(0)
                #expect(try await deployed.containers().isEmpty)
                try await deployed.stays(0)
                return
            }
            try first.expecting(65).saying("compose.yaml", "service")
            #expect(untouched(try await deployed.containers()) == before)
            try await deployed.stays(65, saying: "service")
            #expect(untouched(try await deployed.containers()) == before)
        }
    }

    // Case 11
    @Test func `a network removed by hand is made again and everything connected to it`() async throws {
        try await Scenario.with { scenario in
            let compose =
                stack(
                    sleeper("web", "networks: {front: {aliases: [shop]}, back: {}}"), sleeper("db", "networks: [back]"))
                + "networks: {front: {}, back: {}}\n"
            let deployed = try await Deployed(compose, in: scenario)
            for container in try await deployed.containers() {
                try await scenario.engine.request("POST", "/containers/\(container.id)/stop", query: ["t": "1"])
            }
            try await pruneNetworks(of: deployed)
            let check = try await deployed.watcher.run("check")
            #expect([11, 15].contains(check.status), "\(check)")
            try await deployed.watcher.run("deploy").expecting(0)
            try await healed(deployed)
        }
    }

    // Case 11
    @Test func `a project stopped by watcher starts again after its networks were pruned`() async throws {
        try await Scenario.with { scenario in
            let compose =
                stack(
                    sleeper("web", "networks: {front: {aliases: [shop]}, back: {}}"), sleeper("db", "networks: [back]"))
                + "networks: {front: {}, back: {}}\n"
            let deployed = try await Deployed(compose, in: scenario)
            try await deployed.watcher.run("stop", deployed.project).expecting(0)
            try await pruneNetworks(of: deployed)
            try await deployed.watcher.run("start", deployed.project).expecting(0)
            try await healed(deployed)
        }
    }

    // Case 11
    @Test func `a container that was disconnected from one of its networks is connected again`() async throws {
        try await Scenario.with { scenario in
            let compose =
                stack(
                    sleeper("web", "networks: {front: {aliases: [shop]}, back: {}}"), sleeper("db", "networks: [back]"))
                + "networks: {front: {}, back: {}}\n"
            let deployed = try await Deployed(compose, in: scenario)
            let web = try await deployed.container("web")
            try await scenario.engine.request(
                "POST", "/networks/\(deployed.project)_front/disconnect", body: #"{"Container":"\#(web.id)"}"#)
            try await deployed.watcher.run("check").expecting(11).saying("web", "front")
            try await deployed.watcher.run("deploy").expecting(0)
            try await healed(deployed)
        }
    }

    /// As `docker network prune` does, of this project only.
    private func pruneNetworks(of deployed: Deployed) async throws {
        let engine = deployed.scenario.engine
        for name in try await engine.networks(project: deployed.project) {
            try await engine.request("DELETE", "/networks/\(name)")
        }
    }

    private func healed(_ deployed: Deployed) async throws {
        let project = deployed.project
        #expect(
            try await deployed.scenario.engine.networks(project: project) == ["\(project)_back", "\(project)_front"])
        let (web, db) = (try await deployed.container("web"), try await deployed.container("db"))
        #expect(web.isRunning && db.isRunning)
        #expect(web.networks == ["\(project)_back", "\(project)_front"] && db.networks == ["\(project)_back"])
        let found = try await deployed.output("nslookup", "db", of: "web")
        #expect(found.contains("Address"), "\(found)")
        _ = try await deployed.output("ping", "-c", "1", "shop", of: "web")
        try await deployed.stays(0)
    }

    // Case 15
    @Test func `a lost database is read back from what runs`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(sleeper("web"), sleeper("db")), in: scenario)
            let first = try await deployed.repository.tip()
            try await deployed.deploy(stack(sleeper("web", "environment: {A: b}"), sleeper("db")))
            let tip = try await deployed.repository.tip()
            let before = untouched(try await deployed.containers())
            let since = Date()
            try await scenario.run("sh", ["-c", "rm watcher.db*"], in: deployed.watcher.stateDirectory).expecting(0)
            try await deployed.watcher.run("check").expecting(0)
            try await deployed.watcher.run("deploy").expecting(0).saying(String(tip.prefix(7)))
            try await deployed.stays(0)
            #expect(untouched(try await deployed.containers()) == before)
            #expect(try await scenario.engine.writes(to: deployed.project, since: since) == [])
            try await deployed.watcher.run("status").expecting(0).saying(String(tip.prefix(7)), "web", "db")

            // The numbers go on, and a branch that no longer has the commit is not deployed.
            try await deployed.repository.rewind(to: first)
            try await deployed.repository.commit(compose: stack(sleeper("web")), "rewrite")
            try await deployed.watcher.run("deploy").expecting(14)
            #expect(untouched(try await deployed.containers()) == before)
            try await deployed.watcher.run("deploy", "--force").expecting(0)
            #expect(try await deployed.containers().map(\.service) == ["web"])
        }
    }

    // Case 15
    @Test func `after the database was lost the whole state directory may go, and a new commit is deployed as usual`()
        async throws
    {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(sleeper("web"), sleeper("db")), in: scenario)
            let before = try await deployed.containers()
            try await scenario.run("rm", ["-rf", deployed.watcher.stateDirectory]).expecting(0)
            try await deployed.watcher.run("deploy").expecting(0)
            #expect(untouched(try await deployed.containers()) == untouched(before))
            try await scenario.run("rm", ["-rf", deployed.watcher.stateDirectory]).expecting(0)
            try await deployed.deploy(stack(sleeper("web", "environment: {A: b}")))
            // The orphan was made by a deployment of watcher's.
            #expect(try await deployed.containers().map(\.service) == ["web"])
            // A failing commit is undone to what was read back.
            try await scenario.run("sh", ["-c", "rm watcher.db*"], in: deployed.watcher.stateDirectory).expecting(0)
            let web = try await deployed.container("web")
            try await deployed.deploy(stack(sleeper("web", neverHealthy)), expecting: 20)
            let after = try await deployed.container("web")
            #expect(after.id == web.id && after.isRunning)
            try await deployed.stays(12)
        }
    }

    // Case 18
    @Test func `a commit that changes nothing of the project moves the pointer and nothing else`() async throws {
        try await Scenario.with { scenario in
            let hooks = "hooks: {pre_deploy: {shell: 'echo $WATCHER_COMMIT >> \(scenario.directory)/dumps'}}"
            let repository = try await scenario.repository()
            let compose = stack(sleeper("web", "env_file: ../common/web.env", "volumes: ['./site:/site']"))
            let files = [
                "shop/compose.yaml": compose, "shop/site/index": "one", "common/web.env": "A=one\n", "blog/page": "one",
            ]
            let first = try await repository.commit(files, "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(
                    scenario.id, repository: repository.fileURL, settings: ["directory: shop", hooks]))
            let deployed = Deployed(scenario: scenario, repository: repository, watcher: watcher)
            try await watcher.run("deploy").expecting(0)
            let before = untouched(try await deployed.containers())
            let elsewhere = try await repository.commit(["blog/page": "two", "README": "x"], "write")
            try await watcher.run("check").expecting(0)
            try await watcher.run("deploy").expecting(0).saying(String(elsewhere.prefix(7)))
            try await deployed.stays(0)
            #expect(untouched(try await deployed.containers()) == before)
            #expect(try await deployed.statuses() == ["succeeded"])
            #expect(try await scenario.run("cat", ["dumps"]).output == "\(first)\n")
            try await watcher.run("status").expecting(0).saying(String(elsewhere.prefix(7)))

            // The pointer counts: a rewrite of the commit that nothing was deployed of is a rewrite.
            try await repository.rewind(to: first)
            try await repository.commit(["blog/page": "three"], "rewrite")
            try await watcher.run("deploy").expecting(14)
            try await watcher.run("deploy", "--force").expecting(0)

            // What its files reference outside of its directory is its own.
            try await repository.commit(["common/web.env": "A=two\n"], "configure")
            try await watcher.run("check").expecting(10)
            try await watcher.run("deploy").expecting(0)
            #expect(try await deployed.container("web").environment.contains("A=two"))
            #expect(try await deployed.statuses() == ["succeeded", "succeeded"])
        }
    }
}
