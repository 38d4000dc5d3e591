/// Which texts are numbers and dates, whatever they are used for.
package enum ScalarGrammar {
    /// `[-+]?(\.d+|d+(\.d*)?)([eE][-+]?d+)?`
    package static func isDecimal(_ text: String) -> Bool {
        var scanner = ByteScanner(text)
        skipSign(&scanner)
        let whole = scanner.skipAll(\.isASCIIDigit)
        let hasPoint = scanner.skip(".")
        let fraction = hasPoint ? scanner.skipAll(\.isASCIIDigit) : 0
        guard whole > 0 || fraction > 0 else { return false }
        if scanner.skip({ $0 | 0x20 == 0x65 }) {
            skipSign(&scanner)
            guard scanner.skipAll(\.isASCIIDigit) > 0 else { return false }
        }
        return scanner.isAtEnd
    }

    /// `2001-12-14`, such a date with spaces and a time, or with `T` or `t`, a time and a zone, if all their numbers
    /// exist: `2001-12-14 21:59:43.1`, `2001-12-14T21:59:43-05:00`. Anything else is no date for go-yaml.
    package static func isTimestamp(_ text: String) -> Bool {
        var scanner = ByteScanner(text)
        guard let year = scanner.number(digits: 4...4), scanner.skip("-"),
            let month = scanner.number(digits: 1...2), scanner.skip("-"),
            let day = scanner.number(digits: 1...2), day > 0, day <= dayCount(ofMonth: month, year: year)
        else { return false }
        if scanner.isAtEnd { return true }
        let hasZone = scanner.skip { $0 | 0x20 == 0x74 }
        guard hasZone || scanner.skipAll({ $0 == 0x20 }) > 0, skipTime(&scanner) else { return false }
        return (!hasZone || skipZone(&scanner)) && scanner.isAtEnd
    }

    /// 0 if there is no such month.
    private static func dayCount(ofMonth month: Int, year: Int) -> Int {
        switch month {
        case 1, 3, 5, 7, 8, 10, 12: 31
        case 4, 6, 9, 11: 30
        case 2: year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400)) ? 29 : 28
        default: 0
        }
    }

    /// Hours, minutes and seconds of one or two digits, and perhaps a fraction behind a point or comma.
    private static func skipTime(_ scanner: inout ByteScanner) -> Bool {
        guard let hour = scanner.number(digits: 1...2), hour < 24, scanner.skip(":"),
            let minute = scanner.number(digits: 1...2), minute < 60, scanner.skip(":"),
            let second = scanner.number(digits: 1...2), second < 60
        else { return false }
        return !scanner.skip { $0 == 0x2E || $0 == 0x2C } || scanner.skipAll(\.isASCIIDigit) > 0
    }

    /// `Z` or a sign with `hh:mm`, where 24 hours and 60 minutes still count.
    private static func skipZone(_ scanner: inout ByteScanner) -> Bool {
        if scanner.skip("Z") { return true }
        guard skipSign(&scanner), let hours = scanner.number(digits: 2...2), hours <= 24, scanner.skip(":"),
            let minutes = scanner.number(digits: 2...2)
        else { return false }
        return minutes <= 60
    }

    @discardableResult
    private static func skipSign(_ scanner: inout ByteScanner) -> Bool { scanner.skip { $0 == 0x2B || $0 == 0x2D } }
}
