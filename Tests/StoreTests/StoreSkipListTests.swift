import Deploy
import Reconcile
import Store
import Testing

@Suite struct StoreSkipListTests {
    let directory: TestDirectory
    let store: Store

    init() throws {
        directory = try TestDirectory()
        store = try Store.open(directory: directory.state)
    }

    @Test func `each further failure of a commit is counted and explained anew`() async throws {
        try await store.skip(.failure("a", since: 1), in: "shop")
        var second = SkippedCommit.failure("a", since: 2, code: .crashed)
        second.reason = "web: crashed"
        second.subject = nil
        try await store.skip(second, in: "shop")
        var expected = second
        expected.failures = 2
        expected.subject = "Raise the limit"
        #expect(try await store.skipList() == [SkipListEntry(project: "shop", skipped: expected)])
    }

    @Test func `an entry made by hand has no code and counts no failure`() async throws {
        try await store.skip(.manual("a"), in: "shop")
        try await store.skip(.manual("a", since: 2000), in: "shop")
        #expect(try await store.record(of: "shop").skipped == [.manual("a", since: 2000)])

        try await store.skip(.failure("b"), in: "shop")
        try await store.skip(.manual("b"), in: "shop")
        let entry = try #require(try await store.record(of: "shop").skipped.first { $0.commit.hex.hasPrefix("b") })
        #expect(entry.code == nil)
        #expect(entry.failures == 1)
        #expect(entry.reason == "not on a Friday")
    }

    @Test func `entries are listed by project, newest first`() async throws {
        try await store.skip(.failure("a", since: 1), in: "shop")
        try await store.skip(.failure("b", since: 2), in: "shop")
        try await store.skip(.failure("a", since: 3), in: "blog")
        let all = try await store.skipList()
        #expect(all.map(\.project) == ["blog", "shop", "shop"])
        #expect(all.map(\.skipped.since) == [3, 2, 1])
        #expect(try await store.skipList(project: "blog").count == 1)
        #expect(try await store.skipList(project: "none").isEmpty)
    }

    @Test func `unskipping takes one commit of one project off the list`() async throws {
        try await store.skip(.failure("a"), in: "shop")
        try await store.skip(.failure("b"), in: "shop")
        try await store.skip(.failure("a"), in: "blog")
        try await store.close(Closing(.sample(1), unskip: Commit.sample("a").id))
        try await store.close(Closing(.sample(2), unskip: Commit.sample("c").id))
        #expect(try await store.skipList().map(\.project) == ["blog", "shop"])
        #expect(try await store.record(of: "shop").skipped == [.failure("b")])
    }

    @Test func `an abbreviated id removes the commit it names, and nothing when it names several or none`()
        async throws
    {
        var similar = SkippedCommit.failure("a")
        similar.commit = CommitID(hex: "aab" + String(repeating: "0", count: 37))
        try await store.skip(.failure("a"), in: "shop")
        try await store.skip(similar, in: "shop")
        let error = try await storeError { _ = try await store.removeSkipped("aa", in: "shop") }
        #expect(error.reason == .usage)
        #expect(error.message.contains(similar.commit.hex))
        #expect(try await !store.removeSkipped("", in: "shop"))
        #expect(try await !store.removeSkipped("a%", in: "shop"))
        #expect(try await !store.removeSkipped("aab", in: "blog"))
        #expect(try await store.removeSkipped("AAB", in: "shop"))
        #expect(try await store.record(of: "shop").skipped == [.failure("a")])
    }

    @Test func `clearing empties the list of one project`() async throws {
        try await store.skip(.failure("a"), in: "shop")
        try await store.skip(.manual("b"), in: "shop")
        try await store.skip(.failure("a"), in: "blog")
        #expect(try await store.clearSkipped("shop") == 2)
        #expect(try await store.clearSkipped("shop") == 0)
        #expect(try await store.skipList().map(\.project) == ["blog"])
    }
}
