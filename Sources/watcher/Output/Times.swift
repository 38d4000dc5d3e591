internal import Foundation

/// Times as people and scripts read them.
enum Times {
    /// Now, in Unix milliseconds.
    static var now: Int { Int(Date().timeIntervalSince1970 * 1000) }

    /// `2026-11-21 05:12:33` in local time.
    static func local(_ milliseconds: Int) -> String {
        var time = time_t(milliseconds / 1000)
        var parts = tm()
        localtime_r(&time, &parts)
        func pad(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year + 1900)-\(pad(parts.tm_mon + 1))-\(pad(parts.tm_mday)) "
            + "\(pad(parts.tm_hour)):\(pad(parts.tm_min)):\(pad(parts.tm_sec))"
    }

    /// `4.2s`, `1m12s`, `2h5m`.
    static func span(_ milliseconds: Int) -> String {
        switch milliseconds {
        case ..<60_000: "\(milliseconds / 1000).\(milliseconds % 1000 / 100)s"
        case ..<3_600_000: "\(milliseconds / 60_000)m\(milliseconds / 1000 % 60)s"
        default: "\(milliseconds / 3_600_000)h\(milliseconds / 60_000 % 60)m"
        }
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
