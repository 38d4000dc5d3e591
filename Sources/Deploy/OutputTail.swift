import Synchronization

/// The last lines of an output, however long it is.
final class OutputTail: Sendable {
    private let count: Int
    private let held = Mutex<[String]>([])

    init(count: Int) { self.count = count }

    func add(_ line: String) {
        held.withLock { lines in
            if lines.count == count { lines.removeFirst() }
            lines.append(line)
        }
    }

    /// Oldest first, without empty ones at the end.
    var lines: [String] {
        var lines = held.withLock { $0 }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }
}
