import Deploy
import FoundationEssentials
import Glibc
import Reconcile
import Testing

@testable import Git

/// Everything below the state directory is closed to others, except what containers read.
@Suite(.serialized) struct StateFileModeTests {
    let sandbox: Sandbox
    let origin: Origin

    init() throws {
        sandbox = try Sandbox()
        origin = try Origin(sandbox)
    }

    // With the umask of the tests, which is the whole process's: another one would be that of other tests, too.
    @Test func `caches, locks, records and what was built are ours alone`() async throws {
        try sandbox.write("#!/bin/sh\n", to: "\(origin.tree)/run", mode: 0o755)
        let tip = try origin.commit(["conf/a": "1"])
        try origin.git("tag", "v1.0.0")
        try origin.git("push", "-q", "origin", "v1.0.0")
        let repository = try origin.repository()
        _ = try await repository.fetchTip()
        _ = try await origin.repository(nil, .tag(pattern: "v*")).fetchTip()
        let build = BuildID(commit: tip, recipe: "0123456789abcdef")
        let place = try await repository.beginBuild(build, user: nil)
        try sandbox.run("sh", "-c", "mkdir -p \(place)/out; echo made > \(place)/out/made; chmod 755 \(place)/out/made")
        #expect(try await repository.finishBuild(build) == 1)
        try await repository.stageCheckout(of: tip, build).switchOver()
        CacheDirectory(path: try origin.cache()).markDamaged()

        let tree = repository.checkoutPath
        try checkModes(in: "\(sandbox.path)/state", except: tree)
        for (name, wanted) in ["": 0o755, "/conf": 0o755, "/conf/a": 0o644, "/run": 0o755, "/out/made": 0o755]
            as [String: UInt32]
        {
            #expect(mode(tree + name) == wanted)
        }
    }

    @Test(arguments: ["000", "077"])
    func `what the whole program writes is its own alone whatever the umask`(mask: String) throws {
        try origin.commit(["compose.yaml": "services: {web: {image: busybox}}"])
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let program = ProcessInfo.processInfo.environment["WATCHER_BINARY"] ?? "/\(root)/.build/debug/watcher"
        let configuration = try sandbox.write(
            """
            projects:
              shop: {repository: "\(origin.fileURL)", engine: {host: "unix:///nonexistent.sock"}}
              other: {repository: "\(origin.fileURL)", engine: {host: "unix:///nonexistent.sock"}}

            """, to: "config.yaml", mode: 0o600)
        let state = "\(sandbox.path)/state"
        for command in ["check", "deploy", "history"] {
            try sandbox.run(
                "sh", "-c",
                "umask \(mask); \(program) \(command) --config \(configuration) --state-dir \(state) || true")
        }
        #expect(mode(state) == 0o700)
        #expect(mode("\(state)/watcher.db") == 0o600)
        #expect(access(try origin.cache(), F_OK) == 0)
        try checkModes(in: state, except: "\(state)/projects/shop/tree")
    }

    private func checkModes(in state: String, except tree: String) throws {
        for name in try FileManager.default.subpathsOfDirectory(atPath: state) {
            let path = "\(state)/\(name)"
            guard path != tree, !path.hasPrefix(tree + "/") else { continue }
            var status = stat()
            #expect(lstat(path, &status) == 0)
            let wanted: mode_t = status.st_mode & S_IFMT == S_IFDIR ? 0o700 : 0o600
            #expect(status.st_mode & 0o7777 == wanted, "\(name) \(String(status.st_mode & 0o7777, radix: 8))")
        }
    }
}
