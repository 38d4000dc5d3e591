internal import CLibGit2

/// An object id in binary: 20 bytes, because a commit may have very many entries.
struct ObjectID: Hashable, Sendable, CustomStringConvertible {
    private var high: UInt64 = 0
    private var middle: UInt64 = 0
    private var low: UInt32 = 0
    /// The digits it was made from were a whole id.
    private var isWhole = false

    init(_ id: git_oid) {
        self = withUnsafeBytes(of: id) { ObjectID(bytes: $0) }
    }

    /// The first 20 bytes; there have to be so many.
    init(bytes: UnsafeRawBufferPointer) {
        high = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
        middle = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        low = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
        isWhole = true
    }

    /// Digits that are not those of a whole id make one that names nothing.
    init(hex: String) {
        var id = git_oid()
        if hex.utf8.count == 40, git_oid_fromstr(&id, hex) == 0 { self = ObjectID(id) }
    }

    /// nil when it was not made from a whole id.
    var raw: git_oid? {
        guard isWhole else { return nil }
        var id = git_oid()
        withUnsafeMutableBytes(of: &id) { bytes in
            bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
            bytes.storeBytes(of: middle.bigEndian, toByteOffset: 8, as: UInt64.self)
            bytes.storeBytes(of: low.bigEndian, toByteOffset: 16, as: UInt32.self)
        }
        return id
    }

    /// All of its digits are zero, as those of no object are.
    var isZero: Bool { high == 0 && middle == 0 && low == 0 }

    var hex: String {
        guard isWhole else { return "" }
        let digits = Array("0123456789abcdef".utf8)
        return String(unsafeUninitializedCapacity: 40) { text in
            for (start, word, count) in [(0, high, 16), (16, middle, 16), (32, UInt64(low), 8)] {
                for index in 0..<count {
                    text[start + index] = digits[Int(truncatingIfNeeded: word >> (4 * (count - 1 - index))) & 15]
                }
            }
            return 40
        }
    }

    var description: String { hex }
}
