import FoundationEssentials
import Testing
import WatcherTestSupport

/// Volumes and mounts: data outlives everything that is not asked to remove it.
@Suite struct VolumeTests {
    /// Makes a volume that is nobody's or another project's, and removes it at the end.
    private func make(_ name: String, labels: [String: String] = [:], in scenario: Scenario) async throws {
        let all = labels.map { "\(quoted($0)):\(quoted($1))" }.joined(separator: ",")
        try await scenario.engine.request(
            "POST", "/volumes/create", body: "{\"Name\":\(quoted(name)),\"Labels\":{\(all)}}")
        let engine = scenario.engine
        scenario.atEnd("remove volume \(name)") { try await engine.request("DELETE", "/volumes/\(name)") }
    }

    // E1, E2, E3, A21
    @Test func `a volume has docker compose's labels and keeps its content whatever becomes of its definition`()
        async throws
    {
        try await Scenario.with { scenario in
            func compose(_ target: String, _ definition: String) -> String {
                stack(service("db", "volumes: ['data:\(target)']")) + "volumes: {data: {\(definition)}}\n"
            }
            let deployed = try await Deployed(compose("/one", ""), in: scenario)
            let name = "\(scenario.id)_data"
            let labels = try await scenario.engine.json("GET", "/volumes/\(name)")["Labels"].members
                .compactMapValues(\.text)
            #expect(
                labels["com.docker.compose.project"] == scenario.id && labels["com.docker.compose.volume"] == "data")
            #expect(labels["com.docker.compose.version"] == "2.40.3")
            #expect(labels["com.docker.compose.config-hash"]?.count == 64)
            _ = try await deployed.output("sh", "-c", "echo kept > /one/file", of: "db")

            let before = try await deployed.container("db")
            try await deployed.deploy(compose("/two", ""))
            #expect(try await deployed.container("db").id != before.id)
            #expect(try await deployed.output("cat", "/two/file", of: "db") == "kept")

            let moved = try await deployed.container("db")
            try await deployed.deploy(compose("/two", "labels: {tier: one}")).saying(name, "kept as it is")
            try await deployed.watcher.run("check").expecting(0).saying(name)
            #expect(try await deployed.container("db") == moved)
            #expect(try await deployed.output("cat", "/two/file", of: "db") == "kept")
            try await deployed.watcher.run("down", deployed.project).expecting(0)
            #expect(try await scenario.engine.volumes(project: scenario.id) == [name])
        }
    }

    // E4, E5, E6
    @Test func `external volumes are switched and have to be there, those of others are used with a warning`()
        async throws
    {
        try await Scenario.with { scenario in
            let names = ["one", "two", "theirs"].map { "\(scenario.id)-\($0)" }
            for name in names.prefix(2) { try await make(name, in: scenario) }
            try await make(names[2], labels: ["com.docker.compose.project": "other"], in: scenario)
            func compose(_ name: String) -> String {
                stack(service("db", "volumes: ['data:/d']"))
                    + "volumes: {data: {name: \(name), external: true}}\n"
            }
            let deployed = try await Deployed(compose(names[0]), in: scenario)
            let before = try await deployed.container("db")
            #expect(before.mounts == ["/d": names[0]])
            try await deployed.deploy(compose(names[1]))
            #expect(try await deployed.container("db").mounts == ["/d": names[1]])
            try await deployed.deploy(compose("\(scenario.id)-none"), expecting: 75).saying("\(scenario.id)-none")
            #expect(try await deployed.container("db").mounts == ["/d": names[1]])
            try await deployed.deploy(compose(names[2]).replacing(", external: true", with: "")).saying(
                names[2], "other", "external: true")
            #expect(try await deployed.container("db").mounts == ["/d": names[2]])
            try await deployed.watcher.run("down", deployed.project, "--volumes").expecting(0)
            for name in names { try await scenario.engine.request("GET", "/volumes/\(name)") }
        }
    }

    // E7, E8
    @Test func `options of volumes and mounts reach the container`() async throws {
        try await Scenario.with { scenario in
            try scenario.write("from the host", to: "host/file")
            let image = try await scenario.image("VOLUME /img")
            let file =
                "services:\n"
                + service(
                    "web", "image: '\(image)'", "pull_policy: never", "volumes:", "- 'bound:/bound'",
                    "- {type: volume, source: empty, target: /etc, volume: {nocopy: true}}",
                    "- {type: tmpfs, target: /scratch, tmpfs: {size: 1m, mode: 0o1770}}",
                    "- {type: bind, source: \(scenario.directory)/host, target: /ro, read_only: true}")
                + "volumes:\n  empty:\n  bound:\n    driver_opts: {type: none, o: bind, device: "
                + "\(scenario.directory)/host}\n"
            let deployed = try await Deployed(file, in: scenario)
            #expect(try await deployed.output("cat", "/bound/file", of: "web") == "from the host")
            #expect(try await deployed.output("sh", "-c", "ls /etc | grep -c passwd", of: "web") == "0")
            #expect(
                try await deployed.output("sh", "-c", "stat -c %a /scratch; touch /ro/x", of: "web").hasPrefix("1770"))
            let mounts = try await deployed.output("cat", "/proc/mounts", of: "web")
            #expect(mounts.contains(" /scratch tmpfs ") && mounts.contains("size=1024k"))
            let before = try await deployed.containers()
            let missing = stack(
                service(
                    "web", "volumes:",
                    "- {type: bind, source: \(scenario.directory)/none, target: /n, bind: {create_host_path: false}}"))
            try await deployed.deploy(missing, expecting: 20).saying("\(scenario.directory)/none")
            #expect(ids(try await deployed.containers()) == ids(before))
        }
    }

    // A19, A20, A22
    @Test func `anonymous volumes move along with their content, until another volume takes their place`() async throws
    {
        try await Scenario.with { scenario in
            let image = try await scenario.image("VOLUME /img")
            func compose(_ value: String, _ volume: String) -> String {
                stack(
                    service(
                        "db", "image: '\(image)'", "pull_policy: never", "environment: {V: \(value)}",
                        "volumes: ['\(volume)', './site:/site']")) + "volumes: {named: {}}\n"
            }
            let repository = try await scenario.repository()
            try await repository.commit(["compose.yaml": compose("1", "/data"), "site/file": "x"], "begin")
            let watcher = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            let deployed = Deployed(scenario: scenario, repository: repository, watcher: watcher)
            try await watcher.run("deploy").expecting(0)
            let first = try await deployed.container("db")
            _ = try await deployed.output("sh", "-c", "echo a > /data/file; echo b > /img/file", of: "db")
            let since = Date()
            try await watcher.run("deploy").expecting(0)
            #expect(try await scenario.engine.writes(to: scenario.id, since: since) == [])

            try await deployed.deploy(compose("2", "/data"))
            let second = try await deployed.container("db")
            #expect(second.id != first.id && second.mounts == first.mounts)
            #expect(try await deployed.output("cat", "/data/file", "/img/file", of: "db") == "a\nb")

            try await deployed.deploy(compose("2", "named:/data"))
            let third = try await deployed.container("db")
            #expect(third.mounts["/data"] == "\(scenario.id)_named")
            #expect(third.mounts["/img"] == first.mounts["/img"])
            #expect(try await deployed.output("ls", "/data", of: "db") == "")
        }
    }

    // A23, E10
    @Test func `one target is mounted once, and a target that is no absolute path is refused with its place`()
        async throws
    {
        try await Scenario.with { scenario in
            let volumes = "volumes: {data: {}, v: {}}\n"
            let deployed = try await Deployed(
                stack(service("db", "volumes: ['data:/d', 'data:/d/']")) + volumes, in: scenario)
            #expect(try await deployed.container("db").mounts.count == 1)
            try await deployed.watcher.run("check").expecting(0)
            let before = try await deployed.containers()
            try await deployed.deploy(stack(service("db", "volumes: ['v:/v']")) + volumes, expecting: 65).saying(
                "compose.yaml:", "v:/v", "long syntax")
            #expect(try await deployed.containers() == before)
            let long = "volumes: [{type: volume, source: v, target: /v}]"
            try await deployed.deploy(stack(service("db", long)) + volumes)
            #expect(try await deployed.container("db").mounts == ["/v": "\(scenario.id)_v"])
        }
    }
}
