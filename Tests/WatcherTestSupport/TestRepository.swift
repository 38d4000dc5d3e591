import FoundationEssentials

/// A real Git repository made by the `git` command: a bare one to fetch from and a working tree to commit in.
package struct TestRepository: Sendable {
    /// The path of the bare repository.
    package let path: String
    private let tree: String
    private let scenario: Scenario

    /// To fetch from it without a server.
    package var fileURL: String { "file://\(path)" }

    init(name: String, in scenario: Scenario) async throws {
        self.scenario = scenario
        path = "\(scenario.directory)/repositories/\(name).git"
        tree = "\(scenario.directory)/trees/\(name)"
        try await git(["init", "--quiet", "--bare", "--initial-branch=main", path], in: scenario.directory)
        try await git(["init", "--quiet", "--initial-branch=main", tree], in: scenario.directory)
        try await git(["remote", "add", "origin", path])
    }

    /// Writes the files (nil removes one), commits, pushes; returns the commit's full id.
    @discardableResult
    package func commit(
        _ files: [String: String?], _ message: String, branch: String = "main"
    ) async throws -> String {
        for (name, text) in files {
            if let text {
                try scenario.write(text, to: "\(tree)/\(name)")
            } else {
                try FileManager.default.removeItem(atPath: "\(tree)/\(name)")
            }
        }
        try await git(["add", "--all"])
        // An argument takes 128 KiB.
        let file = try scenario.write(message, to: "message")
        try await git(["commit", "--quiet", "--allow-empty", "--file", file])
        try await push(branch)
        return try await tip()
    }

    /// Makes the branch what was committed last, or rewound to.
    package func push(_ branch: String = "main") async throws {
        try await git(["push", "--quiet", "--force", "origin", "HEAD:refs/heads/\(branch)"])
    }

    /// Sets a key of the working tree's own configuration.
    package func configure(_ key: String, _ value: String) async throws { try await git(["config", key, value]) }

    /// Commits one Compose file, `compose.yaml`.
    @discardableResult
    package func commit(compose: String, _ message: String, branch: String = "main") async throws -> String {
        try await commit(["compose.yaml": compose], message, branch: branch)
    }

    /// Commits a symbolic link.
    package func link(_ name: String, to target: String) async throws {
        try FileManager.default.createSymbolicLink(atPath: "\(tree)/\(name)", withDestinationPath: target)
        try await commit([:], "link")
    }

    /// Commits a submodule at the path: its declaration and its commit.
    @discardableResult
    package func commit(module path: String, _ url: String, at commit: String) async throws -> String {
        try scenario.write(
            "[submodule \"\(path)\"]\n\tpath = \(path)\n\turl = \(url)\n", to: "\(tree)/.gitmodules")
        // An empty directory is a submodule that is not checked out, and stays one when everything else is committed.
        try FileManager.default.createDirectory(atPath: "\(tree)/\(path)", withIntermediateDirectories: true)
        try await git(["update-index", "--add", "--cacheinfo", "160000,\(commit),\(path)"])
        return try await self.commit([:], "Take \(path) at \(commit.prefix(7))")
    }

    /// Keeps the content where Git LFS keeps it in the repository; returns the pointer to commit instead.
    package func keepInLFS(_ content: String) async throws -> String {
        let file = "\(scenario.directory)/lfs-content"
        try scenario.write(content, to: file)
        let said = try await scenario.run("sha256sum", [file]).expecting(0)
        let oid = String(said.output.prefix(64))
        try scenario.write(content, to: "\(path)/lfs/objects/\(oid.prefix(2))/\(oid.dropFirst(2).prefix(2))/\(oid)")
        return "version https://git-lfs.github.com/spec/v1\noid sha256:\(oid)\nsize \(content.utf8.count)\n"
    }

    /// Moves the branch back to an earlier commit; what is committed next rewrites what was there.
    package func rewind(to commit: String) async throws { try await git(["reset", "--quiet", "--hard", commit]) }

    /// The id of the newest commit.
    package func tip() async throws -> String {
        String(try await git(["rev-parse", "HEAD"]).output.prefix { !$0.isNewline })
    }

    @discardableResult
    private func git(_ arguments: [String], in directory: String? = nil) async throws -> FinishedProcess {
        try await scenario.run(
            "git", arguments,
            environment: [
                "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
                "GIT_AUTHOR_NAME": "Ada Lovelace", "GIT_AUTHOR_EMAIL": "ada@example.com",
                "GIT_COMMITTER_NAME": "Ada Lovelace", "GIT_COMMITTER_EMAIL": "ada@example.com",
            ], in: directory ?? tree
        ).expecting(0)
    }
}

private let script = "\(TestEnvironment.root)/scripts/ssh-server"

/// A real sshd on a free port of 127.0.0.1 with keys of its own.
package struct SSHServer: Sendable {
    package let port: Int
    /// A private key that is let in.
    package let clientKey: String
    /// A file that knows the server's host key.
    package let knownHosts: String
    fileprivate let directory: String

    init(in scenario: Scenario, name: String) async throws {
        let directory = "\(scenario.directory)/\(name)"
        self.directory = directory
        scenario.atEnd("stop \(name)") {
            try await scenario.run(script, ["stop", directory]).expecting(0)
        }
        let started = try await scenario.run(script, ["start", directory]).expecting(0)
        port = Int(started.output.prefix { $0.isNumber }) ?? 0
        clientKey = "\(directory)/client_key"
        knownHosts = "\(directory)/known_hosts"
    }

    /// The repository's address on this server.
    package func url(of repository: TestRepository) -> String { "ssh://127.0.0.1:\(port)\(repository.path)" }
}

extension Scenario {
    /// A new, empty repository.
    package func repository(_ name: String = "infra") async throws -> TestRepository {
        try await TestRepository(name: name, in: self)
    }

    /// Ends an sshd before the scenario does.
    package func stop(_ server: SSHServer) async throws {
        try await run(script, ["stop", server.directory]).expecting(0)
    }

    /// Starts an sshd that ends with the scenario.
    package func sshServer(_ name: String = "sshd") async throws -> SSHServer {
        try await SSHServer(in: self, name: name)
    }
}
