import FoundationEssentials
import Glibc
import Reconcile
import Testing

@testable import Git

/// Repositories of this machine that belong to another user. The tests make such ones, so they run as root.
@Suite struct LocalRepositoryTests {
    let sandbox: Sandbox
    let origin: Origin
    let tip: CommitID
    private let ada: uid_t = 4711

    init() throws {
        try #require(geteuid() == 0)
        sandbox = try Sandbox()
        origin = try Origin(sandbox)
        tip = try origin.commit(["a": "1"])
    }

    private func give(_ path: String, to owner: uid_t? = nil) throws {
        try sandbox.run("chown", "-R", "\(owner ?? ada)", path)
    }

    private func fetch(_ url: String? = nil, isSafe: Bool = false) async throws -> CommitID {
        var access = GitAccess()
        access.isSafeDirectory = isSafe
        return try await origin.repository(url, access: access).fetchTip().id
    }

    @Test func `a repository of another user is refused without consent`() async throws {
        #expect(try await fetch() == tip)
        try give(origin.path)
        let error = try await gitError { try await fetch() }
        #expect(error.reason == .permissions)
        #expect(error.message.contains("has a dubious ownership: it belongs to the user 4711"), "\(error)")
        #expect(error.advice.contains("`git: {safe_directory: true}`"))
        #expect(try await fetch(isSafe: true) == tip)
    }

    @Test func `a repository with a work tree is judged by the tree, its .git and what that leads to`() async throws {
        let tree = "file://\(origin.tree)"
        #expect(try await fetch(tree) == tip)
        try give(origin.tree + "/.git")
        #expect(try await gitError { try await fetch(tree) }.reason == .permissions)
        try give(origin.tree, to: 0)
        chown(origin.tree, ada, 0)
        #expect(try await gitError { try await fetch(tree) }.reason == .permissions)
    }

    @Test func `a .git file of another user does not lead to a private repository, consent or not`() async throws {
        let bait = "\(sandbox.path)/bait"
        mkdir(bait, 0o755)
        try sandbox.write("gitdir: \(origin.path)\n", to: "\(bait)/.git")
        #expect(try await fetch("file://\(bait)") == tip, "root's own may")
        try give(bait)
        for isSafe in [false, true] {
            let error = try await gitError { try await fetch("file://\(bait)", isSafe: isSafe) }
            #expect(error.reason == .permissions, "\(error)")
        }
    }

    @Test func `alternates of another user do not lead to private objects, consent or not`() async throws {
        let bait = try Origin(sandbox, name: "bait")
        try bait.commit(["b": "1"])
        let alternates = "\(bait.path)/objects/info/alternates"
        try sandbox.write("\(origin.path)/objects\n", to: alternates)
        try sandbox.run("git", "-C", bait.path, "update-ref", "refs/heads/main", tip.hex)
        #expect(try await fetch(bait.fileURL) == tip, "root's own may")
        try give(bait.path)
        for isSafe in [false, true] {
            let error = try await gitError { try await fetch(bait.fileURL, isSafe: isSafe) }
            #expect(error.reason == .permissions, "\(error)")
            #expect(!isSafe || error.message.contains("\(alternates), of the user 4711, leads to"), "\(error)")
        }
        // A repository that root owns and others may write to.
        try give(bait.path, to: 0)
        chown(alternates, ada, 0)
        #expect(try await gitError { try await fetch(bait.fileURL) }.reason == .permissions)
    }

    @Test func `links of another user do not lead to private objects, consent or not`() async throws {
        let bait = try Origin(sandbox, name: "bait")
        try sandbox.run("rm", "-rf", "\(bait.path)/objects")
        symlink("\(origin.path)/objects", "\(bait.path)/objects")
        try sandbox.write("\(tip.hex)\n", to: "\(bait.path)/refs/heads/main")
        try sandbox.run("chown", "-hR", "\(ada)", bait.path)
        let error = try await gitError { try await fetch(bait.fileURL, isSafe: true) }
        #expect(error.reason == .permissions && error.message.contains("is a symbolic link"), "\(error)")
    }

    @Test func `a link of another user to a private repository is not followed, consent or not`() async throws {
        let link = "\(sandbox.path)/link.git"
        symlink(origin.path, link)
        try sandbox.run("chown", "-h", "\(ada)", link)
        for isSafe in [false, true] {
            let error = try await gitError { try await fetch("file://\(link)", isSafe: isSafe) }
            #expect(error.reason == .permissions && error.message.contains("a link of the user"), "\(error)")
        }
    }

    @Test func `a repository of another user is refused also when nothing is to be downloaded`() async throws {
        #expect(try await fetch() == tip)
        #expect(try await fetch() == tip)
        try give(origin.path)
        #expect(try await gitError { try await fetch() }.reason == .permissions)
    }
}
