import Compose
import Deploy
import FoundationEssentials
import Glibc
import Reconcile
import Testing

@testable import Git

@Suite struct FetchTests {
    let sandbox: Sandbox
    let origin: Origin

    init() throws {
        sandbox = try Sandbox()
        origin = try Origin(sandbox)
    }

    @Test func `the tip is fetched with all that is known of it`() async throws {
        let first = try origin.commit(["a": "1"])
        let second = try origin.commit(["a": "2"], "Raise a\u{1b}[31m\n\nBecause.")
        let commit = try await origin.repository().fetchTip()
        #expect(commit.id == second)
        #expect(commit.parents == [first])
        #expect(commit.subject == "Raise a[31m")
        #expect(commit.author == "Ada Lovelace <ada@example.com>")
        #expect(String(commit.time) == (try origin.git("log", "-1", "--format=%ct")))
    }

    @Test func `texts of a commit are cut when they are read, and what is not UTF-8 is replaced`() async throws {
        try origin.commit(["a": "1"])
        try sandbox.run(
            "sh", "-ec",
            """
            long() { head -c $1 /dev/zero | tr '\\0' $2; }
            {
              git cat-file commit HEAD | sed -e '/^$/q' -e "s/^author [^<]*/author $(long 100000 y) /"
              printf 'b\\303\\050ad \\033[31m'; long 500000 x
            } > ../commit
            git push -q --force origin $(git hash-object -t commit -w ../commit):refs/heads/main
            """, in: origin.tree)
        let commit = try await origin.repository().fetchTip()
        #expect(
            commit.subject.hasPrefix("b\u{FFFD}(ad [31mxxx") && commit.subject.hasSuffix("x..."), "\(commit.subject)")
        #expect(commit.subject.count == 200)
        #expect(commit.author.hasPrefix("yyy") && commit.author.contains("y... <"))
    }

    @Test func `nothing is downloaded when the tip has not moved`() async throws {
        try origin.commit(["a": "1"])
        let repository = try origin.repository()
        #expect(try await repository.fetch().wasDownloaded)
        let packs = try contents(of: origin.cache()).keys.sorted()
        #expect(try await !repository.fetch().wasDownloaded)
        #expect(try contents(of: origin.cache()).keys.sorted() == packs)
        try origin.commit(["a": "2"])
        #expect(try await repository.fetch().wasDownloaded)
    }

    @Test func `a rewritten branch is fetched and its old tip is no ancestor`() async throws {
        let base = try origin.commit(["a": "1"])
        let left = try origin.commit(["a": "2"])
        let repository = try origin.repository()
        _ = try await repository.fetchTip()
        try origin.git("reset", "-q", "--hard", base.hex)
        let right = try origin.commit(["a": "3"])
        #expect(try await repository.fetchTip().id == right)
        #expect(try await !repository.isAncestor(left, of: right))
        #expect(try await repository.isAncestor(base, of: right))
        #expect(try await repository.isAncestor(right, of: right))
        #expect(try await !repository.isAncestor(CommitID(hex: String(repeating: "a", count: 40)), of: right))
        #expect(try await repository.commit(named: left.short)?.id == left)
    }

    @Test func `a branch that vanished is missing, whatever the cache holds`() async throws {
        try origin.commit(["a": "1"])
        let repository = try origin.repository()
        _ = try await repository.fetchTip()
        try origin.git("push", "-q", "origin", "HEAD:refs/heads/trunk", ":refs/heads/main")
        let error = try await gitError { try await repository.fetchTip() }
        #expect(error.reason == .branchMissing)
        #expect(error.advice == "Branches there: trunk.")
    }

    @Test func `an empty repository has no branches yet`() async throws {
        let error = try await gitError { try await origin.repository().fetchTip() }
        #expect(error.reason == .branchMissing)
        #expect(error.advice.contains("no branches yet"))
    }

    @Test func `a branch can give way to one below its name`() async throws {
        try origin.commit(["a": "1"], branch: "release")
        _ = try await origin.repository(nil, .branch("release")).fetchTip()
        try origin.git("push", "-q", "origin", ":refs/heads/release")
        let tip = try origin.commit(["a": "2"], branch: "release/2")
        #expect(try await origin.repository(nil, .branch("release/2")).fetchTip().id == tip)
        #expect(try await origin.repository(nil, .branch("release/2")).fetch().wasDownloaded == false)
    }

    @Test func `a missing repository and a directory that is none are errors of the configuration`() async throws {
        for url in ["file://\(sandbox.path)/nowhere.git", "file://\(sandbox.path)"] {
            let error = try await gitError { try await origin.repository(url).fetchTip() }
            #expect(error.reason == .invalidConfiguration, "\(error)")
            #expect(error.message.contains(url))
        }
    }

    @Test func `the highest version tag is fetched, annotated or not`() async throws {
        let first = try origin.commit(["a": "1"])
        try origin.git("tag", "v1.9.0")
        let second = try origin.commit(["a": "2"])
        try origin.git("tag", "-a", "v1.10.0", "-m", "Ten")
        try origin.git("push", "-q", "--tags", "origin")
        let repository = try origin.repository(nil, .tag(pattern: "v*"))
        let tip = try await repository.fetch()
        #expect(tip.commit.id == second)
        #expect(tip.reference == "refs/tags/v1.10.0")
        #expect(try await !repository.fetch().wasDownloaded)
        #expect(try await origin.repository(nil, .tag(pattern: "v1.9*")).fetchTip().id == first)
    }

    @Test func `a commit is found by its id, also one that is no tip, and then needs no remote`() async throws {
        let first = try origin.commit(["a": "1"])
        try origin.commit(["a": "2"])
        #expect(try await origin.repository(nil, .commit(first.hex)).fetchTip().id == first)
        #expect(try await origin.repository(nil, .commit(first.short)).fetchTip().id == first)
        try FileManager.default.moveItem(atPath: origin.path, toPath: origin.path + ".away")
        #expect(try await origin.repository(nil, .commit(first.hex)).fetchTip().id == first)
    }

    @Test func `a commit that no branch leads to is missing`() async throws {
        try origin.commit(["a": "1"])
        let id = String(repeating: "a", count: 40)
        let error = try await gitError { try await origin.repository(nil, .commit(id)).fetchTip() }
        #expect(error.reason == .commitMissing)
    }

    @Test func `revisions are named by full or abbreviated ids only`() async throws {
        let tip = try origin.commit(["a": "1"])
        let repository = try origin.repository()
        #expect(try await repository.commit(named: tip.hex) == nil)
        _ = try await repository.fetchTip()
        #expect(try await repository.commit(named: String(tip.hex.prefix(4)))?.id == tip)
        for name in [
            "main", "HEAD", String(tip.hex.prefix(3)), tip.hex + "0", "", "../x", String(repeating: "0", count: 40),
        ] {
            #expect(try await repository.commit(named: name) == nil, "\(name)")
        }
    }
}

@Suite struct CacheTests {
    let sandbox: Sandbox
    let origin: Origin

    init() throws {
        sandbox = try Sandbox()
        origin = try Origin(sandbox)
    }

    @Test func `the cache is ours alone, and safe to delete`() async throws {
        let tip = try origin.commit(["a": "1"])
        let repository = try origin.repository()
        _ = try await repository.fetchTip()
        #expect(mode("\(sandbox.path)/state/git") == 0o700)
        #expect(mode(try origin.cache()) == 0o700)
        try FileManager.default.removeItem(atPath: origin.cache())
        let files = try await repository.files(of: tip)
        #expect(try files.read("\(repository.checkoutPath)/a") == Array("1".utf8))
        try FileManager.default.removeItem(atPath: "\(sandbox.path)/state/git")
        #expect(try await repository.fetchTip().id == tip)
    }

    @Test func `several fetches at once share one cache`() async throws {
        let tip = try origin.commit(["a": "1"])
        let repositories = try (0..<6).map { try origin.repository(project: "shop\($0)") }
        let tips = try await withThrowingTaskGroup(of: FetchedTip.self) { group in
            for repository in repositories { group.addTask { try await repository.fetch() } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(tips.allSatisfy { $0.commit.id == tip })
        #expect(tips.filter(\.wasDownloaded).count == 1)
        try sandbox.run("git", "-C", origin.cache(), "fsck", "--strict")
    }

    @Test func `a cache that another run keeps locked is trouble that passes`() async throws {
        try origin.commit(["a": "1"])
        let directory = CacheDirectory(path: try origin.cache())
        let lock = try CacheDirectory.Lock(directory, seconds: 1)
        let network = GitNetwork(executable: nil, deadline: .seconds(1))
        let error = try await gitError { try await origin.repository(network: network).fetchTip() }
        #expect(error.reason == .locked)
        withExtendedLifetime(lock) {}
    }

    /// Closing a file twice closes somebody else's: any other thread's that was opened in between.
    @Test func `a lock that is not had in time closes its file once`() throws {
        let directory = CacheDirectory(path: try origin.cache())
        let lock = try CacheDirectory.Lock(directory, seconds: 1)
        errno = 0
        let second = Result { try CacheDirectory.Lock(directory, seconds: 0) }
        let code = errno
        #expect(throws: GitError.self) { _ = try second.get() }
        #expect(code != EBADF)
        withExtendedLifetime(lock) {}
    }
}
