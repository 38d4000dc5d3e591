import Reconcile
import Testing

private let tip = Commit(id: CommitID(hex: "AA11"), parents: [], author: "A <a@b>", subject: "Tip", time: 0)
private let deployed = CommitID(hex: "bb22")

private struct DecisionCase: Sendable, CustomTestStringConvertible {
    var name: String
    var decision: Decision
    var change: @Sendable (inout DecisionFacts) -> Void
    var testDescription: String { name }
}

@Suite struct DecisionTests {
    private static func skip(
        since: Int = 0, failures: Int = 1, manual: Bool = false
    ) -> DecisionFacts.Skip {
        .init(reason: "web is unhealthy", since: since, failures: failures, isManual: manual)
    }

    private static let held = Decision.hold(.skipListed("web is unhealthy"))
    private static let cases: [DecisionCase] = [
        DecisionCase(name: "a new commit is deployed", decision: .reconcile(tip)) { _ in },
        DecisionCase(name: "the first commit is deployed", decision: .reconcile(tip)) { $0.deployed = nil },
        DecisionCase(name: "a skip-listed one is not", decision: held) { $0.skip = skip() },
        DecisionCase(name: "unless it is forced", decision: .reconcile(tip)) {
            $0.skip = skip()
            $0.isForced = true
        },
        DecisionCase(name: "a skip-listed one is retried after the time", decision: .reconcile(tip)) {
            $0.skip = skip()
            $0.retryAfter = .seconds(100)
        },
        DecisionCase(name: "not before", decision: held) {
            $0.skip = skip(since: 1)
            $0.retryAfter = .seconds(100)
        },
        DecisionCase(name: "as often as configured", decision: .reconcile(tip)) {
            $0.skip = skip(failures: 3)
            $0.retryAfter = .seconds(100)
        },
        DecisionCase(name: "not more often", decision: held) {
            $0.skip = skip(failures: 4)
            $0.retryAfter = .seconds(100)
        },
        DecisionCase(name: "one skipped by hand is never retried", decision: held) {
            $0.skip = skip(manual: true)
            $0.retryAfter = .seconds(100)
        },
        DecisionCase(name: "a rewritten branch is held", decision: .hold(.rewritten(deployed: deployed))) {
            $0.isFastForward = false
        },
        DecisionCase(name: "unless that is allowed", decision: .reconcile(tip)) {
            $0.isFastForward = false
            $0.allowsRewrite = true
        },
        DecisionCase(name: "or forced", decision: .reconcile(tip)) {
            $0.isFastForward = false
            $0.isForced = true
        },
        DecisionCase(name: "the skip list comes before the rewrite", decision: held) {
            $0.isFastForward = false
            $0.skip = skip()
        },
    ]

    @Test(arguments: cases) private func `the tip is decided about`(_ test: DecisionCase) {
        var facts = DecisionFacts(
            tip: tip, deployed: deployed, isFastForward: true, allowsRewrite: false, skip: nil, retryAfter: nil,
            retryAttempts: 3, isForced: false, now: 100_000)
        test.change(&facts)
        #expect(Decision(facts) == test.decision)
    }

    @Test func `only failures of the commit itself are its fault`() {
        let faults = Reason.allCases.filter(\.isCommitsFault).map(\.rawValue).sorted()
        #expect(
            faults == [
                "build-failed", "crashed", "dependency-failed", "exited-non-zero", "health-timed-out",
                "invalid-container",
                "name-conflict", "port-conflict", "unhealthy",
            ])
    }
}
