import FoundationEssentials
import Glibc
import Reconcile
import Trust

/// Where a secret is. It is looked up, and its permissions are checked, when it is used and not before: what does not use
/// it works without it.
package enum SecretSource: Sendable, Hashable {
    /// The absolute path of a file.
    case file(String)
    /// The name of a credential that systemd gives to the service.
    case credential(String)

    /// The path of the file that holds the secret: one that is ours alone.
    ///
    /// - Parameter key: The configuration's key for the secret, for messages.
    /// - Throws: `GitError`: `invalidConfiguration` when there is no such file or credential, `permissions` when others may
    ///   read it, or we may not.
    package func path(for key: String, environment: [String: String]) throws -> String {
        switch self {
        case .file(let path):
            let directory = environment["CREDENTIALS_DIRECTORY"].map { $0.hasSuffix("/") ? $0 : $0 + "/" }
            let isCredential = directory.map { path.hasPrefix($0) && !path.contains("/../") } ?? false
            try Self.check(path, for: key, isCredential: isCredential)
            return path
        case .credential(let name):
            guard let directory = environment["CREDENTIALS_DIRECTORY"], !directory.isEmpty else {
                throw GitError(
                    .invalidConfiguration,
                    "\(key): only systemd provides the credential \"\(name)\" (LoadCredential=\(name) in "
                        + "watcher.service), and this is not run by it: $CREDENTIALS_DIRECTORY is not set",
                    advice: "Run `systemctl start watcher.service`, or write {file: PATH} in the configuration.")
            }
            guard Self.isCredentialName(name) else {
                throw GitError(
                    .invalidConfiguration, "\(key): \"\(name)\" is not the name of a credential: it has no slash")
            }
            let path = "\(directory)/\(name)"
            var status = stat()
            guard lstat(path, &status) != 0 || status.st_mode & S_IFMT != S_IFLNK else {
                throw GitError(
                    .permissions, "\(key): the credential \(path) is a symbolic link, which systemd never makes",
                    advice: "Write {file: PATH} for a secret that systemd does not provide.")
            }
            guard access(path, F_OK) == 0 else {
                throw GitError(
                    .invalidConfiguration,
                    "\(key): systemd does not provide the credential \"\(name)\" (there is no \(path))",
                    advice: "Add LoadCredential=\(name):PATH to watcher.service (`systemctl edit watcher.service`), or "
                        + "write {file: PATH} in the configuration.")
            }
            try Self.check(path, for: key, isCredential: true)
            return path
        }
    }

    /// Whether a credential can have this name: it stays in systemd's directory.
    package static func isCredentialName(_ name: String) -> Bool {
        !name.isEmpty && !name.contains("/") && name != "." && name != ".."
    }

    /// The secret, without line ends after it.
    package func text(for key: String, environment: [String: String]) throws -> String {
        let path = try path(for: key, environment: environment)
        guard let data = FileManager.default.contents(atPath: path) else {
            throw GitError(.permissions, "\(key): \(path) cannot be read")
        }
        guard data.count <= 65536, var text = String(data: data, encoding: .utf8) else {
            throw GitError(.invalidConfiguration, "\(key): \(path) does not hold one line of text")
        }
        while text.last?.isNewline == true { text.removeLast() }
        guard !text.isEmpty, !text.contains(where: \.isNewline) else {
            throw GitError(.invalidConfiguration, "\(key): \(path) does not hold one line of text")
        }
        return text
    }

    /// Refuses a file that is missing, that group or others may read, or that somebody else can change or replace.
    ///
    /// - Parameter isCredential: systemd gives the service its right to read a credential by an access list, which shows as
    ///   the group's permission.
    private static func check(_ path: String, for key: String, isCredential: Bool) throws {
        var status = stat()
        guard stat(path, &status) == 0 else {
            let why = String(cString: strerror(errno))
            throw GitError(
                errno == EACCES ? .permissions : .invalidConfiguration, "\(key): \(path) cannot be read: \(why)")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw GitError(.invalidConfiguration, "\(key): \(path) is not a file")
        }
        guard status.st_mode & (isCredential ? 0o007 : 0o077) == 0 else {
            let mode = "0" + String(status.st_mode & 0o777, radix: 8)
            throw GitError(
                .permissions, "\(key): \(path) can be read by others (mode \(mode))", advice: "Run `chmod 600 \(path)`."
            )
        }
        do { try TrustedFile.check(path, as: "\(key):") } catch {
            throw GitError(.permissions, error.message, advice: error.advice)
        }
        guard access(path, R_OK) == 0 else {
            throw GitError(.permissions, "\(key): \(path) cannot be read: \(String(cString: strerror(errno)))")
        }
    }
}
