import ArgumentParser
import Foundation
import Synchronization
import Testing

@testable import watcher

/// Work on several projects at once.
@Suite struct JobsTests {
    @Test func `so many are worked on at once, and results come as they are there but stay in order`() async {
        let gates = (0..<3).map { _ in AsyncStream.makeStream(of: Void.self) }
        let begun = AsyncStream.makeStream(of: Int.self)
        let said = Mutex<[Int]>([])
        let results = await Jobs(atMost: 2).run([0, 1, 2]) { item in
            begun.continuation.yield(item)
            // The first waits for the last, which begins when the second has ended.
            if item == 0 { for await _ in gates[0].stream { break } }
            return item * 10
        } each: { value in
            said.withLock { $0.append(value) }
            if value == 20 { gates[0].continuation.finish() }
        }
        #expect(results == [0, 10, 20])
        #expect(said.withLock { $0 } == [10, 20, 0])
    }

    @Test func `with one job, one begins when the one before has ended`() async {
        let log = Mutex<[String]>([])
        _ = await Jobs(atMost: 1).run([1, 2, 3]) { item in
            log.withLock { $0.append("begin \(item)") }
            await Task.yield()
            log.withLock { $0.append("end \(item)") }
        }
        #expect(log.withLock { $0 } == (1...3).flatMap { ["begin \($0)", "end \($0)"] })
    }

    @Test func `an interrupted run begins none that waits, and keeps what the others come to`() async {
        let begun = AsyncStream.makeStream(of: Void.self)
        let forever = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            await Jobs(atMost: 1).run([1, 2]) { item in
                begun.continuation.finish()
                for await _ in forever.stream {}
                return item
            }
        }
        for await _ in begun.stream {}
        task.cancel()
        #expect(await task.value == [1, nil])
    }

    @Test func `the count is the option's, else the variable's, else one for each core and at least two`() throws {
        func count(_ arguments: [String] = [], _ text: String? = nil) throws -> Int {
            try JobsOption.parse(arguments).count(text.map { ["WATCHER_JOBS": $0] } ?? [:])
        }
        #expect(try count(["--jobs", "3"], "5") == 3)
        #expect(try count([], "5") == 5)
        #expect(try count() == max(2, ProcessInfo.processInfo.activeProcessorCount))
        #expect(try count([], "") >= 2)
        for text in ["0", "-1", "many"] {
            let error = #expect(throws: UsageError.self) { try count([], text) }
            #expect(error?.message == "WATCHER_JOBS: invalid count \"\(text)\"")
        }
        #expect(throws: (any Error).self) { try JobsOption.parse(["--jobs", "0"]) }
    }
}
