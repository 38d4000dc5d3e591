import Compose
import Deploy
import FoundationEssentials
import Glibc
import Reconcile
import Testing

@testable import Git

/// What a hostile commit may cost: each is refused as invalid (65), by `check` already, within seconds.
@Suite struct LimitsTests {
    let sandbox: Sandbox
    let origin: Origin
    let raw: RawObjects

    init() throws {
        sandbox = try Sandbox()
        origin = try Origin(sandbox)
        raw = RawObjects(origin: origin)
    }

    private func limits(_ change: (inout RepositoryLimits) -> Void) -> RepositoryLimits {
        var limits = RepositoryLimits.standard
        change(&limits)
        return limits
    }

    private func repository(_ limits: RepositoryLimits) throws -> GitRepository {
        GitRepository(
            url: try GitRemoteURL(origin.fileURL), revision: .branch("main"), stateDirectory: "\(sandbox.path)/state",
            projectDirectory: "\(sandbox.path)/state/projects/shop", network: GitNetwork(executable: nil),
            limits: limits)
    }

    /// The error of comparing, which is what `check` does first; the others have to end in the same one.
    private func refusal(_ commit: CommitID, _ limits: RepositoryLimits = .standard) async throws -> GitError {
        let repository = try repository(limits)
        // A repository on this machine is looked through before anything is copied.
        _ = try? await repository.fetchTip()
        let error = try await gitError { try await repository.compareCheckout(with: commit) }
        #expect(error.reason == .invalidProject)
        #expect(try await gitError { try await repository.stageCheckout(of: commit) } == error)
        #expect(!CacheDirectory(path: try origin.cache()).isDamaged)
        return error
    }

    // MARK: - How much is visited

    @Test(.timeLimit(.minutes(1)), arguments: [(10, 100), (40, 2), (3, 5_000)])
    func `nested directories that expand to very many are refused at once`(depth: Int, width: Int) async throws {
        let tip = try raw.push(try raw.bomb(depth: depth, width: width))
        let start = ContinuousClock.now
        let error = try await refusal(tip)
        #expect(error.message == "the commit holds more than 500000 files and directories")
        let repository = try origin.repository()
        #expect(try await gitError { try await repository.omissions(of: tip) }.reason == .invalidProject)
        #expect(try await gitError { try await repository.files(of: tip, nil) }.reason == .invalidProject)
        #expect(
            try await gitError { try await repository.beginBuild(BuildID(commit: tip, recipe: "x"), user: nil) }.reason
                == .invalidProject)
        #expect(ContinuousClock.now - start < .seconds(90))
    }

    @Test func `directories that are nested too deeply are refused`() async throws {
        let error = try await refusal(try raw.push(try raw.bomb(depth: 300, width: 1)))
        #expect(error.message.contains("nests directories more than 256 deep"))
    }

    @Test func `a directory that is shallow once and deep once counts as deep`() async throws {
        let low = try raw.bomb(depth: 5, width: 1)
        var high = low
        for _ in 0..<6 { high = try raw.tree([.init("40000", "x", high)]) }
        let tip = try raw.push(try raw.tree([.init("40000", "a", low), .init("40000", "b", high)]))
        let error = try await refusal(tip, limits { $0.depth = 10 })
        #expect(error.message.contains("10 deep"))
    }

    @Test func `a path that Linux cannot hold is refused`() async throws {
        var tree = try raw.tree([.init("100644", "file", try raw.blob("1"))])
        for _ in 0..<20 { tree = try raw.tree([.init("40000", String(repeating: "n", count: 200), tree)]) }
        #expect(try await refusal(try raw.push(tree)).message.contains("at most 3072 are possible"))
    }

    @Test func `paths that are long and many are refused together`() async throws {
        let blob = try raw.blob("1")
        var tree = try raw.tree((0..<300).map { "f\($0)" }.sorted().map { .init("100644", $0, blob) })
        for _ in 0..<10 { tree = try raw.tree([.init("40000", String(repeating: "n", count: 200), tree)]) }
        let tip = try raw.push(tree)
        let error = try await refusal(tip, limits { $0.allPathBytes = 600_000 })
        #expect(error.message == "the paths of the commit hold more than 585.9 KiB together")
        let repository = try repository(limits { $0.allPathBytes = 700_000 })
        _ = try await repository.fetchTip()
        #expect(try await repository.compareCheckout(with: tip).changedPaths.count == 300)
    }

    @Test func `the directories of paths are made once each`() {
        let paths = ["a/b/c", "a/b/d", "a/e", "f", "g/h"].map(TreePath.init)
        #expect(TreePath.directories(of: paths) == Set(["a", "a/b", "g"].map(TreePath.init)))
    }

    @Test(.timeLimit(.minutes(1)))
    func `a commit of very many files is walked within seconds`() async throws {
        let blob = try raw.blob("1")
        let leaf = try raw.tree((0..<100).map { "f\($0)" }.sorted().map { .init("100644", $0, blob) })
        let middle = try raw.tree((0..<100).map { "d\($0)" }.sorted().map { .init("40000", $0, leaf) })
        let tip = try raw.push(try raw.tree((0..<10).map { .init("40000", "t\($0)", middle) }))
        let repository = try origin.repository()
        _ = try await repository.fetchTip()
        let start = ContinuousClock.now
        #expect(try await repository.compareCheckout(with: tip).changedPaths.count == 100_000)
        print("100,000 files were compared in \(ContinuousClock.now - start)")
    }

    @Test func `a walk that takes too long is ended`() async throws {
        let tip = try origin.commit(["a": "1"])
        let error = try await refusal(tip, limits { $0.walk = .zero })
        #expect(error.message == "looking through the commit's directories takes longer than 0 s")
    }

    @Test func `what the build contexts of a project list is counted together`() async throws {
        let tip = try origin.commit(["ctx/a": "1", "ctx/b": "1", "ctx/c": "1"])
        let repository = try repository(limits { $0.listedEntries = 7 })
        _ = try await repository.fetchTip()
        let files = try await repository.files(of: tip, nil)
        let context = "\(repository.checkoutPath)/ctx"
        #expect(try files.list(context).count == 3)
        #expect(try files.list(context).count == 3)
        #expect(throws: FileAccessError.self) { try files.list(context) }
    }

    // MARK: - Histories

    @Test func `ancestors are found in every shape of history`() async throws {
        let base = try origin.commit(["a": "1"])
        try origin.git("checkout", "-q", "-b", "side")
        let side = try origin.commit(["s": "1"], branch: "side")
        try origin.git("checkout", "-q", "main")
        let main = try origin.commit(["m": "1"])
        try origin.git("merge", "-q", "--no-ff", "-m", "Merge", "side")
        let tip = try origin.commit()
        try origin.git("checkout", "-q", "--orphan", "other")
        let other = try origin.commit(["o": "1"], branch: "other")
        let repository = try origin.repository()
        _ = try await repository.fetchTip()
        _ = try await origin.repository(nil, .branch("other")).fetchTip()
        for (ancestor, commit, isAncestor) in [
            (base, tip, true), (side, tip, true), (main, tip, true), (tip, tip, true), (tip, base, false),
            (side, main, false), (main, side, false), (other, tip, false), (base, other, false), (base, side, true),
        ] {
            #expect(try await repository.isAncestor(ancestor, of: commit) == isAncestor, "\(ancestor) \(commit)")
        }
    }

    @Test func `a history that is too long to compare is refused`() async throws {
        let first = try origin.commit(["a": "1"])
        for _ in 0..<10 { try origin.commit() }
        let tip = try origin.commit()
        let repository = try repository(limits { $0.commits = 5 })
        _ = try await repository.fetchTip()
        let error = try await gitError { try await repository.isAncestor(first, of: tip) }
        #expect(error.reason == .invalidProject)
        #expect(error.message.contains("more than 5 commits"))
    }

    @Test func `a listing of commits that takes too long is an error, not a short list`() async throws {
        let first = try origin.commit(["a": "1"])
        let tip = try origin.commit(["a": "2"])
        let repository = try repository(limits { $0.walk = .zero })
        _ = try await repository.fetchTip()
        let error = try await gitError { try await repository.history(of: tip, after: first, atMost: 10) }
        #expect(error.reason == .invalidProject)
    }

    @Test func `what two commits have in common is not walked`() async throws {
        for _ in 0..<20 { try origin.commit() }
        let old = try origin.commit(["a": "1"])
        let repository = try repository(limits { $0.commits = 8 })
        _ = try await repository.fetchTip()
        try origin.git("reset", "-q", "--hard", "HEAD~1")
        let tip = try origin.commit(["a": "2"])
        _ = try await repository.fetchTip()
        #expect(try await !repository.isAncestor(old, of: tip))
    }

    @Test func `a commit object that is too large is not read`() async throws {
        try origin.commit(["a": "1"])
        let tree = try origin.git("rev-parse", "HEAD^{tree}")
        let message = try sandbox.write(String(repeating: "word ", count: 300_000), to: "message")
        let commit = try origin.git("commit-tree", tree, "-F", message)
        try origin.git("push", "-q", "--force", "origin", "\(commit):refs/heads/main")
        let error = try await gitError { try await origin.repository().fetchTip() }
        #expect(error.reason == .invalidProject)
        #expect(error.message.contains("at most 1 MiB are read"))
    }

    // MARK: - How large things are

    @Test func `a file that is too large is refused by name, before it is read`() async throws {
        try origin.commit(["small": "1", "data/large": String(repeating: "x", count: 5_000)])
        let tip = CommitID(hex: try origin.git("rev-parse", "HEAD"))
        let error = try await refusal(tip, limits { $0.fileBytes = 4_096 })
        #expect(error.message == "data/large holds 4.9 KiB, and a file may hold at most 4 KiB")
    }

    @Test func `a checkout that is too large is refused as a whole`() async throws {
        let text = String(repeating: "x", count: 1_000)
        let tip = try origin.commit(["a": text, "b": text, "c": text])
        #expect(try await refusal(tip, limits { $0.checkoutBytes = 2_500 }).message.contains("more than 2.4 KiB"))
        // What is in place already counts too.
        let repository = try repository(limits { $0.checkoutBytes = 3_500 })
        try await repository.stageCheckout(of: tip).switchOver()
        let next = try origin.commit(["d": text])
        _ = try await repository.fetchTip()
        #expect(try await gitError { try await repository.compareCheckout(with: next) }.reason == .invalidProject)
    }

    @Test func `a file that watcher reads itself may be no larger than that`() async throws {
        let tip = try origin.commit([
            "compose.yaml": String(repeating: "#", count: RepositoryLimits.standard.readBytes + 1)
        ])
        let repository = try origin.repository()
        _ = try await repository.fetchTip()
        let path = "\(repository.checkoutPath)/compose.yaml"
        let files = try await repository.files(of: tip, nil)
        #expect(throws: FileAccessError.tooLarge(path: path, limit: RepositoryLimits.standard.readBytes)) {
            try files.read(path)
        }
    }

    @Test(.timeLimit(.minutes(2))) func `a file of 400 MB takes no memory`() async throws {
        try sandbox.run("truncate", "-s", "400M", "\(origin.tree)/large")
        let tip = try origin.commit()
        // The pack is brought by hand, so that only looking at it is measured.
        try sandbox.run("git", "init", "-q", "--bare", origin.cache())
        try sandbox.run("git", "-C", origin.cache(), "fetch", "-q", origin.path, "main")
        let repository = try origin.repository()
        let before = try residentBytes()
        let error = try await gitError { try await repository.compareCheckout(with: tip) }
        #expect(error.message == "large holds 400 MiB, and a file may hold at most 100 MiB")
        #expect(try await repository.omissions(of: tip) == [])
        #expect(try residentBytes() - before < 100 << 20)
    }

    private func residentBytes() throws -> Int {
        let status = String(decoding: try Data(contentsOf: URL(filePath: "/proc/self/statm")), as: UTF8.self)
        return (Int(status.split(separator: " ")[1]) ?? 0) * 4096
    }
}
