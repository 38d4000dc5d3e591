import Testing
import WatcherTestSupport

/// Trouble that is not the commit's: nothing is touched, nothing is skip-listed, the next tick tries again.
@Suite struct UnreachableTests {
    /// The commit is deployed once the trouble is over, so it was not skip-listed.
    private func untouched(
        _ before: [EngineObserver.Container], _ stack: Deployed, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let after = try await stack.containers()
        #expect(after == before, sourceLocation: sourceLocation)
        try await stack.watcher.run("skip-list", stack.project).expecting(0)
            .notSaying(String(try await stack.repository.tip().prefix(7)))
    }

    // H1
    @Test(arguments: ["127.0.0.1:5000/no-such-image:1", "127.0.0.1:1/unreachable:1"])
    func `an image that cannot be pulled`(image: String) async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(stack(service("web"), service("db")), in: scenario)
            let before = try await stack.containers()
            let broken = IntegrationTests.stack(
                service("web", "image: \(image)"), service("db", "environment: {A: b}"))
            try await stack.repository.commit(compose: broken, "another image")
            try await stack.watcher.run("deploy").expecting(75).saying(image, "web")
            try await untouched(before, stack)
        }
    }

    @Test func `an engine that is not running`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            try await repository.commit(compose: stack(service("web")), "begin")
            let socket = "\(scenario.directory)/no-engine.sock"
            let watcher = try scenario.watcher(
                ConfiguredProject(
                    scenario.id, repository: repository.fileURL, settings: ["engine: {host: 'unix://\(socket)'}"]))
            try await watcher.run("deploy").expecting(69).saying(socket)
            try await watcher.run("status").expecting(69).saying(socket)
        }
    }

    @Test func `a remote that is unreachable`() async throws {
        try await Scenario.with { scenario in
            let server = try await scenario.sshServer()
            let (watcher, repository) = try await overSSH(server, in: scenario)
            try await watcher.run("deploy").expecting(0)
            let before = try await scenario.engine.containers(project: scenario.id)
            #expect(before.count == 1)
            try await repository.commit(compose: stack(service("web", "user: '1'")), "next")
            try await scenario.stop(server)
            try await watcher.run("deploy").expecting(75).saying("127.0.0.1", "refused")
            #expect(try await scenario.engine.containers(project: scenario.id) == before)
        }
    }

    @Test func `a repository that does not exist`() async throws {
        try await Scenario.with { scenario in
            let watcher = try scenario.watcher(
                ConfiguredProject(scenario.id, repository: "file://\(scenario.directory)/nowhere.git"))
            let failed = try await watcher.run("deploy")
            #expect([75, 77, 78].contains(failed.status), "\(failed)")
            failed.saying("nowhere.git")
        }
    }

    @Test func `a branch that does not exist`() async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(stack(service("web")), in: scenario)
            let before = try await stack.containers()
            let elsewhere = try scenario.watcher(
                ConfiguredProject(stack.project, repository: stack.repository.fileURL, settings: ["branch: no-such"]))
            let failed = try await elsewhere.run("deploy")
            #expect([75, 78].contains(failed.status), "\(failed)")
            failed.saying("no-such")
            #expect(try await stack.containers() == before)
        }
    }

    @Test func `a host key that is unknown, and one that changed`() async throws {
        try await Scenario.with { scenario in
            let (server, other) = (try await scenario.sshServer(), try await scenario.sshServer("other-sshd"))
            let (watcher, repository) = try await overSSH(server, in: scenario)
            try await watcher.run("deploy").expecting(0)
            let before = try await scenario.engine.containers(project: scenario.id)
            try await repository.commit(compose: stack(service("web", "user: '1'")), "next")

            let empty = try scenario.write("", to: "empty")
            let (stranger, _) = try await overSSH(server, knownHosts: empty, repository, in: scenario)
            try await stranger.run("deploy").expecting(77).saying("ost key", "127.0.0.1")

            let key = try await scenario.run("cat", [other.knownHosts]).output
            let changed = try scenario.write(
                key.replacing("]:\(other.port)", with: "]:\(server.port)"), to: "changed-known-hosts")
            let (impostor, _) = try await overSSH(server, knownHosts: changed, repository, in: scenario)
            try await impostor.run("deploy").expecting(77).saying("ost key", "127.0.0.1")
            #expect(try await scenario.engine.containers(project: scenario.id) == before)
        }
    }

    @Test func `a key the server does not accept`() async throws {
        try await Scenario.with { scenario in
            let (server, other) = (try await scenario.sshServer(), try await scenario.sshServer("other-sshd"))
            let (watcher, _) = try await overSSH(server, key: other.clientKey, in: scenario)
            try await watcher.run("deploy").expecting(77).saying("ermission denied")
        }
    }

    @Test func `a private key that others can read`() async throws {
        try await Scenario.with { scenario in
            let server = try await scenario.sshServer()
            let (watcher, _) = try await overSSH(server, in: scenario)
            try await scenario.run("chmod", ["0644", server.clientKey]).expecting(0)
            try await watcher.run("deploy").expecting(77).saying(server.clientKey)
        }
    }

    private func overSSH(
        _ server: SSHServer, key: String? = nil, knownHosts: String? = nil, _ repository: TestRepository? = nil,
        in scenario: Scenario
    ) async throws -> (WatcherProgram, TestRepository) {
        let there: TestRepository
        if let repository {
            there = repository
        } else {
            there = try await scenario.repository()
            try await there.commit(compose: stack(service("web")), "begin")
        }
        let git =
            "git: {ssh_key: '\(key ?? server.clientKey)', known_hosts: '\(knownHosts ?? server.knownHosts)'}"
        let watcher = try scenario.watcher(
            ConfiguredProject(scenario.id, repository: server.url(of: there), settings: [git]))
        return (watcher, there)
    }
}
