/// Cuts a stream of bytes into lines, whatever pieces it comes in.
package struct LineSplitter: Sendable {
    /// A longer line is cut.
    let longest: Int

    private var unfinished: [UInt8] = []

    package init(longest: Int = 64 << 10) { self.longest = longest }

    /// The lines that end in these bytes, without their ends.
    package mutating func lines(in bytes: some Sequence<UInt8>) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        let done: Void? = bytes.withContiguousStorageIfAvailable { split($0[...], into: &lines) }
        if done == nil { split(Array(bytes)[...], into: &lines) }
        return lines
    }

    private mutating func split<Bytes: RandomAccessCollection>(_ bytes: Bytes, into lines: inout [[UInt8]])
    where Bytes.Element == UInt8 {
        var rest = bytes[...]
        while !rest.isEmpty {
            let room = longest - unfinished.count
            if let end = rest.prefix(room).firstIndex(of: UInt8(ascii: "\n")) {
                unfinished += rest[..<end]
                rest = rest[rest.index(after: end)...]
                lines.append(take())
            } else {
                unfinished += rest.prefix(room)
                rest = rest.dropFirst(room)
                if unfinished.count >= longest { lines.append(take()) }
            }
        }
    }

    /// Whether something came after the last end of a line.
    package var isWithinLine: Bool { !unfinished.isEmpty }

    /// What came after the last end of a line; nil when nothing did.
    package mutating func rest() -> [UInt8]? { unfinished.isEmpty ? nil : take() }

    private mutating func take() -> [UInt8] {
        defer { unfinished = [] }
        return unfinished.last == UInt8(ascii: "\r") ? Array(unfinished.dropLast()) : unfinished
    }
}
