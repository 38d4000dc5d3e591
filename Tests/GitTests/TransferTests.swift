import Deploy
import FoundationEssentials
import Glibc
import Reconcile
import Testing

@testable import Git

/// What a fetch brings, and what it may cost.
@Suite struct TransferTests {
    let sandbox: Sandbox
    let origin: Origin

    init() throws {
        sandbox = try Sandbox()
        origin = try Origin(sandbox)
    }

    private func repository(
        _ url: String? = nil, _ revision: Revision = .branch("main"), network: GitNetwork = GitNetwork(executable: nil),
        _ change: (inout RepositoryLimits) -> Void = { _ in }
    ) throws -> GitRepository {
        var limits = RepositoryLimits.standard
        change(&limits)
        return GitRepository(
            url: try GitRemoteURL(url ?? origin.fileURL), revision: revision, stateDirectory: "\(sandbox.path)/state",
            projectDirectory: "\(sandbox.path)/state/projects/shop", network: network, limits: limits)
    }

    private func objects(_ url: String? = nil) throws -> Int {
        let all = try sandbox.run(
            "git", "-C", origin.cache(url), "cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
        return all.split(separator: "\n").count
    }

    private func watcher() throws -> String {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return ProcessInfo.processInfo.environment["WATCHER_BINARY"] ?? "/\(root)/.build/debug/watcher"
    }

    @Test func `from a directory of this machine comes what is missing, and nothing else`() async throws {
        try origin.commit(["a": "1", "dir/b": "1", "dir/c": "1"])
        let repository = try origin.repository()
        _ = try await repository.fetchTip()
        #expect(try objects() == 4)
        let tip = try origin.commit(["dir/b": "2"])
        #expect(try await repository.fetchTip().id == tip)
        #expect(try objects() == 8)
        try origin.git("tag", "-a", "v1.0.0", "-m", "One")
        try origin.git("push", "-q", "origin", "v1.0.0")
        let next = try origin.commit(["e": "1"], branch: "other")
        #expect(try await origin.repository(nil, .tag(pattern: "v*")).fetchTip().id == tip)
        #expect(try await origin.repository(nil, .commit(next.short)).fetchTip().id == next)
        try sandbox.run("git", "-C", origin.cache(), "fsck", "--strict", "--full")
        #expect(try sandbox.run("git", "-C", origin.cache(), "cat-file", "-t", "v1.0.0") == "tag")
    }

    @Test func `a directory of this machine that lacks objects is damaged there`() async throws {
        try origin.commit(["a": "1"])
        let blob = try origin.git("rev-parse", "HEAD:a")
        try FileManager.default.removeItem(atPath: "\(origin.path)/objects/\(blob.prefix(2))/\(blob.dropFirst(2))")
        let error = try await gitError { try await origin.repository().fetchTip() }
        #expect(error.reason == .remoteUnreachable)
        #expect(error.message.contains("lacks objects that it refers to"))
        #expect(access(try origin.cache(), F_OK) != 0)
    }

    @Test func `more bytes and more objects than a fetch may bring end it, and the cache stays as it was`() async throws
    {
        let first = try origin.commit(["a": "1"])
        let server = try HTTPServer(sandbox)
        let url = "http://127.0.0.1:\(server.port)/infra.git"
        _ = try await repository(url).fetchTip()
        let before = try objects(url)
        var random = (0..<200_000).map { _ in UInt8.random(in: 0 ... .max) }
        random[0] = 0
        try Data(random).write(to: URL(filePath: "\(origin.tree)/random"))
        try origin.commit()
        let bytes = try await gitError { try await repository(url) { $0.transferBytes = 100_000 }.fetchTip() }
        #expect(bytes.reason == .invalidProject)
        #expect(bytes.message == "\(url) sends more than 97.7 KiB in one fetch")
        let objects = try await gitError { try await repository(url) { $0.transferObjects = 2 }.fetchTip() }
        #expect(objects.message == "\(url) sends more than 2 objects in one fetch")
        #expect(try self.objects(url) == before)
        #expect(try await repository(url).commit(named: first.hex)?.id == first)
        let local = try await gitError { try await repository { $0.transferObjects = 2 }.fetchTip() }
        #expect(local.message.contains("holds more than 2 objects"))
    }

    @Test(.timeLimit(.minutes(2))) func `what needs more memory than a fetch may take ends its process only`()
        async throws
    {
        try sandbox.run("truncate", "-s", "300M", "\(origin.tree)/large")
        try origin.commit()
        try sandbox.run("git", "-C", origin.path, "repack", "-adq")
        let network = GitNetwork(executable: try watcher())
        let error = try await gitError {
            try await repository(network: network) { $0.transferMemory = 200 << 20 }.fetchTip()
        }
        #expect(error.reason == .invalidProject)
        #expect(error.message == "what \(origin.fileURL) sends needs more than 200 MiB of memory to unpack")
        #expect(error.advice.contains("the cache was left as it was"))
    }

    @Test(.timeLimit(.minutes(2))) func `a large loose object of this machine is copied piece by piece`() async throws {
        try sandbox.run("truncate", "-s", "300M", "\(origin.tree)/large")
        let tip = try origin.commit()
        let network = GitNetwork(executable: try watcher())
        let repository = try repository(network: network) { $0.transferMemory = 200 << 20 }
        #expect(try await repository.fetchTip().id == tip)
        let error = try await gitError { try await repository.compareCheckout(with: tip) }
        #expect(error.message == "large holds 300 MiB, and a file may hold at most 100 MiB")
    }

    @Test(arguments: ["file", "http", "ssh"])
    func `an unmoved tip transfers no objects`(transport: String) async throws {
        let tip = try origin.commit(["a": "1"])
        var access = GitAccess()
        var url = origin.fileURL
        if transport == "http" { url = "http://127.0.0.1:\(try HTTPServer(sandbox).port)/infra.git" }
        if transport == "ssh" {
            let server = try SSHServer(sandbox)
            access = GitAccess(sshKey: .file(server.ed25519), knownHosts: server.knownHosts)
            url = server.url(origin)
        }
        #expect(try await origin.repository(url, access: access).fetch().wasDownloaded)
        let before = try contents(of: origin.cache(url)).keys.sorted()
        for _ in 0..<2 {
            let again = try await origin.repository(url, access: access).fetch()
            #expect(again.commit.id == tip)
            #expect(!again.wasDownloaded)
        }
        #expect(try contents(of: origin.cache(url)).keys.sorted() == before)
    }
}
