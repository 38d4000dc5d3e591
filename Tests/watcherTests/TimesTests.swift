import Testing

@testable import watcher

@Suite struct TimesTests {
    @Test(arguments: [
        ("90s", 90_000), ("5m", 300_000), ("1h30m", 5_400_000), ("500ms", 500), ("2d", 172_800_000), ("0s", 0),
        ("1m1m", 120_000),
    ])
    func `a duration is whole numbers with units`(text: String, milliseconds: Int) {
        #expect(Duration(configured: text) == .milliseconds(milliseconds))
    }

    @Test(arguments: ["", "5", "s", "-5s", "1.5h", "5 m", "5x", "5mm", "٣s", "99999999999999999999s", "1h30"])
    func `anything else is no duration`(text: String) { #expect(Duration(configured: text) == nil) }

    @Test func `a moment is a day, a time, or a span from now`() {
        let now = 1_795_000_000_000
        #expect(Times.moment("2026-11-21", now: now, .past) == 1_795_219_200_000)
        #expect(Times.moment("2026-11-21T05:00:00Z", now: now, .past) == 1_795_237_200_000)
        #expect(Times.moment("2026-11-21T06:00:00+01:00", now: now, .past) == 1_795_237_200_000)
        #expect(Times.moment("2026-11-21T05:00:00.25Z", now: now, .past) == 1_795_237_200_250)
        #expect(Times.moment("2026-11-21T05:00:00.123456789Z", now: now, .past) == 1_795_237_200_123)
        #expect(Times.moment("500ms", now: now, .past) == now - 500)
        #expect(Times.moment("9999999999999999s", now: now, .past) == nil)
        #expect(Times.moment("24h", now: now, .past) == now - 86_400_000)
        #expect(Times.moment("24h", now: now, .future) == now + 86_400_000)
        for text in ["", "yesterday", "2026-13-01", "12:00", "24"] {
            #expect(Times.moment(text, now: now, .past) == nil, "\(text)")
        }
    }

    @Test func `a span is as short as it can be`() {
        #expect(Times.span(4_250) == "4.2s")
        #expect(Times.span(72_000) == "1m12s")
        #expect(Times.span(7_500_000) == "2h5m")
        #expect(Times.span(273_600_000) == "3d4h")
        #expect(Times.age(4_250) == "4s" && Times.age(-1) == "0s" && Times.age(72_000) == "1m12s")
    }

    @Test func `a time is said with its zone, and short on the same day`() {
        let evening = 1_795_733_100_000
        Times.$zone.withValue((name: "CET", seconds: 3600)) {
            #expect(Times.local(evening) == "2026-11-26 23:45:00 CET")
            #expect(Times.short(evening, besides: evening - 60_000) == "23:45")
            #expect(Times.short(evening + 900_000, besides: evening) == "2026-11-27 00:00:00 CET")
        }
    }
}
