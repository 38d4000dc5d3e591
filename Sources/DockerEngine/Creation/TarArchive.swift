/// A tar archive (POSIX ustar) of regular files, made in memory.
struct TarArchive: Sendable {
    struct Entry: Sendable, Equatable {
        /// A leading slash is dropped.
        var path: String
        var mode: Int
        var uid: Int = 0
        var gid: Int = 0
        /// Seconds since 1970.
        var modified: Int
    }

    enum Problem: Error, Equatable, CustomStringConvertible {
        case pathTooLong
        case numberTooLarge

        var description: String {
            switch self {
            case .pathTooLong: "the path is too long for an archive"
            case .numberTooLarge: "a number is too large for an archive"
            }
        }
    }

    private static let block = 512
    private var bytes: [UInt8] = []

    var isEmpty: Bool { bytes.isEmpty }

    mutating func add(_ entry: Entry, content: [UInt8]) throws(Problem) {
        bytes += try Self.header(entry, size: content.count)
        bytes += content
        bytes += Array(repeating: 0, count: (Self.block - content.count % Self.block) % Self.block)
    }

    /// The archive with its end mark: two empty blocks.
    func finished() -> [UInt8] { bytes + Array(repeating: 0, count: 2 * Self.block) }

    private static func header(_ entry: Entry, size: Int) throws(Problem) -> [UInt8] {
        let (prefix, name) = try divide(Array(entry.path.utf8.drop { $0 == UInt8(ascii: "/") }))
        var header = [UInt8](repeating: 0, count: block)
        func put(_ value: [UInt8], at offset: Int) {
            header.replaceSubrange(offset..<offset + value.count, with: value)
        }
        put(name, at: 0)
        put(try octal(entry.mode & 0o7777, digits: 7), at: 100)
        put(try octal(entry.uid, digits: 7), at: 108)
        put(try octal(entry.gid, digits: 7), at: 116)
        put(try octal(size, digits: 11), at: 124)
        put(try octal(entry.modified, digits: 11), at: 136)
        put(Array(repeating: UInt8(ascii: " "), count: 8), at: 148)
        header[156] = UInt8(ascii: "0")
        put(Array("ustar".utf8) + [0] + Array("00".utf8), at: 257)
        put(prefix, at: 345)
        // The sum is taken with spaces in its own place.
        let sum = header.reduce(0) { $0 + Int($1) }
        put(try octal(sum, digits: 6) + [0, UInt8(ascii: " ")], at: 148)
        return header
    }

    /// Up to 100 bytes of name, and before a slash up to 155 bytes of directories.
    private static func divide(_ path: [UInt8]) throws(Problem) -> (prefix: [UInt8], name: [UInt8]) {
        if path.count <= 100 { return ([], path) }
        for index in path.indices.reversed() where path[index] == UInt8(ascii: "/") {
            let name = path[(index + 1)...]
            if index <= 155, !name.isEmpty, name.count <= 100 { return (Array(path[..<index]), Array(name)) }
        }
        throw .pathTooLong
    }

    private static func octal(_ value: Int, digits: Int) throws(Problem) -> [UInt8] {
        let text = String(value, radix: 8)
        guard value >= 0, text.count <= digits else { throw .numberTooLarge }
        return Array(repeating: UInt8(ascii: "0"), count: digits - text.count) + Array(text.utf8)
    }
}
