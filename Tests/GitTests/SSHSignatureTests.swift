import Deploy
import Reconcile
import Testing

@testable import Git

/// Signatures made with SSH keys by `git commit -S` and `git tag -s`, verified against a file of allowed signers.
@Suite struct SSHSignatureTests {
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

    private func state(
        of commit: CommitID, _ settings: VerificationSettings? = nil
    ) async throws -> SignatureState {
        let repository = try origin.repository()
        _ = try await repository.fetchTip()
        return try await repository.verifier(settings ?? trust).state(of: commit)
    }

    private func fault(of commit: CommitID, _ settings: VerificationSettings? = nil) async throws -> SignatureFault? {
        if case .refused(let fault) = try await state(of: commit, settings) { return fault }
        return nil
    }

    private func fingerprint(_ key: String) throws -> String {
        String(try origin.sandbox.run("ssh-keygen", "-l", "-f", key + ".pub").split(separator: " ")[1])
    }

    @Test func `a commit signed by somebody who is listed is verified, with name and key`() async throws {
        let commit = try signing.commit("one")
        let signer = Signer(format: .ssh, name: "alice@example.com", key: try fingerprint(alice))
        #expect(try await state(of: commit) == .verified(signer))
        #expect(signer.key.hasPrefix("SHA256:"))
    }

    @Test(arguments: ["rsa", "ecdsa"]) func `other types of keys are verified alike`(type: String) async throws {
        let key = try signing.sshKey("other", type: type)
        try signing.sign(ssh: key)
        let settings = VerificationSettings(
            allowedSigners: try signing.allowedSigners(try signing.line("*@example.com", key), name: "other_signers"))
        let signer = Signer(format: .ssh, name: "*@example.com", key: try fingerprint(key))
        #expect(try await state(of: try signing.commit("one"), settings) == .verified(signer))
    }

    @Test func `what is not signed, or not by anybody who is listed, is refused`() async throws {
        #expect(try await fault(of: try signing.commit("one", signed: false))?.kind == .unsigned)
        let mallory = try signing.sshKey("mallory")
        try signing.sign(ssh: mallory)
        let fault = try await fault(of: try signing.commit("two"))
        #expect(fault?.kind == .unknownSigner)
        #expect(try fault?.message.contains(fingerprint(mallory)) == true)
        #expect(fault?.message.contains("allowed_signers does not list") == true)
    }

    @Test func `a signature over something else is bad`() async throws {
        let good = try signing.commit("one")
        let forged = try signing.commit(object: signing.text(of: good.hex).replacing("\none\n", with: "\nother\n"))
        #expect(try await fault(of: forged)?.kind == .bad)
    }

    @Test func `a second signature header, one of another kind, and text after a signature are refused`() async throws {
        let text = try signing.text(of: try signing.commit("one").hex)
        let start = try #require(text.firstRange(of: "gpgsig ")).lowerBound
        let end = try #require(text.firstRange(of: "-----END SSH SIGNATURE-----\n")).upperBound
        let header = String(text[start..<end])
        for (changed, word) in [
            (text.replacing(header, with: header + header), "2 headers"),
            (
                text.replacing(header, with: header + header.replacing("gpgsig ", with: "gpgsig-sha256 ")),
                "gpgsig-sha256"
            ),
            (text.replacing(header, with: header + " more\n"), "something follows"),
            (text.replacing(" -----END SSH SIGNATURE-----\n", with: ""), "its end is missing"),
            (text.replacing(header, with: "gpgsig nothing\n"), "holds no signature"),
        ] {
            let fault = try await fault(of: try signing.commit(object: changed))
            #expect(fault?.kind == .malformed)
            #expect(fault?.message.contains(word) == true, "\(fault?.message ?? "")")
        }
        let x509 = "gpgsig -----BEGIN SIGNED MESSAGE-----\n -----END SIGNED MESSAGE-----\n"
        let other = try await fault(of: try signing.commit(object: text.replacing(header, with: x509)))
        #expect(other?.kind == .unsuitable)
    }

    @Test func `a signature that was made for another purpose is refused`() async throws {
        let text = try signing.text(of: try signing.commit("one", signed: false).hex)
        let file = try origin.sandbox.write(text, to: "payload")
        try origin.sandbox.run("ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f", alice, file)
        let signature = try origin.sandbox.run("cat", file + ".sig").replacing("\n", with: "\n ")
        let cut = try #require(text.firstRange(of: "\n\n")).lowerBound
        let fault = try await fault(
            of: try signing.commit(object: "\(text[..<cut])\ngpgsig \(signature)\(text[cut...])"))
        #expect(fault?.kind == .unsuitable, "\(fault?.message ?? "")")
    }

    @Test func `a key is valid when its line says so, by the time of the commit`() async throws {
        let options = "valid-after=\"20200101Z\",valid-before=\"20210101Z\""
        let settings = VerificationSettings(
            allowedSigners: try signing.allowedSigners(
                try signing.line("alice@example.com", alice, options: options), name: "dated"))
        let within = try signing.commit("one", date: "2020-06-01T00:00:00Z")
        let after = try signing.commit("two", date: "2022-06-01T00:00:00Z")
        let before = try signing.commit("three", date: "2019-06-01T00:00:00Z")
        guard case .verified = try await state(of: within, settings) else {
            Issue.record("\(try await state(of: within, settings))")
            return
        }
        for commit in [after, before] {
            let fault = try await fault(of: commit, settings)
            #expect(fault?.kind == .expired, "\(fault?.message ?? "")")
        }
    }

    @Test func `a revoked key is refused, whenever it was used`() async throws {
        var settings = trust
        settings.revokedKeys = try signing.allowedSigners(name: "revoked")
        let commit = try signing.commit("one", date: "2020-06-01T00:00:00Z")
        guard case .verified = try await state(of: commit, settings) else {
            Issue.record("\(try await state(of: commit, settings))")
            return
        }
        try origin.sandbox.write(try origin.sandbox.run("cat", alice + ".pub") + "\n", to: "revoked")
        let fault = try await fault(of: commit, settings)
        #expect(fault?.kind == .revoked, "\(fault?.message ?? "")")
        let before = try await origin.repository().verifier(trust).id
        #expect(try await origin.repository().verifier(settings).id != before)
    }

    @Test func `a certificate of an authority that is listed is verified`() async throws {
        let authority = try signing.sshKey("authority")
        try origin.sandbox.run(
            "ssh-keygen", "-q", "-s", authority, "-I", "alice", "-n", "alice@example.com", alice + ".pub")
        try signing.sign(ssh: alice + "-cert.pub")
        let settings = VerificationSettings(
            allowedSigners: try signing.allowedSigners(
                try signing.line("*@example.com", authority, options: "cert-authority"), name: "authorities"))
        // Git finds the private key beside the certificate.
        guard case .verified(let signer) = try await state(of: try signing.commit("one"), settings) else {
            Issue.record("\(String(describing: try await state(of: try signing.commit("one"), settings)))")
            return
        }
        #expect(signer.name == "alice@example.com")
    }

    @Test func `a file that others can write to, or that is not there, is no file to trust`() async throws {
        let commit = try signing.commit("one")
        let path = try #require(trust.allowedSigners)
        try origin.sandbox.run("chmod", "666", path)
        let error = try await gitError { try await state(of: commit) }
        #expect(error.reason == .permissions && error.message.contains("git.verify.allowed_signers"))
        try origin.sandbox.run("rm", path)
        #expect(try await gitError { try await state(of: commit) }.reason == .invalidConfiguration)
    }

    @Test func `a program that is missing refuses, and it is said what to install`() async throws {
        let commit = try signing.commit("one")
        _ = try await state(of: commit)
        let bytes = Array(try signing.text(of: commit.hex).utf8)
        var ssh = SSHSignatures(signers: try TrustFile(trust.allowedSigners ?? "", for: "x"), revoked: nil)
        ssh.program = VerifyingProgram(name: "no-such-ssh-keygen", package: "openssh-client")
        #expect(throws: VerifyingProgram.Missing.self) {
            _ = try ssh.state(of: try SignedObject(commit: bytes, called: "x"), called: "x")
        }
    }

    @Test func `the configuration of Git on this host has no part in it`() async throws {
        let commit = try signing.commit("one", signed: false)
        for (key, value) in [("gpg.ssh.program", "/bin/true"), ("gpg.program", "/bin/true")] {
            try origin.sandbox.run("git", "-C", origin.path, "config", key, value)
        }
        let repository = try origin.repository()
        _ = try await repository.fetchTip()
        try origin.sandbox.run("git", "-C", try origin.cache(), "config", "gpg.ssh.program", "/bin/true")
        #expect(try await fault(of: commit)?.kind == .unsigned)
    }
}
