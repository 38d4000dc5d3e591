import Deploy
import Foundation
import Reconcile
import Testing
import WatcherTestSupport

@testable import watcher

/// The frozen table: a number never changes its meaning.
@Suite struct ExitStatusTests {
    @Test func `the numbers are frozen`() {
        let table: [ExitStatus: Int32] = [
            .success: 0, .unexpected: 1, .changesPending: 10, .drift: 11, .skipListed: 12, .suspended: 13,
            .branchRewritten: 14, .notWorking: 15, .restored: 20, .failed: 21, .restoreFailed: 22, .usage: 64,
            .invalidProject: 65,
            .engineUnreachable: 69, .stateUnusable: 74, .temporary: 75, .refused: 77, .invalidConfiguration: 78,
            .interrupted: 130, .terminated: 143,
        ]
        #expect(table.count == ExitStatus.allCases.count)
        for status in ExitStatus.allCases { #expect(status.rawValue == table[status], "\(status)") }
    }

    @Test func `the most serious status wins, in the documented order`() {
        let order: [Int32] = [143, 130, 22, 21, 20, 1, 74, 69, 64, 78, 77, 65, 75, 14, 15, 12, 13, 10, 11, 0]
        let statuses = order.compactMap(ExitStatus.init(rawValue:))
        #expect(statuses.count == ExitStatus.allCases.count)
        for (index, status) in statuses.enumerated() {
            #expect(ExitStatus.mostSerious(statuses[index...].shuffled()) == status)
        }
        #expect(ExitStatus.mostSerious([ExitStatus]()) == .success)
    }

    @Test func `every reason has its status`() {
        let statuses: [ExitStatus: [Reason]] = [
            .failed: [
                .unhealthy, .crashed, .exitedNonZero, .timedOut, .portConflict, .nameConflict, .invalidContainer,
                .dependencyFailed, .buildFailed,
            ],
            .temporary: [
                .remoteUnreachable, .registryUnreachable, .imageNotFound, .rateLimited, .locked, .deadlineExceeded,
                .externalMissing,
                .dependencyNotReady, .hookFailed, .portTaken, .networkUnavailable, .containerRemoved, .nameTaken,
            ],
            .engineUnreachable: [.engineUnreachable, .engineFailed, .engineRestarted],
            .stateUnusable: [.stateUnusable, .diskFull],
            .refused: [
                .authenticationFailed, .hostKeyUnknown, .hostKeyChanged, .registryAuthenticationFailed, .permissions,
                .policy, .signature,
            ],
            .invalidProject: [.invalidProject, .bindSourceMissing],
            .invalidConfiguration: [.branchMissing, .commitMissing, .invalidConfiguration],
            .usage: [.usage], .branchRewritten: [.branchRewritten], .skipListed: [.skipListed],
            .suspended: [.suspended],
            .interrupted: [.interrupted], .unexpected: [.unexpected],
        ]
        #expect(statuses.values.map(\.count).reduce(0, +) == Reason.allCases.count)
        for (status, reasons) in statuses {
            for reason in reasons { #expect(ExitStatus(reason) == status, "\(reason)") }
        }
    }

    @Test func `every outcome has its status`() {
        let statuses: [RunResult.Outcome: ExitStatus] = [
            .inSync: .success, .deployed: .success, .pending: .changesPending, .drift: .drift, .skipped: .skipListed,
            .suspended: .suspended, .outsideWindow: .suspended, .rewritten: .branchRewritten, .restored: .restored,
            .failed: .failed,
            .restoreFailed: .restoreFailed, .invalid: .invalidProject, .refused: .refused, .error: .unexpected,
            .stopped: .success,
            .started: .success, .removed: .success, .notWorking: .notWorking,
        ]
        for outcome in RunResult.Outcome.allCases {
            let result = RunResult(project: "shop", outcome: outcome, summary: "")
            #expect(ExitStatus(result) == statuses[outcome], "\(outcome)")
        }
        var locked = RunResult(project: "shop", outcome: .error, summary: "")
        locked.failure = RunResult.Failure(DeployError(stage: .fetch, reason: .locked, message: "locked"))
        #expect(ExitStatus(locked) == .temporary)
    }

    private func document(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: "\(TestEnvironment.root)/\(path)")), as: UTF8.self)
    }

    @Test func `the manual page and the documentation list the same numbers in the same order`() throws {
        let manual = try document("man/watcher.1")
        let section = try #require(manual.range(of: ".Sh EXIT STATUS"))
        let end = try #require(manual.range(of: ".Sh EXAMPLES"))
        let inManual = manual[section.upperBound..<end.lowerBound].matches(of: /\.It (?:Li )?(\d+)/)
            .compactMap { Int32($0.1) }
        let inTable = try document("docs/exit-status.md").split(separator: "\n")
            .compactMap { $0.prefixMatch(of: /\| (\d+) \|/).flatMap { Int32($0.1) } }
        #expect(inManual == ExitStatus.allCases.map(\.rawValue))
        #expect(inTable == ExitStatus.allCases.map(\.rawValue))
        let order = "22, 21, 20, 1, 74, 69, 64, 78, 77, 65, 75, 14, 15, 12, 13, 10, 11, 0"
        #expect(manual.contains(order))
        #expect(try document("docs/exit-status.md").contains(order))
    }
}
