import Deploy
import Reconcile
import Testing

@testable import Git

/// Annotated tags: their objects are fetched, and their own signatures verified.
@Suite struct TagSignatureTests {
    private let origin: Origin
    private let signing: Signing
    private let alice: String
    private let trust: VerificationSettings

    init() throws {
        origin = try Origin(try Sandbox())
        signing = Signing(origin)
        alice = try signing.sshKey("alice")
        try signing.sign(ssh: alice)
        trust = VerificationSettings(
            allowedSigners: try signing.allowedSigners(try signing.line("alice@example.com", alice)))
    }

    private func tag(_ arguments: String...) throws {
        try origin.sandbox.run(["git", "tag"] + arguments, in: origin.tree)
        try origin.git("push", "-q", "--force", "--tags", "origin")
    }

    private func fetched() async throws -> (GitRepository, Tip) {
        let repository = try origin.repository(nil, .tag(pattern: "v*"))
        return (repository, try await repository.fetchRevision())
    }

    private func state() async throws -> SignatureState {
        let (repository, tip) = try await fetched()
        return try await repository.verifier(trust).state(of: try #require(tip.tag), at: tip.commit.id)
    }

    private func fault() async throws -> SignatureFault? {
        if case .refused(let fault) = try await state() { return fault }
        return nil
    }

    @Test func `a signed tag is verified, also when its commit was here before`() async throws {
        let commit = try signing.commit("one", signed: false)
        _ = try await origin.repository().fetchTip()
        try tag("-s", "-m", "first", "v1.0.0")
        let (repository, tip) = try await fetched()
        #expect(tip.commit.id == commit && tip.tag?.name == "v1.0.0" && tip.tag?.object != commit.hex)
        guard case .verified(let signer) = try await state() else {
            Issue.record("\(try await state())")
            return
        }
        #expect(signer.name == "alice@example.com" && signer.tag == "v1.0.0")
        // A tag that has not moved transfers nothing.
        #expect(try await !repository.fetch().wasDownloaded)
    }

    @Test func `a lightweight tag is its commit`() async throws {
        let commit = try signing.commit("one")
        try tag("v1.0.0")
        #expect(try await fetched().1.tag == Tag(name: "v1.0.0", object: commit.hex))
    }

    @Test func `a tag that is not signed, or not by anybody who is listed, is refused`() async throws {
        try signing.commit("one", signed: false)
        try tag("-a", "-m", "first", "v1.0.0")
        #expect(try await fault()?.kind == .unsigned)
        try signing.sign(ssh: try signing.sshKey("mallory"))
        try tag("-s", "-m", "second", "v1.1.0")
        #expect(try await fault()?.kind == .unknownSigner)
    }

    @Test func `a signed tag under another name, or with two signatures, is refused`() async throws {
        try signing.commit("one", signed: false)
        try tag("-s", "-m", "first", "v1.0.0")
        let object = try origin.git("rev-parse", "v1.0.0")
        try origin.git("update-ref", "refs/tags/v2.0.0", object)
        try origin.git("push", "-q", "--force", "--tags", "origin")
        let fault = try await fault()
        #expect(
            fault?.kind == .unsuitable && fault?.message.contains("it is the tag v1.0.0 under another name") == true)

        let text = try signing.text(of: object, type: "tag")
        let start = try #require(text.firstRange(of: "-----BEGIN SSH")).lowerBound
        let file = try origin.sandbox.write(
            text.replacing("tag v1.0.0\n", with: "tag v3.0.0\n") + text[start...], to: "object")
        let twice = try origin.git("hash-object", "-t", "tag", "-w", "--literally", file)
        try origin.git("update-ref", "refs/tags/v3.0.0", twice)
        try origin.git("push", "-q", "--force", "--tags", "origin")
        #expect(try await self.fault()?.kind == .malformed)
    }

    @Test func `a tag of a tag leads to its commit, and one that was moved shows it`() async throws {
        let commit = try signing.commit("one", signed: false)
        try tag("-a", "-m", "inner", "inner")
        try tag("-s", "-m", "outer", "v1.0.0", "inner")
        guard case .verified = try await state() else {
            Issue.record("\(try await state())")
            return
        }
        let first = try await fetched().1
        #expect(first.commit.id == commit)
        let next = try signing.commit("two", signed: false)
        try tag("-f", "-s", "-m", "moved", "v1.0.0")
        let second = try await fetched().1
        #expect(second.commit.id == next && second.tag?.name == "v1.0.0" && second.tag != first.tag)
    }
}

/// Which commits are new.
@Suite struct HistoryTests {
    private let origin: Origin

    init() throws { origin = try Origin(try Sandbox()) }

    @Test func `the history after a commit holds every commit of merged branches, and no more than asked for`()
        async throws
    {
        let base = try origin.commit(["a": "1"])
        try origin.git("checkout", "-q", "-b", "side")
        let side = try origin.commit(["b": "1"], branch: "side")
        try origin.git("checkout", "-q", "main")
        let main = try origin.commit(["a": "2"])
        try origin.git("merge", "-q", "--no-ff", "-m", "merge", "side")
        let merge = try origin.commit()
        let tip = try await origin.repository().fetchTip()
        let repository = try origin.repository()
        let new = try await repository.history(of: tip.id, after: base, atMost: 10)
        #expect(new.first == tip.id)
        #expect(Set(new) == Set([side, main, merge] + tip.parents))
        #expect(try await repository.history(of: tip.id, after: base, atMost: 2).count == 2)
        #expect(try await repository.history(of: tip.id, after: tip.id, atMost: 10) == [])
        let unknown = CommitID(hex: String(repeating: "a", count: 40))
        #expect(
            try await gitError { try await repository.history(of: unknown, after: base, atMost: 2) }.reason
                == .commitMissing)
        #expect(try await repository.history(of: tip.id, after: unknown, atMost: 10).contains(base))
    }
}
