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

        func contains(_ time: Int) -> Bool {
            start.last(upTo: time, notBefore: time - seconds + 1, in: zone) != nil
        }

        /// When it closes next, or closes after it opens next; nil when it never opens.
        func nextEnd(after time: Int) -> Int? { start.next(after: time - seconds, in: zone).map { $0 + seconds } }
    }

    package var allow: [Window] = []
    package var deny: [Window] = []

    /// The longest a window may stay open.
    package static let longest = Duration.seconds(31 * 86_400)

    package init() {}

    /// - Parameter time: Unix seconds.
    package func isOpen(at time: Int) -> Bool {
        (allow.isEmpty || allow.contains { $0.contains(time) }) && !deny.contains { $0.contains(time) }
    }

    /// The next moment at which something opens or a denied window closes.
    fileprivate func nextCandidate(after time: Int) -> Int? {
        (allow.compactMap { $0.start.next(after: time, in: $0.zone) } + deny.compactMap { $0.nextEnd(after: time) })
            .min()
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
        for _ in 0..<Self.mostCandidates {
            guard let next = windows.compactMap({ $0.nextCandidate(after: time) }).min() else { break }
            if windows.allSatisfy({ $0.isOpen(at: next) }) {
                return "outside of the deploy windows; the next one opens at \(zone.text(next))"
            }
            time = next
        }
        return "outside of the deploy windows, and none is known to open"
    }

    /// Windows that open and are denied: after so many nobody waits for one.
    private static let mostCandidates = 2_000
}
