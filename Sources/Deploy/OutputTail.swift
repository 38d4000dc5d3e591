import Reconcile
import Synchronization

/// The last lines of an output, however long it and they are.
package final class OutputTail: Sendable {
    private let count: Int
    private let held = Mutex<[String]>([])

    package init(count: Int) { self.count = count }

    /// The bytes of a line.
    static let longestLine = 2_000

    package func add(_ line: String) {
        let line = line.shortened(bytes: Self.longestLine)
        held.withLock { lines in
            if lines.count == count { lines.removeFirst() }
            lines.append(line)
        }
    }

    /// Oldest first, without empty ones at the end.
    package var lines: [String] {
        var lines = held.withLock { $0 }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }
}
