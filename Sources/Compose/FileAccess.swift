/// How the loader reads files: the one way by which it meets the outside world.
///
/// Paths are absolute and clean. The value decides what may be read: from a directory, or from a Git tree laid
/// virtually over the checkout path, with paths that leave it refused.
package struct FileAccess: Sendable {
    package enum Kind: Sendable, Hashable { case file, directory }

    /// What is at the path, symbolic links followed; nil when nothing is. Throws when the path may not be looked at.
    package var kind: @Sendable (_ path: String) throws -> Kind?
    /// The file's bytes. Throws `FileAccessError`.
    package var read: @Sendable (_ path: String) throws -> [UInt8]
    /// An identity of the content at the path that changes exactly when the content does (a Git object id, of a blob or
    /// of a whole tree), or nil when the path is not versioned.
    package var contentID: @Sendable (_ path: String) throws -> String?

    /// Where a path leads when every symbolic link on it is followed; what is missing at its end stays as it is. The path
    /// itself where there are no links. Throws when that cannot be found out.
    package var resolve: @Sendable (_ path: String) throws -> String = { $0 }

    /// What is at a relative path below a directory when no symbolic link is followed; nil when nothing is. Throws
    /// `FileAccessError.link` for a link at its end or on the way.
    package var kindBelow: @Sendable (_ directory: String, _ path: String) throws -> Kind?

    /// What is directly in a directory, in no particular order; symbolic links in it are not followed. Throws
    /// `FileAccessError`.
    package var list: @Sendable (_ directory: String) throws -> [Entry]

    package init(
        kind: @escaping @Sendable (String) throws -> Kind?,
        read: @escaping @Sendable (String) throws -> [UInt8],
        contentID: @escaping @Sendable (String) throws -> String? = { _ in nil },
        list: @escaping @Sendable (String) throws -> [Entry] = { path in
            throw FileAccessError.unreadable(path: path, reason: "directories cannot be listed here")
        }
    ) {
        self.kind = kind
        self.read = read
        self.contentID = contentID
        self.list = list
        kindBelow = { directory, path in try kind("\(directory)/\(path)") }
    }

    /// Something in a directory.
    package struct Entry: Sendable {
        package enum Kind: Sendable, Hashable { case file, executable, link, directory, submodule }

        package var name: String
        package var kind: Kind
        /// Changes exactly when kind or content do.
        package var id: String
        /// The bytes of a file of any size, or the target of a link; each call reads them. Throws `FileAccessError`.
        package var content: @Sendable () throws -> [UInt8]

        package init(name: String, kind: Kind, id: String, content: @escaping @Sendable () throws -> [UInt8]) {
            self.name = name
            self.kind = kind
            self.id = id
            self.content = content
        }
    }
}

/// Why a file cannot be read.
package enum FileAccessError: Error, Sendable, Hashable, CustomStringConvertible {
    case notFound(path: String)
    case notAFile(path: String)
    /// The path, or a symbolic link on it, leads out of the checkout.
    case outside(path: String)
    case unreadable(path: String, reason: String)
    /// A symbolic link, where none is followed.
    case link(path: String)
    /// The file is larger than `limit` bytes.
    case tooLarge(path: String, limit: Int)

    package var description: String {
        switch self {
        case .notFound(let path): "\(path) does not exist"
        case .notAFile(let path): "\(path) is not a file"
        case .outside(let path): "\(path) leads out of the checkout"
        case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
        case .link(let path): "\(path) is a symbolic link, which is not followed"
        case .tooLarge(let path, let limit): "\(path) is larger than \(limit) bytes"
        }
    }
}
