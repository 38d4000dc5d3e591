import Reconcile
import Testing

/// The verdict, row by row: how a run ended and what runs now, against what is said, recorded and skipped.
@Suite struct VerdictTests {
    /// How what should run is doing.
    enum Runs: Sendable { case works, starting, unhealthy, missing, unknown }

    struct Row: Sendable, CustomTestStringConvertible {
        var ending: VerdictFacts.Ending
        var runs: Runs = .works
        var kind = DeploymentKind.deploy
        var hasGood = true
        var ranBefore = true
        var isUnresolved = false
        var repetitions = 0
        var outcome: Outcome
        var exit: Int32
        var record: DeploymentStatus?
        var skips = false

        var testDescription: String { "\(ending), \(runs), \(kind): \(outcome) \(exit)" }
    }

    private static let skipped = VerdictFacts.Ending.held(.skipListed("web: unhealthy"))
    private static let rewritten = VerdictFacts.Ending.held(.rewritten(.lost(CommitID(hex: "ab"), .observed)))

    private static let present: [Row] = [
        Row(ending: .upToDate, outcome: .inSync, exit: 0),
        Row(ending: .upToDate, runs: .starting, outcome: .inSync, exit: 0),
        Row(ending: .upToDate, runs: .unhealthy, outcome: .notWorking, exit: 15),
        Row(ending: .upToDate, runs: .missing, outcome: .notWorking, exit: 15),
        Row(ending: .upToDate, runs: .unhealthy, isUnresolved: true, outcome: .restoreFailed, exit: 22),
        Row(ending: .upToDate, isUnresolved: true, outcome: .inSync, exit: 0),
        Row(ending: .pending, outcome: .pending, exit: 10),
        Row(ending: .pending, runs: .unhealthy, outcome: .pending, exit: 10),
        Row(ending: .drift, outcome: .drift, exit: 11),
        Row(ending: .drift, runs: .missing, outcome: .drift, exit: 11),
        Row(ending: .drift, runs: .unhealthy, outcome: .notWorking, exit: 15),
        Row(ending: .drift, runs: .missing, isUnresolved: true, outcome: .restoreFailed, exit: 22),
        Row(ending: .applied, outcome: .deployed, exit: 0, record: .succeeded),
        Row(ending: .applied, kind: .rollback, outcome: .deployed, exit: 0, record: .succeeded),
        Row(ending: .suspended, runs: .unknown, outcome: .suspended, exit: 13),
    ]

    private static let held: [Row] = [
        Row(ending: skipped, outcome: .skipped, exit: 12),
        Row(ending: skipped, runs: .unhealthy, outcome: .notWorking, exit: 15),
        Row(ending: skipped, runs: .missing, isUnresolved: true, outcome: .restoreFailed, exit: 22),
        Row(ending: skipped, runs: .works, isUnresolved: true, outcome: .skipped, exit: 12),
        Row(ending: skipped, hasGood: false, outcome: .failed, exit: 21),
        Row(ending: skipped, hasGood: false, isUnresolved: true, outcome: .restoreFailed, exit: 22),
        Row(ending: rewritten, outcome: .rewritten, exit: 14),
        Row(ending: rewritten, runs: .unhealthy, outcome: .rewritten, exit: 14),
        Row(ending: rewritten, runs: .unhealthy, isUnresolved: true, outcome: .restoreFailed, exit: 22),
    ]

    private static let outside = VerdictFacts.Ending.held(.outsideWindow("outside of the deploy windows"))

    private static let waiting: [Row] = [
        Row(ending: outside, outcome: .outsideWindow, exit: 13),
        Row(ending: outside, runs: .unknown, hasGood: false, outcome: .outsideWindow, exit: 13),
        Row(ending: outside, runs: .unhealthy, outcome: .notWorking, exit: 15),
        Row(ending: outside, runs: .missing, isUnresolved: true, outcome: .restoreFailed, exit: 22),
    ]

    private static let untouched: [Row] = [
        Row(ending: .failedUntouched(.invalidProject), outcome: .invalid, exit: 65, record: .invalid),
        Row(ending: .failedUntouched(.bindSourceMissing), outcome: .invalid, exit: 65, record: .invalid),
        Row(
            ending: .failedUntouched(.invalidProject), runs: .unhealthy, isUnresolved: true, outcome: .restoreFailed,
            exit: 22),
        Row(ending: .failedUntouched(.policy), outcome: .refused, exit: 77, record: .refused),
        Row(ending: .failedUntouched(.signature), outcome: .refused, exit: 77, record: .refused),
        Row(ending: .failedUntouched(.signature), hasGood: false, outcome: .refused, exit: 77, record: .refused),
        Row(ending: .failedUntouched(.policy), runs: .unhealthy, outcome: .refused, exit: 77, record: .refused),
        Row(ending: .failedUntouched(.policy), kind: .heal, outcome: .refused, exit: 77, record: .refused),
        Row(ending: .failedUntouched(.policy), kind: .rollback, outcome: .refused, exit: 77, record: .refused),
        Row(ending: .failedUntouched(.policy), repetitions: 9, outcome: .refused, exit: 77, record: .refused),
        Row(
            ending: .failedUntouched(.policy), runs: .missing, isUnresolved: true, outcome: .restoreFailed, exit: 22),
        Row(ending: .failedUntouched(.buildFailed), outcome: .restored, exit: 20, record: .restored, skips: true),
        Row(
            ending: .failedUntouched(.buildFailed), hasGood: false, outcome: .failed, exit: 21, record: .failed,
            skips: true),
        Row(
            ending: .failedUntouched(.buildFailed), runs: .unhealthy, outcome: .restoreFailed, exit: 22,
            record: .restoreFailed, skips: true),
        Row(
            ending: .failedUntouched(.buildFailed), kind: .heal, outcome: .restored, exit: 20, record: .restored),
        Row(ending: .failedUntouched(.registryUnreachable), outcome: .error, exit: 75, record: .postponed),
        Row(ending: .failedUntouched(.portTaken), outcome: .error, exit: 75, record: .postponed),
        Row(ending: .failedUntouched(.authenticationFailed), outcome: .error, exit: 77, record: .postponed),
        Row(
            ending: .failedUntouched(.engineUnreachable), runs: .unknown, outcome: .error, exit: 69,
            record: .postponed),
        Row(
            ending: .failedUntouched(.registryUnreachable), repetitions: 9, outcome: .error, exit: 75,
            record: .postponed),
    ]

    private static let undone: [Row] = [
        Row(ending: .failed(.unhealthy, .done), outcome: .restored, exit: 20, record: .restored, skips: true),
        Row(
            ending: .failed(.unhealthy, .done), runs: .unhealthy, outcome: .restoreFailed, exit: 22,
            record: .restoreFailed, skips: true),
        Row(
            ending: .failed(.crashed, .done), runs: .missing, hasGood: false, ranBefore: false, outcome: .failed,
            exit: 21, record: .failed, skips: true),
        Row(
            ending: .failed(.unhealthy, .failed), outcome: .restoreFailed, exit: 22, record: .restoreFailed,
            skips: true),
        Row(ending: .failed(.unhealthy, .leftAlone), outcome: .failed, exit: 21, record: .failed, skips: true),
        Row(
            ending: .failed(.unhealthy, .postponed(.engineUnreachable)), outcome: .error, exit: 69, record: .open),
        Row(
            ending: .failed(.engineRestarted, .postponed(.engineRestarted)), runs: .unknown, outcome: .error, exit: 69,
            record: .open),
        Row(ending: .failed(.interrupted, .done), outcome: .error, exit: 130, record: .restored),
        Row(ending: .failed(.interrupted, .done), repetitions: 9, outcome: .error, exit: 130, record: .restored),
        Row(ending: .failed(.portTaken, .done), outcome: .error, exit: 75, record: .restored),
        Row(
            ending: .failed(.portTaken, .done), repetitions: 2, outcome: .restored, exit: 20, record: .restored,
            skips: true),
        Row(
            ending: .failed(.portTaken, .done), runs: .unhealthy, outcome: .restoreFailed, exit: 22,
            record: .restoreFailed),
        Row(ending: .failed(.unexpected, .done), outcome: .restored, exit: 20, record: .restored, skips: true),
        Row(
            ending: .failed(.crashed, .done), runs: .unhealthy, kind: .heal, outcome: .notWorking, exit: 15,
            record: .failed),
        Row(
            ending: .failed(.crashed, .done), runs: .unhealthy, kind: .heal, isUnresolved: true,
            outcome: .restoreFailed, exit: 22),
        Row(ending: .failed(.crashed, .done), kind: .heal, outcome: .restored, exit: 20, record: .restored),
        Row(ending: .failed(.crashed, .done), kind: .rollback, outcome: .restored, exit: 20, record: .restored),
        Row(
            ending: .failed(.crashed, .failed), kind: .rollback, outcome: .restoreFailed, exit: 22,
            record: .restoreFailed),
    ]

    @Test(arguments: present + held + waiting + untouched + undone)
    func `a row of the verdict`(_ row: Row) {
        var facts = VerdictFacts(row.ending)
        facts.kind = row.kind
        facts.standing = row.runs.standing
        facts.hasGood = row.hasGood
        facts.ranBefore = row.ranBefore
        facts.isUnresolved = row.isUnresolved
        facts.repetitions = row.repetitions
        let verdict = Verdict(facts)
        #expect(verdict.outcome == row.outcome)
        #expect(verdict.exitStatus.rawValue == row.exit)
        #expect(verdict.status == row.record)
        #expect(verdict.skipsCommit == row.skips)
    }

    @Test(arguments: Reason.allCases)
    func `no failure after something was touched goes on for ever`(_ reason: Reason) {
        var facts = VerdictFacts(.failed(reason, .done))
        facts.standing = Runs.works.standing
        facts.hasGood = true
        facts.ranBefore = true
        facts.repetitions = Verdict.mostRepetitions
        #expect(Verdict(facts).skipsCommit == (reason != .interrupted))
    }

    @Test(arguments: Outcome.allCases)
    func `success is never said while something does not work`(_ outcome: Outcome) {
        for row in Self.present + Self.held + Self.untouched + Self.undone where row.runs == .unhealthy {
            #expect(row.exit != 0 && row.exit != 12 && row.exit != 20 || row.outcome != outcome)
        }
    }
}

extension VerdictTests.Runs {
    fileprivate var standing: Standing? {
        func service(_ state: Standing.Service.State, _ kind: Standing.Trouble.Kind? = nil) -> Standing {
            Standing(services: [
                Standing.Service(
                    name: "web", state: state, ready: state == .works ? 1 : 0, wanted: 1, restarts: 0,
                    trouble: kind.map { .init(kind: $0, text: "is \($0)") }, isRequired: true)
            ])
        }
        return switch self {
        case .works: service(.works)
        case .starting: service(.starting)
        case .unhealthy: service(.doesNotWork, .unhealthy)
        case .missing: service(.doesNotWork, .missing)
        case .unknown: nil
        }
    }
}
