/// What a time zone's clocks show: its changes so far, and the rule by which they go on.
package struct ZoneRules: Sendable, Equatable {
    package struct Offset: Sendable, Equatable {
        /// Seconds east of UTC.
        package var seconds: Int
        /// `CET`
        package var abbreviation: String
    }

    struct Change: Sendable, Equatable {
        /// Unix seconds from which on the offset holds.
        var at: Int
        var offset: Offset
    }

    /// For messages and comparison: `Europe/Berlin`; empty for the host's own.
    package var name: String
    var first: Offset
    /// In order.
    var changes: [Change] = []
    /// What holds after the last change.
    var rule: YearlyRule?

    package static let utc = ZoneRules(name: "UTC", first: Offset(seconds: 0, abbreviation: "UTC"))

    init(name: String, first: Offset) {
        self.name = name
        self.first = first
    }

    /// A zone by a rule of POSIX: `CET-1CEST,M3.5.0,M10.5.0/3`; nil when it is none.
    package init?(name: String, posix: String) {
        guard let rule = YearlyRule(posix) else { return nil }
        self.init(name: name, first: rule.standard)
        self.rule = rule
    }

    /// What clocks show at a moment in Unix seconds.
    package func offset(at time: Int) -> Offset {
        if let rule, time >= changes.last?.at ?? .min { return rule.offset(at: time) }
        var (low, high) = (0, changes.count)
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].at <= time { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? first : changes[low - 1].offset
    }

    /// The moments at which clocks show this time, in order: two when they are set back, and when they are set forward over
    /// it the one moment at which they are.
    package func moments(of time: CivilTime) -> [Int] {
        let local = time.localSeconds
        let before = offset(at: local - 86_400).seconds
        let after = offset(at: local + 86_400).seconds
        let moments = Set([before, after]).map { local - $0 }.filter { offset(at: $0).seconds == local - $0 }
        if !moments.isEmpty { return moments.sorted() }
        var (low, high) = (local - max(before, after), local - min(before, after))
        while low + 1 < high {
            let middle = (low + high) / 2
            if offset(at: middle).seconds == before { low = middle } else { high = middle }
        }
        return [high]
    }

    /// `2026-11-26 22:00 CET`
    package func text(_ time: Int) -> String {
        let offset = offset(at: time)
        let civil = CivilTime(localSeconds: time + offset.seconds)
        let date = civil.date
        func pad(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(date.year)-\(pad(date.month))-\(pad(date.day)) \(pad(civil.minute / 60)):\(pad(civil.minute % 60)) "
            + offset.abbreviation
    }
}

/// Standard time and summer time, and when the one follows the other each year (`TZ` of POSIX).
struct YearlyRule: Sendable, Equatable {
    /// `M3.5.0/2`: the fifth (that is the last) Sunday of March, at two; `J60`, `59`: a day of the year.
    struct Day: Sendable, Equatable {
        enum Kind: Sendable, Equatable {
            case weekday(month: Int, week: Int, weekday: Int)
            /// From 1; the 29th of February is never counted.
            case julian(Int)
            /// From 0, counted.
            case ordinal(Int)
        }

        var kind: Kind
        /// Seconds after midnight, in the time that ends then.
        var seconds: Int

        func localSeconds(in year: Int) -> Int {
            let january = CivilTime.day(year, 1, 1)
            let isLeap = CivilTime.day(year + 1, 1, 1) - january == 366
            let day: Int
            switch kind {
            case .julian(let number): day = january + number - 1 + (isLeap && number >= 60 ? 1 : 0)
            case .ordinal(let number): day = january + number
            case .weekday(let month, let week, let weekday):
                let first = CivilTime.day(year, month, 1)
                let next = month == 12 ? CivilTime.day(year + 1, 1, 1) : CivilTime.day(year, month + 1, 1)
                let offset = (weekday - CivilTime(day: first, minute: 0).weekday).modulo(7)
                var wanted = first + offset + (week - 1) * 7
                while wanted >= next { wanted -= 7 }
                day = wanted
            }
            return day * 86_400 + seconds
        }
    }

    struct Summer: Sendable, Equatable {
        var offset: ZoneRules.Offset
        var begins: Day
        var ends: Day
    }

    var standard: ZoneRules.Offset
    var summer: Summer?

    func offset(at time: Int) -> ZoneRules.Offset {
        guard let summer else { return standard }
        let year = CivilTime(localSeconds: time + standard.seconds).date.year
        let begins = summer.begins.localSeconds(in: year) - standard.seconds
        let ends = summer.ends.localSeconds(in: year) - summer.offset.seconds
        let isSummer = begins < ends ? time >= begins && time < ends : time >= begins || time < ends
        return isSummer ? summer.offset : standard
    }

    init?(_ text: String) {
        var scanner = Scanner(rest: text[...])
        guard let name = scanner.name(), let west = scanner.time() else { return nil }
        standard = .init(seconds: -west, abbreviation: name)
        guard !scanner.rest.isEmpty else { return }
        guard let summerName = scanner.name() else { return nil }
        var seconds = -west + 3600
        if !scanner.rest.hasPrefix(",") {
            guard let west = scanner.time() else { return nil }
            seconds = -west
        }
        guard scanner.skip(","), let begins = scanner.day(), scanner.skip(","), let ends = scanner.day(),
            scanner.rest.isEmpty
        else { return nil }
        summer = Summer(offset: .init(seconds: seconds, abbreviation: summerName), begins: begins, ends: ends)
    }

    private struct Scanner {
        var rest: Substring

        mutating func skip(_ text: String) -> Bool {
            guard rest.hasPrefix(text) else { return false }
            rest = rest.dropFirst(text.count)
            return true
        }

        mutating func name() -> String? {
            if skip("<") {
                let name = rest.prefix { $0 != ">" }
                rest = rest.dropFirst(name.count)
                return skip(">") ? String(name) : nil
            }
            let name = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(name.count)
            return name.count >= 3 ? String(name) : nil
        }

        mutating func number(in range: ClosedRange<Int>) -> Int? {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            return Int(digits).flatMap { range.contains($0) ? $0 : nil }
        }

        /// `2`, `-3:30`, `+1:00:00`, in seconds.
        mutating func time() -> Int? {
            let sign = skip("-") ? -1 : 1
            if sign == 1 { _ = skip("+") }
            guard let hours = number(in: 0...167) else { return nil }
            var seconds = hours * 3600
            for unit in [60, 1] where skip(":") {
                guard let part = number(in: 0...59) else { return nil }
                seconds += part * unit
            }
            return sign * seconds
        }

        mutating func day() -> Day? {
            let kind: Day.Kind
            if skip("M") {
                guard let month = number(in: 1...12), skip("."), let week = number(in: 1...5), skip("."),
                    let weekday = number(in: 0...6)
                else { return nil }
                kind = .weekday(month: month, week: week, weekday: weekday)
            } else if skip("J") {
                guard let number = number(in: 1...365) else { return nil }
                kind = .julian(number)
            } else {
                guard let number = number(in: 0...365) else { return nil }
                kind = .ordinal(number)
            }
            guard skip("/") else { return Day(kind: kind, seconds: 7200) }
            return time().map { Day(kind: kind, seconds: $0) }
        }
    }
}

// MARK: - Files of the time zone database

extension ZoneRules {
    /// Reads a file of the system's time zone database (RFC 9636); nil when it is none.
    package init?(name: String, file bytes: [UInt8]) {
        guard var header = Header(bytes, at: 0) else { return nil }
        var width = 4
        if header.version >= 2 {
            // The first block is for programs that know 32 bits only; the whole follows again.
            guard let second = Header(bytes, at: header.end(width: 4)) else { return nil }
            (header, width) = (second, 8)
        }
        let end = header.end(width: width)
        guard end <= bytes.count, header.types > 0 else { return nil }
        let times = header.begin
        let indices = times + header.times * width
        let types = indices + header.times
        let names = types + header.types * 6
        func offset(_ index: Int) -> Offset? {
            guard index < header.types else { return nil }
            let place = types + index * 6
            let start = names + Int(bytes[place + 5])
            guard start < names + header.characters else { return nil }
            let text = bytes[start..<(names + header.characters)].prefix { $0 != 0 }
            return Offset(seconds: bytes.signed(place, 4), abbreviation: String(decoding: text, as: UTF8.self))
        }
        guard let first = offset(0) else { return nil }
        self.init(name: name, first: first)
        for index in 0..<header.times {
            guard let offset = offset(Int(bytes[indices + index])) else { return nil }
            changes.append(Change(at: bytes.signed(times + index * width, width), offset: offset))
        }
        guard width == 8 else { return }
        let footer = bytes[end...].dropFirst().prefix { $0 != 0x0A }
        if !footer.isEmpty { rule = YearlyRule(String(decoding: footer, as: UTF8.self)) }
    }

    private struct Header {
        let version: Int
        /// Where the block's data begins.
        let begin: Int
        let times: Int
        let types: Int
        let characters: Int
        private let rest: (leaps: Int, standard: Int, universal: Int)

        init?(_ bytes: [UInt8], at start: Int) {
            guard start + 44 <= bytes.count, Array(bytes[start..<start + 4]) == Array("TZif".utf8) else { return nil }
            version = bytes[start + 4] == 0 ? 1 : Int(bytes[start + 4]) - 0x30
            let counts = (0..<6).map { bytes.signed(start + 20 + $0 * 4, 4) }
            guard counts.allSatisfy({ (0..<100_000).contains($0) }) else { return nil }
            rest = (counts[2], counts[1], counts[0])
            (times, types, characters) = (counts[3], counts[4], counts[5])
            begin = start + 44
        }

        func end(width: Int) -> Int {
            begin + times * (width + 1) + types * 6 + characters + rest.leaps * (width + 4) + rest.standard
                + rest.universal
        }
    }
}

extension [UInt8] {
    /// A big-endian number in two's complement.
    fileprivate func signed(_ start: Int, _ width: Int) -> Int {
        var value: UInt64 = self[start] & 0x80 == 0 ? 0 : .max
        for byte in self[start..<start + width] { value = value << 8 | UInt64(byte) }
        return Int(Int64(bitPattern: value))
    }
}
