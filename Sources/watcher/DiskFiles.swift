internal import Compose
internal import Foundation
internal import Trust

extension FileAccess {
    /// The host's own files, symbolic links followed, nothing fenced in. Reads stop at `limit` bytes.
    static func disk(limit: Int = 9 << 20) -> FileAccess {
        var access = FileAccess(
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
                guard !isDirectory.boolValue else { throw FileAccessError.notAFile(path: path) }
                do {
                    let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
                    defer { try? handle.close() }
                    let data = try handle.read(upToCount: limit + 1) ?? Data()
                    guard data.count <= limit else { throw FileAccessError.tooLarge(path: path, limit: limit) }
                    return Array(data)
                } catch let error as FileAccessError {
                    throw error
                } catch {
                    throw FileAccessError.unreadable(path: path, reason: error.cause)
                }
            })
        access.resolve = { HostDirectory.resolved($0) }
        access.kindBelow = { directory, path in
            switch HostDirectory.find(path, below: directory) {
            case .nothing: return nil
            case .file: return .file
            case .directory: return .directory
            case .link(let place): throw FileAccessError.link(path: "\(directory)/\(place)")
            }
        }
        return access
    }
}

extension Error {
    /// What the system said, in its own words: `Permission denied` instead of Foundation's sentences.
    var cause: String {
        let error = self as NSError
        let underlying = error.userInfo[NSUnderlyingErrorKey] as? NSError
        if let posix = [error, underlying].compactMap({ $0 }).first(where: { $0.domain == NSPOSIXErrorDomain }) {
            return String(cString: strerror(Int32(posix.code)))
        }
        switch (self as? CocoaError)?.code {
        case .fileNoSuchFile, .fileReadNoSuchFile: return String(cString: strerror(ENOENT))
        case .fileReadNoPermission, .fileWriteNoPermission: return String(cString: strerror(EACCES))
        case .fileWriteOutOfSpace: return String(cString: strerror(ENOSPC))
        default: return localizedDescription
        }
    }
}
