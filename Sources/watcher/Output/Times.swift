internal import Foundation

/// Times as people and scripts read them.
enum Times {
    /// Now, in Unix milliseconds.
    static var now: Int { Int(Date().timeIntervalSince1970 * 1000) }

    /// A time zone in place of the host's, so that a screen in a test does not depend on where it is made.
    @TaskLocal static var zone: (name: String, seconds: Int)?

    /// `2026-11-21 05:12:33 CET`, in local time.
    static func local(_ milliseconds: Int) -> String {
        let (parts, name) = parts(milliseconds)
        return "\(parts.tm_year + 1900)-\(pad(parts.tm_mon + 1))-\(pad(parts.tm_mday)) "
            + "\(clock(parts)):\(pad(parts.tm_sec)) \(name)"
    }

    /// `11:02` where that is on the same day as the other moment, else as `local`.
    static func short(_ milliseconds: Int, besides other: Int) -> String {
        let (parts, _) = parts(milliseconds)
        let (others, _) = self.parts(other)
        let isSameDay = parts.tm_year == others.tm_year && parts.tm_yday == others.tm_yday
        return isSameDay ? clock(parts) : local(milliseconds)
    }

    private static func parts(_ milliseconds: Int) -> (tm, zone: String) {
        var time = time_t(milliseconds / 1000)
        var parts = tm()
        if let zone {
            time += zone.seconds
            gmtime_r(&time, &parts)
            return (parts, zone.name)
        }
        localtime_r(&time, &parts)
        return (parts, parts.tm_zone.map { String(cString: $0) } ?? "")
    }

    private static func clock(_ parts: tm) -> String { "\(pad(parts.tm_hour)):\(pad(parts.tm_min))" }

    private static func pad(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// `4.2s`, `1m12s`, `2h5m`, `3d4h`.
    static func span(_ milliseconds: Int) -> String {
        switch milliseconds {
        case ..<60_000: "\(milliseconds / 1000).\(milliseconds % 1000 / 100)s"
        case ..<3_600_000: "\(milliseconds / 60_000)m\(milliseconds / 1000 % 60)s"
        case ..<172_800_000: "\(milliseconds / 3_600_000)h\(milliseconds / 60_000 % 60)m"
        default: "\(milliseconds / 86_400_000)d\(milliseconds / 3_600_000 % 24)h"
        }
    }

    /// As `span`, without tenths of a second: how long something has lasted, or will.
    static func age(_ milliseconds: Int) -> String {
        milliseconds < 60_000 ? "\(max(0, milliseconds) / 1000)s" : span(milliseconds)
    }

    /// `2026-11-21 05:12:33 CET (2h5m)`: since when, and for how long by now.
    static func since(_ milliseconds: Int, now: Int) -> String {
        "\(local(milliseconds)) (\(age(now - milliseconds)))"
    }

    /// Where a span such as `24h` leads to from now.
    enum Direction { case past, future }

    /// Reads a moment: `2026-11-21` (its beginning in UTC), `2026-11-21T05:00:00Z`, or a span from now such as `24h`;
    /// nil for anything else.
    static func moment(_ text: String, now: Int, _ direction: Direction) -> Int? {
        if let span = Duration(configured: text) {
            // A thousand years are enough, and can be reckoned with.
            guard span < .seconds(1000 * 365 * 86_400) else { return nil }
            let milliseconds = Int(span / .milliseconds(1))
            return direction == .past ? now - milliseconds : now + milliseconds
        }
        // The format style knows no fraction.
        var whole = text
        var fraction = 0
        if let dot = text.firstIndex(of: ".") {
            let digits = text[text.index(after: dot)...].prefix { $0.isASCII && $0.isNumber }
            fraction = Int((String(digits) + "000").prefix(3)) ?? 0
            if !digits.isEmpty { whole.removeSubrange(dot..<digits.endIndex) }
        }
        if let date = try? Date(whole, strategy: .iso8601) {
            return Int(date.timeIntervalSince1970) * 1000 + fraction
        }
        if let day = try? Date(text + "T00:00:00Z", strategy: .iso8601) { return Int(day.timeIntervalSince1970 * 1000) }
        return nil
    }
}
