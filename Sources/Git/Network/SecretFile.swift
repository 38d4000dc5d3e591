import FoundationEssentials
import Glibc
import Reconcile

/// A file that holds a secret: ours alone, or it is refused.
enum SecretFile {
    /// Refuses a file that is missing, or that group or others may read.
    ///
    /// A file below `$CREDENTIALS_DIRECTORY` may be readable by its group: systemd gives the service its right to read
    /// by an access list, which shows as group permission.
    static func check(_ path: String, called name: String, environment: [String: String]) throws {
        var status = stat()
        guard stat(path, &status) == 0 else {
            let why = String(cString: strerror(errno))
            throw GitError(
                errno == EACCES ? .permissions : .invalidConfiguration, "the \(name) \(path) cannot be read: \(why)")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw GitError(.invalidConfiguration, "the \(name) \(path) is not a file")
        }
        let credentials = environment["CREDENTIALS_DIRECTORY"].map { $0.hasSuffix("/") ? $0 : $0 + "/" }
        let forbidden: mode_t = credentials.map { path.hasPrefix($0) } == true ? 0o007 : 0o077
        guard status.st_mode & forbidden == 0 else {
            let mode = "0" + String(status.st_mode & 0o777, radix: 8)
            throw GitError(
                .permissions, "the \(name) \(path) can be read by others (mode \(mode))",
                advice: "Run: chmod 600 \(path)")
        }
    }

    /// The secret in the file, without line ends after it.
    static func read(_ path: String, called name: String, environment: [String: String]) throws -> String {
        try check(path, called: name, environment: environment)
        guard let data = FileManager.default.contents(atPath: path) else {
            throw GitError(.permissions, "the \(name) \(path) cannot be read")
        }
        guard data.count <= 65536, var text = String(data: data, encoding: .utf8) else {
            throw GitError(.invalidConfiguration, "the \(name) \(path) does not hold one line of text")
        }
        while text.last?.isNewline == true { text.removeLast() }
        guard !text.isEmpty, !text.contains(where: \.isNewline) else {
            throw GitError(.invalidConfiguration, "the \(name) \(path) does not hold one line of text")
        }
        return text
    }
}
