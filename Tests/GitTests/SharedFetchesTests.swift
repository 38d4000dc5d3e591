import FoundationEssentials
import Reconcile
import Testing

@testable import Git

/// Projects of one run that share a repository ask its server once.
@Suite struct SharedFetchesTests {
    let sandbox: Sandbox
    let origin: Origin

    init() throws {
        sandbox = try Sandbox()
        origin = try Origin(sandbox)
    }

    /// How often the server told its references, and sent objects.
    private func count(_ server: HTTPServer) -> (advertisements: Int, downloads: Int) {
        let lines = String(decoding: FileManager.default.contents(atPath: server.log) ?? Data(), as: UTF8.self)
            .split(separator: "\n")
        return (
            lines.count { $0.contains("info/refs") },
            lines.count { $0.hasSuffix("git-upload-pack") && $0.hasPrefix("POST") }
        )
    }

    private func repositories(_ url: String, _ revisions: [Revision]) throws -> [GitRepository] {
        let address = try GitRemoteURL(url)
        let fetches = SharedFetches(
            revisions.map { SharedFetches.Share(url: address, revision: $0, access: GitAccess()) })
        return try revisions.enumerated().map {
            try origin.repository(url, $1, project: "project-\($0)", fetches: fetches)
        }
    }

    private func fetchAll(_ repositories: [GitRepository]) async -> [Result<CommitID, GitError>] {
        await withTaskGroup(of: (Int, Result<CommitID, GitError>).self) { group in
            for (index, repository) in repositories.enumerated() {
                group.addTask {
                    do { return (index, .success(try await repository.fetchTip().id)) } catch {
                        return (index, .failure(error as? GitError ?? GitError(.unexpected, "\(error)")))
                    }
                }
            }
            var results = Array(
                repeating: Result<CommitID, GitError>.failure(GitError(.unexpected, "")), count: repositories.count)
            for await (index, result) in group { results[index] = result }
            return results
        }
    }

    @Test func `one revision is one request, however many projects follow it`() async throws {
        let tip = try origin.commit(["a": "1"])
        let server = try HTTPServer(sandbox)
        let url = "http://127.0.0.1:\(server.port)/infra.git"
        for result in await fetchAll(try repositories(url, Array(repeating: .branch("main"), count: 5))) {
            #expect(try result.get() == tip)
        }
        let first = count(server)
        #expect(first.advertisements == 1)
        // One after the other, as with one job, and nothing new.
        for repository in try repositories(url, Array(repeating: .branch("main"), count: 3)) {
            #expect(try await repository.fetchTip().id == tip)
        }
        #expect(count(server).advertisements == 2)
        #expect(count(server).downloads == first.downloads)
    }

    @Test func `several revisions are one connection and one download`() async throws {
        let pinned = try origin.commit(["a": "1"])
        let version = try origin.commit(["a": "2"])
        try origin.git("tag", "v1.0.0")
        try origin.git("push", "-q", "origin", "v1.0.0")
        let tip = try origin.commit(["a": "3"])
        let other = try origin.commit(["b": "1"], branch: "other")
        let server = try HTTPServer(sandbox)
        let results = await fetchAll(
            try repositories(
                "http://127.0.0.1:\(server.port)/infra.git",
                [.branch("main"), .branch("other"), .tag(pattern: "v*"), .commit(pinned.hex)]))
        #expect(try results.map { try $0.get() } == [tip, other, version, pinned])
        #expect(count(server).advertisements == 1)
    }

    @Test func `several revisions are one connection over ssh, which serves one download only`() async throws {
        let tip = try origin.commit(["a": "1"])
        let other = try origin.commit(["b": "1"], branch: "other")
        let server = try SSHServer(sandbox)
        let access = GitAccess(sshKey: .file(server.ed25519), knownHosts: server.knownHosts)
        let url = server.url(origin)
        let revisions: [Revision] = [.branch("main"), .branch("other")]
        let fetches = SharedFetches(
            try revisions.map { SharedFetches.Share(url: try GitRemoteURL(url), revision: $0, access: access) })
        let found = await fetchAll(
            try revisions.map { try origin.repository(url, $0, access: access, fetches: fetches) })
        #expect(try found.map { try $0.get() } == [tip, other])
    }

    @Test(arguments: [nil, 2_000_000]) func `a commit that nobody can read stops only those that follow it`(
        size: Int?
    ) async throws {
        let tip = try origin.commit(["a": "1"])
        let text = size.map { "head -c \($0) /dev/zero | tr '\\0' x" } ?? "true"
        let header = size == nil ? "printf 'tree %s\\n' $(git rev-parse HEAD^{tree})" : "git cat-file commit HEAD"
        try sandbox.run(
            "sh", "-ec",
            "cd \(origin.path); { \(header.replacing("HEAD", with: "main")); \(text); } > ../odd; "
                + "git hash-object -t commit --literally -w ../odd > refs/heads/bad",
            in: sandbox.path)
        for url in [origin.fileURL, "http://127.0.0.1:\(try HTTPServer(sandbox).port)/infra.git"] {
            let found = await fetchAll(try repositories(url, [.branch("bad"), .branch("main")]))
            let error = #expect(throws: GitError.self) { try found[0].get() }
            // Git's own server ends over what it cannot read.
            let isServers = size == nil && url.hasPrefix("http")
            #expect(
                error?.reason == (isServers ? .remoteUnreachable : .invalidProject),
                "\(error.map(String.init(describing:)) ?? "")")
            #expect(try found[1].get() == tip)
        }
    }

    @Test func `what one revision lacks is no trouble of another`() async throws {
        let tip = try origin.commit(["a": "1"])
        let server = try HTTPServer(sandbox)
        let results = await fetchAll(
            try repositories(
                "http://127.0.0.1:\(server.port)/infra.git",
                [.branch("mian"), .branch("main"), .commit(String(repeating: "1", count: 40))]))
        #expect(throws: GitError.self) { try results[0].get() }
        #expect(try results[1].get() == tip)
        #expect(throws: GitError.self) { try results[2].get() }
        #expect(count(server).advertisements == 1)
    }

    @Test func `a server that is not there is asked once, and each project is told`() async throws {
        let results = await fetchAll(
            try repositories("http://127.0.0.1:1/infra.git", [.branch("main"), .branch("main"), .branch("other")]))
        for result in results {
            let error = #expect(throws: GitError.self) { try result.get() }
            #expect(error?.reason == .remoteUnreachable)
        }
    }
}
