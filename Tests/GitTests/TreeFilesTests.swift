import Compose
import Deploy
import FoundationEssentials
import Glibc
import Reconcile
import Testing

@testable import Git

@Suite struct TreeFilesTests {
    let sandbox: Sandbox
    let origin: Origin

    init() throws {
        sandbox = try Sandbox()
        origin = try Origin(sandbox)
    }

    private func link(_ name: String, to target: String) throws {
        try sandbox.run("mkdir", "-p", "\(origin.tree)/\(name)/..")
        try sandbox.run("rmdir", "\(origin.tree)/\(name)")
        try sandbox.run("ln", "-s", target, "\(origin.tree)/\(name)")
    }

    private func files(readableOutside: [String] = []) async throws -> (FileAccess, String) {
        let tip = try origin.commit()
        let repository = try origin.repository(readableOutside: readableOutside)
        _ = try await repository.fetchTip()
        return (try await repository.files(of: tip), repository.checkoutPath)
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func `files and directories of the commit are seen at the checkout path without a checkout`() async throws {
        try origin.commit(["compose.yaml": "services: {}", "conf/nginx/site.conf": "server"])
        let (files, root) = try await files()
        #expect(access(root, F_OK) != 0)
        #expect(try files.kind(root) == .directory)
        #expect(try files.kind("\(root)/conf/nginx") == .directory)
        #expect(try files.kind("\(root)/compose.yaml") == .file)
        #expect(try files.kind("\(root)/other") == nil)
        #expect(try files.kind("\(root)/compose.yaml/x") == nil)
        #expect(text(try files.read("\(root)/conf/nginx/site.conf")) == "server")
        #expect(text(try files.read("\(root)/conf/../compose.yaml")) == "services: {}")
        #expect(throws: FileAccessError.notFound(path: "\(root)/other")) { try files.read("\(root)/other") }
        #expect(throws: FileAccessError.notAFile(path: "\(root)/conf")) { try files.read("\(root)/conf") }
    }

    @Test func `links inside the commit are followed`() async throws {
        try origin.commit(["conf/real": "real", "shared/a/b": "b"])
        try link("conf/link", to: "real")
        try link("up", to: "conf/../shared")
        try link("deep", to: "./up/a")
        try link("absolute", to: "\(sandbox.path)/state/projects/shop/tree/conf/real")
        let (files, root) = try await files()
        #expect(text(try files.read("\(root)/conf/link")) == "real")
        #expect(text(try files.read("\(root)/deep/b")) == "b")
        #expect(text(try files.read("\(root)/absolute")) == "real")
        #expect(try files.kind("\(root)/deep") == .directory)
        #expect(try files.contentID("\(root)/conf/link") == files.contentID("\(root)/conf/real"))
    }

    @Test(arguments: ["../outside", "/etc/passwd", "a/../../outside", "loop", "dir/out"])
    func `a link that leaves the commit is refused`(target: String) async throws {
        try origin.commit(["a/b": "1"])
        try link("dir/out", to: "../../outside")
        try link("loop", to: target == "loop" ? "loop" : target)
        let (files, root) = try await files()
        let path = "\(root)/loop"
        if target == "loop" {
            #expect(throws: FileAccessError.unreadable(path: path, reason: "too many levels of symbolic links")) {
                try files.read(path)
            }
        } else {
            #expect(throws: FileAccessError.outside(path: path)) { try files.read(path) }
            #expect(throws: FileAccessError.outside(path: path)) { try files.kind(path) }
        }
    }

    @Test func `outside of the checkout only what is allowed by name is read, from the disk`() async throws {
        let env = try sandbox.write("TAG=1", to: "env/shop.env")
        let other = try sandbox.write("TAG=2", to: "env-other")
        let (files, root) = try await files(readableOutside: ["\(sandbox.path)/env"])
        #expect(text(try files.read(env)) == "TAG=1")
        #expect(try files.kind(env) == .file)
        #expect(try files.kind("\(sandbox.path)/env") == .directory)
        #expect(try files.kind("\(sandbox.path)/env/none") == nil)
        #expect(try files.contentID(env) == nil)
        for path in [other, "\(sandbox.path)/env/../env-other", "/etc/passwd", "\(root)/../secret", "\(root)x"] {
            #expect(throws: FileAccessError.outside(path: path)) { try files.read(path) }
            #expect(throws: FileAccessError.outside(path: path)) { try files.kind(path) }
        }
    }

    @Test func `what is watcher's own is not read, and a file that others can change is not relied on`() async throws {
        let env = try sandbox.write("TAG=1", to: "app/shop.env")
        let state = try sandbox.write("secret", to: "state-dir/watcher.db", mode: 0o600)
        try sandbox.run("ln", "-s", state, "\(sandbox.path)/app/link")
        try sandbox.write("token", to: "app/token", mode: 0o600)
        let tip = try origin.commit()
        let repository = GitRepository(
            url: try GitRemoteURL(origin.fileURL), revision: .branch("main"), stateDirectory: "\(sandbox.path)/state",
            projectDirectory: "\(sandbox.path)/state/projects/shop", readableOutside: [sandbox.path],
            protected: [
                ProtectedPath("\(sandbox.path)/state-dir", "the state directory"),
                ProtectedPath("\(sandbox.path)/app/token", "git.password of shop"),
            ], network: GitNetwork(executable: nil))
        _ = try await repository.fetchTip()
        let files = try await repository.files(of: tip)
        #expect(text(try files.read(env)) == "TAG=1")
        for (path, name) in [
            (state, "the state directory"), ("\(sandbox.path)/app/link", "the state directory"),
            ("\(sandbox.path)/app/token", "git.password of shop"),
        ] {
            #expect(throws: FileAccessError.unreadable(path: path, reason: "it is \(name), which no project reads")) {
                try files.read(path)
            }
            #expect(throws: FileAccessError.self) { try files.kind(path) }
        }
        chmod(env, 0o666)
        let refusal = #expect(throws: (any Error).self) { try files.read(env) }
        #expect((refusal as? any ReasonedError)?.reason == .permissions)
        #expect((refusal as? any ReasonedError)?.advice == "Run `chmod go-w \(env)`.")
    }

    @Test func `the content id changes exactly with content and mode`() async throws {
        try origin.commit(["run": "1", "dir/a": "1", "dir/b": "1", "other": "1"])
        let (first, root) = try await files()
        try origin.commit(["other": "2"])
        let (second, _) = try await files()
        for path in ["run", "dir", "dir/a"] {
            #expect(try first.contentID("\(root)/\(path)") == second.contentID("\(root)/\(path)"))
        }
        #expect(try first.contentID(root) != second.contentID(root))
        chmod("\(origin.tree)/run", 0o755)
        try origin.commit(["dir/b": "2"])
        let (third, _) = try await files()
        #expect(try second.contentID("\(root)/run") != third.contentID("\(root)/run"))
        #expect(try second.contentID("\(root)/dir") != third.contentID("\(root)/dir"))
        #expect(try second.contentID("\(root)/dir/a") == third.contentID("\(root)/dir/a"))
        #expect(try third.contentID("\(root)/none") == nil)
    }

    @Test func `submodules and pointers of Git LFS are named`() async throws {
        let pointer =
            "version https://git-lfs.github.com/spec/v1\noid sha256:\(String(repeating: "a", count: 64))\nsize 9\n"
        let tip = try origin.commit(["a": "1", "art/logo.png": pointer])
        let repository = try origin.repository(modules: ModuleSettings(fetchesLFS: false))
        _ = try await repository.fetchTip()
        #expect(try await repository.omissions(of: tip) == [])  // nothing says that LFS is used

        let names = (1...6).map { "art/\($0).png" }
        try origin.commit(
            ["art/.gitattributes": "*.png filter=lfs diff=lfs merge=lfs -text\n", "art/real.png": "PNG"]
                .merging(names.map { ($0, Optional(pointer)) }) { $1 })
        try origin.git("update-index", "--add", "--cacheinfo", "160000,\(tip.hex),vendor/lib")
        try origin.git("commit", "-q", "-m", "Add a submodule")
        try origin.git("push", "-q", "origin", "HEAD:main")
        let commit = try await repository.fetchTip()
        let omissions = try await repository.omissions(of: commit.id)
        try #require(omissions.count == 2)
        #expect(omissions[0].contains("the checkout lacks vendor/lib:"))
        #expect(omissions[1].contains(": art/1.png, art/2.png, art/3.png, art/4.png, art/5.png and 2 more"))
    }

    @Test func `a path in a submodule is refused, not taken for missing`() async throws {
        let tip = try origin.commit(["a": "1"])
        try origin.git("update-index", "--add", "--cacheinfo", "160000,\(tip.hex),vendor/lib")
        try origin.git("commit", "-q", "-m", "Add a submodule")
        try origin.git("push", "-q", "origin", "HEAD:main")
        let repository = try origin.repository()
        let commit = try await repository.fetchTip()
        let files = try await repository.files(of: commit.id)
        let path = "\(repository.checkoutPath)/vendor/lib/compose.yaml"
        let error = #expect(throws: FileAccessError.self) { try files.read(path) }
        guard case .unreadable(path, let reason)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("submodule"))
    }
}
