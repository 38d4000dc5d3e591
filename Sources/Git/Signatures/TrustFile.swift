import FoundationEssentials
import Glibc
import Reconcile
import Trust

/// A file that says whom to trust. It is read once: what was checked is what is used.
struct TrustFile: Sendable {
    let path: String
    let bytes: [UInt8]

    private static let mostBytes = 16 << 20

    /// - Parameter key: the configuration's key for it, for messages.
    /// - Throws: `GitError`: `invalidConfiguration` when there is no such file, `permissions` when somebody else could have
    ///   written it.
    init(_ path: String, for key: String) throws {
        self.path = path
        do throws(TrustedFile.Refusal) {
            try TrustedFile.check(path, as: "\(key):")
        } catch {
            throw GitError(.permissions, error.message, advice: error.advice)
        }
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard file >= 0 else {
            let why = String(cString: strerror(errno))
            throw GitError(
                errno == EACCES ? .permissions : .invalidConfiguration, "\(key): \(path) cannot be read: \(why)")
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw GitError(.invalidConfiguration, "\(key): \(path) is not a file")
        }
        // It may have been replaced since.
        guard TrustedFile.isTrusted(owner: status.st_uid), status.st_mode & 0o022 == 0 else {
            throw GitError(.permissions, "\(key): others may write to \(path)")
        }
        guard status.st_size <= Self.mostBytes else {
            throw GitError(.invalidConfiguration, "\(key): \(path) is larger than \(Self.mostBytes >> 20) MiB")
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while bytes.count <= Self.mostBytes {
            let got = Glibc.read(file, &buffer, buffer.count)
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw GitError.system("read \(path)", errno) }
            if got == 0 { break }
            bytes += buffer.prefix(got)
        }
        self.bytes = bytes
    }
}
