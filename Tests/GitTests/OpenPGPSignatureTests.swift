import Deploy
import Reconcile
import Testing

@testable import Git

/// Signatures made with OpenPGP keys by `git commit -S`, verified by `gpgv` against a keyring.
@Suite struct OpenPGPSignatureTests {
    private let origin: Origin
    private let signing: Signing

    init() throws {
        origin = try Origin(try Sandbox())
        signing = Signing(origin)
    }

    private func state(of commit: CommitID, _ keyring: String) async throws -> SignatureState {
        let repository = try origin.repository()
        _ = try await repository.fetchTip()
        return try await repository.verifier(VerificationSettings(gpgKeyring: keyring)).state(of: commit)
    }

    private func fault(of commit: CommitID, _ keyring: String) async throws -> SignatureFault? {
        if case .refused(let fault) = try await state(of: commit, keyring) { return fault }
        return nil
    }

    @Test func `a commit is verified by the keyring, and refused without its key, unsigned or changed`() async throws {
        let key = try signing.openPGPKey("Alice <alice@example.com>")
        try signing.sign(openPGP: key)
        let commit = try signing.commit("one")
        let keyring = try signing.keyring(key)
        let signer = Signer(format: .openpgp, name: "Alice <alice@example.com>", key: key)
        #expect(try await state(of: commit, keyring) == .verified(signer))

        let other = try signing.keyring(try signing.openPGPKey("Bob <bob@example.com>"), name: "bob.gpg")
        let unknown = try await fault(of: commit, other)
        #expect(unknown?.kind == .unknownSigner && unknown?.message.contains("does not have the key") == true)

        let changed = try signing.text(of: commit.hex).replacing("\none\n", with: "\nother\n")
        #expect(try await fault(of: try signing.commit(object: changed), keyring)?.kind == .bad)
        #expect(try await fault(of: try signing.commit("two", signed: false), keyring)?.kind == .unsigned)

        let onlySSH = VerificationSettings(allowedSigners: try signing.allowedSigners())
        guard case .refused(let fault) = try await origin.repository().verifier(onlySSH).state(of: commit) else {
            Issue.record("verified")
            return
        }
        #expect(fault.kind == .unsuitable && fault.message.contains("git.verify.gpg_keyring"))
    }

    @Test func `an expired key is refused, whenever it was used`() async throws {
        let key = try signing.openPGPKey("Alice <alice@example.com>")
        try signing.sign(openPGP: key)
        let commit = try signing.commit("one")
        _ = try signing.gpg("--pinentry-mode", "loopback", "--quick-set-expire", key, "seconds=1")
        let expired = try signing.keyring(key, name: "expired.gpg")
        try await untilExpired(commit, expired)
        #expect(try await fault(of: commit, expired)?.kind == .expired)
    }

    @Test func `a revoked key is refused`() async throws {
        let key = try signing.openPGPKey("Alice <alice@example.com>")
        try signing.sign(openPGP: key)
        let commit = try signing.commit("one")
        let revocation = "\(origin.sandbox.path)/gnupg/openpgp-revocs.d/\(key).rev"
        try origin.sandbox.run("sed", "-i", "s/^:-----BEGIN/-----BEGIN/", revocation)
        _ = try signing.gpg("--import", revocation)
        let fault = try await fault(of: commit, try signing.keyring(key, name: "revoked.gpg"))
        #expect(fault?.kind == .revoked, "\(fault?.message ?? "")")
    }

    /// The key expires a second after it was changed.
    private func untilExpired(_ commit: CommitID, _ keyring: String) async throws {
        for _ in 0..<1000 {
            if try await fault(of: commit, keyring) != nil { return }
        }
    }

    @Test func `an armoured keyring is refused, with the command that makes one of it`() async throws {
        let keyring = try origin.sandbox.write("-----BEGIN PGP PUBLIC KEY BLOCK-----\n", to: "keyring.asc")
        let error = try await gitError {
            try await origin.repository().verifier(VerificationSettings(gpgKeyring: keyring)).id
        }
        #expect(error.reason == .invalidConfiguration && error.advice.contains("gpg --dearmor"))
    }

    @Test(arguments: [
        ("GOODSIG AB Alice\n[GNUPG:] VALIDSIG AB 2026 1 0 4 0 22 10 00 CD", 0, "verified"),
        ("GOODSIG AB Alice\n[GNUPG:] VALIDSIG AB 2026 1 0 4 0 22 2 00 CD", 0, "unsuitable"),
        ("GOODSIG AB Alice\n[GNUPG:] VALIDSIG AB 2026 1 0 4 0 22 10 00 CD", 1, "unverifiable"),
        ("GOODSIG AB Alice", 0, "unverifiable"),
        ("GOODSIG AB Alice\n[GNUPG:] BADSIG CD Bob", 0, "unverifiable"),
        ("GOODSIG AB Alice\n[GNUPG:] GOODSIG AB Alice", 0, "unverifiable"),
        ("BADSIG AB Alice", 1, "bad"), ("EXPSIG AB Alice", 1, "expired"), ("EXPKEYSIG AB Alice", 0, "expired"),
        ("REVKEYSIG AB Alice", 0, "revoked"), ("ERRSIG AB 22 10 00 1 9 -\n[GNUPG:] NO_PUBKEY AB", 2, "unknown-signer"),
        ("ERRSIG AB 22 10 00 1 4 -", 2, "unverifiable"), ("NODATA 4", 2, "malformed"), ("", 2, "unverifiable"),
    ])
    func `what gpgv says is read strictly`(said: String, status: Int, word: String) {
        let result = VerifyingProgram.Result(status: Int32(status), output: "[GNUPG:] \(said)\n", errors: "")
        let state = OpenPGPSignatures.state(GnuPGStatus(result.output), result, "commit aa", "/keyring")
        switch state {
        case .verified(let signer):
            #expect(word == "verified" && signer == Signer(format: .openpgp, name: "Alice", key: "CD"))
        case .refused(let fault): #expect(fault.kind.rawValue == word)
        }
    }
}
