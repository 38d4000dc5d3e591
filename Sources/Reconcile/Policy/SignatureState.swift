/// Who signed a commit or tag, and with which key.
package struct Signer: Hashable, Sendable, Codable {
    package enum Format: String, Sendable, Codable { case ssh, openpgp }

    package var format: Format
    /// The principal of the file of allowed signers, or the user id of the OpenPGP key.
    package var name: String
    /// `SHA256:…`, or the fingerprint of the OpenPGP key.
    package var key: String
    /// The annotated tag that is signed; nil when the commit itself is.
    package var tag: String?

    package init(format: Format, name: String, key: String, tag: String? = nil) {
        self.format = format
        self.name = name
        self.key = key
        self.tag = tag
    }

    /// `alice@example.com (SHA256:…)`
    package var description: String { "\(name) (\(key))" + (tag.map { ", tag \($0)" } ?? "") }
}

/// What is wrong with the signature of a commit or tag.
package struct SignatureFault: Error, Equatable, Codable {
    package enum Kind: String, Sendable, Codable, CaseIterable {
        case unsigned
        /// It does not fit what it should sign.
        case bad
        /// It, or the object around it, is not as Git writes it.
        case malformed
        case expired
        case revoked
        case unknownSigner = "unknown-signer"
        /// It was made for another purpose, or with what is not accepted.
        case unsuitable
        /// The program that verifies it is not installed or does not work.
        case unverifiable
    }

    package var kind: Kind
    /// What is signed, or should be: `commit 0123456789`, `tag v1.2.0`.
    package var object: String
    /// More about it, without the object; may be empty.
    package var detail: String
    /// What to do about it.
    package var advice: String

    package init(_ kind: Kind, _ object: String, _ detail: String = "", advice: String = "") {
        self.kind = kind
        self.object = object
        self.detail = detail
        self.advice = advice
    }

    package var message: String {
        let what =
            switch kind {
            case .unsigned: "\(object) is not signed"
            case .bad: "the signature of \(object) is bad"
            case .malformed: "the signature of \(object) is malformed"
            case .expired: "the signature of \(object) was made with a key that was not valid then, or has expired"
            case .revoked: "\(object) is signed with a revoked key"
            case .unknownSigner: "\(object) is signed by nobody who is trusted"
            case .unsuitable: "the signature of \(object) is not accepted"
            case .unverifiable: "the signature of \(object) cannot be verified"
            }
        return detail.isEmpty ? what : "\(what): \(detail)"
    }
}

/// What came of verifying a signature.
package enum SignatureState: Sendable, Equatable {
    case verified(Signer)
    case refused(SignatureFault)

    /// Who signed; nil when it is refused.
    package var signer: Signer? { if case .verified(let signer) = self { signer } else { nil } }

    /// What counts of a tag's signature and that of its commit: either suffices. Of two that do not, the one that is there
    /// is told.
    ///
    /// - Parameter commit: only asked for when the tag's does not suffice.
    package static func either(
        _ tag: SignatureState, _ commit: () async throws -> SignatureState
    ) async rethrows -> SignatureState {
        guard case .refused(let fault) = tag else { return tag }
        let commit = try await commit()
        guard case .refused = commit, fault.kind != .unsigned else { return commit }
        return tag
    }
}
