import Compose
import Synchronization

/// Remembers the files that loading read, so that the record holds the exact Compose text that ran.
final class RecordingFiles: Sendable {
    private let files: FileAccess
    private let read = Mutex<[String: [UInt8]]>([:])

    init(_ files: FileAccess) { self.files = files }

    var access: FileAccess {
        FileAccess(
            kind: files.kind,
            read: { [self] path in
                let bytes = try files.read(path)
                read.withLock { $0[path] = bytes }
                return bytes
            },
            contentID: files.contentID, list: files.list)
    }

    /// The YAML files by path, relative when below the checkout. Env files stay out of the record: they hold secrets.
    func texts(relativeTo checkout: String) -> [String: String] {
        let all = read.withLock { $0 }
        var texts: [String: String] = [:]
        for (path, bytes) in all where path.hasSuffix(".yaml") || path.hasSuffix(".yml") {
            let name = path.hasPrefix(checkout + "/") ? String(path.dropFirst(checkout.count + 1)) : path
            texts[name] = String(decoding: bytes, as: UTF8.self)
        }
        return texts
    }
}
