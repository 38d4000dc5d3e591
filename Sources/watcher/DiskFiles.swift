internal import Compose
internal import Foundation

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
        access.resolve = { try resolvingLinks($0) }
        return access
    }

    /// Follows every link of an absolute path, also one to something that is missing: a container engine would make it there.
    private static func resolvingLinks(_ path: String) throws -> String {
        var resolved: [Substring] = []
        var rest = Array(path.split(separator: "/").reversed())
        var links = 0
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        while let part = rest.popLast() {
            if part == "." { continue }
            if part == ".." {
                _ = resolved.popLast()
                continue
            }
            let place = "/" + (resolved + [part]).joined(separator: "/")
            let count = readlink(place, &buffer, buffer.count)
            guard count >= 0 else {
                // No link, or nothing at all.
                guard [EINVAL, ENOENT, ENOTDIR].contains(errno) else {
                    throw FileAccessError.unreadable(path: place, reason: String(cString: strerror(errno)))
                }
                resolved.append(part)
                continue
            }
            links += 1
            guard links <= 40, count < buffer.count else {
                throw FileAccessError.unreadable(path: path, reason: String(cString: strerror(ELOOP)))
            }
            let target = String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
            if target.hasPrefix("/") { resolved = [] }
            rest += target.split(separator: "/").reversed()
        }
        return "/" + resolved.joined(separator: "/")
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
