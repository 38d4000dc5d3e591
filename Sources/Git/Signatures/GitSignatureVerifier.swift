internal import CLibGit2
import Deploy
import Glibc
package import Reconcile

/// Verifies the signatures of commits and tags in a cache. Neither the repository nor a gitconfig of this machine has a part
/// in it.
package struct GitSignatureVerifier: SignatureVerifier {
    package let id: String
    private let ssh: SSHSignatures?
    private let openPGP: OpenPGPSignatures?
    private let cache: String
    private let thread = BlockingThread("verify")

    /// Reads whom the settings trust. Blocks.
    init(_ settings: VerificationSettings, cache: String) throws {
        self.cache = cache
        let signers = try settings.allowedSigners.map { try TrustFile($0, for: "git.verify.allowed_signers") }
        let revoked = try settings.revokedKeys.map { try TrustFile($0, for: "git.verify.revoked_keys") }
        let keyring = try settings.gpgKeyring.map { try TrustFile($0, for: "git.verify.gpg_keyring") }
        ssh = signers.map { SSHSignatures(signers: $0, revoked: revoked) }
        openPGP = try keyring.map { try OpenPGPSignatures(keyring: $0) }
        id = try Self.digest([signers, revoked, keyring])
    }

    package func state(of commit: CommitID) async throws -> SignatureState {
        try await thread.run {
            let name = "commit \(commit.short)"
            guard let bytes = try raw(ObjectID(hex: commit.hex), isTag: false) else {
                return .refused(Self.absent(name))
            }
            do {
                return try state(of: SignedObject(commit: bytes, called: name), called: name)
            } catch let fault as SignatureFault {
                return .refused(fault)
            }
        }
    }

    package func state(of tag: Tag, at commit: CommitID) async throws -> SignatureState {
        try await thread.run {
            let name = "tag \(tag.name.withoutControlCharacters(keepingLines: false))"
            guard let bytes = try raw(ObjectID(hex: tag.object), isTag: true) else {
                return .refused(Self.absent(name))
            }
            do {
                let object = try SignedObject(tag: bytes, called: name)
                try check(TagHeader(bytes), tag, commit, name)
                guard case .verified(var signer) = try state(of: object, called: name) else {
                    return try state(of: object, called: name)
                }
                signer.tag = tag.name
                return .verified(signer)
            } catch let fault as SignatureFault {
                return .refused(fault)
            }
        }
    }

    /// Whoever may push tags could give a signed one another name.
    private func check(_ header: TagHeader?, _ tag: Tag, _ commit: CommitID, _ name: String) throws {
        guard let header else { throw SignatureFault(.malformed, name, "it does not say what it names") }
        guard header.name == tag.name else {
            throw SignatureFault(
                .unsuitable, name,
                "it is the tag \(header.name.withoutControlCharacters(keepingLines: false)) "
                    + "under another name")
        }
        guard try target(of: header) == commit else {
            throw SignatureFault(.unsuitable, name, "it does not lead to the commit \(commit.short)")
        }
    }

    /// The commit that a tag leads to, by way of other tags maybe.
    private func target(of header: TagHeader) throws -> CommitID? {
        var next: TagHeader? = header
        for _ in 0..<8 {
            guard let header = next else { return nil }
            if header.type == "commit" { return CommitID(hex: header.object) }
            guard header.type == "tag" else { return nil }
            next = try raw(ObjectID(hex: header.object), isTag: true).flatMap { TagHeader($0) }
        }
        return nil
    }

    private func raw(_ id: ObjectID, isTag: Bool) throws -> [UInt8]? {
        guard access(cache, F_OK) == 0 else { return nil }
        do {
            return try ObjectCache(opening: cache).bytes(of: id, isTag: isTag, atMost: SignedObject.mostBytes)
        } catch let failure as LibGit2.Failure {
            throw GitError(.stateUnusable, "the cache \(cache) cannot be read: \(failure.text)")
        }
    }

    private func state(of object: SignedObject, called name: String) throws -> SignatureState {
        do {
            switch object.format {
            case .ssh:
                guard let ssh else { return .refused(Self.unsuitable(name, "an SSH key", "allowed_signers")) }
                return try ssh.state(of: object, called: name)
            case .openpgp:
                guard let openPGP else { return .refused(Self.unsuitable(name, "an OpenPGP key", "gpg_keyring")) }
                return try openPGP.state(of: object, called: name)
            }
        } catch is VerifyingProgram.Missing {
            let program = object.format == .ssh ? ssh?.program : openPGP?.program
            return .refused(
                SignatureFault(
                    .unverifiable, name, "\(program?.name ?? "") is not installed",
                    advice: "Run `apt install \(program?.package ?? "")`."))
        }
    }

    private static func absent(_ name: String) -> SignatureFault {
        SignatureFault(
            .unverifiable, name, "it is not in the cache, or larger than \(SignedObject.mostBytes >> 20) MiB")
    }

    private static func unsuitable(_ name: String, _ what: String, _ key: String) -> SignatureFault {
        SignatureFault(
            .unsuitable, name, "it was made with \(what), and the configuration has no `git.verify.\(key)`")
    }

    private static func digest(_ files: [TrustFile?]) throws -> String {
        try LibGit2.start()
        var text: [UInt8] = []
        for file in files { text += Array("\(file?.bytes.count ?? -1)\0".utf8) + (file?.bytes ?? []) }
        var id = git_oid()
        try LibGit2.check(git_odb_hash(&id, text, text.count, GIT_OBJECT_BLOB))
        return ObjectID(id).hex
    }
}
