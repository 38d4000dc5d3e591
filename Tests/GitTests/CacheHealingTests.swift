import Deploy
import FoundationEssentials
import Glibc
import Reconcile
import Testing

@testable import Git

/// A cache that is corrupt or half-written is replaced by a new one, and only by a complete one.
@Suite struct CacheHealingTests {
    enum Damage: String, CaseIterable, Sendable {
        case truncatedPack, garbagePack, zeroedIndex, missingPack, deletedObject, zeroedObject, emptyReference,
            emptyPackedReferences, garbagePackedReferences, halfConfiguration, missingHead, mark
    }

    let sandbox: Sandbox
    let origin: Origin
    let repository: GitRepository

    init() throws {
        sandbox = try Sandbox()
        origin = try Origin(sandbox)
        repository = try origin.repository()
    }

    private func fetched() async throws -> CommitID {
        let tip = try origin.commit(["a": String(repeating: "content ", count: 1_000), "b/c": "2"])
        _ = try await repository.fetchTip()
        return tip
    }

    private func damage(_ damage: Damage) throws {
        let cache = try origin.cache()
        func files(_ ending: String) throws -> [String] {
            try contents(of: cache).keys.filter { $0.hasSuffix(ending) }.map { "\(cache)/\($0)" }
        }
        func overwrite(_ ending: String, _ change: (Data) -> Data) throws {
            for file in try files(ending) {
                chmod(file, 0o600)
                try change(try Data(contentsOf: URL(filePath: file))).write(to: URL(filePath: file))
            }
        }
        func blob() throws -> String {
            // Loose objects instead of the pack.
            for pack in try files(".pack") {
                try sandbox.run("mv", pack, "\(sandbox.path)/pack")
                try sandbox.run("rm", "-r", "\(cache)/objects/pack")
                try sandbox.run("sh", "-c", "git -C \(cache) unpack-objects -q < \(sandbox.path)/pack")
            }
            let id = try origin.git("rev-parse", "HEAD:a")
            return "\(cache)/objects/\(id.prefix(2))/\(id.dropFirst(2))"
        }
        switch damage {
        case .truncatedPack: try overwrite(".pack") { $0.prefix($0.count / 2) }
        case .garbagePack: try overwrite(".pack") { Data(repeating: 7, count: $0.count) }
        case .zeroedIndex: try overwrite(".idx") { Data(count: $0.count) }
        case .missingPack: for file in try files(".pack") { try FileManager.default.removeItem(atPath: file) }
        case .deletedObject: try FileManager.default.removeItem(atPath: try blob())
        case .zeroedObject:
            let file = try blob()
            chmod(file, 0o600)
            try Data(count: 100).write(to: URL(filePath: file))
        case .emptyReference: try overwrite("refs/remotes/origin/main") { _ in Data() }
        case .emptyPackedReferences: try Data().write(to: URL(filePath: "\(cache)/packed-refs"))
        case .garbagePackedReferences: try sandbox.write("no refs\n\0", to: "\(cache)/packed-refs")
        case .halfConfiguration: try sandbox.write("[core\n", to: "\(cache)/config")
        case .missingHead: try FileManager.default.removeItem(atPath: "\(cache)/HEAD")
        case .mark: CacheDirectory(path: cache).markDamaged()
        }
    }

    @Test(arguments: Damage.allCases)
    func `a damaged cache is replaced, and what was lost is there again`(what: Damage) async throws {
        let tip = try await fetched()
        try damage(what)
        let fresh = try origin.repository()
        #expect(try await fresh.fetchTip().id == tip)
        try await fresh.stageCheckout(of: tip).switchOver()
        #expect(try await fresh.compareCheckout(with: tip) == CheckoutDifference())
        let next = try origin.commit(["b/c": "3"])
        #expect(try await fresh.fetchTip().id == next)
        #expect(try await fresh.compareCheckout(with: next).changedPaths == ["b/c"])
        try sandbox.run("git", "-C", origin.cache(), "fsck", "--strict")
        #expect(try leftovers() == [])
    }

    @Test(arguments: Damage.allCases)
    func `with the remote away a damaged cache stays as it is`(what: Damage) async throws {
        let tip = try await fetched()
        let next = try origin.commit(["b/c": "3"])
        try damage(what)
        let before = try contents(of: origin.cache())
        try FileManager.default.moveItem(atPath: origin.path, toPath: origin.path + ".away")
        let fresh = try origin.repository()
        let error = try await gitError { try await fresh.fetchTip() }
        #expect(error.message.contains("there is no repository at \(origin.fileURL)"))
        // What needs the network only because of the damage ends in the network's error too.
        if let other = await failure({ try await fresh.stageCheckout(of: tip) }) {
            #expect(other.message.contains("there is no repository at \(origin.fileURL)"))
        }
        var after = try contents(of: origin.cache())
        if before["watcher-damaged"] == nil { after["watcher-damaged"] = nil }
        #expect(after == before)
        #expect(try leftovers() == [])
        try FileManager.default.moveItem(atPath: origin.path + ".away", toPath: origin.path)
        #expect(try await fresh.fetchTip().id == next)
        try await fresh.stageCheckout(of: next).switchOver()
        #expect(try await fresh.compareCheckout(with: next) == CheckoutDifference())
    }

    @Test func `a history that lost a commit is no short history`() async throws {
        let first = try origin.commit(["a": "1"])
        let middle = try origin.commit(["a": "2"])
        let tip = try await fetched()
        try damage(.missingPack)
        try sandbox.run("cp", "-r", "\(origin.tree)/.git/objects/.", "\(origin.cache())/objects/")
        try sandbox.run("rm", "\(origin.cache())/objects/\(middle.hex.prefix(2))/\(middle.hex.dropFirst(2))")
        let error = try await gitError { try await repository.history(of: tip, after: first, atMost: 10) }
        #expect(error.reason == .stateUnusable)
        #expect(CacheDirectory(path: try origin.cache()).isDamaged)
        _ = try await repository.fetchTip()
        #expect(try await repository.history(of: tip, after: first, atMost: 10) == [tip, middle])
    }

    @Test func `a first fetch that fails leaves no cache`() async throws {
        let error = try await gitError { try await origin.repository(nil, .branch("none")).fetchTip() }
        #expect(error.reason == .branchMissing)
        try FileManager.default.moveItem(atPath: origin.path, toPath: origin.path + ".away")
        let other = try await gitError { try await origin.repository("file:///nonexistent/x.git").fetchTip() }
        #expect(other.reason == .invalidConfiguration)
        #expect(access(try origin.cache("file:///nonexistent/x.git"), F_OK) != 0)
        #expect(try leftovers() == [])
    }

    @Test func `what a fetch that died left behind is removed by the next`() async throws {
        let cache = try origin.cache()
        try sandbox.write("half", to: "\(cache).new/objects/pack/tmp")
        let tip = try await fetched()
        #expect(try await repository.compareCheckout(with: tip).changedPaths == ["a", "b/c"])
        #expect(try leftovers() == [])
    }

    private func failure(_ body: () async throws -> some Any) async -> GitError? {
        do { _ = try await body() } catch { return error as? GitError }
        return nil
    }

    /// What is beside caches and their locks.
    private func leftovers() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(sandbox.path)/state/git").filter {
            $0.contains(".new") || $0.contains(".old-")
        }
    }
}
