import Foundation

/// How many answers agree, and which do not.
struct ConformanceScore {
    private var agreeing: [String: Int] = [:]
    private var total: [String: Int] = [:]
    private(set) var differences: [String] = []

    /// Counts one answer of a kind; `difference` is nil when it agrees.
    mutating func count(_ kind: String, _ name: String, difference: String?) {
        total[kind, default: 0] += 1
        if let difference {
            differences.append("\(kind)\t\(name)\t\(difference)")
        } else {
            agreeing[kind, default: 0] += 1
        }
    }

    /// The share of agreeing answers of a kind, in percent.
    func percentage(_ kind: String) -> Double {
        Double(agreeing[kind, default: 0]) * 100 / Double(max(total[kind, default: 0], 1))
    }

    /// One line a kind.
    var summary: String {
        total.keys.sorted().map { kind in
            let share = (percentage(kind) * 100).rounded() / 100
            return "\(kind): \(agreeing[kind, default: 0]) of \(total[kind, default: 0]) agree (\(share) %)"
        }.joined(separator: "\n")
    }

    /// Prints the score, and writes it with every difference into the file that `CONFORMANCE_REPORT` names.
    func report(as name: String) throws {
        print("\(name)\n\(summary)")
        guard let path = ProcessInfo.processInfo.environment["CONFORMANCE_REPORT"] else { return }
        let text = ([summary] + differences).joined(separator: "\n") + "\n"
        try text.write(toFile: path + "." + name, atomically: true, encoding: .utf8)
    }
}
