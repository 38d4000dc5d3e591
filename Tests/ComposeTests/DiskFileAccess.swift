import Compose
import Foundation

extension FileAccess {
    /// Everything on this machine's disk, as it is.
    static let disk = FileAccess(
        kind: { path in
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else { return nil }
            return isDirectory.boolValue ? .directory : .file
        },
        read: { path in
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
                throw FileAccessError.notFound(path: path)
            }
            if isDirectory.boolValue { throw FileAccessError.notAFile(path: path) }
            guard let data = FileManager.default.contents(atPath: path) else {
                throw FileAccessError.unreadable(path: path, reason: "no access")
            }
            return Array(data)
        })
}
