import FoundationEssentials
import Glibc
import Reconcile
import Testing

@testable import Git

/// The child process, its deadline and its end.
@Suite struct GitNetworkTests {
    let sandbox: Sandbox
    let origin: Origin

    init() throws {
        sandbox = try Sandbox()
        origin = try Origin(sandbox)
    }

    /// The built program, which answers to the hidden command.
    private func watcher() throws -> String {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let path = ProcessInfo.processInfo.environment["WATCHER_BINARY"] ?? "/\(root)/.build/debug/watcher"
        guard access(path, X_OK) == 0 else {
            throw Sandbox.Failure(description: "no binary at \(path): build it first")
        }
        return path
    }

    private func child(deadline: Duration = .seconds(60)) throws -> GitNetwork {
        GitNetwork(executable: try watcher(), deadline: deadline)
    }

    private func script(_ text: String, deadline: Duration = .seconds(60)) throws -> GitNetwork {
        let path = try sandbox.write("#!/bin/sh\n\(text)\n", to: "child", mode: 0o755)
        return GitNetwork(executable: path, deadline: deadline)
    }

    private func nothingLeft(holding text: String) async throws {
        let start = ContinuousClock.now
        while !processes(holding: text).isEmpty {
            guard ContinuousClock.now - start < .seconds(10) else {
                throw Sandbox.Failure(description: "still running: \(text)")
            }
            await Task.yield()
        }
    }

    @Test func `a step in the built program's child process finds what one in this process does`() async throws {
        let tip = try origin.commit(["a": "1"])
        let repository = try origin.repository(network: child())
        #expect(try await repository.fetch().wasDownloaded)
        #expect(try await repository.fetchTip().id == tip)
        let error = try await gitError {
            try await origin.repository(nil, .branch("mian"), network: child()).fetchTip()
        }
        #expect(error.reason == .branchMissing)
        #expect(error.advice == "Branches there: main.")
    }

    @Test func `a step over ssh in the child process leaves no ssh behind`() async throws {
        let tip = try origin.commit(["a": "1"])
        let server = try SSHServer(sandbox)
        let access = GitAccess(sshKey: .file(server.ed25519), knownHosts: server.knownHosts)
        let repository = try origin.repository(server.url(origin), access: access, network: child())
        #expect(try await repository.fetchTip().id == tip)
        #expect(processes(holding: "-p \(server.port)").isEmpty)
        #expect(processes(holding: server.knownHosts).isEmpty)
    }

    @Test(arguments: ["http://127.0.0.1:PORT/x", "ssh://127.0.0.1:PORT/x"])
    func `a server that never answers ends at the deadline, with its ssh`(url: String) async throws {
        let server = try SilentServer()
        let url = url.replacing("PORT", with: String(server.port))
        let repository = try origin.repository(url, network: child(deadline: .seconds(1)))
        let error = try await gitError { try await repository.fetchTip() }
        #expect(error.reason == .remoteUnreachable)
        #expect(error.message.contains("\(url) did not answer completely within 1000 ms"))
        try await nothingLeft(holding: "UserKnownHostsFile=\(sandbox.path)")
        try await nothingLeft(holding: "127.0.0.1\0git-upload-pack '/x'\0\(server.port)")
        withExtendedLifetime(server) {}
    }

    @Test func `at the deadline everything the child started is killed`() async throws {
        let mark = "613.\(UInt32.random(in: 1 ... .max))"
        let network = try script("sleep \(mark) & sleep \(mark)", deadline: .milliseconds(300))
        let error = try await gitError { try await origin.repository(network: network).fetchTip() }
        #expect(error.reason == .remoteUnreachable)
        try await nothingLeft(holding: mark)
    }

    @Test func `a cancelled step kills everything the child started`() async throws {
        let mark = "614.\(UInt32.random(in: 1 ... .max))"
        let network = try script("sleep \(mark) & sleep \(mark)")
        let repository = try origin.repository(network: network)
        let task = Task { try await repository.fetchTip() }
        while processes(holding: mark).count < 2 { await Task.yield() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        try await nothingLeft(holding: mark)
    }

    @Test func `a child whose parent died ends itself and its ssh`() async throws {
        let silent = try SilentServer()
        let known = try sandbox.write("", to: "known")
        let request = GitNetworkRequest(
            url: "ssh://127.0.0.1:\(silent.port)/x", revisions: [.branch("main")], cache: "\(sandbox.path)/cache",
            knownHosts: known, seconds: 600)
        let line = try sandbox.write(
            String(decoding: try JSONEncoder().encode(request), as: UTF8.self) + "\n", to: "request")
        // The parent is a shell that holds the child's input open until ssh runs, and then ends.
        let parent = """
            (cat \(line); for i in $(seq 400); do
                pgrep -f "[U]serKnownHostsFile=.\(known)" > \(sandbox.path)/seen && break; sleep 0.05
            done) | setsid \(try watcher()) \(GitNetworkChild.command); true
            """
        try sandbox.run("sh", "-c", parent)
        #expect(try !sandbox.run("cat", "\(sandbox.path)/seen").isEmpty)
        try await nothingLeft(holding: known)
        withExtendedLifetime(silent) {}
    }

    @Test(arguments: ["exit 3", "kill -9 $$", "echo garbage", "read line; echo '{}'", "exec true"])
    func `a child that breaks off is trouble that passes`(text: String) async throws {
        let error = try await gitError { try await origin.repository(network: script(text)).fetchTip() }
        #expect(error.reason == .remoteUnreachable)
        #expect(error.message.contains("broke off"))
    }

    @Test func `a child that cannot be run is said so`() async throws {
        let network = GitNetwork(executable: "\(sandbox.path)/nowhere")
        let error = try await gitError { try await origin.repository(network: network).fetchTip() }
        #expect(error.message.contains("could not be run"))
    }

    @Test func `a directory of this machine where nothing is new takes no child`() async throws {
        let network = GitNetwork(executable: "\(sandbox.path)/nowhere")
        let tip = try origin.commit(["a": "1"])
        _ = try await origin.repository().fetchTip()
        let found = try await origin.repository(network: network).fetch()
        #expect(found.commit.id == tip && found.reference == "refs/heads/main" && !found.wasDownloaded)
        for (branch, change) in [("main", ["a": "2"]), ("other", ["a": "3"])] {
            try origin.commit(change, branch: branch)
            let error = try await gitError {
                try await origin.repository(nil, .branch(branch), network: network).fetchTip()
            }
            #expect(error.message.contains("could not be run"))
        }
        CacheDirectory(path: try origin.cache()).markDamaged()
        _ = try await gitError { try await origin.repository(network: network).fetchTip() }
    }

    @Test func `the password reaches the child on its standard input only`() async throws {
        let file = try sandbox.write("s3cret-token\n", to: "token", mode: 0o600)
        let network = try script(
            """
            read line; echo "$line" > \(sandbox.path)/input
            tr '\\0' ' ' < /proc/$$/cmdline > \(sandbox.path)/visible; env >> \(sandbox.path)/visible
            """)
        let repository = try origin.repository(
            "https://ada:other-s3cret@git.example.com/x", access: GitAccess(password: .file(file)), network: network)
        _ = try await gitError { try await repository.fetchTip() }
        #expect(try sandbox.run("cat", "\(sandbox.path)/input").contains("s3cret-token"))
        #expect(try !sandbox.run("cat", "\(sandbox.path)/visible").contains("s3cret"))
    }
}
