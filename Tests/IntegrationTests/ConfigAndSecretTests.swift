import Testing
import WatcherTestSupport

/// Configs and secrets: where a container finds them, and that what changes in them reaches it.
@Suite struct ConfigAndSecretTests {
    /// Everything a service can be granted, and how the files look from inside.
    private let file =
        stack(
            service(
                "web", "configs:", "- plain", "- {source: inline, uid: '12', gid: '34', mode: 0o640}",
                "- {source: inline, target: /etc/app/deep.conf}", "secrets:", "- key",
                "- {source: token, target: renamed, uid: '1005', gid: '1005', mode: 0o440}",
                "- {source: token, target: /abs/token}"))
            + """
            configs:
              plain: {file: ./plain.conf}
              inline: {content: "greeting=${GREETING:-one}"}
            secrets:
              key: {file: ./key}
              token: {environment: TOKEN}

            """

    private func deployed(
        _ files: [String: String], _ environment: String, in scenario: Scenario
    ) async throws -> Deployed {
        let repository = try await scenario.repository()
        try await repository.commit(files, "begin")
        let watcher = try configured(environment, repository, scenario)
        try await watcher.run("deploy").expecting(0)
        return Deployed(scenario: scenario, repository: repository, watcher: watcher)
    }

    private func configured(
        _ environment: String, _ repository: TestRepository, _ scenario: Scenario
    ) throws -> WatcherProgram {
        try scenario.watcher(
            ConfiguredProject(
                scenario.id, repository: repository.fileURL, settings: ["environment: {\(environment)}"]))
    }

    // F1, F2, F3
    @Test func `files are mounted read-only, contents are copied with their owner and mode`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await deployed(
                ["compose.yaml": file, "plain.conf": "plain", "key": "k1"], "TOKEN: t0ken", in: scenario)
            func look(_ path: String) async throws -> String {
                try await deployed.output("sh", "-c", "stat -c '%a %u %g' \(path); cat \(path)", of: "web")
            }
            #expect(try await look("/inline") == "640 12 34\ngreeting=one")
            #expect(try await look("/etc/app/deep.conf") == "444 0 0\ngreeting=one")
            #expect(try await look("/run/secrets/renamed") == "440 1005 1005\nt0ken")
            #expect(try await look("/abs/token") == "444 0 0\nt0ken")
            #expect(try await look("/plain").hasSuffix("\nplain"))
            #expect(try await look("/run/secrets/key").hasSuffix("\nk1"))
            for path in ["/plain", "/run/secrets/key"] {
                let said = try await deployed.output("sh", "-c", "echo x > \(path)", of: "web")
                #expect(said.contains("Read-only file system"), "\(said)")
            }
            #expect(try await deployed.container("web").mounts.keys.sorted() == ["/plain", "/run/secrets/key"])
        }
    }

    // F6, F7, F8, F9
    @Test func `a content that changes reaches the container, and leaves docker compose's hash as it was`() async throws
    {
        try await Scenario.with { scenario in
            let other = service("other")
            let files = ["compose.yaml": file.replacing("configs:\n  plain", with: other + "configs:\n  plain")]
            let deployed = try await deployed(
                files.merging(["plain.conf": "plain", "key": "k1"]) { $1 }, "TOKEN: t1", in: scenario)
            var last = try await deployed.containers()
            let hash = last.first { $0.service == "web" }?.labels["com.docker.compose.config-hash"]

            func check(_ path: String, _ content: String, _ cause: String, _ watcher: WatcherProgram) async throws {
                try await watcher.run("check").expecting(10).saying(cause)
                try await watcher.run("deploy").expecting(0)
                let now = try await deployed.containers()
                #expect(ids(now)["web"] != ids(last)["web"], "\(path)")
                #expect(now.first { $0.service == "other" } == last.first { $0.service == "other" })
                #expect(try await deployed.output("cat", path, of: "web") == content)
                let web = try await deployed.container("web")
                #expect(web.labels["com.docker.compose.config-hash"] == hash)
                try await watcher.run("check").expecting(0)
                last = now
            }
            try await deployed.repository.commit(["plain.conf": "changed"], "a file")
            try await check("/plain", "changed", "plain.conf", deployed.watcher)
            try await deployed.repository.commit(["key": "k2"], "a secret file")
            try await check("/run/secrets/key", "k2", "key", deployed.watcher)
            let greeting = try configured("TOKEN: t1, GREETING: two", deployed.repository, scenario)
            try await check("/inline", "greeting=two", "configs.inline", greeting)
            let token = try configured("TOKEN: t2, GREETING: two", deployed.repository, scenario)
            try await check("/run/secrets/renamed", "t2", "secrets.token", token)

            let added = (files["compose.yaml"] ?? "").replacing("- key\n", with: "- key\n    - more\n")
                .replacing("secrets:\n  key:", with: "secrets:\n  more: {file: ./more}\n  key:")
            try await deployed.repository.commit(["compose.yaml": added, "more": "m"], "one more")
            try await token.run("deploy").expecting(0)
            #expect(try await deployed.output("cat", "/run/secrets/more", of: "web") == "m")
        }
    }

    // F10
    @Test func `what an included file defines is read with that file's own variables`() async throws {
        try await Scenario.with { scenario in
            let files = [
                "compose.yaml": "include:\n- {path: sub/compose.yaml, env_file: sub/own.env}\n"
                    + stack(service("web", "secrets: [word]")),
                "sub/compose.yaml": "secrets: {word: {environment: WORD}}\n", "sub/own.env": "WORD=included\n",
            ]
            let deployed = try await deployed(files, "OTHER: x", in: scenario)
            #expect(try await deployed.output("cat", "/run/secrets/word", of: "web") == "included")
        }
    }

    // F4, F5, F11
    @Test func `what cannot be granted is refused with its place before anything is touched`() async throws {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(service("web")), in: scenario)
            let before = try await deployed.containers()
            for (lines, objects, words) in [
                (["secrets: [s]"], "secrets: {s: {environment: NOWHERE}}\n", ["NOWHERE", "not set"]),
                (["configs: [s]", "read_only: true"], "configs: {s: {content: x}}\n", ["read-only"]),
                (["configs: [s]"], "configs: {s: {external: true}}\n", ["swarm"]),
                (["secrets: [s]"], "secrets: {s: {external: true}}\n", ["swarm"]),
            ] {
                let compose = stack(service("web") + lines.map { "    \($0)\n" }.joined()) + objects
                let refused = try await deployed.deploy(compose, expecting: 65).saying("compose.yaml:")
                for word in words { refused.saying(word) }
            }
            #expect(try await deployed.containers() == before)
        }
    }
}
