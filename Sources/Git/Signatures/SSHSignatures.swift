import Glibc
import Reconcile

/// Verifies signatures made with SSH keys, by `ssh-keygen -Y`, as Git does.
struct SSHSignatures: Sendable {
    let signers: TrustFile
    let revoked: TrustFile?
    var program = VerifyingProgram(name: "ssh-keygen", package: "openssh-client")

    /// For this purpose Git signs.
    private static let namespace = "git"
    /// More names than this of one key are not tried.
    private static let mostNames = 16

    init(signers: TrustFile, revoked: TrustFile?) {
        self.signers = signers
        self.revoked = revoked
    }

    /// - Parameter name: how the commit or tag is called in a fault.
    func state(of object: SignedObject, called name: String) throws -> SignatureState {
        let check = try Check(object, self)
        // Whoever signed: does it fit?
        let fits = try check.run(["-Y", "check-novalidate", "-n", Self.namespace, "-s", check.signaturePath])
        guard fits.succeeded else { return .refused(Self.misfit(fits, name)) }
        let key = Self.fingerprint(in: fits.output)
        let found = try check.run(
            ["-Y", "find-principals", "-s", check.signaturePath, "-f", check.signersPath, check.time])
        let names = found.output.split(whereSeparator: \.isNewline).map(String.init).filter { !$0.isEmpty }
        guard found.succeeded, !names.isEmpty else {
            return .refused(unknown(found, key, name))
        }
        var last = found
        for signer in names.prefix(Self.mostNames) {
            last = try check.verify(signer, withRevoked: true)
            if last.succeeded {
                let name = signer.withoutControlCharacters(keepingLines: false)
                return .verified(Signer(format: .ssh, name: name, key: key))
            }
            if revoked != nil, try check.verify(signer, withRevoked: false).succeeded {
                return .refused(
                    SignatureFault(
                        .revoked, name, "\(signer) (\(key)) is listed in \(revoked?.path ?? "")",
                        advice: "Sign it with another key."))
            }
        }
        return .refused(unknown(last, key, name))
    }

    private static func misfit(_ result: VerifyingProgram.Result, _ name: String) -> SignatureFault {
        let said = result.complaint
        if said.contains("namespace") { return SignatureFault(.unsuitable, name, "it was not made for Git: \(said)") }
        return SignatureFault(said.contains("incorrect signature") ? .bad : .malformed, name, said)
    }

    /// The key is not listed, or not for this: why, as far as ssh-keygen says.
    private func unknown(_ result: VerifyingProgram.Result, _ key: String, _ name: String) -> SignatureFault {
        let said = result.complaint.replacing(VerifyingProgram.path(ofFile: 1), with: signers.path)
        if said.contains("expired") || said.contains("not yet valid") || said.contains("not valid") {
            return SignatureFault(.expired, name, said)
        }
        return SignatureFault(
            .unknownSigner, name, "\(signers.path) does not list the key \(key) for the namespace git",
            advice: "If it is to be trusted, add a line with its public key to \(signers.path).")
    }

    /// `Good "git" signature with ED25519 key SHA256:…`
    private static func fingerprint(in text: String) -> String {
        let words = text.split(whereSeparator: \.isWhitespace)
        return words.last { $0.contains(":") && !$0.hasSuffix(":") }.map(String.init) ?? "of unknown fingerprint"
    }

    /// The files of one verification.
    private struct Check {
        let program: VerifyingProgram
        let payload: [UInt8]
        let files: [MemoryFile]
        let time: String

        init(_ object: SignedObject, _ trust: SSHSignatures) throws {
            program = trust.program
            payload = object.payload
            files = try [object.signature, trust.signers.bytes, trust.revoked?.bytes ?? []].map { try MemoryFile($0) }
            time = "-Overify-time=\(Self.local(object.time))"
        }

        var signaturePath: String { VerifyingProgram.path(ofFile: 0) }
        var signersPath: String { VerifyingProgram.path(ofFile: 1) }
        var revokedPath: String { VerifyingProgram.path(ofFile: 2) }

        func run(_ arguments: [String]) throws -> VerifyingProgram.Result {
            try program.run(arguments, input: payload, files: files)
        }

        func verify(_ signer: String, withRevoked: Bool) throws -> VerifyingProgram.Result {
            try run(
                [
                    "-Y", "verify", "-n", SSHSignatures.namespace, "-f", signersPath, "-I", signer, "-s", signaturePath,
                    time,
                ] + (withRevoked ? ["-r", revokedPath] : []))
        }

        /// As ssh-keygen reads times, also those in the file of allowed signers: in the local zone.
        private static func local(_ seconds: Int) -> String {
            var time = time_t(seconds)
            var parts = tm()
            localtime_r(&time, &parts)
            var buffer = [CChar](repeating: 0, count: 32)
            _ = strftime(&buffer, buffer.count, "%Y%m%d%H%M%S", &parts)
            return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
}
