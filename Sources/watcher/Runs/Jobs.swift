internal import ArgumentParser
internal import Foundation

/// How many projects are worked on at once.
struct JobsOption: ParsableArguments, Sendable {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "How many projects to work on at once (WATCHER_JOBS; default: one for each core, at least 2).",
            valueName: "count"))
    var jobs: Int?

    func validate() throws {
        if let jobs, jobs < 1 { throw ValidationError("--jobs must be at least 1.") }
    }

    /// - Throws: `UsageError` for a variable that is no count.
    func count(_ environment: [String: String]) throws -> Int {
        if let jobs { return jobs }
        guard let text = environment["WATCHER_JOBS"], !text.isEmpty else {
            return max(2, ProcessInfo.processInfo.activeProcessorCount)
        }
        guard let count = Int(text), count > 0 else {
            throw UsageError(
                message: "WATCHER_JOBS: invalid count \"\(text)\"", advice: "Use a whole number from 1.")
        }
        return count
    }
}

/// Work on several things, so many at once.
struct Jobs: Sendable {
    let atMost: Int

    /// - Parameters:
    ///   - work: Runs beside that on other items. It is cancelled with the caller, and then none is begun any more.
    ///   - each: Gets what came of each as soon as it is there, one at a time.
    /// - Returns: What came of the items, in their order; nil for those that were not begun.
    func run<Item: Sendable, Value: Sendable>(
        _ items: [Item], work: @escaping @Sendable (Item) async -> Value, each: (Value) -> Void = { _ in }
    ) async -> [Value?] {
        await withTaskGroup(of: (Int, Value).self) { group in
            var values = [Value?](repeating: nil, count: items.count)
            var waiting = items.enumerated().makeIterator()
            var running = 0
            while true {
                while running < max(1, atMost), !Task.isCancelled, let (index, item) = waiting.next() {
                    running += 1
                    group.addTask { (index, await work(item)) }
                }
                guard let (index, value) = await group.next() else { return values }
                running -= 1
                values[index] = value
                each(value)
            }
        }
    }
}
