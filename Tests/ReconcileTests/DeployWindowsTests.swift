import Reconcile
import Testing

/// When deploy windows are open, across changes of clocks.
@Suite struct DeployWindowsTests {
    private static let berlin = ZoneRules(name: "Europe/Berlin", posix: "CET-1CEST,M3.5.0,M10.5.0/3") ?? .utc
    private static let newYork = ZoneRules(name: "America/New_York", posix: "EST5EDT,M3.2.0,M11.1.0") ?? .utc
    private static let sydney = ZoneRules(name: "Australia/Sydney", posix: "AEST-10AEDT,M10.1.0,M4.1.0/3") ?? .utc

    /// `2026-03-29 01:30` in UTC, as Unix seconds.
    private static func utc(_ text: String) -> Int {
        let parts = text.split { !$0.isNumber }.compactMap { Int($0) }
        return CivilTime(day: CivilTime.day(parts[0], parts[1], parts[2]), minute: parts[3] * 60 + parts[4])
            .localSeconds
    }

    private static func window(_ start: String, hours: Int, _ zone: ZoneRules = .utc) throws -> DeployWindows.Window {
        DeployWindows.Window(start: try CronSchedule(start), seconds: hours * 3600, zone: zone)
    }

    private static func policy(allow: [DeployWindows.Window] = [], deny: [DeployWindows.Window] = []) -> Policy {
        var policy = Policy(name: "policy")
        var windows = DeployWindows()
        (windows.allow, windows.deny) = (allow, deny)
        policy.windows = windows
        return policy
    }

    // MARK: - Calendar and zones

    @Test func `days of the calendar`() {
        #expect(CivilTime.day(1970, 1, 1) == 0 && CivilTime.day(2000, 2, 29) == 11_016)
        for day in [-1, 0, 58, 59, 60, 11_016, 20_000, 20_783, 47_540] {
            let date = CivilTime(day: day, minute: 0).date
            #expect(CivilTime.day(date.year, date.month, date.day) == day)
        }
        #expect(CivilTime(day: 0, minute: 0).weekday == 4)
        #expect(CivilTime(day: CivilTime.day(2026, 11, 29), minute: 0).weekday == 0)
    }

    @Test(arguments: [
        (berlin, "2026-03-29 00:59", 3600), (berlin, "2026-03-29 01:00", 7200), (berlin, "2026-10-25 00:59", 7200),
        (berlin, "2026-10-25 01:00", 3600), (newYork, "2026-03-08 06:59", -18_000),
        (newYork, "2026-03-08 07:00", -14_400),
        (newYork, "2026-11-01 06:00", -18_000), (sydney, "2026-01-01 00:00", 39_600),
        (sydney, "2026-04-04 16:00", 36_000),
        (sydney, "2026-04-04 15:59", 39_600), (sydney, "2026-10-03 16:00", 39_600), (.utc, "2026-07-01 00:00", 0),
    ])
    func `a rule tells what clocks show`(_ zone: ZoneRules, _ time: String, _ seconds: Int) {
        #expect(zone.offset(at: Self.utc(time)).seconds == seconds)
    }

    @Test(arguments: ["", "X", "CET", "CET-1CEST", "CET-1CEST,M13.1.0,M10.5.0", "CET-1CEST,M3.5.0", "CET-200"])
    func `what is no rule is none`(_ text: String) { #expect(ZoneRules(name: "", posix: text) == nil) }

    @Test func `names in brackets, days of the year and fixed zones are understood`() {
        #expect(ZoneRules(name: "", posix: "<+0545>-5:45")?.offset(at: 0).seconds == 20_700)
        let zone = ZoneRules(name: "", posix: "AAA0BBB,J60/0,J300/0")
        #expect(zone?.offset(at: Self.utc("2024-03-01 00:00")).abbreviation == "BBB")
        #expect(zone?.offset(at: Self.utc("2024-02-29 23:59")).abbreviation == "AAA")
    }

    @Test func `a file of the time zone database`() {
        // One change in 1970-01-02 from AAA (0) to BBB (+1h), and a rule after that; the first block is empty.
        func number(_ value: Int, _ width: Int) -> [UInt8] {
            (0..<width).reversed().map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
        }
        let empty =
            Array("TZif2".utf8) + [UInt8](repeating: 0, count: 15) + [0, 0, 0, 0, 0, 1].flatMap { number($0, 4) }
        let firstBlock = empty[..<36] + number(1, 4) + number(4, 4) + number(0, 4) + [0, 0] + Array("AAA\0".utf8)
        var bytes = Array(firstBlock)
        bytes += Array("TZif2".utf8) + [UInt8](repeating: 0, count: 15)
        bytes += [0, 0, 0, 1, 2, 8].flatMap { number($0, 4) }
        bytes += number(86_400, 8) + [1] + number(0, 4) + [0, 0] + number(3600, 4) + [0, 4] + Array("AAA\0BBB\0".utf8)
        let zone = ZoneRules(name: "x", file: bytes + Array("\nBBB-1\n".utf8))
        #expect(zone?.offset(at: 86_399).abbreviation == "AAA" && zone?.offset(at: 86_400).seconds == 3600)
        #expect(zone?.offset(at: 4_000_000_000).abbreviation == "BBB")
        for count in 0..<bytes.count { #expect(ZoneRules(name: "x", file: Array(bytes[..<count])) == nil) }
    }

    // MARK: - Starts

    @Test(arguments: [
        "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "*/0 * * * *", "5-1 * * * *",
        "a * * * *", "1,,2 * * * *", "1-2-3 * * * *", "@never", "", "-1 * * * *", "1/2/3 * * * *",
    ])
    func `what is no start is said so`(_ text: String) {
        #expect(throws: CronSchedule.Invalid.self) { try CronSchedule(text) }
    }

    @Test(arguments: [
        ("0 22 * * 1-5", "2026-11-26 12:00", "2026-11-26 22:00"),
        ("0 22 * * 1-5", "2026-11-27 22:00", "2026-11-30 22:00"),
        ("0 0 29 2 *", "2026-01-01 00:00", "2028-02-29 00:00"),
        ("*/20 9-10 * * mon,wed", "2026-11-25 10:40", "2026-11-30 09:00"),
        ("0 0 13 * fri", "2026-11-26 12:00", "2026-11-27 00:00"),
        ("0 0 13 * *", "2026-11-26 12:00", "2026-12-13 00:00"),
        ("@weekly", "2026-11-26 12:00", "2026-11-29 00:00"), ("30 5/6 * * *", "2026-11-26 05:30", "2026-11-26 11:30"),
        ("0 4 * * 7", "2026-11-26 12:00", "2026-11-29 04:00"), ("0 0 1 JAN *", "2026-11-26 12:00", "2027-01-01 00:00"),
    ])
    func `the next start`(_ start: String, _ after: String, _ next: String) throws {
        #expect(try CronSchedule(start).next(after: Self.utc(after), in: .utc) == Self.utc(next))
    }

    @Test func `a day that never comes has no start`() throws {
        #expect(try CronSchedule("0 0 30 2 *").next(after: 0, in: .utc) == nil)
    }

    @Test(arguments: [
        // In spring 02:30 is left out: it is the moment at which clocks are set forward.
        ("30 2 * * *", "2026-03-28 12:00", "2026-03-29 01:00"), ("30 2 * * *", "2026-03-29 01:00", "2026-03-30 00:30"),
        // In autumn 02:30 is shown twice, and counts once; every hour counts twice.
        ("30 2 * * *", "2026-10-24 12:00", "2026-10-25 00:30"), ("30 2 * * *", "2026-10-25 00:30", "2026-10-26 01:30"),
        ("30 * * * *", "2026-10-25 00:30", "2026-10-25 01:30"), ("0 9 * * *", "2026-03-28 08:00", "2026-03-29 07:00"),
    ])
    func `starts follow the clocks of their zone`(_ start: String, _ after: String, _ next: String) throws {
        #expect(try CronSchedule(start).next(after: Self.utc(after), in: Self.berlin) == Self.utc(next))
    }

    // MARK: - Windows

    @Test(arguments: [
        ("2026-11-26 20:59", false), ("2026-11-26 21:00", true), ("2026-11-27 02:59", true),
        ("2026-11-27 03:00", false),
        // Friday's goes on into Saturday; Saturday and Sunday have none.
        ("2026-11-28 02:59", true), ("2026-11-28 21:30", false),
    ])
    func `a window is open for as long as it says`(_ time: String, _ isOpen: Bool) throws {
        let policy = Self.policy(allow: [try Self.window("0 22 * * 1-5", hours: 6, Self.berlin)])
        #expect(([policy].closedWindow(at: Self.utc(time) * 1000) == nil) == isOpen)
    }

    @Test func `a window lasts the same in the night in which clocks are set forward or back`() throws {
        let windows = { @Sendable () throws in
            Self.policy(allow: [try Self.window("0 22 * * *", hours: 6, Self.berlin)])
        }
        let policy = try windows()
        for (start, hours) in [("2026-03-28 21:00", 6), ("2026-10-24 20:00", 6)] {
            let start = Self.utc(start)
            #expect([policy].closedWindow(at: (start - 1) * 1000) != nil)
            #expect([policy].closedWindow(at: start * 1000) == nil)
            #expect([policy].closedWindow(at: (start + hours * 3600 - 1) * 1000) == nil)
            #expect([policy].closedWindow(at: (start + hours * 3600) * 1000) != nil)
        }
    }

    @Test func `what is closed says when it opens next`() throws {
        let nights = try Self.window("0 22 * * 1-5", hours: 6, Self.berlin)
        let friday = try Self.window("0 12 * * 5", hours: 48, Self.berlin)
        let now = Self.utc("2026-11-27 13:00") * 1000
        #expect(
            [Self.policy(allow: [nights])].closedWindow(at: now)
                == "outside of the deploy windows; the next one opens at 2026-11-27 22:00 CET")
        #expect(
            [Self.policy(allow: [nights], deny: [friday])].closedWindow(at: now)
                == "outside of the deploy windows; the next one opens at 2026-11-30 22:00 CET")
        #expect(
            [Self.policy(deny: [friday])].closedWindow(at: now)
                == "outside of the deploy windows; the next one opens at 2026-11-29 12:00 CET")
        // Both policies have to be open.
        let mornings = try Self.window("0 2 * * *", hours: 2, Self.berlin)
        #expect(
            [Self.policy(allow: [nights]), Self.policy(allow: [mornings])].closedWindow(at: now)
                == "outside of the deploy windows; the next one opens at 2026-11-28 02:00 CET")
        #expect(
            [Self.policy(allow: [nights], deny: [try Self.window("0 0 * * *", hours: 24)])].closedWindow(at: now)
                == "outside of the deploy windows, and none is known to open")
        // However often a window opens that is denied.
        let always = try Self.window("* * * * *", hours: 1, Self.berlin)
        #expect(
            [Self.policy(allow: [always], deny: [friday])].closedWindow(at: now)
                == "outside of the deploy windows; the next one opens at 2026-11-29 12:00 CET")
        #expect([Policy]().closedWindow(at: now) == nil && [Policy(name: "policy")].closedWindow(at: now) == nil)
    }

    @Test func `new commits wait for a window, and nothing else does`() {
        let tip = Commit(id: CommitID(hex: "bb"), parents: [], author: "", subject: "", time: 0)
        let rewrite = Rewrite.lost(CommitID(hex: "aa"), .deployed)
        var facts = DecisionFacts(
            commit: tip, rewrite: nil, allowsRewrite: false, skip: nil, retryAfter: nil, retryAttempts: 0,
            isForced: false, now: 0)
        facts.closedWindow = "closed"
        #expect(Decision(facts) == .hold(.outsideWindow("closed")))
        facts.rewrite = rewrite
        #expect(Decision(facts) == .hold(.rewritten(rewrite)))
        facts.rewrite = nil
        facts.isForced = true
        #expect(Decision(facts) == .reconcile(tip))
        facts.isForced = false
        facts.closedWindow = nil
        #expect(Decision(facts) == .reconcile(tip))
    }
}
