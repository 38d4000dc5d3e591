import Compose
import Deploy
import FoundationEssentials
import Glibc
import Reconcile
import Testing

@testable import Git

@Suite struct LFSTests {
    private static let attributes = "*.bin filter=lfs diff=lfs merge=lfs -text\n"
    let sandbox: Sandbox
    let origin: Origin
    let token: String

    init() throws {
        sandbox = try Sandbox()
        origin = try Origin(sandbox)
        token = try sandbox.write("s3cret\n", to: "token", mode: 0o600)
    }

    private var ada: GitAccess { GitAccess(username: "ada", password: .file(token)) }

    private func repository(
        _ url: String? = nil, _ access: GitAccess = GitAccess(), _ modules: ModuleSettings = ModuleSettings()
    ) throws -> GitRepository {
        GitRepository(
            url: try GitRemoteURL(url ?? origin.fileURL), revision: .branch("main"), access: access,
            stateDirectory: "\(sandbox.path)/state", projectDirectory: "\(sandbox.path)/state/projects/shop",
            modules: modules, network: GitNetwork(executable: nil))
    }

    private func content(_ name: String) -> String? {
        FileManager.default.contents(atPath: "\(sandbox.path)/state/projects/shop/tree/\(name)").map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    private var builtProgram: String {
        let root = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
        return ProcessInfo.processInfo.environment["WATCHER_BINARY"] ?? "/\(root)/.build/debug/watcher"
    }

    private var store: [String] {
        get throws {
            try contents(of: "\(sandbox.path)/state/git/lfs").keys.filter { !$0.hasSuffix("/") }.sorted()
        }
    }

    @Test func `contents of a repository on this host are copied, read, compared and put back`() async throws {
        let pointer = try origin.keep("the content")
        let plain = LFSPointer("not filtered").text
        let tip = try origin.commit([
            ".gitattributes": Self.attributes, "a.bin": pointer, "run.bin": pointer, "b.txt": plain,
            "empty.bin": LFSPointer("").text, "real.bin": "no pointer",
        ])
        chmod("\(origin.tree)/run.bin", 0o755)
        try origin.commit()
        let repository = try repository()
        let (commit, lines) = try await repository.checkOut()
        #expect(lines == ["fetching 2 files kept by Git LFS of \(origin.fileURL)"])
        let tree = "\(sandbox.path)/state/projects/shop/tree"
        #expect(content("a.bin") == "the content" && content("run.bin") == "the content" && content("empty.bin") == "")
        #expect(content("b.txt") == plain && content("real.bin") == "no pointer")
        #expect(mode("\(tree)/a.bin") == 0o644 && mode("\(tree)/run.bin") == 0o755)
        for name in try store {
            #expect(mode("\(sandbox.path)/state/git/lfs/\(name)") == 0o600)
            #expect(mode("\(sandbox.path)/state/git/lfs/\(name.split(separator: "/")[0])") == 0o700)
        }
        let files = try await repository.files(of: commit)
        #expect(try files.read("\(tree)/a.bin") == Array("the content".utf8))
        let listed = try #require(try files.list(tree).first { $0.name == "a.bin" })
        #expect(try listed.content() == Array("the content".utf8))
        #expect(try await repository.compareCheckout(with: commit) == CheckoutDifference())
        #expect(try await repository.omissions(of: commit) == [])
        #expect(tip != commit)

        // Its time of change tells nothing: the content is looked at.
        try sandbox.run("touch", "\(tree)/a.bin")
        #expect(try await repository.compareCheckout(with: commit) == CheckoutDifference())
        try sandbox.write("another content", to: "\(tree)/a.bin")
        #expect(
            try await repository.compareCheckout(with: commit)
                == CheckoutDifference(changedPaths: ["a.bin"], restoredPaths: ["a.bin"]))
        try await repository.checkOut()
        #expect(content("a.bin") == "the content")
    }

    @Test func `a moved content is hashed, and what is here already is not asked for again`() async throws {
        try origin.commit([".gitattributes": Self.attributes, "a.bin": origin.keep("one"), "b.bin": origin.keep("two")])
        let first = try await repository().checkOut().commit
        let root = "\(sandbox.path)/state/projects/shop/tree"
        let before = try await repository().files(of: first).contentID("\(root)/a.bin")
        try FileManager.default.removeItem(atPath: "\(origin.path)/lfs")
        let second = try origin.commit(["a.bin": origin.keep("three")])
        let (_, lines) = try await repository().checkOut()
        #expect(lines == ["fetching 1 file kept by Git LFS of \(origin.fileURL)"])
        #expect(content("a.bin") == "three" && content("b.bin") == "two")
        #expect(try await repository().files(of: second).contentID("\(root)/a.bin") != before)
        try FileManager.default.removeItem(atPath: "\(origin.path)/lfs")
        #expect(try await repository().checkOut().lines == [])
    }

    @Test func `a content that is missing or wrong at the source is temporary, and nothing is left of it`() async throws
    {
        let pointer = LFSPointer("expected")
        try origin.commit([".gitattributes": Self.attributes, "a.bin": pointer.text])
        let missing = try await gitError { try await repository().checkOut() }
        #expect(missing.reason == .remoteUnreachable)
        #expect(missing.message.contains("does not have the Git LFS object \(pointer.oid.prefix(12))"))
        for wrong in ["unexpect", "expected and more", "exp"] {
            let directory = "\(origin.path)/lfs/objects/\(pointer.oid.prefix(2))/\(pointer.oid.dropFirst(2).prefix(2))"
            try sandbox.write(wrong, to: "\(directory)/\(pointer.oid)")
            let error = try await gitError { try await repository().checkOut() }
            #expect(error.reason == .remoteUnreachable, "\(error)")
            #expect(error.message.contains("is not it"), "\(error)")
        }
        #expect(try store == [])
        #expect(content("a.bin") == nil)
        _ = try origin.keep("expected")
        try await repository().checkOut()
        #expect(content("a.bin") == "expected")
    }

    @Test func `too much is refused before anything is downloaded`() async throws {
        let huge = LFSPointer(oid: String(repeating: "a", count: 64), size: 3 << 30)
        try origin.commit([".gitattributes": Self.attributes, "a.bin": huge.text])
        let one = try await gitError { try await repository().checkOut() }
        #expect(one.reason == .invalidProject && one.message.contains("larger than 2 GiB"))
        let many = (0..<6).map { LFSPointer(oid: String(repeating: "\($0)", count: 64), size: 2 << 30) }
        try origin.commit(
            Dictionary(uniqueKeysWithValues: many.enumerated().map { ("\($0).bin", Optional($1.text)) })
                .merging(["a.bin": nil]) { $1 })
        let all = try await gitError { try await repository().checkOut() }
        #expect(all.reason == .invalidProject && all.message.contains("more than 10 GiB"))
    }

    @Test func `pointers stay pointers where Git LFS is switched off, and that is said`() async throws {
        let pointer = LFSPointer("x").text
        let commit = try origin.commit([".gitattributes": Self.attributes, "a.bin": pointer])
        let repository = try repository(nil, GitAccess(), ModuleSettings(fetchesLFS: false))
        try await repository.checkOut()
        #expect(content("a.bin") == pointer)
        #expect(
            try await repository.omissions(of: commit)
                == ["these files are only pointers to their contents, because git.lfs is false: a.bin"])
    }

    @Test func `submodules have attributes and contents of their own`() async throws {
        let library = try Origin(sandbox, name: "lib")
        let first = try library.commit([".gitattributes": Self.attributes, "x.bin": library.keep("of the library")])
        try origin.commit(module: "lib", "../lib.git", at: first, files: ["lib2.bin": LFSPointer("no").text])
        try await repository().checkOut()
        #expect(content("lib/x.bin") == "of the library")
        #expect(content("lib2.bin") == LFSPointer("no").text)
    }

    // MARK: - Over the network

    @Test func `contents come through the batch API with the project's credentials`() async throws {
        let lfs = try LFSServer(sandbox)
        for content in ["one", "two"] { _ = try lfs.keep(content) }
        let http = try LFSDownloadCheck(sandbox, lfs, ada)
        try await http.run([LFSPointer("one"), LFSPointer("two")])
        #expect(http.store.has(LFSPointer("one")) && http.store.has(LFSPointer("two")))
        #expect(lfs.requests.filter { $0.hasPrefix("api POST /infra.git/info/lfs/objects/batch Basic") }.count == 1)
        #expect(lfs.requests.filter { $0.hasPrefix("api GET") && $0.contains("Basic") }.count == 2)
    }

    @Test func `credentials follow neither a redirect nor an address on another server`() async throws {
        for storage in [LFSServer.Storage.redirect, .signed] {
            let sandbox = try Sandbox()
            let lfs = try LFSServer(sandbox, storage)
            _ = try lfs.keep("one")
            let check = try LFSDownloadCheck(sandbox, lfs, ada)
            try await check.run([LFSPointer("one")])
            #expect(check.store.has(LFSPointer("one")))
            let stored = lfs.requests.filter { $0.hasPrefix("storage") }
            #expect(stored.count == 1)
            #expect(stored[0].hasSuffix(storage == .signed ? " Storage k3y" : " -"), "\(stored)")
        }
    }

    @Test func `wrong and missing credentials, a missing object and an unreachable server are told apart`() async throws
    {
        let lfs = try LFSServer(sandbox)
        _ = try lfs.keep("one")
        func error(_ access: GitAccess, _ pointer: String = "one", at address: String? = nil) async throws -> GitError?
        {
            let check = try LFSDownloadCheck(sandbox, lfs, access, at: address)
            return await #expect(throws: GitError.self) { try await check.run([LFSPointer(pointer)]) }
        }
        let wrong = GitAccess(username: "ada", password: .file(try sandbox.write("wr0ng", to: "wrong", mode: 0o600)))
        let refused = try await error(wrong)
        #expect(refused?.reason == .authenticationFailed && refused?.message.contains("refuses our") == true)
        let none = try await error(GitAccess())
        #expect(none?.reason == .authenticationFailed && none?.message.contains("none are configured") == true)
        let missing = try await error(ada, "two")
        #expect(missing?.reason == .remoteUnreachable)
        #expect(missing?.message.contains("Object does not exist") == true)
        let closed = try await error(ada, at: "http://127.0.0.1:\(SilentServer().port)")
        #expect(closed?.reason == .remoteUnreachable)
        for error in [refused, none, missing, closed] {
            #expect(error?.description.contains("s3cret") == false && error?.description.contains("wr0ng") == false)
        }
    }

    @Test func `https needs a trusted certificate, and an address in clear is refused after it`() async throws {
        let lfs = try LFSServer(sandbox, .own, tls: true)
        _ = try lfs.keep("one")
        let check = try LFSDownloadCheck(sandbox, lfs, ada)
        let untrusted = await #expect(throws: GitError.self) { try await check.run([LFSPointer("one")], trusting: nil) }
        #expect(untrusted?.reason == .hostKeyUnknown, "\(String(describing: untrusted))")
        #expect(lfs.requests.isEmpty)
        try await check.run([LFSPointer("one")])
        #expect(check.store.has(LFSPointer("one")))
        let other = try Sandbox()
        let clear = try LFSServer(other, .clear, tls: true)
        _ = try clear.keep("one")
        let refused = await #expect(throws: GitError.self) {
            try await LFSDownloadCheck(other, clear, ada).run([LFSPointer("one")])
        }
        #expect(refused?.message.contains("is not https") == true)
    }

    @Test func `contents are downloaded by the built program's child process, within its limits`() async throws {
        let lfs = try LFSServer(sandbox)
        let large = String(repeating: "0123456789abcdef", count: 2 << 20)
        _ = try lfs.keep(large)
        let check = try LFSDownloadCheck(sandbox, lfs, ada)
        try await check.run([LFSPointer(large)], in: GitNetwork(executable: builtProgram))
        #expect(check.store.has(LFSPointer(large)))
    }

    @Test func `ssh says where contents are, and its token is used`() async throws {
        let lfs = try LFSServer(sandbox, .own, tls: true)
        _ = try lfs.keep("one")
        let log = "\(sandbox.path)/authenticate.log"
        try sandbox.write(
            """
            #!/bin/sh
            echo "$@" >> \(log)
            echo '{"href": "\(lfs.address)/infra.git/info/lfs", "header": {"Authorization": "RemoteAuth t0ken"}, \
            "expires_in": 600}'

            """, to: "bin/git-lfs-authenticate", mode: 0o755)
        let server = try SSHServer(sandbox, path: "\(sandbox.path)/bin")
        var request = GitNetworkRequest(
            url: server.url(origin), revisions: [], cache: "\(sandbox.path)/cache", sshKey: server.ed25519,
            knownHosts: server.knownHosts, seconds: 30)
        let store = LFSStore(directory: "\(sandbox.path)/store")
        request.lfs = LFSRequest(endpoint: nil, pointers: [LFSPointer("one")], store: store.directory)
        var operation = try FetchOperation(request)
        operation.environment["GIT_SSL_CAINFO"] = lfs.certificate
        try await operation.runAside()
        #expect(store.has(LFSPointer("one")))
        #expect(
            String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self)
                == "\(origin.path) download\n")
        #expect(lfs.requests.allSatisfy { $0.hasSuffix("RemoteAuth t0ken") })

        try sandbox.write("#!/bin/sh\necho s3cret; exit 3\n", to: "bin/git-lfs-authenticate", mode: 0o755)
        request.lfs?.pointers = [LFSPointer("two")]
        let failed = await #expect(throws: GitError.self) { try await FetchOperation(request).runAside() }
        #expect(failed?.message.contains("git-lfs-authenticate ended with status 3") == true)
        #expect(failed?.description.contains("s3cret") == false)
        request.knownHosts = try sandbox.write("", to: "unknown_hosts")
        let unknown = await #expect(throws: GitError.self) { try await FetchOperation(request).runAside() }
        #expect(unknown?.reason == .hostKeyUnknown)
    }

    @Test func `an address of lfsconfig gets no credentials of the project unless it is its own server's`() throws {
        let project = ModuleRemote(ofProject: try GitRemoteURL("https://git.example.com/acme/shop.git"), ada)
        func endpoint(_ configured: String?) throws -> LFSEndpoint {
            try LFSEndpoint(
                of: project, configured: configured, project: project, settings: ModuleSettings(), place: ".lfsconfig",
                stateDirectory: "/state")
        }
        #expect(try endpoint(nil).place == .web("https://git.example.com/acme/shop.git/info/lfs"))
        #expect(try endpoint(nil).remote.access == ada)
        let own = try endpoint("https://git.example.com/other/api")
        #expect(own.place == .web("https://git.example.com/other/api") && own.remote.access == ada)
        let other = try endpoint("https://lfs.example.org/x")
        #expect(other.remote.access == GitAccess() && other.remote.isAnonymous)
        #expect(try endpoint(nil).store != other.store)
        for url in ["http://lfs.example.org/x", "file:///etc", "/etc", "ext::sh -c id", "ssh://-oProxyCommand=id/x"] {
            let error = #expect(throws: GitError.self) { try endpoint(url) }
            #expect(error?.reason == .invalidProject && error?.message.contains("lfs.url is refused") == true)
        }
    }
}

/// One download of a test, in this process.
private struct LFSDownloadCheck {
    let store: LFSStore
    private let lfs: LFSServer
    private let request: GitNetworkRequest
    private let endpoint: String

    init(_ sandbox: Sandbox, _ lfs: LFSServer, _ access: GitAccess, at address: String? = nil) throws {
        self.lfs = lfs
        store = LFSStore(directory: "\(sandbox.path)/store")
        endpoint = "\(address ?? lfs.address)/infra.git/info/lfs"
        request = GitNetworkRequest(
            url: endpoint, revisions: [], cache: "\(sandbox.path)/cache", username: access.username,
            password: try access.password?.text(for: "git.password", environment: [:]), seconds: 30)
    }

    func run(_ pointers: [LFSPointer]) async throws { try await run(pointers, trusting: lfs.certificate) }

    func run(_ pointers: [LFSPointer], in network: GitNetwork) async throws {
        var request = request
        request.lfs = LFSRequest(endpoint: endpoint, pointers: pointers, store: store.directory)
        _ = try await network.perform(request)
    }

    func run(_ pointers: [LFSPointer], trusting certificate: String?) async throws {
        var request = request
        request.lfs = LFSRequest(endpoint: endpoint, pointers: pointers, store: store.directory)
        var operation = try FetchOperation(request)
        operation.environment["GIT_SSL_CAINFO"] = lfs.address.hasPrefix("https") ? certificate : nil
        try await operation.runAside()
    }
}

extension FetchOperation {
    /// Runs the step, which blocks, on a thread of its own.
    fileprivate func runAside() async throws {
        let step = self
        _ = try await BlockingThread("step").run { try step.run() }
    }
}
