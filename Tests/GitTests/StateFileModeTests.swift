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

    // None that lets others write: the umask is the whole process's, and what other tests make meanwhile must be trusted.
    @Test(arguments: [0o027, 0o077, 0o022] as [mode_t])
    func `caches, locks and records are ours alone whatever the umask`(mask: mode_t) async throws {
        try sandbox.write("#!/bin/sh\n", to: "\(origin.tree)/run", mode: 0o755)
        let tip = try origin.commit(["conf/a": "1"])
        try origin.git("tag", "v1.0.0")
        try origin.git("push", "-q", "origin", "v1.0.0")
        let before = umask(mask)
        defer { umask(before) }
        let repository = try origin.repository()
        _ = try await repository.fetchTip()
        _ = try await origin.repository(nil, .tag(pattern: "v*")).fetchTip()
        try await repository.stageCheckout(of: tip).switchOver()
        CacheDirectory(path: try origin.cache()).markDamaged()

        let state = "\(sandbox.path)/state"
        let tree = repository.checkoutPath
        for name in try FileManager.default.subpathsOfDirectory(atPath: state) {
            let path = "\(state)/\(name)"
            guard path != tree, !path.hasPrefix(tree + "/") else { continue }
            var status = stat()
            #expect(lstat(path, &status) == 0)
            let wanted: mode_t = status.st_mode & S_IFMT == S_IFDIR ? 0o700 : 0o600
            #expect(status.st_mode & 0o7777 == wanted, "\(name) \(String(status.st_mode & 0o7777, radix: 8))")
        }
        for (name, wanted) in ["": 0o755, "/conf": 0o755, "/conf/a": 0o644, "/run": 0o755] as [String: UInt32] {
            #expect(mode(tree + name) == wanted)
        }
    }
}
