import Reconcile
import Testing

private let tip = Commit(id: CommitID(hex: "AA11"), parents: [], author: "A <a@b>", subject: "Tip", time: 0)
private let rewrite = Rewrite.lost(CommitID(hex: "bb22"), .observed)
private let unsigned = SignatureFault(.unsigned, "commit aa11")
private let signer = Signer(format: .ssh, name: "alice@example.com", key: "SHA256:abc")

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
        DecisionCase(name: "a rewritten branch is held", decision: .hold(.rewritten(rewrite))) {
            $0.rewrite = rewrite
        },
        DecisionCase(name: "unless that is allowed", decision: .reconcile(tip)) {
            $0.rewrite = rewrite
            $0.allowsRewrite = true
        },
        DecisionCase(name: "or forced", decision: .reconcile(tip)) {
            $0.rewrite = rewrite
            $0.isForced = true
        },
        DecisionCase(name: "the skip list comes before the rewrite", decision: held) {
            $0.rewrite = rewrite
            $0.skip = skip()
        },
        DecisionCase(name: "a signed one is deployed", decision: .reconcile(tip)) { $0.signature = .verified(signer) },
        DecisionCase(name: "one that is not signed is refused", decision: .refuse(unsigned)) {
            $0.signature = .refused(unsigned)
        },
        DecisionCase(name: "also when it is forced", decision: .refuse(unsigned)) {
            $0.signature = .refused(unsigned)
            $0.isForced = true
        },
        DecisionCase(name: "also when a rewrite is allowed", decision: .refuse(unsigned)) {
            $0.signature = .refused(unsigned)
            $0.rewrite = rewrite
            $0.allowsRewrite = true
        },
        DecisionCase(name: "a refusal comes before the skip list and a rewrite", decision: .refuse(unsigned)) {
            $0.signature = .refused(unsigned)
            $0.rewrite = rewrite
            $0.skip = skip()
        },
        DecisionCase(name: "a signature does not make good a rewrite", decision: .hold(.rewritten(rewrite))) {
            $0.signature = .verified(signer)
            $0.rewrite = rewrite
        },
    ]

    @Test(arguments: cases) private func `the tip is decided about`(_ test: DecisionCase) {
        var facts = Self.facts
        test.change(&facts)
        #expect(Decision(facts) == test.decision)
    }

    private static let facts = DecisionFacts(
        commit: tip, rewrite: nil, allowsRewrite: false, skip: nil, retryAfter: nil, retryAttempts: 3, isForced: false,
        now: 100_000)

    @Test func `later tips are judged against one that was accepted, whatever became of it`() {
        func accepts(_ change: (inout DecisionFacts) -> Void) -> Bool {
            var facts = Self.facts
            change(&facts)
            return facts.acceptsTip
        }
        #expect(accepts { _ in })
        #expect(accepts { $0.skip = Self.skip() })
        #expect(!accepts { $0.rewrite = rewrite })
        // On the skip list, too: else a failed commit that is pushed again would take the place of its successor.
        #expect(
            !accepts {
                $0.rewrite = rewrite
                $0.skip = Self.skip()
            })
        #expect(
            accepts {
                $0.rewrite = rewrite
                $0.allowsRewrite = true
            })
        #expect(
            accepts {
                $0.rewrite = rewrite
                $0.isForced = true
            })
        #expect(accepts { $0.signature = .verified(signer) })
        // What is refused may be taken back by whoever may push.
        #expect(
            !accepts {
                $0.signature = .refused(unsigned)
                $0.isForced = true
            })
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
