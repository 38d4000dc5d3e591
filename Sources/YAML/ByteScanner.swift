/// Goes through a short text byte by byte: what the grammars of numbers, dates and names are told by.
///
/// Regular expressions would cost more than everything else that loading does: each is compiled where it is used.
package struct ByteScanner {
    private let bytes: Substring.UTF8View
    private var index: Substring.UTF8View.Index

    package init(_ text: Substring) {
        bytes = text.utf8
        index = bytes.startIndex
    }

    package init(_ text: String) { self.init(text[...]) }

    package var isAtEnd: Bool { index == bytes.endIndex }

    /// The byte that comes next, nil at the end.
    package var next: UInt8? { isAtEnd ? nil : bytes[index] }

    /// Passes one byte if it fulfils the condition.
    package mutating func skip(_ condition: (UInt8) -> Bool) -> Bool {
        guard let next, condition(next) else { return false }
        index = bytes.index(after: index)
        return true
    }

    /// Passes one byte if it is this ASCII character.
    package mutating func skip(_ character: Unicode.Scalar) -> Bool { skip { $0 == UInt8(ascii: character) } }

    /// Passes as many bytes as fulfil the condition, at most `limit`; their number.
    package mutating func skipAll(limit: Int = .max, _ condition: (UInt8) -> Bool) -> Int {
        var count = 0
        while count < limit, skip(condition) { count += 1 }
        return count
    }

    /// Passes the digits that come next, at most as many as the range's end, and gives their value; nil if there are
    /// fewer than its start.
    package mutating func number(digits: ClosedRange<Int>) -> Int? {
        var value = 0
        var count = 0
        while count < digits.upperBound, let byte = next, skip(\.isASCIIDigit) {
            value = value * 10 + Int(byte & 0x0F)
            count += 1
        }
        return count < digits.lowerBound ? nil : value
    }
}

extension UInt8 {
    package var isASCIIDigit: Bool { (0x30...0x39).contains(self) }

    /// A letter of the English alphabet in either case.
    package var isASCIILetter: Bool { (0x61...0x7A).contains(self | 0x20) }

    package var isASCIILowercase: Bool { (0x61...0x7A).contains(self) }

    package var isASCIIHexDigit: Bool { isASCIIDigit || (0x61...0x66).contains(self | 0x20) }
}
