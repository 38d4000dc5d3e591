import Testing
import WatcherTestSupport

/// The ground the other tests stand on.
@Suite struct TestEnvironmentTests {
    @Test func `the private engine runs busybox and answers with its containers`() async throws {
        try await Scenario.with { scenario in
            let id = try await scenario.engine.start(
                name: "\(scenario.id)-probe",
                body: #"{"Image":"busybox:1","Cmd":["sleep","60"],"Labels":{"com.docker.compose.project":"x"}}"#)
            scenario.atEnd("remove the probe") { try await scenario.engine.remove(container: id) }
            let container = try await scenario.engine.container(id)
            #expect(container.isRunning)
            #expect(container.name == "\(scenario.id)-probe")
            #expect(try await scenario.engine.output(of: ["echo", "hello"], in: id) == "hello\n")
        }
    }

    @Test func `the registry answers in the engine's network`() async throws {
        try await Scenario.with { scenario in
            let words = try TestEnvironment.inEngineNetwork()
            let answer = try await scenario.run(
                words[0],
                Array(words.dropFirst()) + ["curl", "-s", "-i", "http://\(try TestEnvironment.registry())/v2/"])
            answer.saying("200 OK")
        }
    }

    @Test func `git fetches a scenario's repository over ssh with its key only`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            let commit = try await repository.commit(compose: "services: {}\n", "begin")
            let server = try await scenario.sshServer()
            let ssh = "ssh -F none -i \(server.clientKey) -o UserKnownHostsFile=\(server.knownHosts) -o BatchMode=yes"
            let listing = try await scenario.run(
                "git", ["ls-remote", server.url(of: repository), "refs/heads/main"],
                environment: ["GIT_SSH_COMMAND": ssh])
            try listing.expecting(0).saying(commit)
            let refused = try await scenario.run(
                "git", ["ls-remote", server.url(of: repository)],
                environment: ["GIT_SSH_COMMAND": "ssh -F none -i /dev/null -o BatchMode=yes"])
            try refused.expecting(128).saying("Host key verification failed")
        }
    }

    @Test func `a command that does not end in time is killed`() async throws {
        await #expect(throws: DeadlineExceeded.self) {
            try await execute("/bin/sleep", ["60"], environment: [:], deadline: .milliseconds(50))
        }
    }
}
