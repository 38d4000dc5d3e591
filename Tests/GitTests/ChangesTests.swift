import Reconcile
import Testing

@testable import Git

/// Which commit changed a file.
@Suite struct ChangesTests {
    let sandbox: Sandbox

    init() throws { sandbox = try Sandbox() }

    @Test func `the newest commit that changed a path is found, after the base only`() async throws {
        let origin = try Origin(sandbox)
        try origin.commit(["before": "1", "conf/a": "1", "conf/b": "1", "gone": "1"])
        let base = try origin.commit(["before": "2"])
        let first = try origin.commit(["conf/a": "2"])
        let second = try origin.commit(["conf/b": "2", "conf/a": "3"])
        let removal = try origin.commit(["gone": nil])
        let back = try origin.commit(["conf/b": "1"])
        let tip = try origin.commit(["other": "1"])
        let repository = try origin.repository()
        _ = try await repository.fetchTip()
        let paths = ["before", "conf", "conf/a", "conf/b", "gone", "configs.inline", "/etc/passwd", ""]
        let changes = try await repository.newestChanges(of: paths, after: base, upTo: tip)
        #expect(changes == ["conf": back, "conf/a": second, "conf/b": back, "gone": removal])
        #expect(
            try await repository.newestChanges(of: ["conf/a", "conf/b"], after: base, upTo: first) == ["conf/a": first])
        #expect(try await repository.newestChanges(of: ["conf/a"], after: tip, upTo: base).isEmpty)
        let unknown = CommitID(hex: String(repeating: "0", count: 40))
        #expect(try await repository.newestChanges(of: ["conf/a"], after: unknown, upTo: tip).isEmpty)
    }

    @Test func `a merge is named only for what it changed itself`() async throws {
        let origin = try Origin(sandbox)
        let base = try origin.commit(["a": "1", "b": "1"])
        try origin.git("checkout", "-q", "-b", "side")
        let side = try origin.commit(["a": "2"], branch: "side")
        try origin.git("checkout", "-q", "main")
        try origin.commit(["b": "2"])
        try origin.git("merge", "-q", "--no-ff", "-m", "Merge", "side")
        let tip = try origin.commit()
        let repository = try origin.repository()
        _ = try await repository.fetchTip()
        #expect(try await repository.newestChanges(of: ["a"], after: base, upTo: tip) == ["a": side])
    }
}
