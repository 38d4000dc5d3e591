/// Whose signatures of commits and tags are accepted, and of which commits they are demanded.
package struct VerificationSettings: Sendable, Equatable {
    package enum Mode: String, Sendable, CaseIterable {
        /// Of the commit that is deployed.
        case tip
        /// Of every commit that is new with it, too.
        case every
    }

    /// The absolute path of a file of allowed signers, for signatures made with SSH keys; nil accepts none.
    package var allowedSigners: String?
    /// The absolute path of a file of revoked SSH keys or a key revocation list.
    package var revokedKeys: String?
    /// The absolute path of a keyring, for signatures made with OpenPGP keys; nil accepts none.
    package var gpgKeyring: String?
    package var mode: Mode

    package init(
        allowedSigners: String? = nil, revokedKeys: String? = nil, gpgKeyring: String? = nil, mode: Mode = .tip
    ) {
        self.allowedSigners = allowedSigners
        self.revokedKeys = revokedKeys
        self.gpgKeyring = gpgKeyring
        self.mode = mode
    }
}
