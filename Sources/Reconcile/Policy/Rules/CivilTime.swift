/// A minute of the calendar, without a zone. Pure arithmetic of the Gregorian calendar.
package struct CivilTime: Sendable, Hashable {
    /// Days since 1970-01-01.
    package var day: Int
    /// Minutes since midnight.
    package var minute: Int

    package init(day: Int, minute: Int) {
        self.day = day
        self.minute = minute
    }

    /// - Parameter seconds: as if local time were UTC.
    package init(localSeconds seconds: Int) {
        day = seconds.floorDivided(by: 86_400)
        minute = (seconds - day * 86_400) / 60
    }

    package var localSeconds: Int { day * 86_400 + minute * 60 }

    /// Year, month from 1 to 12, day from 1 to 31.
    package var date: (year: Int, month: Int, day: Int) {
        let shifted = day + 719_468
        let era = shifted.floorDivided(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let part = (5 * dayOfYear + 2) / 153
        let month = part < 10 ? part + 3 : part - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * part + 2) / 5 + 1)
    }

    /// 0 is Sunday.
    package var weekday: Int { (day + 4).modulo(7) }

    /// Days since 1970-01-01 of a date.
    package static func day(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = year.floorDivided(by: 400)
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

extension Int {
    func floorDivided(by divisor: Int) -> Int { self >= 0 ? self / divisor : -((-self + divisor - 1) / divisor) }
    func modulo(_ divisor: Int) -> Int { self - floorDivided(by: divisor) * divisor }
}
