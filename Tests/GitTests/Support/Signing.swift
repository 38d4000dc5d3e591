import Reconcile

@testable import Git

/// Keys to sign with, and files that say whom to trust.
struct Signing {
    let origin: Origin
    private var sandbox: Sandbox { origin.sandbox }

    init(_ origin: Origin) { self.origin = origin }

    /// A new SSH key; returns the path of the private one.
    func sshKey(_ name: String, type: String = "ed25519") throws -> String {
        let path = "\(sandbox.path)/\(name)"
        try sandbox.run("ssh-keygen", "-q", "-t", type, "-N", "", "-C", name, "-f", path)
        return path
    }

    /// A line of a file of allowed signers.
    func line(_ principal: String, _ key: String, options: String = "") throws -> String {
        let words = try sandbox.run("cat", key + ".pub").split(separator: " ").prefix(2).joined(separator: " ")
        return "\(principal) \(options.isEmpty ? "" : options + " ")\(words)\n"
    }

    func allowedSigners(_ lines: String..., name: String = "allowed_signers") throws -> String {
        try sandbox.write(lines.joined(), to: name)
    }

    /// From now on commits and tags that are signed are signed with the key.
    func sign(ssh key: String) throws {
        try origin.git("config", "gpg.format", "ssh")
        try origin.git("config", "user.signingKey", key)
    }

    func sign(openPGP key: String) throws {
        try origin.git("config", "gpg.format", "openpgp")
        try origin.git("config", "user.signingKey", key)
        let script = "#!/bin/sh\nexec gpg --homedir \(sandbox.path)/gnupg \"$@\"\n"
        try origin.git("config", "gpg.program", sandbox.write(script, to: "gpg", mode: 0o755))
    }

    /// Commits and pushes; returns the commit.
    @discardableResult
    func commit(_ text: String, signed: Bool = true, date: String? = nil, branch: String = "main") throws -> CommitID {
        try sandbox.write(text, to: "\(origin.tree)/a")
        try origin.git("add", "--all")
        var command = date.map { ["env", "GIT_COMMITTER_DATE=\($0)", "GIT_AUTHOR_DATE=\($0)"] } ?? []
        command += ["git", "commit", "-q", "--allow-empty", "-m", text] + (signed ? ["-S"] : [])
        try sandbox.run(command, in: origin.tree)
        return try push(branch)
    }

    @discardableResult
    func push(_ branch: String = "main") throws -> CommitID {
        try origin.git("push", "-q", "--force", "origin", "HEAD:refs/heads/\(branch)")
        return CommitID(hex: try origin.git("rev-parse", "HEAD"))
    }

    /// Writes a commit as an object of these bytes and pushes it as the branch.
    func commit(object text: String) throws -> CommitID {
        let file = try sandbox.write(text, to: "object")
        let id = try origin.git("hash-object", "-t", "commit", "-w", "--literally", file)
        try origin.git("push", "-q", "--force", "origin", "\(id):refs/heads/main")
        return CommitID(hex: id)
    }

    /// The bytes of an object.
    func text(of object: String, type: String = "commit") throws -> String {
        try origin.git("cat-file", type, object) + "\n"
    }

    // MARK: - OpenPGP

    func gpg(_ arguments: String...) throws -> String {
        let home = "\(sandbox.path)/gnupg"
        try sandbox.run("mkdir", "-p", "-m", "700", home)
        return try sandbox.run(["gpg", "--homedir", home, "--batch", "--no-tty", "--passphrase", ""] + arguments)
    }

    /// A new OpenPGP key; returns its fingerprint.
    func openPGPKey(_ user: String, expires: String = "never", at time: String? = nil) throws -> String {
        let clock = time.map { ["--faked-system-time", $0] } ?? []
        let home = "\(sandbox.path)/gnupg"
        try sandbox.run("mkdir", "-p", "-m", "700", home)
        try sandbox.run(
            ["gpg", "--homedir", home, "--batch", "--no-tty", "--passphrase", ""] + clock
                + ["--quick-generate-key", user, "ed25519", "sign", expires])
        let list = try gpg("--with-colons", "--list-keys", user)
        let line = list.split(separator: "\n").first { $0.hasPrefix("fpr:") } ?? ""
        return String(line.split(separator: ":").last ?? "")
    }

    func keyring(_ keys: String..., name: String = "keyring.gpg") throws -> String {
        let path = "\(sandbox.path)/\(name)"
        try sandbox.run("rm", "-f", path)
        try sandbox.run(
            ["gpg", "--homedir", "\(sandbox.path)/gnupg", "--batch", "--no-tty", "-o", path, "--export"] + keys)
        return path
    }
}
