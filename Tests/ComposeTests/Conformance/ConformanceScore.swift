import Foundation

/// How many answers agree, and which do not.
struct ConformanceScore {
    enum Kind: String, CaseIterable { case model, hash, refusal }

    private var agreeing: [Kind: Int] = [:]
    private var total: [Kind: Int] = [:]
    private var differences: [String] = []

    /// Counts one answer; `difference` is nil when it agrees.
    mutating func count(_ kind: Kind, _ name: String, difference: String?) {
        total[kind, default: 0] += 1
        if let difference {
            differences.append("\(kind.rawValue)\t\(name)\t\(difference)")
        } else {
            agreeing[kind, default: 0] += 1
        }
    }

    /// The share of agreeing answers of a kind, in percent.
    func percentage(_ kind: Kind) -> Double {
        Double(agreeing[kind, default: 0]) * 100 / Double(max(total[kind, default: 0], 1))
    }

    /// One line a kind.
    var summary: String {
        Kind.allCases.map { kind in
            let share = (percentage(kind) * 100).rounded() / 100
            return "\(kind.rawValue): \(agreeing[kind, default: 0]) of \(total[kind, default: 0]) agree (\(share) %)"
        }.joined(separator: "\n")
    }

    /// Prints the score, and writes it with every difference into the file that `CONFORMANCE_REPORT` names.
    func report() throws {
        print(summary)
        guard let path = ProcessInfo.processInfo.environment["CONFORMANCE_REPORT"] else { return }
        let text = ([summary] + differences).joined(separator: "\n") + "\n"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }
}
