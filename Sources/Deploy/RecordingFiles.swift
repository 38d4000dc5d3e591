import Compose
import Synchronization

/// Remembers the files that loading read, so that the record holds the exact Compose text that ran, and the file of the host
/// that may not be relied on, if there was one.
final class RecordingFiles: Sendable {
    let files: FileAccess
    private let held = Mutex(Held())

    private struct Held {
        var read: [String: [UInt8]] = [:]
        var refusal: (any ReasonedError)?
    }

    init(_ files: FileAccess) { self.files = files }

    var access: FileAccess {
        var access = files
        access.read = { [self] path in
            do {
                let bytes = try files.read(path)
                held.withLock { $0.read[path] = bytes }
                return bytes
            } catch let error as any ReasonedError {
                held.withLock { $0.refusal = $0.refusal ?? error }
                throw error
            }
        }
        return access
    }

    /// Why a file was refused that is not the commit's; nil when none was.
    var refusal: (any ReasonedError)? { held.withLock { $0.refusal } }

    /// The YAML files by path, relative when below the checkout. Env files stay out of the record: they hold secrets.
    func texts(relativeTo checkout: String) -> [String: String] {
        let all = held.withLock { $0.read }
        var texts: [String: String] = [:]
        for (path, bytes) in all where path.hasSuffix(".yaml") || path.hasSuffix(".yml") {
            let name = path.hasPrefix(checkout + "/") ? String(path.dropFirst(checkout.count + 1)) : path
            texts[name] = String(decoding: bytes, as: UTF8.self)
        }
        return texts
    }
}
