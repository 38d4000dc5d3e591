import Testing
import WatcherTestSupport

/// Ways to an engine other than its socket here.
@Suite struct EngineAccessTests {
    /// A scenario with one commit, and the binary configured for an engine.
    private func program(_ scenario: Scenario, engine: String) async throws -> WatcherProgram {
        let repository = try await scenario.repository()
        try await repository.commit(compose: stack(service("web")), "begin")
        return try scenario.watcher(
            ConfiguredProject(scenario.id, repository: repository.fileURL, settings: ["engine: \(engine)"]))
    }

    @Test func `a dockerd that verifies is deployed to with our certificate`() async throws {
        try await Scenario.with { scenario in
            let tls = try TestEnvironment.engineTLS()
            let watcher = try await program(
                scenario,
                engine: "{host: 'tcp://127.0.0.1:2376', "
                    + "tls: {ca: \(tls)/ca.pem, cert: \(tls)/cert.pem, key: \(tls)/key.pem}}")
            try await watcher.runInEngineNetwork("deploy").expecting(0)
            let container = try await scenario.engine.container("web", in: scenario.id)
            #expect(container.isRunning)
            try await watcher.runInEngineNetwork("deploy").expecting(0).saying("in sync")
        }
    }

    @Test func `a dockerd that does not know us, or that we do not know, is not spoken with`() async throws {
        try await Scenario.with { scenario in
            let tls = try TestEnvironment.engineTLS()
            let stranger = "\(scenario.directory)/stranger"
            try await scenario.run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-batch",
                    "-subj", "/CN=stranger", "-keyout", "\(stranger).key", "-out", "\(stranger).pem",
                ]
            ).expecting(0)
            let repository = try await scenario.repository()
            try await repository.commit(compose: stack(service("web")), "begin")
            for (authority, certificate, key, words) in [
                ("\(tls)/ca.pem", "\(stranger).pem", "\(stranger).key", "does not accept our certificate"),
                ("\(stranger).pem", "\(tls)/cert.pem", "\(tls)/key.pem", "is not trusted"),
            ] {
                let files = "{ca: \(authority), cert: \(certificate), key: \(key)}"
                let watcher = try scenario.watcher(
                    ConfiguredProject(
                        scenario.id, repository: repository.fileURL,
                        settings: ["engine: {host: 'tcp://127.0.0.1:2376', tls: \(files)}"]))
                try await watcher.runInEngineNetwork("deploy").expecting(69)
                    .saying("the engine at tcp://127.0.0.1:2376", words, "engine.tls")
            }
            #expect(try await scenario.engine.containers(project: scenario.id).isEmpty)
        }
    }

    @Test func `an engine behind ssh is deployed to, and nothing of the way is left`() async throws {
        try await Scenario.with { scenario in
            let server = try await scenario.sshServer()
            let watcher = try await program(
                scenario,
                engine: "{host: 'ssh://127.0.0.1:\(server.port)\(try TestEnvironment.dockerSocket())', "
                    + "ssh_key: \(server.clientKey), known_hosts: \(server.knownHosts)}")
            try await watcher.run("deploy").expecting(0)
            let container = try await scenario.engine.container("web", in: scenario.id)
            #expect(container.isRunning)
            try await watcher.run("deploy").expecting(0).saying("in sync")
            #expect(try await scenario.engine.container("web", in: scenario.id) == container)
            let look = """
                for each in /proc/[0-9]*/cmdline; do
                    tr '\\0' ' ' <$each 2>/dev/null | grep -e '-p \(server.port) .*[d]ial-stdio'
                done
                echo looked
                """
            let left = try await scenario.run("sh", ["-c", look])
            #expect(left.output == "looked\n")
        }
    }

    @Test func `a host that ssh does not trust, or that does not trust us, is refused`() async throws {
        try await Scenario.with { scenario in
            let server = try await scenario.sshServer()
            let other = try await scenario.sshServer("other")
            let unknown = try scenario.write("", to: "known_nothing")
            let host = "ssh://127.0.0.1:\(server.port)\(try TestEnvironment.dockerSocket())"
            let repository = try await scenario.repository()
            try await repository.commit(compose: stack(service("web")), "begin")
            for (key, knownHosts, words) in [
                (server.clientKey, unknown, "[127.0.0.1]:\(server.port) ssh-ed25519 "),
                (other.clientKey, server.knownHosts, "engine.ssh_key"),
            ] {
                let watcher = try scenario.watcher(
                    ConfiguredProject(
                        scenario.id, repository: repository.fileURL,
                        settings: ["engine: {host: '\(host)', ssh_key: \(key), known_hosts: \(knownHosts)}"]))
                try await watcher.run("deploy").expecting(77).saying(words)
            }
        }
    }

    @Test func `a host without an engine is one that cannot be reached`() async throws {
        try await Scenario.with { scenario in
            let server = try await scenario.sshServer()
            let watcher = try await program(
                scenario,
                engine: "{host: 'ssh://127.0.0.1:\(server.port)/nonexistent/docker.sock', "
                    + "ssh_key: \(server.clientKey), known_hosts: \(server.knownHosts)}")
            try await watcher.run("deploy").expecting(69).saying("lets us in, but its engine cannot be reached")
        }
    }
}
