import Reconcile

/// Verifies signatures made with OpenPGP keys, by `gpgv` against one keyring.
struct OpenPGPSignatures: Sendable {
    let keyring: TrustFile
    var program = VerifyingProgram(name: "gpgv", package: "gpgv")

    init(keyring: TrustFile) throws {
        guard !keyring.bytes.starts(with: Array("-----BEGIN PGP".utf8)) else {
            throw GitError(
                .invalidConfiguration, "git.verify.gpg_keyring: \(keyring.path) is ASCII-armoured",
                advice: "Run `gpg --dearmor < \(keyring.path) > \(keyring.path).gpg`, and name that file.")
        }
        self.keyring = keyring
    }

    /// - Parameter name: how the commit or tag is called in a fault.
    func state(of object: SignedObject, called name: String) throws -> SignatureState {
        let result = try program.run(
            [
                "--homedir", "/nonexistent", "--status-fd", "1", "--keyring", VerifyingProgram.path(ofFile: 1), "--",
                VerifyingProgram.path(ofFile: 0), "-",
            ], input: object.payload, files: [MemoryFile(object.signature), MemoryFile(keyring.bytes)])
        return Self.state(GnuPGStatus(result.output), result, name, keyring.path)
    }

    /// Exactly one signature is wanted, by a key that is good now.
    static func state(
        _ status: GnuPGStatus, _ result: VerifyingProgram.Result, _ name: String, _ keyring: String
    ) -> SignatureState {
        guard let verdict = status.verdict else {
            return .refused(
                SignatureFault(status.isMalformed ? .malformed : .unverifiable, name, "gpgv: \(result.complaint)"))
        }
        let key = status.fingerprint ?? verdict.key
        switch verdict.word {
        case "GOODSIG":
            guard result.succeeded, let fingerprint = status.fingerprint else {
                return .refused(SignatureFault(.unverifiable, name, "gpgv: \(result.complaint)"))
            }
            guard !status.isWeak else {
                return .refused(SignatureFault(.unsuitable, name, "it was made with a weak digest (MD5, SHA-1)"))
            }
            return .verified(Signer(format: .openpgp, name: verdict.user, key: fingerprint))
        case "BADSIG": return .refused(SignatureFault(.bad, name, "\(verdict.user) (\(key))"))
        case "EXPKEYSIG":
            return .refused(SignatureFault(.expired, name, "the key of \(verdict.user) (\(key)) has expired"))
        case "EXPSIG": return .refused(SignatureFault(.expired, name, "the signature itself has expired"))
        case "REVKEYSIG": return .refused(SignatureFault(.revoked, name, "\(verdict.user) (\(key))"))
        default:
            guard status.hasNoKey else {
                return .refused(SignatureFault(.unverifiable, name, "gpgv: \(result.complaint)"))
            }
            return .refused(
                SignatureFault(
                    .unknownSigner, name, "\(keyring) does not have the key \(key)",
                    advice: "If it is to be trusted, add its public key to \(keyring)."))
        }
    }
}

/// What gpgv says on its status descriptor.
struct GnuPGStatus: Sendable, Equatable {
    struct Verdict: Sendable, Equatable {
        var word: String
        var key: String
        var user: String
    }

    /// The one verdict; nil when there is none, or several.
    var verdict: Verdict?
    /// Of the primary key of the one that signed.
    var fingerprint: String?
    var isWeak = false
    var hasNoKey = false
    var isMalformed = false

    private static let verdicts: Set = ["GOODSIG", "BADSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG", "ERRSIG"]
    /// MD5, SHA-1, RIPE-MD/160 (RFC 4880).
    private static let weakDigests: Set = ["1", "2", "3"]

    init(_ output: String) {
        var found: [Verdict] = []
        var valid: [[Substring]] = []
        for line in output.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ")
            guard words.first == "[GNUPG:]", words.count > 1 else { continue }
            let word = String(words[1])
            let rest = Array(words.dropFirst(2))
            if Self.verdicts.contains(word) {
                let user = word == "ERRSIG" ? "" : rest.dropFirst().joined(separator: " ")
                found.append(
                    Verdict(
                        word: word, key: rest.first.map(String.init) ?? "",
                        user: user.withoutControlCharacters(keepingLines: false)))
            }
            switch word {
            case "VALIDSIG": valid.append(rest)
            case "NO_PUBKEY": hasNoKey = true
            case "NODATA", "UNEXPECTED": isMalformed = true
            default: break
            }
        }
        if found.count == 1 { verdict = found.first }
        if valid.count == 1, let signature = valid.first, signature.count >= 8 {
            fingerprint = String(signature.count >= 10 ? signature[9] : signature[0])
            isWeak = Self.weakDigests.contains(String(signature[7]))
        }
    }
}
