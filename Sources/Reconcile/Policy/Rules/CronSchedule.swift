/// When something begins, as crontab(5) writes it: minute, hour, day of the month, month, day of the week.
package struct CronSchedule: Sendable, Equatable {
    package let text: String
    /// In order, `hour * 60 + minute`.
    private let minutesOfDay: [Int]
    private let days: Set<Int>
    private let months: Set<Int>
    private let weekdays: Set<Int>
    /// With both days restricted either is enough.
    private let isEitherDay: Bool
    /// It begins in every hour, so also in one that clocks show twice.
    private let isHourly: Bool

    package struct Invalid: Error, Equatable { package var message: String }

    package init(_ text: String) throws(Invalid) {
        self.text = text
        let fields = (Self.nicknames[text.lowercased()] ?? text).split(whereSeparator: { $0 == " " || $0 == "\t" })
        guard fields.count == 5 else {
            throw Invalid(
                message: "\"\(text)\" has \(fields.count) fields; a start has five: minute hour day month weekday")
        }
        let minutes = try Self.values(fields[0], 0...59, "minute")
        let hours = try Self.values(fields[1], 0...23, "hour")
        days = try Self.values(fields[2], 1...31, "day of the month")
        months = try Self.values(fields[3], 1...12, "month", Self.monthNames, from: 1)
        let weekdays = try Self.values(fields[4], 0...7, "day of the week", Self.dayNames, from: 0)
        self.weekdays = weekdays.contains(7) ? weekdays.union([0]) : weekdays
        isEitherDay = !fields[2].hasPrefix("*") && !fields[4].hasPrefix("*")
        isHourly = fields[1] == "*"
        minutesOfDay = hours.sorted().flatMap { hour in minutes.sorted().map { hour * 60 + $0 } }
    }

    private static let nicknames = [
        "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
        "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
    ]
    private static let monthNames = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]
    private static let dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

    /// `*`, `5`, `1-5`, `*/10`, `0-30/5`, `mon-fri`, and lists of them.
    private static func values(
        _ field: Substring, _ range: ClosedRange<Int>, _ what: String, _ names: [String] = [], from first: Int = 0
    ) throws(Invalid) -> Set<Int> {
        func number(_ text: Substring) -> Int? {
            if let index = names.firstIndex(of: text.lowercased()) { return index + first }
            guard !text.isEmpty, text.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
            return Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
        var values: Set<Int> = []
        for part in field.split(separator: ",", omittingEmptySubsequences: false) {
            let invalid = Invalid(message: "\"\(part)\" is no \(what) from \(range.lowerBound) to \(range.upperBound)")
            let pieces = part.split(separator: "/", omittingEmptySubsequences: false)
            guard pieces.count <= 2, let span = pieces.first else { throw invalid }
            var step = 1
            if pieces.count == 2 {
                guard let wanted = Int(pieces[1]), wanted > 0 else { throw invalid }
                step = wanted
            }
            let bounds = span.split(separator: "-", omittingEmptySubsequences: false)
            var (low, high) = (range.lowerBound, range.upperBound)
            if span != "*" {
                guard bounds.count <= 2, let start = bounds.first.flatMap(number),
                    let end = bounds.last.flatMap(number),
                    start <= end
                else { throw invalid }
                // `5/10` goes on from 5 to the end, as in most crons.
                (low, high) = (start, bounds.count == 1 && pieces.count == 2 ? range.upperBound : end)
            }
            values.formUnion(stride(from: low, through: high, by: step))
        }
        return values
    }

    private func isOn(_ day: Int) -> Bool {
        let civil = CivilTime(day: day, minute: 0)
        let date = civil.date
        guard months.contains(date.month) else { return false }
        let (isDay, isWeekday) = (days.contains(date.day), weekdays.contains(civil.weekday))
        return isEitherDay ? isDay || isWeekday : isDay && isWeekday
    }

    /// The moments of a day of the calendar at which it begins, in Unix seconds and in order.
    ///
    /// A time that clocks leave out in spring is the moment at which they are set forward; one that they show twice in autumn
    /// is the first of both, unless the schedule begins in every hour.
    func moments(on day: Int, in zone: ZoneRules) -> [Int] {
        guard isOn(day) else { return [] }
        var moments: Set<Int> = []
        for minute in minutesOfDay {
            let all = zone.moments(of: CivilTime(day: day, minute: minute))
            moments.formUnion(isHourly ? all[...] : all.prefix(1))
        }
        return moments.sorted()
    }

    /// The first moment after this one, in Unix seconds; nil when there is none within nine years (as for a 30 February).
    package func next(after time: Int, in zone: ZoneRules) -> Int? {
        let today = CivilTime(localSeconds: time + zone.offset(at: time).seconds).day
        for day in (today - 1)...(today + 9 * 366) {
            if let moment = moments(on: day, in: zone).first(where: { $0 > time }) { return moment }
        }
        return nil
    }

    /// The last moment up to this one, and not before `earliest`.
    package func last(upTo time: Int, notBefore earliest: Int, in zone: ZoneRules) -> Int? {
        let last = CivilTime(localSeconds: time + zone.offset(at: time).seconds).day + 1
        let first = CivilTime(localSeconds: earliest + zone.offset(at: earliest).seconds).day - 1
        for day in stride(from: last, through: first, by: -1) {
            guard let moment = moments(on: day, in: zone).last(where: { $0 <= time }) else { continue }
            return moment >= earliest ? moment : nil
        }
        return nil
    }
}
