/// A tar archive (POSIX ustar), made in memory; or its parts, for one that is streamed.
struct TarArchive: Sendable {
    struct Entry: Sendable, Equatable {
        /// A leading slash is dropped.
        var path: String
        var mode: Int
        var uid: Int = 0
        var gid: Int = 0
        /// Seconds since 1970.
        var modified: Int
        var kind = Kind.file
    }

    enum Kind: Sendable, Equatable {
        case file
        case directory
        /// A symbolic link to this target.
        case link(String)

        fileprivate var flag: UInt8 {
            switch self {
            case .file: UInt8(ascii: "0")
            case .link: UInt8(ascii: "2")
            case .directory: UInt8(ascii: "5")
            }
        }
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
        bytes += Self.padding(content.count)
    }

    /// The archive with its end mark: two empty blocks.
    func finished() -> [UInt8] { bytes + Self.end }

    /// What comes before an entry's content: its header, and one that tells its long names (POSIX pax) if need be.
    static func start(of entry: Entry, size: Int) throws(Problem) -> [UInt8] {
        var plain = entry
        var records: [UInt8] = []
        if (try? divide(pathBytes(entry))) == nil {
            records += record("path", entry.path)
            plain.path = String(entry.path.suffix(20))
        }
        if case .link(let target) = entry.kind, target.utf8.count > 100 {
            records += record("linkpath", target)
            plain.kind = .link("")
        }
        let own = try header(plain, size: size)
        if records.isEmpty { return own }
        let extended = Entry(path: "PaxHeaders/entry", mode: 0o644, modified: entry.modified)
        return try header(extended, size: records.count, flag: UInt8(ascii: "x")) + records + padding(records.count)
            + own
    }

    /// What fills the last block of that much content.
    static func padding(_ count: Int) -> [UInt8] { Array(repeating: 0, count: (block - count % block) % block) }

    /// The end mark: two empty blocks.
    static let end = [UInt8](repeating: 0, count: 2 * block)

    /// `17 path=some/name`: the number counts the whole record, itself and the newline included.
    private static func record(_ key: String, _ value: String) -> [UInt8] {
        let rest = " \(key)=\(value)\n".utf8
        var length = rest.count
        while length != rest.count + String(length).utf8.count { length = rest.count + String(length).utf8.count }
        return Array(String(length).utf8) + rest
    }

    private static func pathBytes(_ entry: Entry) -> [UInt8] { Array(entry.path.utf8.drop { $0 == UInt8(ascii: "/") }) }

    private static func header(_ entry: Entry, size: Int, flag: UInt8? = nil) throws(Problem) -> [UInt8] {
        let (prefix, name) = try divide(pathBytes(entry))
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
        header[156] = flag ?? entry.kind.flag
        if case .link(let target) = entry.kind {
            guard target.utf8.count <= 100 else { throw .pathTooLong }
            put(Array(target.utf8), at: 157)
        }
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
