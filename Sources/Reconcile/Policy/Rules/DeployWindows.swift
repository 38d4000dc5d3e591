/// When new commits may be deployed: within one of the allowed windows, if there are any, and within no denied one.
package struct DeployWindows: Sendable, Equatable {
    package struct Window: Sendable, Equatable {
        package var start: CronSchedule
        /// How long it stays open, in seconds that pass, whatever clocks show.
        package var seconds: Int
        package var zone: ZoneRules

        package init(start: CronSchedule, seconds: Int, zone: ZoneRules) {
            self.start = start
            self.seconds = seconds
            self.zone = zone
        }

        /// When it closes, if it is open.
        func end(at time: Int) -> Int? {
            start.last(upTo: time, notBefore: time - seconds + 1, in: zone).map { $0 + seconds }
        }
    }

    package var allow: [Window] = []
    package var deny: [Window] = []

    /// The longest a window may stay open.
    package static let longest = Duration.seconds(31 * 86_400)

    package init() {}

    /// - Parameter time: Unix seconds.
    package func isOpen(at time: Int) -> Bool {
        (allow.isEmpty || allow.contains { $0.end(at: time) != nil }) && !deny.contains { $0.end(at: time) != nil }
    }

    /// A moment before which it does not open, while it is closed; nil when it never does.
    fileprivate func opens(notBefore time: Int) -> Int? {
        deny.compactMap { $0.end(at: time) }.max() ?? allow.compactMap { $0.start.next(after: time, in: $0.zone) }.min()
    }

    fileprivate var zone: ZoneRules? { (allow.first ?? deny.first)?.zone }
}

extension [Policy] {
    /// That new commits have to wait, and until when; nil while they may be deployed.
    ///
    /// - Parameter now: Unix milliseconds.
    package func closedWindow(at now: Int) -> String? {
        let windows = compactMap(\.windows)
        var time = now.floorDivided(by: 1000)
        guard let zone = windows.first(where: { !$0.isOpen(at: time) })?.zone else { return nil }
        for _ in 0..<Self.mostSteps {
            let closed = windows.filter { !$0.isOpen(at: time) }
            guard !closed.isEmpty else {
                return "outside of the deploy windows; the next one opens at \(zone.text(time))"
            }
            let moments = closed.compactMap { $0.opens(notBefore: time) }
            guard moments.count == closed.count, let next = moments.max() else { break }
            time = next
        }
        return "outside of the deploy windows, and none is known to open"
    }

    /// Windows that open and are denied: after so many nobody waits for one.
    private static let mostSteps = 2_000
}
